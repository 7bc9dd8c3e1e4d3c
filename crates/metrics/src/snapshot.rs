//! What a registry held at one moment, as plain data: all that an encoder ever sees.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::cell::{Totals, totals};
use crate::desc::Desc;
use crate::exemplar::{self, Taken};
use crate::gauge;
use crate::histogram::Bounds;
use crate::label::{self, Labels};
use crate::metric::{List, Metric, Part, Storage};
use crate::native::NativeSnapshot;
use crate::slot::Slot;
use crate::summary::SummarySnapshot;
use crate::sync::{Arc, Ordering};

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

/// Series that were registered together.
#[derive(Clone)]
pub(crate) enum Member {
    /// Those with cells.
    Summed {
        /// The series.
        list: Arc<List>,
        /// Which of their instruments.
        part: Part,
        /// What their numbers came from, where that is known.
        exemplars: exemplar::ByCell,
    },
    /// Those whose values were read one by one, in the order of the list.
    Levels {
        /// The series.
        list: Arc<List>,
        /// The bits of their values.
        levels: Box<[u64]>,
    },
    /// Summaries, in the order of the list.
    Summaries {
        /// The series.
        list: Arc<List>,
        /// What they had observed.
        summaries: Box<[SummarySnapshot<'static>]>,
    },
    /// Others.
    Given(Vec<(Box<str>, Value<'static>)>),
}

/// One series: its labels and a value.
///
/// ```
/// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
/// #
/// # let registry = Registry::new();
/// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
/// # let sent: Family<Counter> = registry.register(desc)?;
/// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
/// # let snapshot = registry.snapshot();
/// for series in snapshot.family("sent_total").unwrap().series() {
///     assert!(series.has(&[("to", "eu"), ("topic", "orders")]));
/// }
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Series<'a> {
    text: &'a str,
    value: Value<'a>,
    /// Milliseconds since 1970; 0 if it is not known.
    started_at: u64,
    exemplars: &'a [(usize, u32, Arc<Taken>)],
}

/// The value of a series.
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
/// let labels = [("topic", "orders"), ("to", "eu")];
/// assert_eq!(snapshot.value("sent_total", &labels), Some(Value::Counter(1)));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Of a counter.
    Counter(u64),
    /// Of a counter of what is no whole number.
    FloatCounter(f64),
    /// Of a gauge; of an info and of each state of a state set, 1 or 0.
    Gauge(f64),
    /// Of a histogram.
    Histogram(HistogramSnapshot<'a>),
    /// Of a summary.
    Summary(SummarySnapshot<'a>),
}

/// What a histogram had observed.
///
/// ```
/// let sizes = streamgauge_metrics::Histogram::default();
/// sizes.observe(3.0);
/// sizes.observe(99_999.0);
/// let now = sizes.get();
/// assert_eq!(now.count(), now.buckets().iter().sum());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramSnapshot<'a> {
    bounds: Bounds,
    /// The sum, then the buckets, then the native buckets.
    cells: Cow<'a, [u64]>,
    /// What each of the native buckets is for.
    places: Box<[u32]>,
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

impl Member {
    /// Reads the series of an instrument of a metric, except for those that `totals` will have.
    pub(crate) fn of(metric: &Metric, list: &Arc<List>, part: &Part, name: &str) -> Self {
        let level = |slot: &Arc<Slot>| slot.level.load(Ordering::Relaxed);
        let list = Arc::clone(list);
        match part.storage {
            Storage::Level => {
                let levels = list.slots.iter().map(level).collect();
                Self::Levels { list, levels }
            }
            Storage::Quantiles => {
                let summaries = list.slots.iter().map(|slot| slot.read_summary()).collect();
                Self::Summaries { list, summaries }
            }
            Storage::State(states) => {
                let slots = list.slots.iter();
                Self::Given(slots.flat_map(|slot| state_series(&slot.text, name, states, level(slot))).collect())
            }
            Storage::Integer | Storage::Float | Storage::Pair | Storage::Buckets => {
                debug_assert!(metric.shape.len > 0);
                let exemplars = metric.exemplars(&list, part);
                Self::Summed { list, part: part.clone(), exemplars }
            }
        }
    }

    /// The series and the place of their totals, if they are counters without exemplars.
    fn plain_counts(&self) -> Option<(&List, usize)> {
        match self {
            Self::Summed { list, part, exemplars } if part.storage == Storage::Integer && exemplars.is_empty() => {
                Some((list, part.first as usize))
            }
            _ => None,
        }
    }

    fn text_bytes(&self) -> usize {
        match self {
            Self::Summed { list, .. } | Self::Levels { list, .. } | Self::Summaries { list, .. } => list.text_bytes,
            Self::Given(series) => series.iter().map(|(text, _)| text.len()).sum(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Summed { list, .. } | Self::Levels { list, .. } | Self::Summaries { list, .. } => list.slots.len(),
            Self::Given(series) => series.len(),
        }
    }

    #[inline]
    fn series<'a>(&'a self, i: usize, totals: &'a Totals) -> Option<Series<'a>> {
        match self {
            Self::Summed { list, part, exemplars } => {
                let slot = list.slots.get(i)?;
                let cells = totals.range(slot.range).get(part.first as usize..)?.get(..part.len as usize)?;
                let exemplars = exemplar::of_series(exemplars, i);
                let started_at = list.started.get(i).copied().unwrap_or_default();
                Some(Series { text: &slot.text, value: part.value(cells, slot), started_at, exemplars })
            }
            Self::Levels { list, levels } => {
                let value = Value::Gauge(f64::from_bits(*levels.get(i)?));
                Some(Series { text: &list.slots.get(i)?.text, value, started_at: 0, exemplars: &[] })
            }
            Self::Summaries { list, summaries } => {
                let value = Value::Summary(summaries.get(i)?.borrowed());
                let started_at = list.started.get(i).copied().unwrap_or_default();
                Some(Series { text: &list.slots.get(i)?.text, value, started_at, exemplars: &[] })
            }
            Self::Given(series) => {
                let (text, value) = series.get(i)?;
                Some(Series { text, value: value.clone(), started_at: 0, exemplars: &[] })
            }
        }
    }
}

/// One series for each state. As `OpenMetrics` wants it, the label has the name of the metric.
fn state_series<'a>(
    labels: &'a str,
    name: &'a str,
    states: &'static [&'static str],
    present: u64,
) -> impl Iterator<Item = (Box<str>, Value<'static>)> + use<'a> {
    (0..).zip(states).map(move |(i, state)| {
        let mut text = labels.to_owned();
        label::push(&mut text, name, state);
        (text.into(), Value::Gauge(if i == present { 1.0 } else { 0.0 }))
    })
}

impl Part {
    fn value<'a>(&self, cells: &'a [u64], slot: &Slot) -> Value<'a> {
        let first = cells.first().copied().unwrap_or_default();
        match (self.storage, &self.bounds) {
            (Storage::Buckets, Some(bounds)) => self.distribution(bounds, cells, slot),
            (Storage::Float, _) => Value::FloatCounter(f64::from_bits(first)),
            (Storage::Pair, _) => Value::Gauge(gauge::difference(cells) as f64),
            _ => Value::Counter(first),
        }
    }

    /// Apart, so that a loop over counters stays a small one.
    #[inline(never)]
    fn distribution<'a>(&self, bounds: &Bounds, cells: &'a [u64], slot: &Slot) -> Value<'a> {
        let places = bounds.places(slot.range.first + self.first);
        Value::Histogram(HistogramSnapshot::new(bounds.clone(), Cow::Borrowed(cells), places))
    }
}

impl<'a> Series<'a> {
    /// The labels as the text formats write them, without braces: `topic="a",partition="3"`.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// let series = snapshot.family("sent_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.text(), r#"topic="orders",to="eu""#);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The labels, one after the other.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// let series = snapshot.family("sent_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.labels().get("topic").as_deref(), Some("orders"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn labels(&self) -> Labels<'a> {
        Labels::of(self.text)
    }

    /// Whether these are its labels, in any order.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Family, Registry};
    /// #
    /// # let registry = Registry::new();
    /// # let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic", "to"]);
    /// # let sent: Family<Counter> = registry.register(desc)?;
    /// # sent.get_or_create(&[("topic", "orders"), ("to", "eu")]).inc();
    /// # let snapshot = registry.snapshot();
    /// let series = snapshot.family("sent_total").unwrap().series().next().unwrap();
    /// assert!(series.has(&[("to", "eu"), ("topic", "orders")]));
    /// assert!(!series.has(&[("to", "eu")]));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn has(&self, labels: &[(&str, &str)]) -> bool {
        self.labels().count() == labels.len()
            && self.labels().all(|(name, value)| labels.iter().any(|pair| *pair == (name, &*value)))
    }

    /// The value.
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
    /// let series = snapshot.family("sent_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.value(), &Value::Counter(1));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn value(&self) -> &Value<'a> {
        &self.value
    }

    /// When it began to count from 0, as a time since 1970; `None` where that says nothing, as of a gauge. A series that
    /// was let go or removed and comes back has begun anew.
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamgauge_metrics::{Clock, Counter, Desc, Options, Registry};
    ///
    /// let clock = Clock::manual();
    /// let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() })?;
    /// clock.advance(Duration::from_secs(1_700_000_000));
    /// let _: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// clock.advance(Duration::from_secs(60));
    /// let snapshot = registry.snapshot();
    /// let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.started_at(), Some(Duration::from_secs(1_700_000_000)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn started_at(&self) -> Option<Duration> {
        let says_something = !matches!(self.value, Value::Gauge(_)) && self.started_at > 0;
        says_something.then_some(Duration::from_millis(self.started_at))
    }

    /// What some of it came from: an exemplar for each bucket that has one, the lowest first.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc_by_with_exemplar(1, Exemplar::of_span(1, 2));
    /// let snapshot = registry.snapshot();
    /// let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.exemplars().count(), 1);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn exemplars(&self) -> impl Iterator<Item = &'a Taken> + use<'a> {
        self.exemplars.iter().map(|(.., taken)| &**taken)
    }

    /// The exemplar that was counted in this cell of the instrument.
    #[inline]
    pub(crate) fn exemplar(&self, cell: u32) -> Option<&'a Taken> {
        self.exemplars.iter().find(|(_, own, _)| *own == cell).map(|(.., taken)| &**taken)
    }
}

impl<'a> HistogramSnapshot<'a> {
    pub(crate) const fn new(bounds: Bounds, cells: Cow<'a, [u64]>, places: Box<[u32]>) -> Self {
        Self { bounds, cells, places }
    }

    /// The upper bounds of the buckets, without `+Inf`.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.bounds().as_slice().len() + 1, now.buckets().len());
    /// ```
    pub const fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Observations in each bucket alone; the last one is `+Inf`.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.buckets().last(), Some(&1));
    /// ```
    pub fn buckets(&self) -> &[u64] {
        let end = 1 + self.bounds.buckets() as usize;
        self.cells.get(1..end).unwrap_or_default()
    }

    /// The native buckets, if the histogram was declared [with them](crate::Desc::with_native).
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// assert!(sizes.get().native().is_none());
    /// ```
    pub fn native(&self) -> Option<NativeSnapshot> {
        let layout = self.bounds.native()?;
        let first = 1 + self.bounds.buckets() as usize;
        Some(NativeSnapshot::of(layout, self.cells.get(first..).unwrap_or_default(), &self.places))
    }

    /// All observations. Taken from the buckets, so that the two cannot differ.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.count(), 2);
    /// ```
    pub fn count(&self) -> u64 {
        self.buckets().iter().fold(0, |all, bucket| all.saturating_add(*bucket))
    }

    /// The observations added up, `NaN` left out.
    ///
    /// ```
    /// let sizes = streamgauge_metrics::Histogram::default();
    /// sizes.observe(3.0);
    /// sizes.observe(99_999.0);
    /// let now = sizes.get();
    /// assert_eq!(now.sum(), 100_002.0);
    /// ```
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.cells.first().copied().unwrap_or_default())
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("series", &self.len()).finish()
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
