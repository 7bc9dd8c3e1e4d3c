//! One metric, many series: a label set leads to its series.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::desc::Kind;
use crate::histogram::{Bounds, Histogram};
use crate::instrument::{Instrument, Sealed, Unlabelled};
use crate::label::{Label, LabelSet};
use crate::snapshot::Series;
use crate::sync::{self, Arc, RwLock};

/// The series of one metric, found by their labels.
///
/// Look a series up once and keep the handle: the look-up takes a lock, the handle does not.
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
/// let orders = sent.get_or_create(&ByTopic { topic: "orders" });
/// orders.inc();
/// assert_eq!(sent.get_or_create(&ByTopic { topic: "orders" }).get(), 1);
/// ```
pub struct Family<M, L> {
    inner: Arc<Inner<M, L>>,
}

struct Inner<M, L> {
    /// Shared by all series of a histogram family.
    bounds: Option<Bounds>,
    table: RwLock<Table<M, L>>,
}

struct Table<M, L> {
    by_value: HashMap<L, M>,
    /// The same series by the text of their labels. Two unequal label sets can have one text (a
    /// hand-written `LabelValue`): they are one series then, since on the wire they would be.
    by_text: BTreeMap<Arc<[String]>, M>,
}

impl<M: Unlabelled, L: LabelSet> Family<M, L> {
    /// The series with these labels, made at zero if it is not there yet.
    pub fn get_or_create(&self, labels: &L) -> M {
        if let Some(series) = sync::read(&self.inner.table).by_value.get(labels) {
            return series.clone();
        }
        self.create(labels)
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        sync::read(&self.inner.table).by_text.len()
    }

    /// Whether there is no series yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn create(&self, labels: &L) -> M {
        // Made before the lock is taken: making the texts is the caller's code.
        let texts: Arc<[String]> = labels.values().into();
        debug_assert_eq!(texts.len(), L::LABELS.len(), "LabelSet::values breaks its contract");
        let key = labels.clone();
        let mut table = sync::write(&self.inner.table);
        // Whoever was first to the lock made the series; `by_text` knows, and gives it to the rest.
        let bounds = self.inner.bounds.as_ref();
        let series = table.by_text.entry(texts).or_insert_with(|| M::build(bounds));
        let series = series.clone();
        table.by_value.insert(key, series.clone());
        series
    }

    fn with(bounds: Option<&Bounds>) -> Self {
        Self {
            inner: Arc::new(Inner {
                bounds: bounds.cloned(),
                table: RwLock::new(Table { by_value: HashMap::new(), by_text: BTreeMap::new() }),
            }),
        }
    }
}

impl<L: LabelSet> Family<Histogram, L> {
    /// A family of histograms that all share these bounds.
    pub fn with_bounds(bounds: &Bounds) -> Self {
        Self::with(Some(bounds))
    }
}

impl<M: Unlabelled, L: LabelSet> Default for Family<M, L> {
    fn default() -> Self {
        Self::with(None)
    }
}

impl<M, L> Clone for Family<M, L> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<M, L> fmt::Debug for Family<M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = sync::read(&self.inner.table).by_text.len();
        f.debug_struct("Family").field("series", &series).finish()
    }
}

impl<M, L> Sealed for Family<M, L> {}

impl<M: Unlabelled, L: LabelSet> Instrument for Family<M, L> {
    const KIND: Kind = M::KIND;
    const LABELS: &'static [Label] = L::LABELS;

    fn build(bounds: Option<&Bounds>) -> Self {
        Self::with(bounds)
    }

    fn collect(&self) -> Vec<Series> {
        // The lock covers cloning the handles only, so a scrape holds up no new series for long.
        let handles: Vec<_> = sync::read(&self.inner.table)
            .by_text
            .iter()
            .map(|(texts, series)| (Arc::clone(texts), series.clone()))
            .collect();
        handles.into_iter().map(|(texts, series)| Series::new(texts, series.read())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Family;
    use crate::instrument::Instrument;
    use crate::{Bounds, Counter, Histogram, Label, LabelSet};

    #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    struct Pair {
        first: String,
        second: String,
    }

    fn pair(first: &str, second: &str) -> Pair {
        Pair { first: first.to_owned(), second: second.to_owned() }
    }

    #[test]
    fn label_sets_that_read_the_same_when_joined_are_two_series() {
        let family: Family<Counter, Pair> = Family::default();
        family.get_or_create(&pair("ab", "c")).inc_by(1);
        family.get_or_create(&pair("a", "bc")).inc_by(10);
        assert_eq!(family.get_or_create(&pair("ab", "c")).get(), 1);
        assert_eq!(family.get_or_create(&pair("a", "bc")).get(), 10);
        assert_eq!(family.len(), 2);
    }

    #[test]
    fn label_sets_with_equal_fnv_hashes_are_two_series() {
        let family: Family<Counter, Pair> = Family::default();
        family.get_or_create(&pair("77kepQFQ8Kl", "")).inc();
        family.get_or_create(&pair("!0IC=VloaY", "")).inc();
        assert_eq!(family.len(), 2);
    }

    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Shouting(String);

    impl LabelSet for Shouting {
        const LABELS: &'static [Label] = &[Label { name: "word", values: None }];

        fn values(&self) -> Vec<String> {
            vec![self.0.to_uppercase()]
        }
    }

    #[test]
    fn unequal_label_sets_with_the_same_text_share_one_series() {
        let family: Family<Counter, Shouting> = Family::default();
        family.get_or_create(&Shouting("hey".to_owned())).inc();
        family.get_or_create(&Shouting("Hey".to_owned())).inc();
        assert_eq!(family.collect().len(), 1);
        assert_eq!(family.get_or_create(&Shouting("HEY".to_owned())).get(), 2);
    }

    #[test]
    fn threads_that_race_for_a_new_series_get_the_same_one() {
        let family: Family<Counter, Pair> = Family::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for i in 0..500 {
                        family.get_or_create(&pair(&i.to_string(), "x")).inc();
                    }
                });
            }
        });
        assert_eq!(family.len(), 500);
        let total: u64 = (0..500).map(|i| family.get_or_create(&pair(&i.to_string(), "x")).get()).sum();
        assert_eq!(total, 4_000);
    }

    #[test]
    fn all_histograms_of_a_family_share_their_bounds() {
        let bounds = Bounds::new(&[1.0, 2.0]).unwrap();
        let family: Family<Histogram, Pair> = Family::with_bounds(&bounds);
        let one = family.get_or_create(&pair("a", "b"));
        assert_eq!(one.bounds(), &bounds);
    }
}
