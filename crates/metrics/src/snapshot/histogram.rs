//! A histogram at one moment.

use std::borrow::Cow;

use crate::histogram::Bounds;
use crate::native::NativeSnapshot;

/// What a histogram had observed.
///
/// ```
/// let sizes = streamgauge_metrics::Histogram::default();
/// sizes.observe(3.0);
/// sizes.observe(99_999.0);
/// let now = sizes.get();
/// assert_eq!(now.count(), now.buckets().iter().sum());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot<'a> {
    bounds: Bounds,
    /// The sum, then the buckets, then the native buckets.
    cells: Cow<'a, [u64]>,
    /// What each of the native buckets is for.
    places: Box<[u32]>,
}

impl<'a> HistogramSnapshot<'a> {
    pub(crate) const fn new(bounds: Bounds, cells: Cow<'a, [u64]>, places: Box<[u32]>) -> Self {
        Self { bounds, cells, places }
    }

    /// The upper bounds of the buckets, without `+Inf`.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.bounds().as_slice().len() + 1, now.buckets().len());
    /// ```
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Observations in each bucket alone; the last one is `+Inf`.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.buckets().last(), Some(&1));
    /// ```
    pub fn buckets(&self) -> &[u64] {
        let end = 1 + self.bounds.buckets() as usize;
        self.cells.get(1..end).unwrap_or_default()
    }

    /// The native buckets, if the histogram was declared [with them](crate::Desc::with_native).
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// assert!(sizes.get().native().is_none());
    /// ```
    pub fn native(&self) -> Option<NativeSnapshot> {
        let layout = self.bounds.native()?;
        let first = 1 + self.bounds.buckets() as usize;
        Some(NativeSnapshot::of(layout, self.cells.get(first..).unwrap_or_default(), &self.places))
    }

    /// All observations. Taken from the buckets, so that the two cannot differ.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.count(), 2);
    /// ```
    pub fn count(&self) -> u64 {
        self.buckets().iter().fold(0, |all, bucket| all.saturating_add(*bucket))
    }

    /// The observations added up, `NaN` left out.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.sum(), 100_002.0);
    /// ```
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.cells.first().copied().unwrap_or_default())
    }
}
