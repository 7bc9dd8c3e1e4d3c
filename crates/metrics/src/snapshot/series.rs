//! One series at one moment.

use std::time::Duration;

use super::HistogramSnapshot;
use crate::exemplar::Taken;
use crate::label::Labels;
use crate::summary::SummarySnapshot;
use crate::sync::Arc;

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
    pub(super) text: &'a str,
    pub(super) value: Value<'a>,
    /// Milliseconds since 1970; 0 if it is not known.
    pub(super) started_at: u64,
    pub(super) exemplars: &'a [(usize, u32, Arc<Taken>)],
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
