//! Observations counted by size.

use std::borrow::Cow;
use std::time::Instant;

mod bounds;
mod steps;

use crate::cardinality::Refusal;
use crate::cell::{self, WithNative};
use crate::desc::Kind;
use crate::exemplar::Exemplar;
use crate::instrument::{self, Recorded, Sealed, Single};
use crate::native::{Layout, Places};
use crate::plan::Storage;
use crate::record::{NO_CELL, Observing};
use crate::slot::Handle;
use crate::snapshot::HistogramSnapshot;

pub use self::bounds::{Bounds, BoundsError, bounds_fault};

const LATENCY_MS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0];
const SIZE_BYTES: &[f64] = &[1024.0, 10_240.0, 102_400.0, 1_048_576.0, 10_485_760.0, 104_857_600.0];
const THROUGHPUT: &[f64] = &[1.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10_000.0, 50_000.0, 100_000.0];

/// Counts observations in buckets of fixed upper bounds, and adds them up.
///
/// A bound belongs to the bucket below it: 10 falls into the bucket `le="10"`.
///
/// - Count, buckets and sum of a snapshot belong together: all of an observation is in it, or
///   nothing.
/// - `NaN` counts in the `+Inf` bucket, is left out of the sum, and is counted as refused. A sum,
///   once a number, stays one: `-∞` after `+∞` is left out, too.
///
/// A clone is another handle to the same histogram; [`Histogram::default`] has the
/// [`Buckets::LatencyMs`] set.
///
/// ```
/// use streamgauge_metrics::{Bounds, Histogram};
///
/// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
/// sizes.observe(10.0);
/// sizes.observe_n(0.5, 3);
/// assert_eq!(sizes.get().buckets(), [3, 1, 0]);
/// assert_eq!(sizes.get().count(), 4);
/// assert_eq!(sizes.get().sum(), 11.5);
/// # Ok::<(), streamgauge_metrics::BoundsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Histogram {
    handle: Handle,
    bounds: Bounds,
}

/// Measures the time until it is dropped; see [`Histogram::start_timer`].
///
/// ```
/// use streamgauge_metrics::{Histogram, Timer};
///
/// let duration_ms = Histogram::default();
/// let timer: Timer = duration_ms.start_timer();
/// assert_eq!(duration_ms.get().count(), 0);
/// drop(timer);
/// assert_eq!(duration_ms.get().count(), 1);
/// ```
#[derive(Debug)]
#[must_use = "the time is observed as soon as this is dropped"]
pub struct Timer {
    histogram: Histogram,
    /// `None` where nothing is measured: to read the clock costs more than to observe.
    started: Option<Instant>,
    units_per_second: f64,
}

/// The buckets a histogram is declared with.
///
/// The named sets can be given other bounds when the registry is made
/// ([`Options`](crate::Options)); a custom one is what it says.
///
/// ```
/// use streamgauge_metrics::{Buckets, Desc, Histogram};
///
/// let desc = Desc::of::<Histogram>("body_bytes", "Size of a body.").with_buckets(Buckets::SizeBytes);
/// assert_eq!(desc.buckets(), Some(&Buckets::SizeBytes));
/// let own = Buckets::Custom(vec![1.0, 10.0].into());
/// assert_eq!(own.standard_bounds(), [1.0, 10.0]);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Buckets {
    /// Durations in milliseconds: 1 to 10 000 (`LATENCY_MS` in a declaration).
    LatencyMs,
    /// Sizes in bytes: 1 KiB to 100 MiB (`SIZE_BYTES` in a declaration).
    SizeBytes,
    /// Things per second: 1 to 100 000 (`THROUGHPUT` in a declaration).
    Throughput,
    /// These upper bounds.
    Custom(Cow<'static, [f64]>),
}

impl Histogram {
    /// An empty histogram, in no registry.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// assert_eq!(sizes.get().buckets(), [0, 0, 0]);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    pub fn new(bounds: &Bounds) -> Self {
        instrument::alone(Some(bounds))
    }

    /// Counts one observation, in the unit that the name of the metric says.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// sizes.observe(10.0);
    /// sizes.observe(10.5);
    /// assert_eq!(sizes.get().buckets(), [0, 1, 1]);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    #[inline]
    pub fn observe(&self, value: f64) {
        self.observe_n(value, 1);
    }

    /// Counts `n` observations of the same value at the price of one.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// sizes.observe_n(4.0, 250);
    /// assert_eq!(sizes.get().buckets(), [0, 250, 0]);
    /// assert_eq!(sizes.get().sum(), 1000.0);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    #[inline]
    pub fn observe_n(&self, value: f64, n: u64) {
        if value.is_nan() {
            return self.observe_nan(n);
        }
        if self.bounds.native().is_some() {
            return self.observe_natively(value, n);
        }
        let change = self.change(value, value * n as f64, n);
        cell::record(change.sum(), change);
    }

    /// Apart, so that nothing of all the others passes through memory.
    #[inline(never)]
    fn observe_natively(&self, value: f64, n: u64) {
        let change = self.observing_n(value, n);
        cell::record(change.sum(), WithNative(change));
    }

    #[cold]
    #[inline(never)]
    fn observe_nan(&self, n: u64) {
        let change = self.change(f64::NAN, self.not_a_number(), n);
        cell::record(change.sum(), change);
    }

    /// Counts one observation, with what it came from.
    ///
    /// ```
    /// use streamgauge_metrics::{Exemplar, Histogram};
    ///
    /// let wait_ms = Histogram::default();
    /// wait_ms.observe_with_exemplar(3.5, Exemplar::of_span(0x4bf9_2f35, 0x00f0_67aa));
    /// assert_eq!(wait_ms.get().count(), 1);
    /// ```
    pub fn observe_with_exemplar(&self, value: f64, exemplar: Exemplar<'_>) {
        self.observe(value);
        self.exemplify(value, exemplar);
    }

    /// Says what an observation came from that is counted otherwise, such as in a
    /// [`record`](crate::record). `NaN` is in no bucket that could tell of it.
    ///
    /// ```
    /// use streamgauge_metrics::{Exemplar, Histogram, record};
    ///
    /// let wait_ms = Histogram::default();
    /// record(wait_ms.observing(3.5));
    /// wait_ms.exemplify(3.5, Exemplar::of_span(0x4bf9_2f35, 0x00f0_67aa));
    /// ```
    pub fn exemplify(&self, value: f64, exemplar: Exemplar<'_>) {
        if !value.is_nan() {
            self.handle.offer(1 + self.bounds.place_of(value), value, exemplar);
        }
    }

    /// One observation as a part of a [`record`](crate::record).
    ///
    /// ```
    /// use streamgauge_metrics::{Histogram, record};
    ///
    /// let size = Histogram::default();
    /// record(size.observing(3.0));
    /// assert_eq!(size.get().count(), 1);
    /// ```
    #[inline]
    pub fn observing(&self, value: f64) -> Observing<'_> {
        self.observing_n(value, 1)
    }

    /// `n` observations of the same value as a part of a [`record`](crate::record).
    ///
    /// ```
    /// use streamgauge_metrics::{Histogram, record};
    ///
    /// let size = Histogram::default();
    /// record(size.observing_n(3.0, 20));
    /// assert_eq!(size.get().sum(), 60.0);
    /// ```
    #[inline]
    pub fn observing_n(&self, value: f64, n: u64) -> Observing<'_> {
        let amount = if value.is_nan() { self.not_a_number() } else { value * n as f64 };
        let native = self.bounds.native().map(|native| self.native_cell(native, value));
        self.change(value, amount, n).and_native(native.unwrap_or(NO_CELL))
    }

    #[inline]
    fn change(&self, value: f64, amount: f64, count: u64) -> Observing<'_> {
        Observing::new(&self.handle, self.bounds.place_of(value), amount, count)
    }

    /// The cell of the native bucket. It gives a number and takes no change, so that those of
    /// others stay in registers.
    #[cold]
    #[inline(never)]
    fn native_cell(&self, native: &Layout, value: f64) -> u32 {
        if cfg!(feature = "noop") {
            return NO_CELL;
        }
        let first = self.bounds.buckets() + 1;
        let cell = native.cell_for(value, Places::of(self.handle.index + first, native.len()));
        cell.map_or(NO_CELL, |cell| self.handle.index + first + cell)
    }

    /// What `NaN` adds to the sum.
    #[cold]
    fn not_a_number(&self) -> f64 {
        self.handle.refuse(Refusal::NotANumber);
        0.0
    }

    /// Observes the time until the guard is dropped, in milliseconds.
    ///
    /// ```
    /// use streamgauge_metrics::Histogram;
    ///
    /// let duration_ms = Histogram::default();
    /// {
    ///     let _timer = duration_ms.start_timer();
    ///     // ... the work ...
    /// }
    /// assert_eq!(duration_ms.get().count(), 1);
    /// ```
    pub fn start_timer(&self) -> Timer {
        let started = (!cfg!(feature = "noop")).then(Instant::now);
        Timer { histogram: self.clone(), started, units_per_second: 1e3 }
    }

    /// Which bucket a value falls into; the index of `+Inf`, where `NaN` falls, is the number of
    /// bounds.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// assert_eq!([0.5, 1.0, 5.0, 99.0].map(|size| sizes.bucket_index(size)), [0, 0, 1, 2]);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    pub fn bucket_index(&self, value: f64) -> usize {
        self.bounds.place_of(value) as usize
    }

    /// The upper bounds of the buckets.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// assert_eq!(sizes.bounds().as_slice(), [1.0, 10.0]);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// What has been observed so far.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Histogram};
    ///
    /// let sizes = Histogram::new(&Bounds::new(&[1.0, 10.0])?);
    /// sizes.observe(4.0);
    /// let now = sizes.get();
    /// assert_eq!((now.count(), now.sum()), (1, 4.0));
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    pub fn get(&self) -> HistogramSnapshot<'static> {
        let cells = self.handle.read(self.bounds.cells() as usize);
        let places = self.bounds.places(self.handle.index);
        HistogramSnapshot::new(self.bounds.clone(), Cow::Owned(cells), places)
    }
}

impl Timer {
    /// The same in seconds.
    ///
    /// ```
    /// use streamgauge_metrics::Histogram;
    ///
    /// let duration_seconds = Histogram::default();
    /// drop(duration_seconds.start_timer().in_seconds());
    /// assert!(duration_seconds.get().sum() < 1.0);
    /// ```
    pub fn in_seconds(mut self) -> Self {
        self.units_per_second = 1.0;
        self
    }

    /// Stops without an observation.
    ///
    /// ```
    /// let duration_ms = streamgauge_metrics::Histogram::default();
    /// duration_ms.start_timer().discard();
    /// assert_eq!(duration_ms.get().count(), 0);
    /// ```
    pub fn discard(mut self) {
        self.started = None;
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        if let Some(started) = self.started {
            self.histogram.observe(started.elapsed().as_secs_f64() * self.units_per_second);
        }
    }
}

impl Buckets {
    /// The upper bounds, before a registry gives a named set others.
    ///
    /// ```
    /// use streamgauge_metrics::Buckets;
    ///
    /// assert_eq!(Buckets::SizeBytes.standard_bounds()[0], 1024.0);
    /// ```
    pub fn standard_bounds(&self) -> &[f64] {
        match self {
            Self::LatencyMs => LATENCY_MS,
            Self::SizeBytes => SIZE_BYTES,
            Self::Throughput => THROUGHPUT,
            Self::Custom(bounds) => bounds,
        }
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new(&Bounds::proven(LATENCY_MS))
    }
}

impl Sealed for Histogram {}

impl Single for Histogram {
    const KIND: Kind = Kind::Histogram;
    const STORAGE: Storage = Storage::Buckets;

    fn over(handle: Handle, bounds: Option<&Bounds>) -> Self {
        let bounds = bounds.cloned().unwrap_or_else(|| Bounds::proven(LATENCY_MS));
        Self { handle, bounds }
    }
}

impl Recorded for Histogram {}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::{Bounds, Buckets, Histogram};

    fn histogram() -> Histogram {
        Histogram::new(&Bounds::new(&[1.0, 2.5, 10.0]).unwrap())
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_value_on_a_bound_belongs_to_the_bucket_below() {
        let h = histogram();
        let places = [-5.0, 1.0, 1.000_001, 2.5, 10.0, 10.1].map(|v| h.bucket_index(v));
        assert_eq!(places, [0, 0, 1, 1, 2, 3]);
    }

    #[test]
    fn trap_4_nan_counts_in_the_last_bucket_and_leaves_the_sum_alone() {
        let h = histogram();
        h.observe(2.0);
        h.observe(f64::NAN);
        assert_eq!(h.get().buckets(), [0, 1, 0, 1]);
        assert!(close(h.get().sum(), 2.0));
    }

    #[test]
    fn trap_5_opposite_infinities_do_not_make_the_sum_nan() {
        let h = histogram();
        h.observe(f64::INFINITY);
        h.observe(f64::NEG_INFINITY);
        assert_eq!(h.get().buckets(), [1, 0, 0, 1]);
        assert!(h.get().sum().is_infinite());
    }

    #[test]
    fn observing_n_times_is_the_same_as_n_observations() {
        let (one_by_one, at_once) = (histogram(), histogram());
        (0..7).for_each(|_| one_by_one.observe(2.0));
        at_once.observe_n(2.0, 7);
        at_once.observe_n(99.0, 0);
        assert_eq!(one_by_one.get(), at_once.get());
    }

    #[test]
    fn totals_are_exact_after_many_threads_observed() {
        let h = histogram();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|i| h.observe(f64::from(i % 4))));
            }
        });
        let end = h.get();
        assert_eq!(end.buckets(), [20_000, 10_000, 10_000, 0]);
        assert!(close(end.sum(), 60_000.0));
    }

    #[test]
    fn snapshots_taken_while_threads_observe_agree_with_themselves_and_never_shrink() {
        let (h, done) = (histogram(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let writers: Vec<_> =
                (0..3).map(|_| scope.spawn(|| (0..30_000).for_each(|i| h.observe(f64::from(i % 12))))).collect();
            let reader = scope.spawn(|| {
                let mut last = h.get();
                while !done.load(Ordering::Relaxed) {
                    let next = h.get();
                    assert_eq!(next.count(), next.buckets().iter().sum::<u64>());
                    let pairs = last.buckets().iter().zip(next.buckets());
                    pairs.for_each(|(before, after)| assert!(before <= after));
                    last = next;
                }
            });
            for writer in writers {
                writer.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
        assert_eq!(h.get().count(), 90_000);
    }

    #[test]
    fn bounds_that_are_empty_infinite_or_out_of_order_are_refused() {
        for bad in [&[][..], &[f64::NAN], &[f64::INFINITY], &[1.0, 1.0], &[2.0, 1.0]] {
            assert!(Bounds::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_standard_sets_are_valid() {
        for set in [Buckets::LatencyMs, Buckets::SizeBytes, Buckets::Throughput] {
            assert!(Bounds::new(set.standard_bounds()).is_ok(), "{set:?}");
        }
    }
}
