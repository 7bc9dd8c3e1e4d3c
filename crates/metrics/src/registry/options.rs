//! What can be chosen from outside when a registry is made.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::RegisterError;
use crate::cardinality::Limits;
use crate::clock::Clock;
use crate::desc::{Desc, Kind};
use crate::histogram::{Bounds, BoundsError, Buckets};
use crate::label::label_sets;
use crate::native::Native;
use crate::summary::Setup;
use crate::sync::Arc;

/// Limits and bucket bounds from outside, such as a configuration file. What is `None` or not named
/// keeps its standard.
///
/// ```
/// use streamgauge_metrics::{Options, Registry};
///
/// let options = Options {
///     per_metric: [("wait_ms".to_owned(), vec![1.0, 10.0])].into(),
///     ..Options::default()
/// };
/// assert!(Registry::with_options(options).is_ok());
///
/// let wrong = Options { size_bytes: Some(vec![]), ..Options::default() };
/// assert!(Registry::with_options(wrong).is_err());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// In place of [`Buckets::LatencyMs`].
    pub latency_ms: Option<Vec<f64>>,
    /// In place of [`Buckets::SizeBytes`].
    pub size_bytes: Option<Vec<f64>>,
    /// In place of [`Buckets::Throughput`].
    pub throughput: Option<Vec<f64>>,
    /// For single histograms, by the name on the wire; goes before the sets above.
    pub per_metric: BTreeMap<String, Vec<f64>>,
    /// Native buckets for single histograms, by the name on the wire; goes before what is declared.
    pub native: BTreeMap<String, Native>,
    /// How many series there may be, and what labels.
    pub limits: Limits,
    /// After how long series are let go of that nobody has moved; never, if it is `None`. It is for counters,
    /// histograms and summaries of open label sets. A gauge that stays what it is says something: its declaration
    /// has to ask for it, see [`Desc::expiring_after`].
    pub expire_after: Option<Duration>,
    /// What time it is for all of this.
    pub clock: Clock,
}

/// Which options are refused, and why.
///
/// ```
/// use streamgauge_metrics::{Options, Registry};
///
/// let options = Options { latency_ms: Some(vec![5.0, 1.0]), ..Options::default() };
/// let error = Registry::with_options(options).unwrap_err();
/// assert!(error.to_string().starts_with("the buckets of `LATENCY_MS` are refused"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionsError {
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Why {
    /// Of a set or of a metric.
    Buckets {
        of: String,
        error: BoundsError,
    },
    Limits(&'static str),
}

/// [`Options`], proven.
#[derive(Default)]
pub(super) struct Proven {
    limits: Limits,
    latency_ms: Option<Bounds>,
    size_bytes: Option<Bounds>,
    throughput: Option<Bounds>,
    per_metric: BTreeMap<String, Bounds>,
    native: BTreeMap<String, Native>,
    expire_after: Option<Duration>,
    clock: Clock,
}

impl Options {
    pub(super) fn prove(self) -> Result<Proven, OptionsError> {
        let set = |of: &str, upper: Option<Vec<f64>>| upper.map(|u| prove(of, &u)).transpose();
        let single = |(name, upper): (String, Vec<f64>)| {
            let bounds = prove(&name, &upper)?;
            Ok((name, bounds))
        };
        for (name, native) in &self.native {
            // Which of the sets it has is known when it is registered.
            let sets = [&self.latency_ms, &self.size_bytes, &self.throughput].into_iter().flatten();
            let others = self.per_metric.get(name).map_or_else(|| sets.map(Vec::len).max().unwrap_or(0), Vec::len);
            if let Some(fault) = native.fault(others + 1) {
                return Err(OptionsError::buckets(name, BoundsError::new(fault)));
            }
        }
        if let Some(fault) = self.limits.fault() {
            return Err(OptionsError { why: Why::Limits(fault) });
        }
        Ok(Proven {
            native: self.native,
            limits: self.limits,
            expire_after: self.expire_after,
            clock: self.clock,
            latency_ms: set("LATENCY_MS", self.latency_ms)?,
            size_bytes: set("SIZE_BYTES", self.size_bytes)?,
            throughput: set("THROUGHPUT", self.throughput)?,
            per_metric: self.per_metric.into_iter().map(single).collect::<Result<_, _>>()?,
        })
    }
}

fn prove(of: &str, upper: &[f64]) -> Result<Bounds, OptionsError> {
    Bounds::new(upper).map_err(|error| OptionsError::buckets(of, error))
}

impl OptionsError {
    fn buckets(of: &str, error: BoundsError) -> Self {
        Self { why: Why::Buckets { of: of.to_owned(), error } }
    }
}

impl Proven {
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// After how many nanoseconds series of a metric are let go. There is an end to a closed set of them.
    pub(super) fn expire_after(&self, desc: &Desc) -> Option<u64> {
        let is_open = !desc.labels().is_empty() && label_sets(desc.labels()).is_none();
        let standard =
            self.expire_after.filter(|_| matches!(desc.kind(), Kind::Counter | Kind::Histogram | Kind::Summary));
        let after = desc.expire_after().or(standard).filter(|_| is_open)?;
        Some(u64::try_from(after.as_nanos()).unwrap_or(u64::MAX))
    }

    /// Refuses labels that are too many, without end, or of a closed set that has no room.
    pub(super) fn refuse_labels(&self, desc: &Desc, constant: usize) -> Result<(), RegisterError> {
        let (metric, limit) = (desc.name().to_owned(), self.limits.max_labels);
        let labels = desc.labels().len() + constant;
        if labels > limit {
            return Err(RegisterError::TooManyLabels { metric, labels, limit });
        }
        if let Some(label) = desc.labels().iter().find(|label| !label.unbounded && self.limits.denies(&label.name)) {
            return Err(RegisterError::DeniedLabel { metric, label: label.name.to_string() });
        }
        let limit = self.limits.max_series_per_metric;
        match label_sets(desc.labels()) {
            Some(series) if series > limit => Err(RegisterError::ClosedSetTooLarge { metric, series, limit }),
            _ => Ok(()),
        }
    }

    /// How a summary is set up; `None` if it is none.
    pub(super) fn setup(&self, desc: &Desc) -> Option<Arc<Setup>> {
        desc.quantiles().map(|quantiles| Setup::new(quantiles, &self.clock))
    }

    /// The bounds of a metric; `None` if it is no histogram.
    pub(super) fn bounds(&self, desc: &Desc) -> Option<Bounds> {
        let bounds = self.standard_bounds(desc)?;
        let native = self.native.get(desc.name()).or(desc.native());
        Some(native.map_or_else(|| bounds.clone(), |native| bounds.with_native(*native)))
    }

    fn standard_bounds(&self, desc: &Desc) -> Option<Bounds> {
        let buckets = desc.buckets()?;
        if let Some(bounds) = self.per_metric.get(desc.name()) {
            return Some(bounds.clone());
        }
        let chosen = match buckets {
            Buckets::LatencyMs => self.latency_ms.clone(),
            Buckets::SizeBytes => self.size_bytes.clone(),
            Buckets::Throughput => self.throughput.clone(),
            Buckets::Custom(_) => None,
        };
        chosen.or_else(|| Bounds::new(buckets.standard_bounds()).ok())
    }
}

impl fmt::Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::Buckets { of, error } => write!(f, "the buckets of `{of}` are refused: {error}"),
            Why::Limits(fault) => write!(f, "the limits are refused: {fault}"),
        }
    }
}

impl std::error::Error for OptionsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.why {
            Why::Buckets { error, .. } => Some(error),
            Why::Limits(_) => None,
        }
    }
}
