//! Several changes as one.

// What is recorded is known where it is recorded: only there do loops over changes unroll.
#![expect(clippy::inline_always, reason = "half the time of a record goes if its changes are passed through memory")]

use std::marker::PhantomData;

use crate::cell::{self, Change, Update, WithNative};
use crate::slot::Handle;

/// Does several changes at once: every snapshot has all of them or none.
///
/// The instruments are fields of one [`Group`](crate::Group); up to 32 cells can change (a counter
/// is one, a histogram three at most). Instruments that are no group are changed one after the other.
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
#[inline(always)]
pub fn record<U: Recordable>(changes: U) {
    let mut first = None;
    changes.each(|index, _| first = first.or(Some(index)));
    let Some(first) = first else { return };
    let mut others = 0;
    changes.each(|index, _| others |= cell::chunk_of(first) ^ cell::chunk_of(index));
    // One question for both, so that the usual record has one branch.
    changes.each_native(|_, _| others |= 1);
    if others == 0 { cell::record(first, changes) } else { record_otherwise(first, changes) }
}

/// Changes of native buckets, or of instruments that are no group.
#[cold]
#[inline(never)]
fn record_otherwise<U: Recordable>(first: u32, changes: U) {
    let mut is_group = true;
    changes.each(|index, _| is_group &= cell::chunk_of(first) == cell::chunk_of(index));
    if is_group { cell::record(first, WithNative(changes)) } else { changes.one_by_one() }
}

/// What [`record`] takes: a change of one instrument, or a tuple of such.
pub trait Recordable: Update {
    /// Makes a record of each member, where the cells are too far apart for one.
    #[doc(hidden)]
    fn one_by_one(self);
}

/// Adds to one cell; see [`Counter::adding`](crate::Counter::adding).
///
/// ```
/// use streamgauge_metrics::{Adding, Counter, record};
///
/// let jobs = Counter::default();
/// let three: Adding<'_> = jobs.adding(3);
/// assert_eq!(jobs.get(), 0);
/// record(three);
/// assert_eq!(jobs.get(), 3);
/// ```
///
/// It does not outlive its instrument, whose cells may be another's by then:
///
/// ```compile_fail
/// let change = streamgauge_metrics::Counter::default().adding(1);
/// streamgauge_metrics::record(change);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a change does nothing until it is recorded"]
pub struct Adding<'a> {
    index: u32,
    change: Change,
    instrument: PhantomData<&'a Handle>,
}

/// Counts observations of one value; see [`Histogram::observing`](crate::Histogram::observing).
///
/// ```
/// use streamgauge_metrics::{Histogram, Observing, record};
///
/// let size = Histogram::default();
/// let one: Observing<'_> = size.observing(3.0);
/// record(one);
/// assert_eq!(size.get().sum(), 3.0);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a change does nothing until it is recorded"]
pub struct Observing<'a> {
    /// The sum; the buckets follow.
    sum: u32,
    bucket: u32,
    /// The native bucket, or [`NO_CELL`].
    native: u32,
    amount: f64,
    count: u64,
    instrument: PhantomData<&'a Handle>,
}

impl<'a> Adding<'a> {
    #[inline(always)]
    pub(crate) const fn new(counter: &'a Handle, change: Change) -> Self {
        Self { index: counter.index, change, instrument: PhantomData }
    }
}

impl<'a> Observing<'a> {
    /// `count` observations in the bucket with this number, `amount` together.
    #[inline(always)]
    pub(crate) const fn new(histogram: &'a Handle, bucket: u32, amount: f64, count: u64) -> Self {
        let sum = histogram.index;
        Self { sum, bucket: sum + 1 + bucket, native: NO_CELL, amount, count, instrument: PhantomData }
    }

    /// The same, and in the native bucket with this cell.
    #[inline(always)]
    pub(crate) const fn and_native(self, native: u32) -> Self {
        Self { native, ..self }
    }

    /// The cell of the sum.
    #[inline(always)]
    pub(crate) const fn sum(&self) -> u32 {
        self.sum
    }
}

/// No cell of a record.
pub(crate) const NO_CELL: u32 = u32::MAX;

impl Update for Adding<'_> {
    const MOST_CELLS: usize = 1;

    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        visit(self.index, self.change);
    }
}

impl Recordable for Adding<'_> {
    fn one_by_one(self) {
        cell::record(self.index, self);
    }
}

impl Update for Observing<'_> {
    const MOST_CELLS: usize = 3;

    #[inline(always)]
    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        // The sum first: its place is known before the bucket is.
        visit(self.sum, Change::add_float(self.amount));
        visit(self.bucket, Change::add(self.count));
    }

    #[inline(always)]
    fn each_native(&self, mut visit: impl FnMut(u32, Change)) {
        if self.native != NO_CELL {
            visit(self.native, Change::add(self.count));
        }
    }
}

impl Recordable for Observing<'_> {
    fn one_by_one(self) {
        cell::record(self.sum, WithNative(self));
    }
}

macro_rules! tuples_change_all_their_members {
    ($(($($member:ident $place:tt),+))*) => {$(
        impl<$($member: Update),+> Update for ($($member,)+) {
            const MOST_CELLS: usize = 0 $(+ $member::MOST_CELLS)+;

            #[inline(always)]
            fn each(&self, mut visit: impl FnMut(u32, Change)) {
                $(self.$place.each(&mut visit);)+
            }

            #[inline(always)]
            fn each_native(&self, mut visit: impl FnMut(u32, Change)) {
                $(self.$place.each_native(&mut visit);)+
            }
        }

        impl<$($member: Recordable),+> Recordable for ($($member,)+) {
            // What is a tuple by itself may be one thing again, and a histogram always is.
            fn one_by_one(self) {
                $(record(self.$place);)+
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
