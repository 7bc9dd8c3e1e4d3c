//! Counts of things that happened.

use crate::cardinality::Refusal;
use crate::cell::Change;
use crate::desc::Kind;
use crate::exemplar::Exemplar;
use crate::histogram::Bounds;
use crate::instrument::{Recorded, Sealed, Single};
use crate::plan::Storage;
use crate::record::Adding;
use crate::slot::Handle;
use crate::sync::Ordering;

/// A number that only grows, exact up to 2⁶⁴ − 1.
///
/// A step that does not fit any more is refused and counted; the number never begins anew by
/// itself. A clone is another handle to the same number.
///
/// ```
/// let served = streamgauge_metrics::Counter::default();
/// let same = served.clone();
/// served.inc();
/// same.inc_by(2);
/// assert_eq!(served.get(), 3);
/// ```
#[derive(Clone, Debug)]
pub struct Counter {
    handle: Handle,
}

/// A counter of what is no whole number, such as seconds or money.
///
/// A step that is negative, infinite or no number is refused and counted, and the sum stays what
/// it was. A clone is another handle to the same number.
///
/// ```
/// let spent = streamgauge_metrics::FloatCounter::default();
/// spent.inc_by(0.25);
/// spent.inc_by(-1.0);
/// assert_eq!(spent.get(), 0.25);
/// ```
#[derive(Clone, Debug)]
pub struct FloatCounter {
    handle: Handle,
}

impl Counter {
    /// Adds one.
    ///
    /// ```
    /// let jobs = streamgauge_metrics::Counter::default();
    /// jobs.inc();
    /// assert_eq!(jobs.get(), 1);
    /// ```
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `step`. A step is unsigned: a counter cannot be told to go back. One that does not
    /// fit is left out and counted as refused.
    ///
    /// ```
    /// let jobs = streamgauge_metrics::Counter::default();
    /// jobs.inc_by(u64::MAX - 1);
    /// jobs.inc_by(2);
    /// assert_eq!(jobs.get(), u64::MAX - 1);
    /// ```
    #[inline]
    pub fn inc_by(&self, step: u64) {
        // Relaxed: the number orders nothing else.
        if !self.handle.change(0, Change::add(step), Ordering::Relaxed) {
            self.handle.refuse(Refusal::TooLarge);
        }
    }

    /// Adds `step`, with what it came from.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Exemplar};
    ///
    /// let jobs = Counter::default();
    /// jobs.inc_by_with_exemplar(3, Exemplar::of_span(0x4bf9_2f35, 0x00f0_67aa));
    /// assert_eq!(jobs.get(), 3);
    /// ```
    pub fn inc_by_with_exemplar(&self, step: u64, exemplar: Exemplar<'_>) {
        self.inc_by(step);
        self.handle.offer(0, step as f64, exemplar);
    }

    /// The addition of `step` as a part of a [`record`](crate::record). If it does not fit the
    /// number stays at its greatest value.
    ///
    /// ```
    /// let jobs = streamgauge_metrics::Counter::default();
    /// streamgauge_metrics::record(jobs.adding(3));
    /// assert_eq!(jobs.get(), 3);
    /// ```
    #[inline]
    pub fn adding(&self, step: u64) -> Adding<'_> {
        Adding::new(&self.handle, Change::add(step))
    }

    /// The total so far, of all threads.
    ///
    /// ```
    /// let jobs = streamgauge_metrics::Counter::default();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| jobs.inc());
    ///     scope.spawn(|| jobs.inc());
    /// });
    /// assert_eq!(jobs.get(), 2);
    /// ```
    pub fn get(&self) -> u64 {
        self.handle.read(1).first().copied().unwrap_or_default()
    }
}

impl FloatCounter {
    /// Adds `step`. One that is negative, infinite or no number is left out and counted as refused.
    ///
    /// ```
    /// let seconds = streamgauge_metrics::FloatCounter::default();
    /// seconds.inc_by(1.5);
    /// seconds.inc_by(f64::NAN);
    /// assert_eq!(seconds.get(), 1.5);
    /// ```
    #[inline]
    pub fn inc_by(&self, step: f64) {
        let step = self.proven(step);
        self.handle.change(0, Change::add_float(step), Ordering::Relaxed);
    }

    /// Adds `step`, with what it came from, unless [`inc_by`](Self::inc_by) would refuse it.
    ///
    /// ```
    /// use streamgauge_metrics::{Exemplar, FloatCounter};
    ///
    /// let seconds = FloatCounter::default();
    /// seconds.inc_by_with_exemplar(0.5, Exemplar::of_span(0x4bf9_2f35, 0x00f0_67aa));
    /// assert_eq!(seconds.get(), 0.5);
    /// ```
    pub fn inc_by_with_exemplar(&self, step: f64, exemplar: Exemplar<'_>) {
        self.inc_by(step);
        if Refusal::of_count(step).is_none() {
            self.handle.offer(0, step, exemplar);
        }
    }

    /// The addition of `step` as a part of a [`record`](crate::record), or of nothing if
    /// [`inc_by`](Self::inc_by) would refuse it.
    ///
    /// ```
    /// let seconds = streamgauge_metrics::FloatCounter::default();
    /// streamgauge_metrics::record(seconds.adding(0.5));
    /// assert_eq!(seconds.get(), 0.5);
    /// ```
    #[inline]
    pub fn adding(&self, step: f64) -> Adding<'_> {
        Adding::new(&self.handle, Change::add_float(self.proven(step)))
    }

    /// The total so far, of all threads.
    ///
    /// ```
    /// let seconds = streamgauge_metrics::FloatCounter::default();
    /// assert_eq!(seconds.get(), 0.0);
    /// ```
    pub fn get(&self) -> f64 {
        f64::from_bits(self.handle.read(1).first().copied().unwrap_or_default())
    }

    #[inline]
    fn proven(&self, step: f64) -> f64 {
        if (0.0..f64::INFINITY).contains(&step) { step } else { self.refused(step) }
    }

    #[cold]
    fn refused(&self, step: f64) -> f64 {
        if let Some(refusal) = Refusal::of_count(step) {
            self.handle.refuse(refusal);
        }
        0.0
    }
}

impl Sealed for Counter {}

impl Single for Counter {
    const KIND: Kind = Kind::Counter;
    const STORAGE: Storage = Storage::Integer;

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle }
    }
}

impl Recorded for Counter {}

impl Default for Counter {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

impl Sealed for FloatCounter {}

impl Single for FloatCounter {
    const KIND: Kind = Kind::Counter;
    const STORAGE: Storage = Storage::Float;

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle }
    }
}

impl Recorded for FloatCounter {}

impl Default for FloatCounter {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, FloatCounter};

    #[test]
    fn trap_29_counts_exactly_beyond_the_integers_a_float_can_hold() {
        let counter = Counter::default();
        counter.inc_by(1 << 53);
        counter.inc();
        assert_eq!(counter.get(), (1 << 53) + 1);
    }

    #[test]
    fn trap_28_a_counter_that_is_full_stays_full() {
        let counter = Counter::default();
        counter.inc_by(u64::MAX);
        counter.inc();
        assert_eq!(counter.get(), u64::MAX);
        std::thread::scope(|scope| {
            scope.spawn(|| counter.inc_by(7));
        });
        assert_eq!(counter.get(), u64::MAX);
    }

    #[test]
    fn trap_28_a_float_counter_takes_no_step_back_and_nothing_that_is_no_number() {
        let counter = FloatCounter::default();
        counter.inc_by(0.5);
        for step in [-0.1, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            counter.inc_by(step);
        }
        assert_eq!(counter.get().to_bits(), 0.5_f64.to_bits());
    }

    #[test]
    fn loses_nothing_when_many_threads_count() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20_000).for_each(|_| counter.inc()));
            }
        });
        assert_eq!(counter.get(), 160_000);
    }
}
