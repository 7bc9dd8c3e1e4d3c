//! Observations counted by size.

use std::borrow::Cow;
use std::fmt;

use crate::desc::Kind;
use crate::instrument::{Instrument, Sealed, Unlabelled};
use crate::label::Label;
use crate::snapshot::{HistogramSnapshot, Series, Value};
use crate::sync::{Arc, AtomicU64, Ordering};

const LATENCY_MS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0];
const SIZE_BYTES: &[f64] = &[1024.0, 10_240.0, 102_400.0, 1_048_576.0, 10_485_760.0, 104_857_600.0];
const THROUGHPUT: &[f64] = &[1.0, 10.0, 50.0, 100.0, 500.0, 1000.0, 5000.0, 10_000.0, 50_000.0, 100_000.0];

/// Counts observations in buckets of fixed upper bounds, and adds them up.
///
/// A bound belongs to the bucket below it: 10 falls into the bucket `le="10"`.
///
/// - Every observation is in exactly one bucket and the count is the sum of the buckets, so a
///   snapshot cannot show the two apart.
/// - `NaN` counts in the `+Inf` bucket and is left out of the sum; so is whatever else would make
///   the sum `NaN` (`-∞` after `+∞`). A sum, once a number, stays one.
/// - While threads observe, the sum of a snapshot can be ahead of or behind its count by the
///   observations in flight.
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
    cells: Arc<Cells>,
}

#[derive(Debug)]
struct Cells {
    bounds: Bounds,
    /// One more than there are bounds; the last one is `+Inf`. Not cumulative.
    buckets: Box<[AtomicU64]>,
    /// The bits of an `f64` that is never `NaN`.
    sum: AtomicU64,
}

/// Upper bounds of buckets: at least one, finite, strictly increasing. `+Inf` is implied.
///
/// A clone shares the numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    upper: Arc<[f64]>,
}

/// Why a list of bounds is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsError {
    fault: &'static str,
}

/// The buckets a histogram is declared with.
///
/// The named sets can be given other bounds when the registry is made
/// ([`Options`](crate::Options)); a custom one is what it says.
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
    /// An empty histogram.
    pub fn new(bounds: &Bounds) -> Self {
        let buckets = (0..=bounds.upper.len()).map(|_| AtomicU64::new(0));
        Self {
            cells: Arc::new(Cells {
                bounds: bounds.clone(),
                buckets: buckets.collect(),
                sum: AtomicU64::new(0.0_f64.to_bits()),
            }),
        }
    }

    /// Counts one observation.
    pub fn observe(&self, value: f64) {
        self.observe_n(value, 1);
    }

    /// Counts `n` observations of the same value at the price of one.
    pub fn observe_n(&self, value: f64, n: u64) {
        if n == 0 {
            return;
        }
        let index = self.bucket_index(value);
        self.cells.buckets[index].fetch_add(n, Ordering::Relaxed);
        self.add_to_sum(value * n as f64);
    }

    /// Which bucket a value falls into; the index of `+Inf` is the number of bounds.
    pub fn bucket_index(&self, value: f64) -> usize {
        self.cells.bounds.index_of(value)
    }

    /// The upper bounds of the buckets.
    pub fn bounds(&self) -> &Bounds {
        &self.cells.bounds
    }

    /// What has been observed so far.
    pub fn get(&self) -> HistogramSnapshot {
        let load = |cell: &AtomicU64| cell.load(Ordering::Relaxed);
        HistogramSnapshot::new(
            self.cells.bounds.clone(),
            self.cells.buckets.iter().map(load).collect(),
            f64::from_bits(load(&self.cells.sum)),
        )
    }

    fn add_to_sum(&self, amount: f64) {
        let sum = &self.cells.sum;
        let mut old = sum.load(Ordering::Relaxed);
        loop {
            let new = f64::from_bits(old) + amount;
            if new.is_nan() {
                return;
            }
            let (order, new) = (Ordering::Relaxed, new.to_bits());
            match sum.compare_exchange_weak(old, new, order, order) {
                Ok(_) => return,
                Err(current) => old = current,
            }
        }
    }
}

impl Bounds {
    /// Takes a list of upper bounds.
    pub fn new(upper: &[f64]) -> Result<Self, BoundsError> {
        match bounds_fault(upper) {
            None => Ok(Self::proven(upper)),
            Some(fault) => Err(BoundsError { fault }),
        }
    }

    /// The numbers, without `+Inf`.
    pub fn as_slice(&self) -> &[f64] {
        &self.upper
    }

    fn proven(upper: &[f64]) -> Self {
        Self { upper: upper.into() }
    }

    fn index_of(&self, value: f64) -> usize {
        // NaN is below no bound and would land in the first bucket, as if it were tiny.
        if value.is_nan() {
            return self.upper.len();
        }
        self.upper.partition_point(|bound| *bound < value)
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

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault)
    }
}

impl std::error::Error for BoundsError {}

impl Sealed for Histogram {}

impl Instrument for Histogram {
    const KIND: Kind = Kind::Histogram;
    const LABELS: &'static [Label] = &[];

    fn build(bounds: Option<&Bounds>) -> Self {
        bounds.map_or_else(Self::default, Self::new)
    }

    fn collect(&self) -> Vec<Series> {
        vec![Series::unlabelled(self.read())]
    }
}

impl Unlabelled for Histogram {
    fn read(&self) -> Value {
        Value::Histogram(self.get())
    }
}

/// What is wrong with a list of upper bounds, if anything.
///
/// ```
/// use streamgauge_metrics::histogram::bounds_fault;
///
/// assert!(bounds_fault(&[1.0, 2.0]).is_none());
/// assert!(bounds_fault(&[2.0, 1.0]).is_some());
/// ```
pub const fn bounds_fault(upper: &[f64]) -> Option<&'static str> {
    if upper.is_empty() {
        return Some("a histogram needs at least one bucket bound");
    }
    let mut i = 0;
    while i < upper.len() {
        if !upper[i].is_finite() {
            return Some("bucket bounds are finite; `+Inf` is implied");
        }
        if i > 0 && upper[i - 1] >= upper[i] {
            return Some("bucket bounds increase, each above the one before");
        }
        i += 1;
    }
    None
}

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
    fn nan_counts_in_the_last_bucket_and_leaves_the_sum_alone() {
        let h = histogram();
        h.observe(2.0);
        h.observe(f64::NAN);
        assert_eq!(h.get().buckets(), [0, 1, 0, 1]);
        assert!(close(h.get().sum(), 2.0));
    }

    #[test]
    fn opposite_infinities_do_not_make_the_sum_nan() {
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
