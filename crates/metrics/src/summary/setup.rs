//! Which quantiles are told, of how long.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::times::Times;
use crate::clock::Clock;
use crate::sync::Arc;

/// Which quantiles a summary tells, and of how long a time.
///
/// The standard is 0.5, 0.9, 0.95 and 0.99 of the last 60 seconds in five slices. A slice leaves as
/// a whole, so what is told is of the last 48 to 60 seconds.
///
/// ```
/// use std::time::Duration;
/// use streamgauge_metrics::{Desc, Quantiles, Registry, Summary};
///
/// let desc = Desc::of::<Summary>("wait_ms", "Waiting.");
/// let hour = Quantiles::from([0.5, 0.999]).with_window(Duration::from_hours(1), 6);
/// let wait_ms: Summary = Registry::new().register(desc.with_quantiles(hour))?;
/// wait_ms.observe(3.5);
/// assert_eq!(wait_ms.get().quantiles(), [(0.5, 3.5), (0.999, 3.5)]);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Quantiles {
    parts: Cow<'static, [f64]>,
    window: Duration,
    slices: u32,
}

/// What the series of a summary have in common.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(super) quantiles: Box<[f64]>,
    pub(super) times: Times,
}

const STANDARD: &[f64] = &[0.5, 0.9, 0.95, 0.99];
const WINDOW: Duration = Duration::from_mins(1);
const SLICES: u32 = 5;
/// More than that would be a histogram.
const MOST_QUANTILES: usize = 32;
/// A thread can have so many, each 1 KB.
const MOST_SLICES: u32 = 60;
const SHORTEST_SLICE: Duration = Duration::from_millis(10);
const LONGEST_WINDOW: Duration = Duration::from_hours(7 * 24);

impl Quantiles {
    /// Another window than 60 seconds in five slices: up to a week in at most 60 slices of at least
    /// 10 milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamgauge_metrics::Quantiles;
    ///
    /// let fine = Quantiles::default().with_window(Duration::from_mins(1), 60);
    /// assert_eq!((fine.window(), fine.slices()), (Duration::from_mins(1), 60));
    /// ```
    #[must_use]
    pub const fn with_window(mut self, window: Duration, slices: u32) -> Self {
        (self.window, self.slices) = (window, slices);
        self
    }

    /// The quantiles, as parts of 1.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Quantiles::default().parts(), [0.5, 0.9, 0.95, 0.99]);
    /// ```
    pub fn parts(&self) -> &[f64] {
        &self.parts
    }

    /// How long what was observed is seen.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Quantiles::default().window().as_secs(), 60);
    /// ```
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// In how many pieces it leaves.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Quantiles::default().slices(), 5);
    /// ```
    pub const fn slices(&self) -> u32 {
        self.slices
    }

    pub(crate) fn fault(&self) -> Option<&'static str> {
        if !(1..=MOST_SLICES).contains(&self.slices) {
            return Some("a window has from 1 to 60 slices");
        }
        if self.window > LONGEST_WINDOW || self.window / self.slices < SHORTEST_SLICE {
            return Some("a window is a week at most, and its slices are 10 milliseconds at least");
        }
        quantiles_fault(&self.parts)
    }
}

impl Default for Quantiles {
    fn default() -> Self {
        Self { parts: Cow::Borrowed(STANDARD), window: WINDOW, slices: SLICES }
    }
}

impl<const N: usize> From<[f64; N]> for Quantiles {
    fn from(parts: [f64; N]) -> Self {
        parts.to_vec().into()
    }
}

impl From<Vec<f64>> for Quantiles {
    fn from(parts: Vec<f64>) -> Self {
        Self { parts: parts.into(), ..Self::default() }
    }
}

/// As in error messages: `0.5, 0.99 of 60s in 5 slices`.
impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<_> = self.parts.iter().map(ToString::to_string).collect();
        write!(f, "{} of {:?} in {} slices", parts.join(", "), self.window, self.slices)
    }
}

/// What is wrong with a list of quantiles, if anything.
///
/// ```
/// use streamgauge_metrics::summary::quantiles_fault;
///
/// assert!(quantiles_fault(&[0.5, 0.99]).is_none());
/// assert!(quantiles_fault(&[50.0, 99.0]).is_some());
/// ```
pub const fn quantiles_fault(parts: &[f64]) -> Option<&'static str> {
    if parts.is_empty() || parts.len() > MOST_QUANTILES {
        return Some("a summary tells from 1 to 32 quantiles");
    }
    let mut i = 0;
    while i < parts.len() {
        if !(parts[i] >= 0.0 && parts[i] <= 1.0) {
            return Some("quantiles are from 0 to 1: the 99th percentile is 0.99");
        }
        if i > 0 && parts[i - 1] >= parts[i] {
            return Some("quantiles increase, each above the one before");
        }
        i += 1;
    }
    None
}

impl Setup {
    pub(crate) fn new(quantiles: &Quantiles, clock: &Clock) -> Arc<Self> {
        let times = Times::new(clock.clone(), quantiles.window, quantiles.slices);
        Arc::new(Self { quantiles: quantiles.parts.as_ref().into(), times })
    }

    /// That of a summary in no registry.
    pub(crate) fn standard() -> Arc<Self> {
        Self::new(&Quantiles::default(), &Clock::system())
    }
}

#[cfg(test)]
mod tests {
    use super::{Duration, LONGEST_WINDOW as WEEK, Quantiles};

    #[test]
    fn what_cannot_be_told_is_refused() {
        for good in [vec![0.0, 1.0], vec![0.5], vec![0.5, 0.999_999]] {
            assert_eq!(Quantiles::from(good).fault(), None);
        }
        for bad in [vec![], vec![f64::NAN], vec![-0.1], vec![99.0], vec![0.9, 0.5], vec![0.5, 0.5], vec![0.5; 33]] {
            assert!(Quantiles::from(bad.clone()).fault().is_some(), "{bad:?}");
        }
        let of = |window, slices| Quantiles::default().with_window(window, slices).fault();
        assert_eq!(of(Duration::from_millis(10), 1), None);
        for (window, slices) in [(WEEK, 0), (WEEK, 61), (WEEK * 2, 5), (Duration::ZERO, 1), (Duration::MAX, 1)] {
            assert!(of(window, slices).is_some(), "{window:?} {slices}");
        }
    }
}
