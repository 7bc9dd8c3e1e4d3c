//! For tests of what a program measures: see values by name, and what a piece of code changed.
//!
//! A series is written as a scrape shows it, with its labels in any order; a histogram is its
//! `_count`, `_sum` and `_bucket{le="…"}`, a summary its `_count`, `_sum` and `{quantile="…"}`.
//!
//! ```
//! use streamgauge_metrics::{Counter, Desc, Family, Histogram, Registry, assert_metrics};
//!
//! let registry = Registry::new();
//! let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
//! let sent: Family<Counter> = registry.register(desc)?;
//! let wait_ms: Histogram = registry.register(Desc::of::<Histogram>("wait_ms", "Waiting."))?;
//!
//! let before = registry.snapshot();
//! sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc_by(3);
//! wait_ms.observe(1.5);
//!
//! assert_metrics!(registry, {
//!     r#"sent_total{to="eu", topic="orders"}"# => 3,
//!     "wait_ms_sum" => 1.5,
//!     r#"wait_ms_bucket{le="1"}"# => 0,
//!     r#"wait_ms_bucket{le="2"}"# => 1,
//! });
//!
//! sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
//! let changed = registry.snapshot().since(&before);
//! assert_metrics!(changed, { r#"sent_total{topic="orders",to="eu"}"# => 4, "wait_ms_count" => 1 });
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! What is not as expected is told as a difference:
//!
//! ```text
//! 2 of 3 metrics are not as expected (- expected, + found):
//!   jobs_total 3
//! - sent_total{to="eu",topic="orders"} 4
//! + sent_total{to="eu",topic="orders"} 3
//! - sent_total{to="eu",topic="order"} 1
//!   there is no such series; near it: sent_total{to="eu",topic="orders"}
//! ```

use std::collections::BTreeMap;
use std::fmt;

use crate::encode;
use crate::label;
use crate::registry::Registry;
use crate::snapshot::Snapshot;

mod near;
mod number;

pub use self::number::Number;
pub use crate::assert_metrics;

/// The values that a scrape would show, by series.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Registry, test::Source};
///
/// let registry = Registry::new();
/// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
/// jobs.inc();
/// assert_eq!(registry.samples().get("jobs_total"), Some(1.into()));
/// assert_eq!(registry.samples().get("jobs_totals"), None);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// By the canonical text of the series.
    values: BTreeMap<String, Number>,
}

/// What can be looked at with [`assert_metrics!`].
///
/// ```
/// use streamgauge_metrics::{Registry, test::Source};
///
/// let registry = Registry::new();
/// assert_eq!(registry.samples(), registry.snapshot().samples());
/// ```
pub trait Source {
    /// Its values.
    ///
    /// ```
    /// use streamgauge_metrics::{Registry, test::Source};
    ///
    /// let samples = Registry::new().samples();
    /// assert!(samples.to_string().contains("metrics_registry_hook_panics_total 0\n"));
    /// ```
    fn samples(&self) -> Samples;
}

/// What became of the series between two snapshots. Those of the registry about itself are left
/// out.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Registry};
///
/// let registry = Registry::new();
/// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
/// let before = registry.snapshot();
/// assert!(registry.snapshot().since(&before).is_empty());
/// jobs.inc_by(2);
/// assert_eq!(registry.snapshot().since(&before).to_string(), "  jobs_total 0 → 2\n");
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// Those that did not change, too.
    all: Vec<Change>,
}

/// A series before and after.
///
/// ```
/// use streamgauge_metrics::test::Change;
///
/// let change = Change { series: "depth".to_owned(), before: Some(7.into()), after: Some(5.into()) };
/// assert_eq!(change.by(), Some((-2).into()));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its name and labels.
    pub series: String,
    /// `None` if it has appeared.
    pub before: Option<Number>,
    /// `None` if it has disappeared.
    pub after: Option<Number>,
}

/// What [`assert_metrics!`] wants to find: a number, or [`ABSENT`].
///
/// ```
/// use streamgauge_metrics::test::{ABSENT, Expected};
///
/// assert_ne!(Expected::from(0), ABSENT);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected(Option<Number>);

/// That there is no such series.
///
/// ```
/// use streamgauge_metrics::{Registry, assert_metrics, test::ABSENT};
///
/// assert_metrics!(Registry::new(), { "jobs_total" => ABSENT });
/// ```
pub const ABSENT: Expected = Expected(None);

/// Panics unless the series have these values; see [`test`](crate::test).
///
/// The first argument is a registry, a snapshot, or the [`Diff`](crate::test::Diff) of two
/// snapshots, whose values are by how much the series changed. Whole numbers are compared exactly,
/// others to nine digits.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Registry, assert_metrics};
///
/// let registry = Registry::new();
/// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
/// jobs.inc();
/// assert_metrics!(registry, { "jobs_total" => 1 });
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[macro_export]
macro_rules! assert_metrics {
    ($source:expr, { $($series:expr => $expected:expr),* $(,)? }) => {
        $crate::test::check(&$source, &[$(($series.as_ref(), $crate::test::Expected::from($expected))),*])
    };
}

/// What [`assert_metrics!`] does.
#[doc(hidden)]
#[track_caller]
pub fn check(source: &impl Source, expected: &[(&str, Expected)]) {
    let found = source.samples();
    let lines = expected.iter().map(|(series, expected)| {
        let Some(series) = canonical(series) else {
            panic!("`{series}` is no series; it is written `name` or `name{{label=\"value\"}}`")
        };
        found.compare(&series, *expected)
    });
    let (fine, wrong): (Vec<_>, Vec<_>) = lines.partition(Result::is_ok);
    if !wrong.is_empty() {
        let text = |line: Result<String, String>| line.unwrap_or_else(|line| line);
        let lines: String = fine.into_iter().chain(wrong.iter().cloned()).map(text).collect();
        let (wrong, all) = (wrong.len(), expected.len());
        panic!("{wrong} of {all} metrics are not as expected (- expected, + found):\n{lines}");
    }
}

impl Samples {
    fn of(snapshot: &Snapshot) -> Self {
        let page = encode::plain_text(snapshot);
        let samples = page.lines().filter(|line| !line.starts_with('#'));
        Self { values: samples.filter_map(sample).collect() }
    }

    /// The value of a series; its labels may be given in any order.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Family, Registry, test::Source};
    ///
    /// let registry = Registry::new();
    /// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// let sent: Family<Counter> = registry.register(desc)?;
    /// sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// assert_eq!(registry.samples().get(r#"sent_total{to="eu",topic="orders"}"#), Some(1.into()));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn get(&self, series: &str) -> Option<Number> {
        self.values.get(&canonical(series)?).copied()
    }

    /// A line that is as expected, or those that tell what is not.
    fn compare(&self, series: &str, expected: Expected) -> Result<String, String> {
        let found = self.values.get(series);
        match (expected.0, found) {
            (None, None) => Ok(format!("  {series} is not there\n")),
            (None, Some(found)) => Err(format!("- {series} is not there\n+ {series} {found}\n")),
            (Some(expected), None) => Err(format!("- {series} {expected}\n{}", self.missing(series))),
            (Some(expected), Some(found)) if expected.is_near(*found) => Ok(format!("  {series} {found}\n")),
            (Some(expected), Some(found)) => Err(format!("- {series} {expected}\n+ {series} {found}\n")),
        }
    }

    fn missing(&self, series: &str) -> String {
        let near = near::nearest(series, self.values.keys().map(String::as_str));
        let hint = if near.is_empty() { String::new() } else { format!("; near it: {}", near.join(", ")) };
        format!("  there is no such series{hint}\n")
    }

    fn without_own(mut self) -> Self {
        self.values.retain(|series, _| !series.starts_with("metrics_registry_"));
        self
    }
}

impl Snapshot {
    /// What became of the series since another snapshot.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry, assert_metrics};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc_by(40);
    /// let before = registry.snapshot();
    /// jobs.inc_by(2);
    /// assert_metrics!(registry.snapshot().since(&before), { "jobs_total" => 2 });
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn since(&self, before: &Self) -> Diff {
        let (before, after) = (Samples::of(before).without_own().values, Samples::of(self).without_own().values);
        let gone = before.keys().filter(|series| !after.contains_key(*series));
        let all = gone.chain(after.keys()).map(|series| Change {
            series: series.clone(),
            before: before.get(series).copied(),
            after: after.get(series).copied(),
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by(|a, b| a.series.cmp(&b.series));
        Diff { all }
    }
}

impl Diff {
    /// Whether nothing changed.
    ///
    /// ```
    /// use streamgauge_metrics::Registry;
    ///
    /// let registry = Registry::new();
    /// assert!(registry.snapshot().since(&registry.snapshot()).is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// The changes, sorted by series.
    ///
    /// ```
    /// use streamgauge_metrics::Registry;
    ///
    /// let registry = Registry::new();
    /// let changed = registry.snapshot().since(&registry.snapshot());
    /// assert_eq!(changed.changes().count(), 0);
    /// ```
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.all.iter().filter(|change| change.before != change.after)
    }
}

impl Change {
    /// By how much it changed, counted from 0 if it has appeared; `None` if it has disappeared.
    ///
    /// ```
    /// use streamgauge_metrics::test::Change;
    ///
    /// let new = Change { series: "jobs_total".to_owned(), before: None, after: Some(5.into()) };
    /// assert_eq!(new.by(), Some(5.into()));
    /// let gone = Change { before: new.after, after: None, ..new };
    /// assert_eq!(gone.by(), None);
    /// ```
    pub fn by(&self) -> Option<Number> {
        let after = self.after?;
        Some(self.before.map_or(after, |before| after.minus(before)))
    }
}

impl Source for Samples {
    fn samples(&self) -> Samples {
        self.clone()
    }
}

impl Source for Snapshot {
    fn samples(&self) -> Samples {
        Samples::of(self)
    }
}

impl Source for Registry {
    fn samples(&self) -> Samples {
        self.snapshot().samples()
    }
}

/// By how much each series changed; 0 if it did not.
impl Source for Diff {
    fn samples(&self) -> Samples {
        let values = self.all.iter().filter_map(|change| Some((change.series.clone(), change.by()?)));
        Samples { values: values.collect() }
    }
}

impl<S: Source> Source for &S {
    fn samples(&self) -> Samples {
        (*self).samples()
    }
}

impl<N: Into<Number>> From<N> for Expected {
    fn from(number: N) -> Self {
        Self(Some(number.into()))
    }
}

/// One series a line, as on a page but with its labels sorted.
impl fmt::Display for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values.iter().try_for_each(|(series, value)| writeln!(f, "{series} {value}"))
    }
}

/// One series a line: `+` has appeared, `-` has disappeared.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.changes().try_for_each(|change| writeln!(f, "{change}"))
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = &self.series;
        match (self.before, self.after) {
            (Some(before), Some(after)) => write!(f, "  {series} {before} → {after}"),
            (None, Some(after)) => write!(f, "+ {series} {after}"),
            (Some(before), None) => write!(f, "- {series} {before}"),
            (None, None) => write!(f, "  {series}"),
        }
    }
}

/// A line of a page.
fn sample(line: &str) -> Option<(String, Number)> {
    let (series, value) = parse(line)?;
    Some((series, Number::read(value.trim())?))
}

/// A series with its labels sorted and its bounds spelled as the formats do; `None` if it is none.
fn canonical(series: &str) -> Option<String> {
    let (series, rest) = parse(series.trim())?;
    rest.is_empty().then_some(series)
}

/// Splits a series, in canonical form, from what follows.
fn parse(text: &str) -> Option<(String, &str)> {
    let end = text.find(['{', ' ']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(end);
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside.trim_start();
        while !rest.starts_with('}') {
            let (name, value, after) = label::split_first(rest)?;
            let value = if matches!(name.trim(), "le" | "quantile") { bound(&value) } else { value.into_owned() };
            labels.push((name.trim(), value));
            rest = after.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        rest = &rest[1..];
    }
    labels.sort();
    let mut inside = String::new();
    for (name, value) in &labels {
        label::push(&mut inside, name, value);
    }
    let series = if inside.is_empty() { name.to_owned() } else { format!("{name}{{{inside}}}") };
    (!name.is_empty()).then_some((series, rest))
}

fn bound(text: &str) -> String {
    text.parse().map_or_else(|_| text.to_owned(), encode::number::text)
}

#[cfg(test)]
mod tests;
