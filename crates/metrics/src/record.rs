//! Several changes as one.

use crate::cell::{self, Change, Update};
use crate::sync::Ordering;

/// Does several changes at once: every snapshot has all of them or none.
///
/// The instruments are fields of one [`Group`](crate::Group); up to 32 cells can change (a counter
/// is one, a histogram two). Instruments that are no group are changed one after the other.
/// A writer never waits, neither for another one nor for a reader.
///
/// ```
/// use streamgauge_metrics::{Counter, Metrics, Registry, record};
///
/// #[derive(Clone, Metrics)]
/// #[metrics(group)]
/// struct Pages {
///     /// Pages asked for.
///     pages_total: Counter,
///     /// Pages that were in the cache.
///     hits_total: Counter,
/// }
///
/// let pages = Pages::register(&Registry::new())?;
/// record((pages.pages_total.adding(3), pages.hits_total.adding(2)));
/// assert_eq!(pages.hits_total.get(), 2);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[inline]
pub fn record<U: Update>(changes: U) {
    let mut first = None;
    changes.each(|index, _| first = first.or(Some(index)));
    let Some(first) = first else { return };
    let mut apart = 0;
    changes.each(|index, _| apart |= cell::chunk_of(first) ^ cell::chunk_of(index));
    if apart == 0 { cell::record(first, changes) } else { one_by_one(&changes) }
}

#[cold]
fn one_by_one<U: Update>(changes: &U) {
    changes.each(|index, change| {
        cell::change(index, change, Ordering::Relaxed);
    });
}

/// Adds to one cell; see [`Counter::adding`](crate::Counter::adding).
#[derive(Clone, Copy, Debug)]
#[must_use = "a change does nothing until it is recorded"]
pub struct Adding {
    pub(crate) index: u32,
    pub(crate) change: Change,
}

/// Counts observations of one value; see [`Histogram::observing`](crate::Histogram::observing).
#[derive(Clone, Copy, Debug)]
#[must_use = "a change does nothing until it is recorded"]
pub struct Observing {
    /// The sum; the buckets follow.
    pub(crate) sum: u32,
    pub(crate) bucket: u32,
    pub(crate) amount: f64,
    pub(crate) count: u64,
}

impl Update for Adding {
    const CELLS: usize = 1;

    #[inline]
    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        visit(self.index, self.change);
    }
}

impl Update for Observing {
    const CELLS: usize = 2;

    #[inline]
    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        visit(self.bucket, Change::add(self.count));
        visit(self.sum, Change::add_float(self.amount));
    }
}

macro_rules! tuples_change_all_their_members {
    ($(($($member:ident $place:tt),+))*) => {$(
        impl<$($member: Update),+> Update for ($($member,)+) {
            const CELLS: usize = 0 $(+ $member::CELLS)+;

            #[inline]
            fn each(&self, mut visit: impl FnMut(u32, Change)) {
                $(self.$place.each(&mut visit);)+
            }
        }
    )*};
}

tuples_change_all_their_members! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
