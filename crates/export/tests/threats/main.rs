//! What a hostile client can do to the endpoint: nothing. A file for each kind of threat.
#![cfg(target_os = "linux")]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Mutex, MutexGuard, PoisonError};

#[expect(dead_code, reason = "shared with a test that needs more of it")]
#[path = "../http/client.rs"]
mod client;
mod crowds;
mod drain;
mod exposition;
mod labels;
mod logs;
mod negotiation;
mod paths;
mod requests;
mod seeded;
mod slow;
mod wire;

use streamgauge_export::{Health, Limits, Routes, Running, Server};
use streamgauge_metrics::Registry;

/// Held by each test: latencies and memory are those of the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(routes: Routes, limits: Limits) -> Running {
    Server::bind("127.0.0.1", 0).unwrap().with_limits(limits).start(routes).unwrap()
}

fn serve_registry(registry: &Registry) -> Running {
    serve(Routes::new(registry.clone(), Health::default()), Limits::default())
}
