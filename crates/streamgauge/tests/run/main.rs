//! Whole runs of the built binary.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

mod harness;

mod account;
mod durable;
mod failures;
mod follow;
mod inputs;
mod losses;
mod partitions;
mod stops;
