//! One run of a collector, between the thread that fetches and those who wait for it.
//!
//! ```text
//!   Collecting ── came in time ──► Applying ── applied, or panicked ──► Over
//!       │  └────── failed ──────────────│───────────────────────────────►│
//!       └── deadline ──► GivenUp ◄── end of the wait                     │
//!                           └───────── came to its end after all ────────┘
//! ```

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::job::Failure;
use super::lock;

pub(super) struct Run {
    begun: Instant,
    /// A value that comes later is dropped.
    pub(super) until: Instant,
    phase: Mutex<Phase>,
    changed: Condvar,
}

enum Phase {
    Collecting,
    Applying,
    /// Nobody waits any more.
    GivenUp,
    Over(Ended),
}

/// How a run ended, and how long it took or was waited for.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) outcome: Result<(), Failure>,
    pub(super) took: Duration,
}

impl Run {
    /// Begins now, and has its own deadline or the time that the scrape has, whichever is less.
    pub(super) fn new(scrape: Instant, deadline: Duration) -> Self {
        let begun = Instant::now();
        let until = (begun + deadline).min(scrape);
        Self { begun, until, phase: Mutex::new(Phase::Collecting), changed: Condvar::new() }
    }

    /// Whether the value that came now is to be applied. From then on it is waited for.
    pub(super) fn claim(&self, came: Instant) -> bool {
        let mut phase = lock(&self.phase);
        let in_time = matches!(*phase, Phase::Collecting) && came <= self.until;
        if in_time {
            *phase = Phase::Applying;
            self.changed.notify_all();
        }
        in_time
    }

    /// Only the first end counts, and of a run that was given up that it was late.
    pub(super) fn end(&self, outcome: Result<(), Failure>) {
        let mut phase = lock(&self.phase);
        let outcome = match *phase {
            Phase::Over(_) => return,
            Phase::GivenUp => Err(Failure::Late),
            Phase::Collecting | Phase::Applying => outcome,
        };
        *phase = Phase::Over(self.ended(outcome));
        self.changed.notify_all();
    }

    /// Waits until the run is over; until its deadline for the value, until `limit` for all of it.
    pub(super) fn wait(&self, limit: Instant) -> Ended {
        let phase = self.wait_while(lock(&self.phase), self.until.min(limit), |p| matches!(p, Phase::Collecting));
        let mut phase = self.wait_while(phase, limit, |p| matches!(p, Phase::Applying));
        if let Phase::Over(ended) = &*phase {
            return ended.clone();
        }
        // A scrape in a hurry leaves others their wait.
        if Instant::now() >= self.until {
            *phase = Phase::GivenUp;
        }
        self.ended(Err(Failure::Late))
    }

    pub(super) fn is_given_up(&self) -> bool {
        matches!(*lock(&self.phase), Phase::GivenUp)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(*lock(&self.phase), Phase::Over(_))
    }

    fn wait_while<'a>(
        &self,
        phase: MutexGuard<'a, Phase>,
        until: Instant,
        waits: impl Fn(&Phase) -> bool,
    ) -> MutexGuard<'a, Phase> {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(phase, left, |phase| waits(phase));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn ended(&self, outcome: Result<(), Failure>) -> Ended {
        Ended { outcome, took: self.begun.elapsed() }
    }
}

impl Ended {
    pub(super) fn now(failure: Failure) -> Self {
        Self { outcome: Err(failure), took: Duration::ZERO }
    }
}
