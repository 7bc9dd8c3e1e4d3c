//! Exemplars: for a number that was counted, what it came from.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cardinality::Refusal;
use crate::cell::Range;
use crate::desc::{is_plain, label_name_fault};
use crate::label::{self, Labels};
use crate::sync::{self, Arc, Mutex, OnceLock};

/// What an observation or a step of a counter was an example of: most often the span in which
/// it was made.
///
/// `OpenMetrics` and protobuf tell exemplars, one for each bucket of a histogram and one for a
/// counter. Once one was taken, others for the same bucket are passed over until a snapshot has
/// told it: so exemplars cost little however many are offered, and nobody waits to offer one.
///
/// ```
/// use streamgauge_metrics::{Desc, Exemplar, Histogram, Registry};
///
/// let registry = Registry::new();
/// let wait_ms: Histogram = registry.register(Desc::of::<Histogram>("wait_ms", "Waiting."))?;
/// wait_ms.observe_with_exemplar(3.5, Exemplar::of_span(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7));
///
/// let snapshot = registry.snapshot();
/// let series = snapshot.family("wait_ms").unwrap().series().next().unwrap();
/// let exemplar = series.exemplars().next().unwrap();
/// assert_eq!(exemplar.labels().get("trace_id").as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
/// assert_eq!(exemplar.value(), 3.5);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Exemplar<'a>(Source<'a>);

#[derive(Clone, Copy, Debug)]
enum Source<'a> {
    Span { trace_id: u128, span_id: u64 },
    Labels(&'a [(&'a str, &'a str)]),
}

/// Names and values of the labels of an exemplar together, as `OpenMetrics` limits them: in
/// characters, not in bytes.
const MOST_CHARS: usize = 128;

impl<'a> Exemplar<'a> {
    /// A span, told by the labels `trace_id` and `span_id` in hexadecimal digits.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Exemplar};
    ///
    /// Counter::default().inc_by_with_exemplar(1, Exemplar::of_span(1, 2));
    /// ```
    pub const fn of_span(trace_id: u128, span_id: u64) -> Self {
        Self(Source::Span { trace_id, span_id })
    }

    /// Labels of any kind: plain names, each once, with their values 128 characters at most. What is
    /// longer is counted in `metrics_registry_refused_total` and not told.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Exemplar};
    ///
    /// Counter::default().inc_by_with_exemplar(1, Exemplar::of_labels(&[("order", "A-17")]));
    /// ```
    pub const fn of_labels(labels: &'a [(&'a str, &'a str)]) -> Self {
        Self(Source::Labels(labels))
    }

    fn text(self) -> Result<Box<str>, Refusal> {
        match self.0 {
            Source::Span { trace_id, span_id } => {
                Ok(format!("trace_id=\"{trace_id:032x}\",span_id=\"{span_id:016x}\"").into())
            }
            Source::Labels(labels) => text_of(labels),
        }
    }
}

fn text_of(labels: &[(&str, &str)]) -> Result<Box<str>, Refusal> {
    let mut names = HashSet::new();
    if !labels.iter().all(|(name, _)| is_plain(name) && label_name_fault(name).is_none() && names.insert(*name)) {
        return Err(Refusal::ExemplarLabels);
    }
    // A byte is at least as much as no character: what is far too long is not counted through.
    let bytes: usize = labels.iter().map(|(name, value)| name.len() + value.len()).sum();
    let chars = || labels.iter().map(|(name, value)| name.len() + value.chars().count()).sum::<usize>();
    if bytes > 4 * MOST_CHARS || chars() > MOST_CHARS {
        return Err(Refusal::ExemplarTooLong);
    }
    let mut text = String::new();
    for (name, value) in labels {
        label::push(&mut text, name, value);
    }
    Ok(text.into())
}

/// An exemplar in a snapshot.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
///
/// let registry = Registry::new();
/// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
/// jobs.inc_by_with_exemplar(2, Exemplar::of_labels(&[("queue", "night")]));
/// let snapshot = registry.snapshot();
/// let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
/// assert_eq!(series.exemplars().map(|exemplar| exemplar.text().to_owned()).collect::<Vec<_>>(), [r#"queue="night""#]);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    text: Box<str>,
    value: f64,
    /// Since 1970.
    at: Duration,
}

impl Taken {
    /// The labels as the text formats write them.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
    /// # let registry = Registry::new();
    /// # let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// # jobs.inc_by_with_exemplar(2, Exemplar::of_labels(&[("queue", "night")]));
    /// # let snapshot = registry.snapshot();
    /// # let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.exemplars().next().unwrap().text(), r#"queue="night""#);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn text(&self) -> &str {
        &self.text
    }

    /// The labels, one after the other.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
    /// # let registry = Registry::new();
    /// # let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// # jobs.inc_by_with_exemplar(2, Exemplar::of_labels(&[("queue", "night")]));
    /// # let snapshot = registry.snapshot();
    /// # let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.exemplars().next().unwrap().labels().get("queue").as_deref(), Some("night"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn labels(&self) -> Labels<'_> {
        Labels::of(&self.text)
    }

    /// What was observed, or the step of the counter.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
    /// # let registry = Registry::new();
    /// # let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// # jobs.inc_by_with_exemplar(2, Exemplar::of_labels(&[("queue", "night")]));
    /// # let snapshot = registry.snapshot();
    /// # let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert_eq!(series.exemplars().next().unwrap().value(), 2.0);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// When, as a time since 1970.
    ///
    /// ```
    /// # use streamgauge_metrics::{Counter, Desc, Exemplar, Registry};
    /// # let registry = Registry::new();
    /// # let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// # jobs.inc_by_with_exemplar(2, Exemplar::of_labels(&[("queue", "night")]));
    /// # let snapshot = registry.snapshot();
    /// # let series = snapshot.family("jobs_total").unwrap().series().next().unwrap();
    /// assert!(series.exemplars().next().unwrap().at().as_secs() > 1_700_000_000);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub const fn at(&self) -> Duration {
        self.at
    }
}

/// The exemplars of a metric.
#[derive(Debug, Default)]
pub(crate) struct Exemplars(OnceLock<Mutex<BTreeMap<u32, Kept>>>);

/// What was taken for a cell, and whether a snapshot has told it: then another one is wanted.
#[derive(Debug)]
struct Kept {
    taken: Arc<Taken>,
    is_told: bool,
}

impl Exemplars {
    /// Takes an exemplar of what was counted in a cell, if one is wanted.
    pub(crate) fn offer(&self, cell: u32, value: f64, exemplar: Exemplar<'_>) -> Result<(), Refusal> {
        // Whoever has the lock copies exemplars, or leaves one: there are others to come.
        let Some(mut kept) = sync::try_lock(self.0.get_or_init(Mutex::default)) else { return Ok(()) };
        if kept.get(&cell).is_none_or(|kept| kept.is_told) {
            let taken = Arc::new(Taken { text: exemplar.text()?, value, at: now() });
            kept.insert(cell, Kept { taken, is_told: false });
        }
        Ok(())
    }

    pub(crate) fn are_none(&self) -> bool {
        self.0.get().is_none()
    }

    /// Those of some cells. From now on others are wanted.
    pub(crate) fn tell(&self, first: u32, len: u32) -> Vec<(u32, Arc<Taken>)> {
        let Some(kept) = self.0.get() else { return Vec::new() };
        let mut kept = sync::lock(kept);
        let told = kept.range_mut(first..first + len).map(|(cell, kept)| {
            kept.is_told = true;
            (cell - first, Arc::clone(&kept.taken))
        });
        told.collect()
    }

    /// Forgets those of a series that begins anew, or is gone.
    pub(crate) fn forget(&self, range: Range) {
        if let Some(kept) = self.0.get() {
            sync::lock(kept).extract_if(range.first..range.first + range.len, |_, _| true).for_each(drop);
        }
    }
}

/// A clock that is before 1970 tells nothing better than 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// The exemplars of the series of an instrument: number of the series and of the cell, sorted.
pub(crate) type ByCell = Vec<(usize, u32, Arc<Taken>)>;

/// Those of one series.
#[inline]
pub(crate) fn of_series(all: &ByCell, series: usize) -> &[(usize, u32, Arc<Taken>)] {
    // Most metrics have none.
    if all.is_empty() { &[] } else { found(all, series) }
}

#[cold]
fn found(all: &ByCell, series: usize) -> &[(usize, u32, Arc<Taken>)] {
    let first = all.partition_point(|(of, ..)| *of < series);
    let end = first + all[first..].partition_point(|(of, ..)| *of == series);
    &all[first..end]
}

#[cfg(test)]
mod tests {
    use super::{Exemplar, Exemplars, text_of};
    use crate::cardinality::Refusal;
    use crate::cell::{Pool, Range};

    #[test]
    fn trap_20_an_exemplar_is_limited_in_characters_and_not_in_bytes() {
        let fits = "é".repeat(128 - 3);
        assert!(text_of(&[("abc", &fits)]).is_ok());
        let longer = fits + "é";
        assert_eq!(text_of(&[("abc", &longer)]), Err(Refusal::ExemplarTooLong));
        assert_eq!(text_of(&[("abc", &"x".repeat(1_000_000))]), Err(Refusal::ExemplarTooLong));
    }

    #[test]
    fn labels_that_no_reader_takes_are_refused() {
        for labels in [[("a", "1"), ("a", "2")], [("a.b", "1"), ("c", "2")], [("__name__", "1"), ("c", "2")]] {
            assert_eq!(text_of(&labels), Err(Refusal::ExemplarLabels));
        }
        assert_eq!(text_of(&[("a", "\"\n\\")]).as_deref(), Ok("a=\"\\\"\\n\\\\\""));
        assert_eq!(text_of(&[]).as_deref(), Ok(""));
    }

    #[test]
    fn a_cell_takes_one_exemplar_until_it_was_told() {
        let exemplars = Exemplars::default();
        let offer = |cell, value| exemplars.offer(cell, value, Exemplar::of_span(1, 2)).unwrap();
        let told = || exemplars.tell(2, 10).iter().map(|(cell, taken)| (*cell, taken.value())).collect::<Vec<_>>();
        offer(3, 1.0);
        offer(3, 2.0);
        offer(4, 3.0);
        offer(40, 4.0);
        assert_eq!(told(), [(1, 1.0), (2, 3.0)]);
        offer(3, 5.0);
        assert_eq!(told(), [(1, 5.0), (2, 3.0)]);
        exemplars.forget(Range { first: 2, len: 2, pool: Pool::Recorded });
        assert_eq!(told(), [(2, 3.0)]);
    }
}
