//! What a summary tells.

use std::borrow::Cow;

use super::strand::{Observed, Reading};

/// What a summary had observed.
///
/// ```
/// let sizes = streamgauge_metrics::Summary::default();
/// [1.0, 2.0, 3.0].into_iter().for_each(|size| sizes.observe(size));
/// let now = sizes.get();
/// assert_eq!((now.count(), now.sum(), now.quantile(0.5)), (3, 6.0, Some(2.0)));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummarySnapshot<'a> {
    count: u64,
    sum: f64,
    /// Part of 1 and value.
    quantiles: Cow<'a, [(f64, f64)]>,
}

impl SummarySnapshot<'_> {
    pub(super) fn of(reading: Reading, parts: &[f64]) -> Self {
        let Reading { all: Observed { count, sum }, points } = reading;
        let values = points.quantiles(parts);
        Self { count, sum: sum.get(), quantiles: parts.iter().copied().zip(values).collect() }
    }

    /// The same, without a copy of it.
    pub(crate) fn borrowed(&self) -> SummarySnapshot<'_> {
        SummarySnapshot { quantiles: Cow::Borrowed(&self.quantiles), ..*self }
    }

    /// All observations since the beginning.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Summary::default();
    /// sizes.observe(3.0);
    /// assert_eq!(sizes.get().count(), 1);
    /// ```
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// All observations since the beginning added up, `NaN` left out.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Summary::default();
    /// [3.0, 0.5].into_iter().for_each(|size| sizes.observe(size));
    /// assert_eq!(sizes.get().sum(), 3.5);
    /// ```
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// The declared quantiles, with what they are of what was observed in the window: `NaN` if that
    /// is nothing.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Summary::default();
    /// assert!(sizes.get().quantiles().iter().all(|(_, value)| value.is_nan()));
    /// ```
    pub fn quantiles(&self) -> &[(f64, f64)] {
        &self.quantiles
    }

    /// One of the declared quantiles.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Summary::default();
    /// sizes.observe(3.0);
    /// assert_eq!((sizes.get().quantile(0.99), sizes.get().quantile(0.123)), (Some(3.0), None));
    /// ```
    pub fn quantile(&self, part: f64) -> Option<f64> {
        let own = self.quantiles.iter().find(|(own, _)| own.to_bits() == part.to_bits());
        own.map(|(_, value)| *value)
    }
}
