//! How a run is asked to stop, and what a signal may not do to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::flag;

/// A stop that takes longer than this is no longer an orderly one; an operator was promised ten seconds.
const PATIENCE: Duration = Duration::from_secs(8);
const GLANCE: Duration = Duration::from_millis(100);

/// Whether the run has been asked to stop. Clones share one answer, and it never changes back.
///
/// The flag carries no data and orders nothing, so relaxed loads would do; signal-hook stores it with `SeqCst`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on SIGTERM and SIGINT ask for a stop, and a second of them ends the process at once.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let stop = Stop::default();
        for signal in [SIGTERM, SIGINT] {
            // Handlers run in this order: the first signal finds the flag still down and raises it.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&stop.0))?;
            flag::register(signal, Arc::clone(&stop.0))?;
        }
        // A file that hits its size limit is to fail like a full disk. Unhandled, the signal would kill the process.
        flag::register(SIGXFSZ, Arc::default())?;
        Ok(stop)
    }

    pub(crate) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends the process when a requested stop gets stuck, as it does in a write to a pipe that nobody reads.
    pub(crate) fn guard(&self, stuck: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let stop = self.clone();
        let wait_and_end = move || {
            while !stop.is_requested() {
                thread::sleep(GLANCE);
            }
            thread::sleep(PATIENCE);
            stuck();
            std::process::exit(1);
        };
        thread::Builder::new().name("stop-guard".into()).spawn(wait_and_end).map(drop)
    }

    #[cfg(test)]
    pub(crate) fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_one_answer() {
        let stop = Stop::default();
        let other = stop.clone();
        assert!(!other.is_requested());
        stop.request();
        assert!(other.is_requested());
    }
}
