//! What this thread has looked up: a short cut that takes no lock and counts no references.
//!
//! An entry belongs to one thread, so holding on to it is an addition that is not atomic. It does
//! not hold the series in its metric; a series that was removed is noticed at the next look-up.

use std::cell::RefCell;
use std::hash::{BuildHasher, Hasher};
use std::rc::Rc;

use foldhash::fast::RandomState;

use crate::instrument::Kept;
use crate::label::{LabelSet, Lookup};
use crate::slot::Slot;
use crate::sync::Arc;

/// A series that was looked up, with the labels that led to it.
pub(super) struct Cached<L> {
    key: L,
    pub(super) member: Kept,
    slot: Arc<Slot>,
}

/// The place of a thread for what it looked up by label sets of one type.
#[doc(hidden)]
pub struct Remembered<L>(RefCell<Option<Cache<L>>>);

/// Entries by hash: each stands at its place or in the next that was free. At most a fourth of
/// the places are taken.
struct Cache<L> {
    hashes: RandomState,
    places: Vec<Option<Place<L>>>,
    entries: usize,
}

struct Place<L> {
    hash: u64,
    metric: u64,
    entry: Rc<Cached<L>>,
}

/// Places at first, and at most.
const FEWEST: usize = 16;
const MOST: usize = 4096;

impl<L> Remembered<L> {
    /// Nothing so far.
    pub const fn new() -> Self {
        Self(RefCell::new(None))
    }
}

impl<L> Default for Remembered<L> {
    fn default() -> Self {
        Self::new()
    }
}

/// The series that this thread found under these labels before.
#[inline]
pub(super) fn find<L: LabelSet, Q: Lookup<L> + ?Sized>(metric: u64, labels: &Q) -> Option<Rc<Cached<L>>> {
    // No borrow, no short cut: this thread is past its end, or the comparison of some label set
    // looks up a series itself.
    L::remembered(|cache| cache.0.try_borrow().ok()?.as_ref()?.find(metric, labels))?
}

/// Remembers a series.
pub(super) fn keep<L: LabelSet, Q: Lookup<L> + ?Sized>(metric: u64, labels: &Q, found: &Rc<Cached<L>>) {
    let entry = Rc::clone(found);
    // What is pushed out is dropped outside of the borrow: it may be the last of its series.
    let _out = L::remembered(|cache| {
        let mut cache = cache.0.try_borrow_mut().ok()?;
        let cache = cache.get_or_insert_with(Cache::new);
        let hash = cache.hash(metric, labels);
        Some(cache.insert(Place { hash, metric, entry }))
    });
}

impl<L: LabelSet> Cached<L> {
    pub(super) fn new<Q: Lookup<L> + ?Sized>(labels: &Q, member: Kept, slot: Arc<Slot>) -> Self {
        Self { key: labels.to_key(), member, slot }
    }
}

impl<L: LabelSet> Cache<L> {
    fn new() -> Self {
        Self { hashes: RandomState::default(), places: empty(FEWEST), entries: 0 }
    }

    #[inline]
    fn hash<Q: Lookup<L> + ?Sized>(&self, metric: u64, labels: &Q) -> u64 {
        let mut hasher = self.hashes.build_hasher();
        hasher.write_u64(metric);
        labels.hash_quickly(&mut hasher);
        hasher.finish()
    }

    #[inline]
    fn find<Q: Lookup<L> + ?Sized>(&self, metric: u64, labels: &Q) -> Option<Rc<Cached<L>>> {
        let hash = self.hash(metric, labels);
        let mut at = self.place_of(hash);
        loop {
            // An entry never leaves a gap behind, so a gap is the end; and there are many.
            let place = self.places.get(at)?.as_ref()?;
            if place.hash == hash && place.metric == metric {
                let entry = &place.entry;
                let is_it = labels.is_same(&entry.key) && entry.slot.is_shown();
                return is_it.then(|| Rc::clone(entry));
            }
            at = (at + 1) & (self.places.len() - 1);
        }
    }

    /// Where an entry with this hash stands if there is room.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "masked to an index")]
    const fn place_of(&self, hash: u64) -> usize {
        hash as usize & (self.places.len() - 1)
    }

    /// Puts an entry in and gives back what had to leave.
    fn insert(&mut self, place: Place<L>) -> Vec<Option<Place<L>>> {
        let mut out = Vec::new();
        if self.entries * 4 >= self.places.len() {
            out = self.make_room();
        }
        out.push(self.put(place));
        out
    }

    fn put(&mut self, place: Place<L>) -> Option<Place<L>> {
        let is_it = |old: &Place<L>| old.hash == place.hash && old.metric == place.metric;
        let mut at = self.place_of(place.hash);
        while self.places[at].as_ref().is_some_and(|old| !is_it(old)) {
            at = (at + 1) & (self.places.len() - 1);
        }
        let out = self.places[at].replace(place);
        self.entries += usize::from(out.is_none());
        out
    }

    /// Twice the places, without the series that were removed; if there are as many as there may
    /// be, the same number and nothing in them: what is still wanted comes back.
    fn make_room(&mut self) -> Vec<Option<Place<L>>> {
        let size = self.places.len();
        let full = size >= MOST;
        let old = std::mem::replace(&mut self.places, empty(if full { size } else { size * 2 }));
        self.entries = 0;
        if full {
            return old;
        }
        let (there, removed): (Vec<_>, Vec<_>) = old.into_iter().flatten().partition(Place::is_there);
        let out = there.into_iter().map(|place| self.put(place));
        out.chain(removed.into_iter().map(Some)).collect()
    }
}

impl<L> Place<L> {
    fn is_there(&self) -> bool {
        self.entry.slot.is_there()
    }
}

fn empty<L>(places: usize) -> Vec<Option<Place<L>>> {
    std::iter::repeat_with(|| None).take(places).collect()
}
