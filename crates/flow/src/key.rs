//! The group keys of one window definition that have an open pane, each with a dense number.

mod ahead;
mod long;
mod order;
mod places;
mod short;
mod table;
mod texts;

use std::hint::black_box;

use slab::Slab;

use crate::decode::Event;
use crate::explosion::{Explosion, KeyExplosion};
use crate::row::RowNames;
use ahead::Ahead;
use order::Unsorted;
use places::Places;
use table::MOST_KEYS;
pub(crate) use texts::KeyTexts;

/// The number of a key while it lives.
pub(crate) type KeyId = usize;

/// What every field of a key becomes when there are too many keys. Should it be a value of the input, too, the two share
/// their rows.
const FOLDED: &str = "__other__";

/// The live keys, compared by value.
#[derive(Debug)]
pub(crate) struct Keys {
    fields: Vec<usize>,
    max_keys: usize,
    places: Places,
    ahead: Ahead,
    keys: Slab<Key>,
    order: Vec<KeyId>,                 // by value: the live keys of when they were ranked last
    ranked: bool,                      // no key has come since
    explosion: Option<Box<Explosion>>, // from the first key on that had no room
}

#[derive(Debug)]
struct Key {
    panes: u32,
    rank: u32, // its place in the order; `UNRANKED`: it came later
}

const UNRANKED: u32 = u32::MAX;

/// So many keys are read ahead at once, and what is kept for them: enough to hide one wait for memory behind another, few
/// enough to still be in the nearest cache when they are in turn.
pub(crate) const AHEAD: usize = 16;

/// A list of fewer than this share of the live keys is not worth to rank them all.
const WORTH_RANKING: usize = 4;

impl Keys {
    pub(crate) fn new(fields: Vec<usize>, max_keys: usize) -> Self {
        Keys {
            places: Places::new(fields.len()),
            fields,
            max_keys: max_keys.min(MOST_KEYS / 2), // others than these are restored and folded
            ahead: Ahead::default(),
            keys: Slab::new(),
            order: Vec::new(),
            ranked: true,
            explosion: None,
        }
    }

    /// What is known of the keys that had no room, if there were such.
    pub(crate) fn explosion(&self, names: &RowNames) -> Option<KeyExplosion> {
        self.explosion.as_ref()?.report(names, self.max_keys)
    }

    /// Events whose key had no room.
    pub(crate) fn folded(&self) -> u64 {
        self.explosion.as_ref().map_or(0, |explosion| explosion.folded())
    }

    /// Looks the keys of the next events up, which are in turn before any others.
    pub(crate) fn look_ahead<'a>(&mut self, events: impl Iterator<Item = Event<'a>> + Clone) {
        let Some(first) = events.clone().next() else { return };
        let tell = self.ahead.begin(first.row());
        self.places.look_ahead(events, &self.fields, tell);
    }

    /// Those of them that were there.
    pub(crate) fn looked_up(&self) -> impl Iterator<Item = KeyId> {
        self.ahead.known()
    }

    /// The number of an event's key, and whether the key was folded because there are too many.
    #[inline]
    pub(crate) fn of(&mut self, event: &Event<'_>) -> (KeyId, bool) {
        match self.ahead.of(event.row()) {
            Some(id) => (id, false),
            None => self.add_or_fold(event),
        }
    }

    /// The number of a key that was saved. It is there even if there are too many by now.
    pub(crate) fn restore(&mut self, values: &[&str]) -> KeyId {
        let known = self.places.find(values.iter().copied());
        known.unwrap_or_else(|| self.add(values.iter().copied()))
    }

    /// How many values a key has.
    pub(crate) fn fields(&self) -> usize {
        self.fields.len()
    }

    #[inline(never)]
    fn add_or_fold(&mut self, event: &Event<'_>) -> (KeyId, bool) {
        // One of the events before may have brought it.
        if let Some(id) = self.places.of(event, &self.fields) {
            return (id, false);
        }
        let fields = std::mem::take(&mut self.fields);
        let key = if self.keys.len() < self.max_keys {
            (self.add(fields.iter().map(|field| event.string(*field))), false)
        } else {
            self.watch(fields.len(), &|n| event.string(fields[n]));
            (self.restore(&vec![FOLDED; fields.len()]), true)
        };
        self.fields = fields;
        key
    }

    #[cold]
    fn watch<'a>(&mut self, count: usize, value: &impl Fn(usize) -> &'a str) {
        let live = || self.keys.iter().map(|(id, _)| self.places.values(id));
        let begin = || Box::new(Explosion::new(count, live()));
        self.explosion.get_or_insert_with(begin).add(value);
    }

    fn add<'a>(&mut self, values: impl Iterator<Item = &'a str> + Clone) -> KeyId {
        let id = self.keys.insert(Key { panes: 0, rank: UNRANKED });
        self.places.add(values, id);
        self.ranked = false;
        id
    }

    /// The key's values.
    #[inline]
    pub(crate) fn values(&self, id: KeyId) -> KeyTexts<'_> {
        self.places.values(id)
    }

    /// Reads the values of a key: who asks for them next finds them in the cache.
    #[inline]
    pub(crate) fn touch(&self, id: KeyId) {
        black_box(self.values(id).next());
    }

    /// Sorts a list by the values of keys, then by what else tells its members apart.
    ///
    /// Panes of the same keys fire again and again: their order is kept as ranks, which are true until a new key comes.
    pub(crate) fn sort<T, U: Ord>(&mut self, list: &mut [T], of: impl Fn(&T) -> (KeyId, U)) {
        if !self.ranked && list.len() < self.keys.len() / WORTH_RANKING {
            list.sort_unstable_by(|one, other| {
                let ((a, x), (b, y)) = (of(one), of(other));
                self.values(a).cmp(self.values(b)).then_with(|| x.cmp(&y))
            });
            return;
        }
        self.rank();
        list.sort_by_cached_key(|one| {
            let (key, rest) = of(one);
            (self.keys[key].rank, rest)
        });
    }

    fn rank(&mut self) {
        if std::mem::replace(&mut self.ranked, true) {
            return;
        }
        let (keys, places) = (&mut self.keys, &self.places);
        let ranked = self.order.drain(..).filter(|id| keys.get(*id).is_some_and(|key| key.rank != UNRANKED));
        // Where few are new, most are one run that is in order already: it is only merged.
        let new = keys.iter().filter(|(_, key)| key.rank == UNRANKED).map(|(id, _)| id);
        let mut list: Vec<Unsorted> = ranked.chain(new).map(Unsorted::new).collect();
        order::sort(&mut list, 0, &|id| places.values(id));
        self.order.extend(list.iter().map(|key| key.id));
        for (rank, id) in (0..).zip(&self.order) {
            keys[*id].rank = rank;
        }
    }

    /// A pane of this key was opened.
    pub(crate) fn pin(&mut self, id: KeyId) {
        self.keys[id].panes += 1;
    }

    /// A pane of this key was dropped; with its last pane the key goes.
    pub(crate) fn unpin(&mut self, id: KeyId) {
        self.keys[id].panes -= 1;
        self.release(id);
    }

    /// The same of many, which are read ahead: they are found by their values, which stand anywhere in a table.
    pub(crate) fn unpin_all(&mut self, ids: &[KeyId]) {
        for some in ids.chunks(AHEAD) {
            for id in some {
                self.places.touch(*id);
            }
            for id in some {
                self.unpin(*id);
            }
        }
    }

    /// Lets a key go that has no pane.
    pub(crate) fn release(&mut self, id: KeyId) {
        if self.keys[id].panes == 0 {
            self.keys.remove(id);
            self.ahead.forget(id);
            self.places.remove(id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(of: &[[&str; 2]]) -> (Keys, Vec<KeyId>) {
        let mut keys = Keys::new(vec![0, 1], 10);
        let ids = of.iter().map(|values| keys.restore(values)).collect();
        (keys, ids)
    }

    #[test]
    fn keys_are_told_apart_by_where_a_value_ends() {
        let (mut keys, ids) = keys(&[["ab", "c"], ["a", "bc"], ["", "abc"], ["abc", ""]]);
        assert_eq!(ids, [0, 1, 2, 3]);
        assert_eq!(keys.restore(&["a", "bc"]), 1);
    }

    #[test]
    fn a_list_is_sorted_by_value_also_after_keys_have_come_and_gone() {
        let (mut keys, ids) = keys(&[["b", "z"], ["b", "a"], ["a", "\u{1f600}"], ["ab", ""]]);
        for id in &ids {
            keys.pin(*id);
        }
        let mut list: Vec<(KeyId, u8)> = ids.iter().flat_map(|id| [(*id, 2), (*id, 1)]).collect();
        keys.sort(&mut list, |one| *one);
        assert_eq!(list, [(2, 1), (2, 2), (3, 1), (3, 2), (1, 1), (1, 2), (0, 1), (0, 2)]);
        keys.unpin(1);
        assert_eq!(keys.restore(&["aa", "x"]), 1, "the number is used again");
        for n in 0..20 {
            keys.restore(&[&format!("k{n}"), ""]);
        }
        // Few of all keys, then many of them.
        for mut list in [vec![(0, 0), (3, 0), (1, 0)], vec![(3, 1), (3, 0), (1, 0), (0, 0), (2, 9), (4, 0), (5, 0)]] {
            let mut want = list.clone();
            want.sort_by_key(|(id, rest)| (keys.values(*id).collect::<Vec<_>>(), *rest));
            keys.sort(&mut list, |one| *one);
            assert_eq!(list, want);
        }
    }

    /// Where short texts end, and with them the fixed steps, is nothing to be seen.
    #[test]
    fn keys_of_all_lengths_are_told_apart_and_go_when_they_are_let_go() {
        for fields in 0..=3 {
            let mut keys = Keys::new((0..fields).collect(), 1000);
            let texts: Vec<String> = (0..40).map(|length| "k".repeat(length)).chain(["k\0".into()]).collect();
            let mut all: Vec<Vec<&str>> = vec![vec!["other"; fields]];
            for field in 0..fields {
                all.extend(texts.iter().map(|text| {
                    let mut values = vec!["other"; fields];
                    values[field] = text;
                    values
                }));
            }
            let ids: Vec<KeyId> = all.iter().map(|values| keys.restore(values)).collect();
            assert!(ids.iter().copied().eq(0..all.len()));
            for id in ids {
                assert_eq!(keys.restore(&all[id]), id);
                keys.release(id);
                assert_eq!(keys.restore(&all[id]), id, "the number is free, and all others are taken");
            }
        }
    }
}
