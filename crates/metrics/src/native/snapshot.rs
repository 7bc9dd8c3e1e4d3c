//! What native buckets hold, in one schema.

use std::collections::BTreeMap;

use super::layout::{Bucket, Key, Layout};
use super::{WIDEST, coarser};

/// What the native buckets of a histogram held.
///
/// ```
/// use streamgauge_metrics::{Desc, Histogram, Native, Registry};
///
/// let desc = Desc::of::<Histogram>("change", "Change.").with_native(Native::default().with_schema(0));
/// let change: Histogram = Registry::new().register(desc)?;
/// [0.0, 1.0, 1.5, 2.0, -3.0].into_iter().for_each(|value| change.observe(value));
/// let native = change.get().native().unwrap();
/// // The bucket with the number n goes up to 2ⁿ.
/// assert_eq!((native.schema(), native.zero_count()), (0, 1));
/// assert_eq!(native.positive(), [(0, 1), (1, 2)]);
/// assert_eq!(native.negative(), [(2, 1)]);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NativeSnapshot {
    schema: i8,
    zero_threshold: f64,
    zero_count: u64,
    positive: Vec<(i32, u64)>,
    negative: Vec<(i32, u64)>,
}

/// Buckets of one side by their numbers.
type Side = BTreeMap<i32, u64>;

impl NativeSnapshot {
    /// Reads cells and, read after them, what their places are for.
    pub(crate) fn of(layout: &Layout, cells: &[u64], places: &[u32]) -> Self {
        let cells = (0..).zip(cells).filter(|(_, count)| **count > 0);
        let buckets = cells.filter_map(|(cell, count)| {
            let place = places.get(cell as usize).copied().and_then(Key::of);
            Some((layout.bucket(cell, place)?, *count))
        });
        let buckets: Vec<_> = buckets.collect();
        let schemas = buckets.iter().filter_map(|(bucket, _)| match bucket {
            Bucket::Of { schema, .. } => Some(*schema),
            Bucket::Zero => None,
        });
        let coarsest = schemas.min().unwrap_or_else(|| layout.native().schema());
        let most = usize::from(layout.native().most_buckets());
        (WIDEST..=coarsest)
            .rev()
            .map(|schema| Self::in_schema(layout, &buckets, schema))
            .find(|all| all.len() <= most)
            .unwrap_or_else(|| Self::in_schema(layout, &buckets, WIDEST))
    }

    fn in_schema(layout: &Layout, buckets: &[(Bucket, u64)], schema: i8) -> Self {
        let (mut zero_count, mut positive, mut negative) = (0, Side::new(), Side::new());
        for (bucket, count) in buckets {
            let all = match bucket {
                Bucket::Zero => &mut zero_count,
                Bucket::Of { schema: own, key } => {
                    let side = if key.is_negative { &mut negative } else { &mut positive };
                    side.entry(coarser(key.index, u32::from(own.abs_diff(schema)))).or_default()
                }
            };
            *all = all.saturating_add(*count);
        }
        let zero_threshold = layout.native().zero_threshold();
        let (positive, negative) = (positive.into_iter().collect(), negative.into_iter().collect());
        Self { schema, zero_threshold, zero_count, positive, negative }
    }

    fn len(&self) -> usize {
        self.positive.len() + self.negative.len()
    }

    /// The schema: 2 to its power is the number of buckets for each power of two. It falls when
    /// there is more to tell than the limit allows, and never rises.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default().with_most_buckets(8));
    /// let size: Histogram = Registry::new().register(desc)?;
    /// (0..100).for_each(|n| size.observe(f64::from(n)));
    /// let native = size.get().native().unwrap();
    /// assert!(native.schema() < 3 && native.positive().len() <= 8);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn schema(&self) -> i8 {
        self.schema
    }

    /// Up to where a number counts as zero.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default().with_zero_threshold(0.5));
    /// let size: Histogram = Registry::new().register(desc)?;
    /// size.observe(-0.5);
    /// let native = size.get().native().unwrap();
    /// assert_eq!((native.zero_threshold(), native.zero_count()), (0.5, 1));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// How often zero, or next to it, was observed.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default());
    /// let size: Histogram = Registry::new().register(desc)?;
    /// size.observe(0.0);
    /// assert_eq!(size.get().native().unwrap().zero_count(), 1);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn zero_count(&self) -> u64 {
        self.zero_count
    }

    /// Buckets of positive numbers that have some, by number: that of `n` goes up to 2 to the power
    /// of n / 2^schema, and begins where the one before goes to.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default());
    /// let size: Histogram = Registry::new().register(desc)?;
    /// size.observe(2.0);
    /// assert_eq!(size.get().native().unwrap().positive(), [(8, 1)]);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn positive(&self) -> &[(i32, u64)] {
        &self.positive
    }

    /// The same for negative numbers, by their sizes.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default());
    /// let size: Histogram = Registry::new().register(desc)?;
    /// size.observe(-2.0);
    /// assert_eq!(size.get().native().unwrap().negative(), [(8, 1)]);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn negative(&self) -> &[(i32, u64)] {
        &self.negative
    }

    /// All observations but those of what is no number.
    ///
    /// ```
    /// # use streamgauge_metrics::{Desc, Histogram, Native, Registry};
    /// let desc = Desc::of::<Histogram>("size", "Size.").with_native(Native::default());
    /// let size: Histogram = Registry::new().register(desc)?;
    /// [1.0, 0.0, f64::NAN].into_iter().for_each(|value| size.observe(value));
    /// let now = size.get();
    /// assert_eq!((now.count(), now.native().unwrap().count()), (3, 2));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn count(&self) -> u64 {
        let buckets = self.positive.iter().chain(&self.negative);
        buckets.fold(self.zero_count, |all, (_, count)| all.saturating_add(*count))
    }
}
