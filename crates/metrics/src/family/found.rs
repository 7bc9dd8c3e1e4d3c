//! What a look-up gives.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use super::cache::Cached;
use super::{Entry, Family};
use crate::cell::{self, Change};
use crate::counter::Counter;
use crate::instrument::Member;
use crate::label::Pairs;
use crate::sync::{Arc, Ordering};

/// A series that was looked up; derefs to its instrument.
///
/// ```
/// use streamgauge_metrics::{Counter, Family};
///
/// let sent: Family<Counter> = Family::with_labels(["topic"]);
/// let orders = sent.get_or_create(&[("topic", "orders")]);
/// orders.inc();
/// assert_eq!(orders.get(), 1);
/// ```
pub struct Found<'a, M, L = Pairs> {
    place: Place<'a, M, L>,
}

enum Place<'a, M, L> {
    /// In the array of a family whose labels are all enums.
    Nth(&'a Family<M, L>, usize),
    /// For updates whose labels have no series of their own, or whose series was just made.
    Shared(&'a M),
    /// In what this thread remembers.
    Cached(Rc<Cached<L>>),
    /// For updates some of whose labels are folded.
    Folded(Arc<Entry<M>>),
}

impl<'a, M, L> Found<'a, M, L> {
    /// One of a closed set of label sets.
    #[inline]
    pub(super) const fn nth(family: &'a Family<M, L>, nth: usize) -> Self {
        Self { place: Place::Nth(family, nth) }
    }

    #[inline]
    pub(super) const fn shared(member: &'a M) -> Self {
        Self { place: Place::Shared(member) }
    }

    pub(super) const fn folded(entry: Arc<Entry<M>>) -> Self {
        Self { place: Place::Folded(entry) }
    }

    #[inline]
    pub(super) const fn cached(cached: Rc<Cached<L>>) -> Self {
        Self { place: Place::Cached(cached) }
    }
}

/// What is done most often after a look-up, without the handle in between: if all labels are enums
/// they say which cell it is, and nothing else has to be fetched first.
impl<L> Found<'_, Counter, L> {
    /// As [`Counter::inc`].
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family, LabelSet};
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// struct ByHit {
    ///     hit: bool,
    /// }
    ///
    /// let reads: Family<Counter, ByHit> = Family::default();
    /// reads.get_or_create(&ByHit { hit: true }).inc();
    /// assert_eq!(reads.handle(&ByHit { hit: true }).get(), 1);
    /// ```
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// As [`Counter::inc_by`].
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Family};
    ///
    /// let sent: Family<Counter> = Family::with_labels(["topic"]);
    /// sent.get_or_create(&[("topic", "orders")]).inc_by(2);
    /// assert_eq!(sent.get_or_create(&[("topic", "orders")]).get(), 2);
    /// ```
    #[inline]
    pub fn inc_by(&self, step: u64) {
        if cfg!(feature = "noop") {
            return;
        }
        match &self.place {
            Place::Nth(family, nth) => {
                if !cell::change_in_row(family.row, *nth, Change::add(step), Ordering::Relaxed) {
                    inc_slowly(family.nth(*nth), step);
                }
            }
            Place::Shared(counter) => inc_slowly(counter, step),
            Place::Cached(_) => Counter::inc_by(self, step),
            Place::Folded(entry) => inc_slowly(&entry.member, step),
        }
    }
}

#[cold]
#[inline(never)]
fn inc_slowly(counter: &Counter, step: u64) {
    counter.inc_by(step);
}

impl<M: Member, L> Deref for Found<'_, M, L> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        match &self.place {
            Place::Nth(family, nth) => family.nth(*nth),
            Place::Shared(member) => member,
            Place::Cached(cached) => match M::kept(&cached.member) {
                Some(member) => member,
                None => unreachable!("a metric has members of one type"),
            },
            Place::Folded(entry) => &entry.member,
        }
    }
}

impl<M: Member + fmt::Debug, L> fmt::Debug for Found<'_, M, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
