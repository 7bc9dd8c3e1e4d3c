//! Summaries: how exact their quantiles are, of when, and that nothing is lost on the way.

#![cfg(not(feature = "noop"))]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod exactness;
mod life;
mod threads;
mod window;

use std::time::Duration;

use streamgauge_metrics::{Clock, Desc, Options, Quantiles, Registry, Summary};

const SLICE: Duration = Duration::from_secs(12);

/// A summary whose time stands still.
fn summary(quantiles: impl Into<Quantiles>) -> (Summary, Clock) {
    let clock = Clock::manual();
    let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() }).unwrap();
    let desc = Desc::of::<Summary>("wait_ms", "Waiting.").with_quantiles(quantiles);
    (registry.register(desc).unwrap(), clock)
}

/// Observes all of these.
fn observe(summary: &Summary, values: &[f64]) {
    for value in values {
        summary.observe(*value);
    }
}

fn quantile(summary: &Summary, part: f64) -> f64 {
    summary.get().quantile(part).unwrap()
}
