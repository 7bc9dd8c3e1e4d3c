//! How many series there may be, and what happens past that.
//!
//! Past a limit nothing panics, blocks or grows: the update goes to a series in which the label that
//! explodes is `__overflow__` and the others are what they are, so that no sum is lost and errors stay visible.
//! The refusal is counted in `metrics_registry_refused_total`, and
//! [`Registry::report`](crate::Registry::report) says which label it is and where it was looked up.

use std::fmt;

use crate::sync::{AtomicU64, Ordering};

/// The value that labels have where there is no room for their own.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, cardinality::OVERFLOW};
///
/// let sent: Family<Counter> = Family::with_labels(["topic"]);
/// sent.get_or_create(&[("topic", "x".repeat(999).as_str())]).inc();
/// assert_eq!(sent.get_or_create(&[("topic", OVERFLOW)]).get(), 1);
/// ```
pub const OVERFLOW: &str = "__overflow__";

/// What a registry accepts.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Family, Limits, Options, Registry};
///
/// let limits = Limits { max_series_per_metric: 2, ..Limits::default() };
/// let registry = Registry::with_options(Options { limits, ..Options::default() })?;
/// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
/// let sent: Family<Counter> = registry.register(desc)?;
/// for topic in ["a", "b", "c", "d"] {
///     sent.get_or_create(&[("topic", topic)]).inc();
/// }
/// assert!(registry.render_prometheus().contains("sent_total{topic=\"__overflow__\"} 2\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Series of all metrics with labels together: 10 000.
    pub max_series: usize,
    /// Series of one metric: 1 000. Past that there is room for others with folded labels, less than half as
    /// many.
    pub max_series_per_metric: usize,
    /// From which share of a limit on [`CardinalityLevel::Warning`](crate::CardinalityLevel) is reached: 0.8.
    pub warning: f64,
    /// From which share on [`CardinalityLevel::Critical`](crate::CardinalityLevel) is: 0.95.
    pub critical: f64,
    /// Labels of one metric: 10.
    pub max_labels: usize,
    /// Characters of a label value: 256.
    pub max_value_chars: usize,
    /// Label names that are refused, because there is no end to their values: `user_id`,
    /// `session_id`, `request_id`, `trace_id`, `timestamp` and `ip_address`. A declaration can
    /// insist, see [`LabelSet`](crate::LabelSet).
    pub denied_labels: Vec<String>,
}

/// Why there is no series of its own for some labels.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, SeriesError};
///
/// let sent: Family<Counter> = Family::with_labels(["topic"]);
/// let error = sent.try_get_or_create(&[("topik", "a")]).err();
/// assert!(matches!(error, Some(SeriesError::OtherLabels { .. })));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SeriesError {
    /// The metric has as many series as one may have.
    MetricFull {
        /// How many that are.
        limit: usize,
    },
    /// The registry has as many series as it may have.
    RegistryFull {
        /// How many that are.
        limit: usize,
    },
    /// A label value is too long.
    ValueTooLong {
        /// The label.
        label: String,
        /// How many characters a value may have.
        limit: usize,
    },
    /// The labels are not those that the metric was declared with.
    OtherLabels {
        /// Those that it was declared with.
        declared: Vec<String>,
    },
}

/// What was not done, and why: the label `reason` of `metrics_registry_refused_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    MetricFull,
    RegistryFull,
    ValueTooLong,
    OtherLabels,
    NotANumber,
    NotFinite,
    Negative,
    TooLarge,
    ExemplarTooLong,
    ExemplarLabels,
}

/// How often, by reason.
#[derive(Debug, Default)]
pub(crate) struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Limits {
    /// What is wrong with the thresholds, if anything.
    pub(crate) fn fault(&self) -> Option<&'static str> {
        let is_share = |share: f64| (0.0..=1.0).contains(&share);
        if !is_share(self.warning) || !is_share(self.critical) {
            return Some("a threshold is a share of the limit, from 0 to 1");
        }
        (self.warning > self.critical).then_some("the warning comes at the critical threshold at the latest")
    }

    /// Whether a label name is refused.
    pub(crate) fn denies(&self, label: &str) -> bool {
        self.denied_labels.iter().any(|denied| denied == label)
    }
}

impl Default for Limits {
    fn default() -> Self {
        let denied = ["user_id", "session_id", "request_id", "trace_id", "timestamp", "ip_address"];
        Self {
            max_series: 10_000,
            max_series_per_metric: 1_000,
            warning: 0.8,
            critical: 0.95,
            max_labels: 10,
            max_value_chars: 256,
            denied_labels: denied.map(str::to_owned).into(),
        }
    }
}

impl SeriesError {
    pub(crate) const fn refusal(&self) -> Refusal {
        match self {
            Self::MetricFull { .. } => Refusal::MetricFull,
            Self::RegistryFull { .. } => Refusal::RegistryFull,
            Self::ValueTooLong { .. } => Refusal::ValueTooLong,
            Self::OtherLabels { .. } => Refusal::OtherLabels,
        }
    }
}

impl fmt::Display for SeriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MetricFull { limit } => write!(f, "the metric has {limit} series, which is its limit"),
            Self::RegistryFull { limit } => write!(f, "the registry has {limit} series, which is its limit"),
            Self::ValueTooLong { label, limit } => {
                write!(f, "the value of label `{label}` has more than {limit} characters")
            }
            Self::OtherLabels { declared } => {
                write!(f, "the metric was declared with the labels [{}], each wanted once", declared.join(", "))
            }
        }
    }
}

impl std::error::Error for SeriesError {}

impl Refusal {
    pub(crate) const ALL: [Self; 10] = [
        Self::MetricFull,
        Self::RegistryFull,
        Self::ValueTooLong,
        Self::OtherLabels,
        Self::NotANumber,
        Self::NotFinite,
        Self::Negative,
        Self::TooLarge,
        Self::ExemplarTooLong,
        Self::ExemplarLabels,
    ];

    /// Why a number cannot be counted, if it cannot.
    pub(crate) fn of_count(number: f64) -> Option<Self> {
        match number {
            number if number.is_nan() => Some(Self::NotANumber),
            number if number < 0.0 => Some(Self::Negative),
            f64::INFINITY => Some(Self::NotFinite),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MetricFull => "metric_full",
            Self::RegistryFull => "registry_full",
            Self::ValueTooLong => "value_too_long",
            Self::OtherLabels => "other_labels",
            Self::NotANumber => "not_a_number",
            Self::NotFinite => "not_finite",
            Self::Negative => "negative",
            Self::TooLarge => "too_large",
            Self::ExemplarTooLong => "exemplar_too_long",
            Self::ExemplarLabels => "exemplar_labels",
        }
    }
}

impl Refusals {
    pub(crate) fn count(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The reasons there were, and how often.
    pub(crate) fn get(&self) -> impl Iterator<Item = (Refusal, u64)> {
        let all = Refusal::ALL.iter().zip(&self.0).map(|(refusal, count)| (*refusal, count.load(Ordering::Relaxed)));
        all.filter(|(_, count)| *count > 0)
    }
}
