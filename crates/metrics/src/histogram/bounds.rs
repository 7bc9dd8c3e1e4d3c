//! The upper bounds of buckets, which all series of a metric share.

use std::fmt;

use super::steps::Steps;
use crate::native::{Layout, Native, Places};
use crate::sync::Arc;

/// Upper bounds of buckets: at least one, finite, strictly increasing. `+Inf` is implied.
///
/// A clone shares the numbers.
///
/// ```
/// use streamgauge_metrics::Bounds;
///
/// let bounds = Bounds::new(&[0.1, 1.0, 10.0])?;
/// assert_eq!(bounds.as_slice(), [0.1, 1.0, 10.0]);
/// # Ok::<(), streamgauge_metrics::BoundsError>(())
/// ```
#[derive(Clone)]
pub struct Bounds {
    shared: Arc<Shared>,
}

/// Why a list of bounds is refused.
///
/// ```
/// let error = streamgauge_metrics::Bounds::new(&[]).unwrap_err();
/// assert_eq!(error.to_string(), "a histogram needs at least one bucket bound");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsError {
    fault: &'static str,
}

impl BoundsError {
    pub(crate) const fn new(fault: &'static str) -> Self {
        Self { fault }
    }
}

impl Bounds {
    /// Takes a list of upper bounds: 1 to 250 of them, finite, each above the one before.
    ///
    /// ```
    /// use streamgauge_metrics::Bounds;
    ///
    /// assert!(Bounds::new(&[1.0, 10.0]).is_ok());
    /// assert!(Bounds::new(&[10.0, 1.0]).is_err());
    /// assert!(Bounds::new(&[1.0, f64::INFINITY]).is_err());
    /// ```
    pub fn new(upper: &[f64]) -> Result<Self, BoundsError> {
        match bounds_fault(upper) {
            None => Ok(Self::proven(upper)),
            Some(fault) => Err(BoundsError::new(fault)),
        }
    }

    /// The numbers, without `+Inf`.
    ///
    /// ```
    /// use streamgauge_metrics::Histogram;
    ///
    /// assert_eq!(Histogram::default().bounds().as_slice().last(), Some(&10_000.0));
    /// ```
    pub fn as_slice(&self) -> &[f64] {
        self.shared.upper.split_last().map_or(&[], |(_, upper)| upper)
    }

    pub(super) fn proven(upper: &[f64]) -> Self {
        let steps = Steps::of(upper);
        let upper = upper.iter().copied().chain([f64::INFINITY]).collect();
        Self { shared: Arc::new(Shared { upper, steps, native: None }) }
    }

    /// The same bounds, with native buckets beside those they are of.
    #[must_use]
    pub(crate) fn with_native(&self, native: Native) -> Self {
        let Shared { upper, steps, .. } = &*self.shared;
        let native = Some(Layout::of(native));
        Self { shared: Arc::new(Shared { upper: upper.clone(), steps: steps.clone(), native }) }
    }

    /// How the native buckets are kept, if there are any.
    #[inline]
    pub(crate) fn native(&self) -> Option<&Layout> {
        self.shared.native.as_ref()
    }

    /// What the native buckets of a histogram are for whose first cell this is; nothing without.
    pub(crate) fn places(&self, first: u32) -> Box<[u32]> {
        let places = |native: &Layout| Places::of(first + 1 + self.buckets(), native.len()).copied();
        self.native().map(places).unwrap_or_default()
    }

    /// How many cells a histogram has: the sum, the buckets, the native buckets.
    pub(crate) fn cells(&self) -> u32 {
        1 + self.buckets() + self.native().map_or(0, Layout::len)
    }

    /// How many buckets there are, `+Inf` included.
    #[expect(clippy::cast_possible_truncation, reason = "at most `MOST_BOUNDS`")]
    pub(crate) fn buckets(&self) -> u32 {
        self.shared.upper.len() as u32
    }

    /// The place of the bucket of a value.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "at most `MOST_BOUNDS`")]
    pub(super) fn place_of(&self, value: f64) -> u32 {
        let Shared { upper, steps, .. } = &*self.shared;
        if value.is_nan() {
            // It is above no bound and would be among the smallest.
            return self.buckets() - 1;
        }
        let Some(steps) = steps else {
            return upper.partition_point(|bound| value > *bound) as u32;
        };
        let below = steps.below(value);
        below as u32 + u32::from(upper.get(below).is_some_and(|next| value > *next))
    }
}

/// What all clones of some bounds share.
struct Shared {
    /// The bounds, then `+Inf`.
    upper: Box<[f64]>,
    steps: Option<Steps>,
    native: Option<Layout>,
}

impl PartialEq for Bounds {
    fn eq(&self, other: &Self) -> bool {
        self.shared.upper == other.shared.upper && self.shared.native == other.shared.native
    }
}

/// So that the cells of a histogram fit in one chunk, with some of its neighbours.
const MOST_BOUNDS: usize = 250;

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.as_slice()).finish()
    }
}

impl fmt::Display for BoundsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault)
    }
}

impl std::error::Error for BoundsError {}

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
    if upper.len() > MOST_BOUNDS {
        return Some("a histogram has at most 250 bucket bounds");
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
