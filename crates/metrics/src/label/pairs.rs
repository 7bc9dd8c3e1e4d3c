//! Labels given as pairs of name and value, for families whose labels are named by their
//! declaration.

use std::borrow::Cow;
use std::hash::Hasher;

use super::{Label, LabelSet};
use crate::family::Remembered;

/// The label set of a family whose labels are named by its declaration: `Family<Counter>`.
///
/// ```
/// use streamgauge_metrics::{Counter, Family};
///
/// let requests: Family<Counter> = Family::with_labels(["status", "method"]);
/// requests.get_or_create(&[("status", "ok"), ("method", "GET")]).inc();
/// // The order of the pairs says nothing.
/// assert_eq!(requests.get_or_create(&[("method", "GET"), ("status", "ok")]).get(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pairs {
    pairs: Box<[(&'static str, Box<str>)]>,
}

/// What leads to a series of a family whose label set is `L`: an `L`, or name and value pairs for
/// [`Pairs`].
///
/// ```
/// use streamgauge_metrics::{Counter, Family, Lookup, Pairs};
///
/// fn count(family: &Family<Counter>, labels: &impl Lookup<Pairs>) {
///     family.get_or_create(labels).inc();
/// }
/// count(&Family::with_labels(["status"]), &[("status", "ok")]);
/// ```
pub trait Lookup<L: LabelSet> {
    /// Which of the `L::DENSE` label sets this is.
    #[doc(hidden)]
    fn index(&self) -> usize;

    /// Feeds a hasher.
    #[doc(hidden)]
    fn hash_quickly(&self, hasher: &mut impl Hasher);

    /// Whether a look-up of `key` was a look-up of this. It may say no for another spelling of the
    /// same labels.
    #[doc(hidden)]
    fn is_same(&self, key: &L) -> bool;

    /// Something to compare with at the next look-up.
    #[doc(hidden)]
    fn to_key(&self) -> L;

    /// The label values in the order of `labels`; `None` if the labels are others.
    #[doc(hidden)]
    fn values(&self, labels: &[Label]) -> Option<Vec<Cow<'_, str>>>;
}

impl<L: LabelSet> Lookup<L> for L {
    #[inline]
    fn index(&self) -> usize {
        LabelSet::index(self)
    }

    #[inline]
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        LabelSet::hash_quickly(self, hasher);
    }

    #[inline]
    fn is_same(&self, key: &L) -> bool {
        LabelSet::is_same(self, key)
    }

    fn to_key(&self) -> L {
        self.clone()
    }

    fn values(&self, _: &[Label]) -> Option<Vec<Cow<'_, str>>> {
        Some(LabelSet::values(self))
    }
}

thread_local! {
    static REMEMBERED: Remembered<Pairs> = const { Remembered::new() };
}

impl LabelSet for Pairs {
    const LABELS: &'static [Label] = &[];

    #[inline]
    fn remembered<R>(look: impl FnOnce(&Remembered<Self>) -> R) -> Option<R> {
        REMEMBERED.try_with(look).ok()
    }

    fn values(&self) -> Vec<Cow<'_, str>> {
        self.pairs.iter().map(|(_, value)| Cow::Borrowed(&**value)).collect()
    }
}

impl<const N: usize> Lookup<Pairs> for [(&'static str, &str); N] {
    fn index(&self) -> usize {
        0
    }

    #[inline]
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        self.as_slice().hash_quickly(hasher);
    }

    #[inline]
    fn is_same(&self, key: &Pairs) -> bool {
        self.as_slice().is_same(key)
    }

    fn to_key(&self) -> Pairs {
        self.as_slice().to_key()
    }

    fn values(&self, labels: &[Label]) -> Option<Vec<Cow<'_, str>>> {
        self.as_slice().values(labels)
    }
}

/// On the short cut a name is known by its place in memory, where it stays: what stands there
/// cannot change. The same name in another place, or another order, takes the long way once.
impl Lookup<Pairs> for [(&'static str, &str)] {
    fn index(&self) -> usize {
        0
    }

    #[inline]
    fn hash_quickly(&self, hasher: &mut impl Hasher) {
        for (_, value) in self {
            hasher.write(value.as_bytes());
        }
    }

    #[inline]
    fn is_same(&self, key: &Pairs) -> bool {
        let same = |((name, value), (known, known_value)): (&(&str, &str), &(&str, Box<str>))| {
            std::ptr::eq(*name, *known) && **value == **known_value
        };
        self.len() == key.pairs.len() && self.iter().zip(&key.pairs).all(same)
    }

    fn to_key(&self) -> Pairs {
        Pairs { pairs: self.iter().map(|(name, value)| (*name, Box::from(*value))).collect() }
    }

    fn values(&self, labels: &[Label]) -> Option<Vec<Cow<'_, str>>> {
        let value_of = |label: &Label| {
            let mut own = self.iter().filter(|(name, _)| *name == label.name);
            own.next().map(|(_, value)| Cow::Borrowed(*value))
        };
        let values = labels.iter().map(value_of).collect::<Option<Vec<_>>>()?;
        (values.len() == self.len()).then_some(values)
    }
}
