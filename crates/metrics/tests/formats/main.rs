//! Every exposition format, read back by readers that share no code with the writers.

#![cfg(not(feature = "noop"))]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod expected;
mod negotiation;
mod page;
mod protobuf;
mod random;
mod text;
mod traps;
