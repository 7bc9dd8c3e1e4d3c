//! One metric, many series: a label set leads to its series.

use std::any::type_name;
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::rc::Rc;

use foldhash::fast::RandomState;

mod cache;
mod found;

use self::cache::Cached;
pub use self::cache::Remembered;
pub use self::found::Found;
use crate::cardinality::{Refusal, SeriesError};
use crate::cell::Row;
use crate::desc::Kind;
use crate::firewall::Fold;
use crate::histogram::{Bounds, Histogram};
use crate::instrument::{Declared, Instrument, Member, Sealed, Single};
use crate::label::{Label, LabelSet, Labels, Lookup, Pairs};
use crate::metric::{Metric, Removal};
use crate::plan::{Plan, Storage};
use crate::slot::{Handle, Slot};
use crate::sync::{self, Arc, OnceLock, RwLock};

/// The series of one metric, found by their labels.
///
/// `M` is an instrument, or a group of them ([`Group`](crate::Group)) whose series then share
/// their labels. `L` is a [`LabelSet`]; without one the labels are named by the declaration and
/// given as pairs.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, LabelSet};
///
/// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
/// struct ByTopic {
///     topic: &'static str,
/// }
///
/// let sent: Family<Counter, ByTopic> = Family::default();
/// sent.get_or_create(&ByTopic { topic: "orders" }).inc();
/// assert_eq!(sent.get_or_create(&ByTopic { topic: "orders" }).get(), 1);
///
/// let requests: Family<Counter> = Family::with_labels(["status"]);
/// requests.get_or_create(&[("status", "success")]).inc();
/// ```
///
/// A look-up borrows: it takes no lock and does not keep the series from being removed. If all
/// labels are enums it is an index into an array; if not, each thread remembers what it looked up.
/// A handle ([`Family::handle`], or a clone of what was looked up) is faster still, and as long as
/// it lives its series stays.
pub struct Family<M, L = Pairs> {
    metric: Arc<Metric>,
    /// One series for each label set, if all labels have closed sets of values; those that nobody
    /// has looked up yet are in no scrape.
    dense: Arc<[Entry<M>]>,
    /// Where the cells of those are, if each has one.
    row: Row,
    /// For updates whose labels have no series of their own.
    shared: Arc<Folded<M>>,
    labels: PhantomData<fn(L)>,
}

struct Entry<M> {
    member: M,
    slot: Arc<Slot>,
}

/// Series that stand for many label sets.
struct Folded<M> {
    /// All of their labels are folded.
    all: OnceLock<Entry<M>>,
    /// Some are; by their labels.
    some: RwLock<HashMap<Box<str>, Arc<Entry<M>>, RandomState>>,
}

impl<M: Member, L: LabelSet> Family<M, L> {
    /// The series with these labels, made at zero if it is not there yet.
    ///
    /// Past a limit ([`Limits`](crate::Limits)) it is the series in which the label that explodes is
    /// [`OVERFLOW`](crate::cardinality::OVERFLOW) and the others are what they are; with labels that are not those
    /// of the declaration it is the one in which all are. The refusal is counted.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// sent.get_or_create(&[("topic", "orders")]).inc_by(2);
    /// assert_eq!(sent.get_or_create(&[("topic", "orders")]).get(), 2);
    /// ```
    #[inline]
    #[track_caller]
    pub fn get_or_create<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Found<'_, M, L> {
        if cfg!(feature = "noop") {
            return Found::shared(self.overflowing());
        }
        if L::DENSE.is_some() {
            return self.find_dense(labels).unwrap_or_else(|| Found::shared(self.create_dense_or_overflow(labels)));
        }
        let at = Location::caller();
        self.find_cached(labels).unwrap_or_else(|| self.create_or_fold(labels, at))
    }

    /// The same, with the reason if there is no series of its own for these labels.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// assert!(sent.try_get_or_create(&[("topic", "orders")]).is_ok());
    /// assert!(sent.try_get_or_create(&[("topic", "x".repeat(257).as_str())]).is_err());
    /// ```
    pub fn try_get_or_create<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Result<Found<'_, M, L>, SeriesError> {
        if cfg!(feature = "noop") {
            return Ok(Found::shared(self.overflowing()));
        }
        if L::DENSE.is_some() {
            return self.find_dense(labels).map_or_else(|| self.create_dense(labels).map(Found::shared), Ok);
        }
        self.find_cached(labels).map_or_else(|| self.create(labels), Ok)
    }

    /// A handle to the series with these labels, which stays as long as the handle lives.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family, Removal};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// let orders = sent.handle(&[("topic", "orders")]);
    /// assert_eq!(sent.remove(&[("topic", "orders")]), Removal::Held);
    /// drop(orders);
    /// assert_eq!(sent.remove(&[("topic", "orders")]), Removal::Removed);
    /// ```
    #[track_caller]
    pub fn handle<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> M {
        M::clone(&self.get_or_create(labels))
    }

    /// Takes a series out of the scrapes, unless someone holds it. If it comes back it begins
    /// at 0; the float sums of a family whose labels are all enums then begin at 0 up to rounding.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family, Removal};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// sent.get_or_create(&[("topic", "orders")]).inc();
    /// assert_eq!(sent.remove(&[("topic", "orders")]), Removal::Removed);
    /// assert_eq!(sent.remove(&[("topic", "orders")]), Removal::Absent);
    /// assert_eq!(sent.get_or_create(&[("topic", "orders")]).get(), 0);
    /// ```
    pub fn remove<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Removal {
        let values = labels.values(&self.metric.labels);
        let slot = values.and_then(|values| self.metric.find(&values));
        slot.map_or(Removal::Absent, |slot| self.metric.remove(&slot))
    }

    /// Removes every series that has all of these labels, unless it is held. Returns how many
    /// were removed.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let lag: Family<Counter> = Family::with_labels(["topic", "partition"]);
    /// for partition in ["0", "1", "2"] {
    ///     lag.get_or_create(&[("topic", "orders"), ("partition", partition)]).inc();
    /// }
    /// assert_eq!(lag.remove_matching(&[("topic", "orders")]), 3);
    /// ```
    pub fn remove_matching(&self, labels: &[(&str, &str)]) -> usize {
        self.remove_unless(|own| !labels.iter().all(|(name, value)| own.get(name).as_deref() == Some(value)))
    }

    /// Keeps the series that `keep` is true for, and those that are held.
    ///
    /// No lock is held while `keep` runs.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// sent.get_or_create(&[("topic", "orders")]).inc();
    /// sent.get_or_create(&[("topic", "test-1")]).inc();
    /// sent.retain(|labels| !labels.get("topic").is_some_and(|topic| topic.starts_with("test-")));
    /// assert_eq!(sent.len(), 1);
    /// ```
    pub fn retain(&self, keep: impl FnMut(&Labels<'_>) -> bool) {
        self.remove_unless(keep);
    }

    /// How many this removed: others may add and remove series meanwhile.
    fn remove_unless(&self, mut keep: impl FnMut(&Labels<'_>) -> bool) -> usize {
        let list = self.metric.list();
        let unwanted = list.slots.iter().filter(|slot| !keep(&Labels::of(&slot.text)));
        unwanted.filter(|slot| self.metric.remove(slot) == Removal::Removed).count()
    }

    /// How many series there are, that of the overflow included.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// sent.get_or_create(&[("topic", "orders")]).inc();
    /// sent.get_or_create(&[("topic", "returns")]).inc();
    /// assert_eq!(sent.len(), 2);
    /// ```
    pub fn len(&self) -> usize {
        self.metric.len()
    }

    /// Whether there is no series yet.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// assert!(sent.is_empty());
    /// ```
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn find_dense<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Option<Found<'_, M, L>> {
        let nth = labels.index();
        self.metric.shown.has(nth).then(|| Found::nth(self, nth))
    }

    #[inline]
    fn find_cached<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Option<Found<'_, M, L>> {
        let cached = cache::find(self.metric.id, labels)?;
        Some(Found::cached(cached))
    }

    #[cold]
    #[inline(never)]
    fn create_dense_or_overflow<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> &M {
        self.create_dense(labels).unwrap_or_else(|error| {
            self.metric.refusals.count(error.refusal());
            self.overflowing()
        })
    }

    #[cold]
    #[inline(never)]
    fn create_or_fold<Q: Lookup<L> + ?Sized>(&self, labels: &Q, at: &'static Location<'static>) -> Found<'_, M, L> {
        let Some(values) = labels.values(&self.metric.labels) else {
            self.metric.refusals.count(Refusal::OtherLabels);
            return Found::shared(self.overflowing());
        };
        // A flood of new values ends here, without a look into the table.
        if let Some(fold) = self.metric.turns_away(&values) {
            return self.folded(&values, fold);
        }
        self.create_from(labels, &values).unwrap_or_else(|error| {
            let fold = self.metric.refuse(&error, &values, at);
            self.folded(&values, fold)
        })
    }

    /// The series with these values, in the order of the declaration, for those who remember it themselves: it is not
    /// held, unless it is a folded one.
    #[cfg(feature = "metrics-facade")]
    pub(crate) fn find_by_values(&self, values: &[Cow<'_, str>], at: &dyn fmt::Display) -> M {
        if let Some(fold) = self.metric.turns_away(values) {
            return M::clone(&self.folded(values, fold));
        }
        match self.metric.find(values).map_or_else(|| self.metric.create(values), Ok) {
            Ok(slot) => M::over(&Handle::borrowed(&slot), &self.metric.parts),
            Err(error) => M::clone(&self.folded(values, self.metric.refuse(&error, values, at))),
        }
    }

    fn overflowing(&self) -> &M {
        let slot = self.metric.overflow();
        &self.shared.all.get_or_init(|| Entry::new(&self.metric, Arc::clone(slot))).member
    }

    /// The series in which some of these labels are folded, or more of them if there is no room for it.
    fn folded(&self, values: &[Cow<'_, str>], fold: Fold) -> Found<'_, M, L> {
        thread_local! {
            static TEXT: Cell<String> = const { Cell::new(String::new()) };
        }
        // Taken and put back: a look-up in between would find it empty, and make its own.
        let mut text = TEXT.try_with(Cell::take).unwrap_or_default();
        let mut fold = fold;
        let found = loop {
            if fold.is_all_of(values.len()) {
                break Found::shared(self.overflowing());
            }
            self.metric.write_folded(&mut text, values, fold);
            match self.find_folded(&text) {
                Ok(entry) => break Found::folded(entry),
                Err(SeriesError::MetricFull { .. }) => fold = self.metric.firewall.fold_more(fold),
                Err(_) => fold = Fold::ALL,
            }
        };
        TEXT.try_with(|kept| kept.set(text)).ok();
        found
    }

    fn find_folded(&self, text: &str) -> Result<Arc<Entry<M>>, SeriesError> {
        let known = sync::read(&self.shared.some).get(text).map(Arc::clone);
        if let Some(known) = known.filter(|entry| entry.slot.is_shown()) {
            return Ok(known);
        }
        let entry = Arc::new(Entry::new(&self.metric, self.metric.create_as(text)?));
        let before = sync::write(&self.shared.some).insert(text.into(), Arc::clone(&entry));
        // The last reference to its series may be here, with no lock held.
        drop(before);
        Ok(entry)
    }

    fn create<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Result<Found<'_, M, L>, SeriesError> {
        let values = labels.values(&self.metric.labels).ok_or_else(|| self.metric.other_labels())?;
        self.create_from(labels, &values)
    }

    fn create_from<Q: Lookup<L> + ?Sized>(
        &self,
        labels: &Q,
        values: &[Cow<'_, str>],
    ) -> Result<Found<'_, M, L>, SeriesError> {
        let known = self.metric.find(values);
        let is_known = known.is_some();
        let slot = known.map_or_else(|| self.metric.create(values), Ok)?;
        let member = M::over(&Handle::borrowed(&slot), &self.metric.parts);
        let found = Rc::new(Cached::new(labels, member.keep(), slot));
        // Worth remembering is what is looked up again, and not what is made and then held.
        if is_known {
            cache::keep(self.metric.id, labels, &found);
        }
        Ok(Found::cached(found))
    }

    fn create_dense<Q: Lookup<L> + ?Sized>(&self, labels: &Q) -> Result<&M, SeriesError> {
        let entry = self.dense.get(labels.index()).ok_or_else(|| self.metric.other_labels())?;
        self.metric.show(&entry.slot)?;
        Ok(&entry.member)
    }

    fn alone(bounds: Option<&Bounds>, labels: &[Label]) -> Self {
        let declared = |place| Bounds::new(M::buckets(place)?.standard_bounds()).ok();
        let instruments = M::STORAGE.iter().enumerate().map(|(place, storage)| match storage {
            Storage::Buckets => (*storage, bounds.cloned().or_else(|| declared(place))),
            _ => (*storage, None),
        });
        Self::attach(&Metric::alone(Plan::new(instruments), labels.into()))
    }
}

impl<M, L> Family<M, L> {
    /// The instrument of a label set that [was found](Self::find_dense).
    #[inline]
    fn nth(&self, nth: usize) -> &M {
        match self.dense.get(nth) {
            Some(entry) => &entry.member,
            None => unreachable!("what is shown is in the array"),
        }
    }
}

/// The values of the label set with this index.
fn values_at(labels: &[Label], index: usize) -> Vec<&'static str> {
    let (mut values, mut rest) = (Vec::new(), index);
    for known in labels.iter().rev().filter_map(|label| label.values) {
        values.push(known[rest % known.len()]);
        rest /= known.len();
    }
    values.reverse();
    values
}

impl<M> Default for Folded<M> {
    fn default() -> Self {
        Self { all: OnceLock::new(), some: RwLock::default() }
    }
}

impl<M: Member> Entry<M> {
    fn new(metric: &Metric, slot: Arc<Slot>) -> Self {
        Self { member: M::over(&Handle::borrowed(&slot), &metric.parts), slot }
    }
}

impl<M: Member> Family<M> {
    /// A family in no registry, whose labels have these names.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic", "to"]);
    /// sent.get_or_create(&[("to", "eu"), ("topic", "orders")]).inc();
    /// ```
    ///
    /// # Panics
    /// If a name is no label name, or is there twice. For names from outside declare the family
    /// with [`Desc::with_labels`](crate::Desc::with_labels), which is checked at registration.
    pub fn with_labels<const N: usize>(names: [&'static str; N]) -> Self {
        let labels = names.map(Label::new);
        if let Some(fault) = crate::desc::labels_fault(&labels, crate::desc::label_name_fault) {
            panic!("{fault}");
        }
        Self::alone(None, &labels)
    }
}

impl<L: LabelSet> Family<Histogram, L> {
    /// A family of histograms that all share these bounds.
    ///
    /// ```
    /// use streamgauge_metrics::{Bounds, Family, Histogram, LabelSet};
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// struct ByTopic {
    ///     topic: &'static str,
    /// }
    ///
    /// let sizes = Family::<Histogram, ByTopic>::with_bounds(&Bounds::new(&[10.0, 100.0])?);
    /// sizes.get_or_create(&ByTopic { topic: "orders" }).observe(12.0);
    /// # Ok::<(), streamgauge_metrics::BoundsError>(())
    /// ```
    pub fn with_bounds(bounds: &Bounds) -> Self {
        Self::alone(Some(bounds), L::LABELS)
    }
}

impl<M: Member, L: LabelSet> Default for Family<M, L> {
    fn default() -> Self {
        Self::alone(None, L::LABELS)
    }
}

impl<M, L> Clone for Family<M, L> {
    fn clone(&self) -> Self {
        Self {
            metric: Arc::clone(&self.metric),
            dense: Arc::clone(&self.dense),
            row: self.row,
            shared: Arc::clone(&self.shared),
            labels: PhantomData,
        }
    }
}

impl<M, L> fmt::Debug for Family<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = (type_name::<M>(), type_name::<L>());
        f.debug_struct("Family").field("of", &of).field("series", &self.metric.len()).finish_non_exhaustive()
    }
}

impl<M, L> Sealed for Family<M, L> {}

impl<M: Member, L: LabelSet> Instrument for Family<M, L> {
    const LABELS: &'static [Label] = L::LABELS;
    const LABELS_BY_NAME: bool = L::LABELS.is_empty();
    const STORAGE: &'static [Storage] = M::STORAGE;

    fn attach(metric: &Arc<Metric>) -> Self {
        let sets: Vec<_> = (0..L::DENSE.unwrap_or(0)).map(|index| values_at(L::LABELS, index)).collect();
        let (slots, row) = metric.closed(&sets);
        Self {
            metric: Arc::clone(metric),
            dense: slots.into_iter().map(|slot| Entry::new(metric, slot)).collect(),
            row,
            shared: Arc::default(),
            labels: PhantomData,
        }
    }
}

impl<M: Single + Member, L: LabelSet> Declared for Family<M, L> {
    const KIND: Kind = M::KIND;
}

#[cfg(test)]
mod tests;
