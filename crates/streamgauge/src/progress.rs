//! The bar on stderr: rate, share, time left.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const REDRAW: Duration = Duration::from_millis(200);
const SHARE: &str = "{wide_bar:.dim} {percent:>3} %  {msg}  {eta} left";
const NO_SHARE: &str = "{spinner} {elapsed}  {msg}";

/// A bar that is only there when stderr is a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Bar(ProgressBar);

/// Keeps a bar up to date without asking much of the loop that it watches.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Bar,
    started: Instant,
    drawn: Option<Instant>,
}

impl Bar {
    pub(crate) fn on_stderr() -> Self {
        let terminal = io::stderr().is_terminal();
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Bar(ProgressBar::with_draw_target(None, target))
    }

    /// Takes the bar away while `print` writes to the terminal.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.0.suspend(print)
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress {
    /// Watches the reading of `total` bytes, if that is known.
    pub(crate) fn new(bar: Bar, total: Option<u64>, now: Instant) -> Self {
        let template = if total.is_some() { SHARE } else { NO_SHARE };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.0.set_style(style);
        }
        if let Some(total) = total {
            bar.0.set_length(total);
        }
        Progress { bar, started: now, drawn: None }
    }

    /// Tells how many bytes have been used and how many events came of them. Cheap to call for every batch.
    pub(crate) fn update(&mut self, bytes: u64, events: u64, now: Instant) {
        if self.bar.0.is_hidden() || self.drawn.is_some_and(|at| now - at < REDRAW) {
            return;
        }
        self.drawn = Some(now);
        self.bar.0.set_position(bytes);
        self.bar.0.set_message(rate(events, now - self.started));
    }
}

fn rate(events: u64, elapsed: Duration) -> String {
    let per_second = events as f64 / elapsed.as_secs_f64().max(1e-3);
    format!("{events} events, {per_second:.0}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_templates_are_valid() {
        for template in [SHARE, NO_SHARE] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn the_rate_of_no_time_is_a_number() {
        assert_eq!(rate(0, Duration::ZERO), "0 events, 0/s");
        assert_eq!(rate(500, Duration::from_secs(2)), "500 events, 250/s");
    }
}
