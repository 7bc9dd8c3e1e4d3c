//! What a registry held at one moment, as plain data: all that an encoder ever sees.

use crate::cell::{Totals, totals};
use crate::desc::Desc;
use crate::metric::Metric;
use crate::summary::SummarySnapshot;
use crate::sync::Arc;
use crate::table::List;

mod histogram;
mod member;
mod series;

pub use self::histogram::HistogramSnapshot;
pub(crate) use self::member::Member;
pub use self::series::{Series, Value};

/// Every metric of a registry with its values, sorted by name.
///
/// The series of a snapshot keep their place in memory as long as it is there.
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
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Family, Registry};
///
/// let registry = Registry::new();
/// let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
/// let sent: Family<Counter> = registry.register(desc)?;
/// sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
/// let snapshot = registry.snapshot();
/// let family = snapshot.family("sent_total").unwrap();
/// assert_eq!((family.desc().name(), family.len()), ("sent_total", 1));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FamilySnapshot {
    desc: Arc<Desc>,
    totals: Arc<Totals>,
    members: Vec<Member>,
}

impl Snapshot {
    pub(crate) fn new(families: Vec<FamilySnapshot>) -> Self {
        Self { families }
    }

    /// The metrics, sorted by name.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc_by(3);
    /// let snapshot = registry.snapshot();
    /// assert!(snapshot.families().iter().any(|family| family.desc().name() == "jobs_total"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn families(&self) -> &[FamilySnapshot] {
        &self.families
    }

    /// The metric of this name.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc_by(3);
    /// let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.family("jobs_total").map(|family| family.len()), Some(1));
    /// assert!(snapshot.family("jobs").is_none());
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn family(&self, name: &str) -> Option<&FamilySnapshot> {
        let place = self.families.binary_search_by(|family| family.desc.name().cmp(name));
        place.ok().map(|i| &self.families[i])
    }

    /// The value of one series; the labels may be given in any order.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// let (one, other) = ([("topic", "orders"), ("to", "eu")], [("to", "eu"), ("topic", "orders")]);
    /// assert_eq!(snapshot.value("sent_total", &one), snapshot.value("sent_total", &other));
    /// assert_eq!(snapshot.value("sent_total", &[("to", "eu")]), None);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<Value<'_>> {
        self.family(name)?.value(labels)
    }

    /// The value of a counter; `None` if there is no such series or it counts no whole numbers.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.counter("sent_total", &[("to", "eu"), ("topic", "orders")]), Some(1));
    /// assert_eq!(snapshot.gauge("sent_total", &[("to", "eu"), ("topic", "orders")]), None);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn counter(&self, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
        match self.value(name, labels)? {
            Value::Counter(total) => Some(total),
            _ => None,
        }
    }

    /// The value of a gauge; `None` if there is no such series or it is no gauge.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// let depth: Gauge = registry.register(Desc::of::<Gauge>("depth", "Depth."))?;
    /// depth.set(2.5);
    /// assert_eq!(registry.snapshot().gauge("depth", &[]), Some(2.5));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn gauge(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        match self.value(name, labels)? {
            Value::Gauge(level) => Some(level),
            _ => None,
        }
    }

    /// A histogram; `None` if there is no such series or it is no histogram.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Histogram, Registry};
    ///
    /// let registry = Registry::new();
    /// let wait_ms: Histogram = registry.register(Desc::of::<Histogram>("wait_ms", "Waiting."))?;
    /// wait_ms.observe(3.5);
    /// let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.histogram("wait_ms", &[]).map(|waits| waits.sum()), Some(3.5));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn histogram(&self, name: &str, labels: &[(&str, &str)]) -> Option<HistogramSnapshot<'_>> {
        match self.value(name, labels)? {
            Value::Histogram(histogram) => Some(histogram),
            _ => None,
        }
    }

    /// A summary; `None` if there is no such series or it is no summary.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Registry, Summary};
    ///
    /// let registry = Registry::new();
    /// let wait_ms: Summary = registry.register(Desc::of::<Summary>("wait_ms", "Waiting."))?;
    /// wait_ms.observe(3.5);
    /// let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.summary("wait_ms", &[]).and_then(|waits| waits.quantile(0.99)), Some(3.5));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn summary(&self, name: &str, labels: &[(&str, &str)]) -> Option<SummarySnapshot<'_>> {
        match self.value(name, labels)? {
            Value::Summary(summary) => Some(summary),
            _ => None,
        }
    }
}

impl FamilySnapshot {
    pub(crate) fn new(desc: Arc<Desc>, totals: &Arc<Totals>, members: Vec<Member>) -> Self {
        Self { desc, totals: Arc::clone(totals), members }
    }

    /// The declaration.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.family("sent_total").unwrap().desc().help(), "Sent.");
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn desc(&self) -> &Desc {
        &self.desc
    }

    /// How many series there are.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// assert_eq!(snapshot.family("sent_total").unwrap().len(), 1);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn len(&self) -> usize {
        self.members.iter().map(Member::len).sum()
    }

    /// How long the texts of the labels are together.
    pub(crate) fn text_bytes(&self) -> usize {
        self.members.iter().map(Member::text_bytes).sum()
    }

    /// Whether there is no series.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// assert!(!snapshot.family("sent_total").unwrap().is_empty());
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The series, in a stable order. A series appears once.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// let texts: Vec<_> = snapshot.family("sent_total").unwrap().series().map(|series| series.text()).collect();
    /// assert_eq!(texts, [r#"topic="orders",to="eu""#]);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.members.iter().flat_map(|member| (0..member.len()).filter_map(|i| member.series(i, &self.totals)))
    }

    /// The texts and totals of all series, if they are counters without exemplars: what most large
    /// metrics are, at half the price of [`series`](Self::series).
    pub(crate) fn plain_counts(&self) -> Option<impl Iterator<Item = (&str, u64)>> {
        let plain = || self.members.iter().map(Member::plain_counts);
        if plain().any(|counts| counts.is_none()) {
            return None;
        }
        Some(plain().flatten().flat_map(move |(list, first)| {
            list.slots.iter().filter_map(move |slot| Some((&*slot.text, *self.totals.range(slot.range).get(first)?)))
        }))
    }

    /// The value of one series; the labels may be given in any order.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// use streamgauge_metrics::snapshot::Value;
    ///
    /// let family = snapshot.family("sent_total").unwrap();
    /// assert_eq!(family.value(&[("to", "eu"), ("topic", "orders")]), Some(Value::Counter(1)));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn value(&self, labels: &[(&str, &str)]) -> Option<Value<'_>> {
        self.series().find(|series| series.has(labels)).map(|series| series.value)
    }
}

/// The sums that some lists of series need.
pub(crate) fn sums<'a>(read: impl Iterator<Item = (&'a Metric, &'a List)> + Clone) -> Arc<Totals> {
    let mut chunks: Vec<usize> = read.clone().flat_map(|(_, list)| list.chunks.iter().copied()).collect();
    chunks.sort_unstable();
    chunks.dedup();
    let mut sums = totals::Totals::gather(&crate::cell::STORE, &chunks);
    read.for_each(|(metric, _)| metric.apply_bases(&mut sums));
    Arc::new(sums)
}
