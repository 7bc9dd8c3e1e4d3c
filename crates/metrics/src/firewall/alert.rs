//! How near to a limit something is, and who wants to know.

use std::fmt;

use crate::cardinality::Limits;
use crate::sync::{Arc, AtomicU8, Ordering};

/// How near to its limit a metric or a registry is.
///
/// ```
/// use streamgauge_metrics::CardinalityLevel;
///
/// assert!(CardinalityLevel::Critical > CardinalityLevel::Warning);
/// assert_eq!(CardinalityLevel::Full.to_string(), "full");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CardinalityLevel {
    /// Below the first threshold.
    #[default]
    Fine,
    /// Above the first one: 80 % unless set otherwise.
    Warning,
    /// Above the second one: 95 %.
    Critical,
    /// Something was refused, and folded.
    Full,
}

/// A level was reached.
///
/// It has a callback of [`Registry::on_cardinality`](crate::Registry::on_cardinality).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardinalityAlert<'a> {
    /// The metric; `None` if it is about all metrics together.
    pub metric: Option<&'a str>,
    /// What was reached.
    pub level: CardinalityLevel,
    /// How many series there were then.
    pub series: usize,
    /// How many there may be.
    pub limit: usize,
}

pub(crate) type Callback = Arc<dyn Fn(&CardinalityAlert<'_>) + Send + Sync>;

/// From how many series on which level is reached.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    warning: usize,
    critical: usize,
}

impl CardinalityLevel {
    pub(super) const fn of(number: u8) -> Self {
        match number {
            0 => Self::Fine,
            1 => Self::Warning,
            2 => Self::Critical,
            _ => Self::Full,
        }
    }
}

impl Thresholds {
    /// Those of a limit.
    pub(crate) fn of(limits: &Limits, limit: usize) -> Self {
        Self { warning: share(limits.warning, limit), critical: share(limits.critical, limit) }
    }

    pub(super) const fn level(self, series: usize) -> CardinalityLevel {
        if series >= self.critical {
            CardinalityLevel::Critical
        } else if series >= self.warning {
            CardinalityLevel::Warning
        } else {
            CardinalityLevel::Fine
        }
    }
}

/// At least one series: what is empty is fine.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a number of series")]
fn share(share: f64, limit: usize) -> usize {
    ((limit as f64 * share).ceil() as usize).max(1)
}

/// Raises what was told of last; true for whoever did.
pub(super) fn rises(told: &AtomicU8, level: CardinalityLevel) -> bool {
    // A look first: it rises three times, and is asked for with each series.
    told.load(Ordering::Relaxed) < level as u8 && told.fetch_max(level as u8, Ordering::Relaxed) < level as u8
}

impl fmt::Display for CardinalityLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Full => "full",
        })
    }
}

impl fmt::Display for CardinalityAlert<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, series, limit, .. } = self;
        match self.metric {
            Some(metric) => write!(f, "metric `{metric}` is {level}: {series} of {limit} series"),
            None => write!(f, "the registry is {level}: {series} of {limit} series"),
        }
    }
}
