//! What a registry held at one moment, as plain data: all that an encoder ever sees.

use crate::desc::Desc;
use crate::histogram::Bounds;
use crate::sync::Arc;

/// Every metric of a registry with its values, sorted by name.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Registry};
///
/// let registry = Registry::new();
/// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
/// jobs.inc_by(3);
/// assert_eq!(registry.snapshot().counter("jobs_total", &[]), Some(3));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    families: Vec<FamilySnapshot>,
}

/// One metric and all its series.
#[derive(Clone, Debug)]
pub struct FamilySnapshot {
    desc: Arc<Desc>,
    series: Vec<Series>,
}

/// One series: the texts of its labels and a value.
#[derive(Clone, Debug)]
pub struct Series {
    texts: Arc<[String]>,
    value: Value,
}

/// The value of a series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter.
    Counter(u64),
    /// Of a gauge.
    Gauge(f64),
    /// Of a histogram.
    Histogram(HistogramSnapshot),
}

/// What a histogram had observed.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot {
    bounds: Bounds,
    buckets: Vec<u64>,
    sum: f64,
}

impl Snapshot {
    pub(crate) fn new(families: Vec<FamilySnapshot>) -> Self {
        Self { families }
    }

    /// The metrics, sorted by name.
    pub fn families(&self) -> &[FamilySnapshot] {
        &self.families
    }

    /// The metric of this name.
    pub fn family(&self, name: &str) -> Option<&FamilySnapshot> {
        let place = self.families.binary_search_by(|family| family.desc.name().cmp(name));
        place.ok().map(|i| &self.families[i])
    }

    /// The value of one series; the labels may be given in any order.
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&Value> {
        self.family(name)?.value(labels)
    }

    /// The value of a counter; `None` if there is no such series or it is no counter.
    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        match self.value(name, labels)? {
            Value::Counter(total) => Some(*total),
            _ => None,
        }
    }

    /// The value of a gauge; `None` if there is no such series or it is no gauge.
    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        match self.value(name, labels)? {
            Value::Gauge(level) => Some(*level),
            _ => None,
        }
    }

    /// A histogram; `None` if there is no such series or it is no histogram.
    pub fn histogram(&self, name: &str, labels: &[(&str, &str)]) -> Option<&HistogramSnapshot> {
        match self.value(name, labels)? {
            Value::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }
}

impl FamilySnapshot {
    pub(crate) fn new(desc: Arc<Desc>, series: Vec<Series>) -> Self {
        Self { desc, series }
    }

    pub(crate) fn replace(&mut self, series: Vec<Series>) {
        self.series = series;
    }

    /// The declaration.
    pub fn desc(&self) -> &Desc {
        &self.desc
    }

    /// The series, in a stable order. A series appears once.
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The label names and texts of one of the series.
    pub fn labels<'a>(&'a self, series: &'a Series) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = self.desc.labels().iter().map(|label| label.name);
        names.zip(series.texts.iter().map(String::as_str))
    }

    /// The value of one series; the labels may be given in any order.
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<&Value> {
        let same = |series: &&Series| {
            labels.len() == series.texts.len() && self.labels(series).all(|pair| labels.contains(&pair))
        };
        self.series.iter().find(same).map(Series::value)
    }
}

impl Series {
    pub(crate) fn new(texts: Arc<[String]>, value: Value) -> Self {
        Self { texts, value }
    }

    pub(crate) fn unlabelled(value: Value) -> Self {
        Self::new(Arc::new([]), value)
    }

    /// The texts of the labels, in the order of the declaration.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The value.
    pub const fn value(&self) -> &Value {
        &self.value
    }
}

impl HistogramSnapshot {
    pub(crate) fn new(bounds: Bounds, buckets: Vec<u64>, sum: f64) -> Self {
        Self { bounds, buckets, sum }
    }

    /// The upper bounds of the buckets, without `+Inf`.
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Observations in each bucket alone; the last one is `+Inf`.
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// All observations. Taken from the buckets, so that the two cannot differ.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The observations added up, `NaN` left out.
    pub const fn sum(&self) -> f64 {
        self.sum
    }
}
