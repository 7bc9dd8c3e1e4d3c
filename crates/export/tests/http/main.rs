//! The server over real sockets: what it says, and what it does not let a client do.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod client;
mod connections;
mod examples;
mod formats;
mod routes;
mod web;
