//! What a metric is.

/// The kind of a metric.
///
/// ```
/// use streamgauge_metrics::{Desc, Kind, UpDownCounter};
///
/// // A number that is counted up and down is a gauge on the wire.
/// assert_eq!(Desc::of::<UpDownCounter>("open", "Open.").kind(), Kind::Gauge);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations by size.
    Histogram,
    /// Tells quantiles of what was observed.
    Summary,
    /// Says something that does not change, in labels.
    Info,
    /// Is in one of several states.
    StateSet,
}

impl Kind {
    /// The word used in a TYPE line.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Kind::StateSet.as_str(), "stateset");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
        }
    }
}
