//! Which metric has too many series, and which of its labels is to blame.

use std::collections::HashSet;
use std::fmt;
use std::panic::Location;

use super::{CardinalityLevel, Firewall, Fold, Watch};
use crate::label::Label;
use crate::label::Labels;
use crate::sync::{self, Ordering};

/// How many series there are, and who has most of them; see [`Registry::report`](crate::Registry::report).
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Family, Limits, Options, Registry};
///
/// let limits = Limits { max_series_per_metric: 100, ..Limits::default() };
/// let registry = Registry::with_options(Options { limits, ..Options::default() })?;
/// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "result"]);
/// let sent: Family<Counter> = registry.register(desc)?;
/// for n in 0..1_000 {
///     sent.get_or_create(&[("topic", format!("topic-{n}").as_str()), ("result", "ok")]).inc();
/// }
/// let report = registry.report();
/// let topic = &report.metrics[0].labels[0];
/// assert!(topic.is_folded && topic.values.abs_diff(1_000) < 30);
/// assert!(registry.render_prometheus().contains("sent_total{topic=\"__overflow__\",result=\"ok\"} 900\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CardinalityReport {
    /// Series that count towards the limit of the registry.
    pub series: usize,
    /// That limit.
    pub limit: usize,
    /// How near it is.
    pub level: CardinalityLevel,
    /// The metrics with labels, the fullest first.
    pub metrics: Vec<MetricCardinality>,
}

/// The series of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricCardinality {
    /// Its name, of the first instrument if it is a group.
    pub name: String,
    /// Series with labels of their own.
    pub series: usize,
    /// How many of those there may be.
    pub limit: usize,
    /// How near that is.
    pub level: CardinalityLevel,
    /// Series with some labels folded.
    pub folded: usize,
    /// How often a series was refused.
    pub refused: u64,
    /// Where the metric was registered: file, line and column.
    pub declared_at: String,
    /// Where a series was looked up that was refused first.
    pub looked_up_at: Option<String>,
    /// Its labels, in the order of the declaration.
    pub labels: Vec<LabelCardinality>,
}

/// The values of one label of a metric.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelCardinality {
    /// Its name.
    pub name: String,
    /// How many values there are, or were: exact while nothing was refused, then an estimate with a standard
    /// error of 0.8 %.
    pub values: u64,
    /// Whether new values become [`OVERFLOW`](crate::cardinality::OVERFLOW).
    pub is_folded: bool,
    /// Some values that did.
    pub samples: Vec<String>,
}

impl Firewall {
    pub(crate) fn report<'a>(
        &self,
        name: &str,
        labels: &[Label],
        refused: u64,
        declared_at: &Location<'_>,
        series: &(impl Iterator<Item = Labels<'a>> + Clone),
    ) -> MetricCardinality {
        let watch = self.watch.get();
        let of_label = |(i, label): (usize, &Label)| match watch.filter(|watch| i < watch.labels.len()) {
            Some(watch) => watch.report(i, &label.name),
            None => counted(&label.name, series.clone()),
        };
        MetricCardinality {
            name: name.to_owned(),
            series: self.series.load(Ordering::Relaxed),
            limit: self.limit,
            level: self.level(),
            folded: self.folded.load(Ordering::Relaxed),
            refused,
            declared_at: declared_at.to_string(),
            looked_up_at: watch.map(|watch| String::from(&*watch.at)),
            labels: labels.iter().enumerate().map(of_label).collect(),
        }
    }
}

impl Watch {
    fn report(&self, label: usize, name: &str) -> LabelCardinality {
        let watched = &self.labels[label];
        LabelCardinality {
            name: name.to_owned(),
            values: watched.estimate.get(),
            is_folded: Fold(self.fold.load(Ordering::Relaxed)).has(label),
            samples: sync::lock(&watched.samples).iter().map(|value| String::from(&**value)).collect(),
        }
    }
}

fn counted<'a>(name: &str, series: impl Iterator<Item = Labels<'a>>) -> LabelCardinality {
    let values: HashSet<_> = series.filter_map(|labels| labels.get(name)).collect();
    LabelCardinality { name: name.to_owned(), values: values.len() as u64, is_folded: false, samples: Vec::new() }
}

/// For people: a line for the registry, then what is not fine.
impl fmt::Display for CardinalityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} series: {}", self.series, self.limit, self.level)?;
        let noteworthy = self.metrics.iter().filter(|metric| metric.level > CardinalityLevel::Fine);
        noteworthy.into_iter().try_for_each(|metric| write!(f, "\n{metric}"))
    }
}

impl fmt::Display for MetricCardinality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, series, limit, level, refused, declared_at, .. } = self;
        write!(f, "metric `{name}` is {level}: {series} of {limit} series")?;
        if *refused > 0 {
            write!(f, ", {refused} refused")?;
        }
        for label in self.labels.iter().filter(|label| label.is_folded) {
            write!(f, "; label `{}` has about {} values", label.name, label.values)?;
            if !label.samples.is_empty() {
                write!(f, ", such as {:?}", label.samples)?;
            }
        }
        write!(f, "; declared at {declared_at}")?;
        self.looked_up_at.iter().try_for_each(|at| write!(f, ", looked up at {at}"))
    }
}
