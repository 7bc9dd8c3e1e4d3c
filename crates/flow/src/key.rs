//! The group keys of one window definition that have an open pane, each with a dense number.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::decode::Event;
use crate::explosion::{Explosion, KeyExplosion};
use crate::row::{KeyValues, RowNames};
use crate::same::same;

/// The number of a key while it lives.
pub(crate) type KeyId = usize;

/// What every field of a key becomes when there are too many keys. Should it be a value of the input, too, the two share
/// their rows.
const FOLDED: &str = "__other__";

/// The live keys, compared by value; a hash only finds the place.
#[derive(Debug)]
pub(crate) struct Keys {
    fields: Vec<usize>,
    max_keys: usize,
    hasher: DefaultHashBuilder, // keyed at random: keys come from outside
    places: HashTable<Place>,
    keys: Vec<Key>,
    free: Vec<KeyId>,
    order: Vec<KeyId>,                 // by value: the live keys of when they were ranked last
    ranked: bool,                      // no key has come since
    explosion: Option<Box<Explosion>>, // from the first key on that had no room
}

/// What an event's key is compared with: one step from the table, and another to the text.
#[derive(Debug)]
struct Place {
    hash: u64,
    text: Box<[u8]>, // the values, each with an end mark behind it
    key: KeyId,
}

#[derive(Debug)]
struct Key {
    hash: u64,
    values: KeyValues,
    panes: usize,
    rank: Option<usize>, // its place in the order
}

/// Stands behind each value of a key, so that ("ab", "c") and ("a", "bc") differ; no byte of any text.
const END: u8 = 0xff;

/// A list of fewer than this share of the live keys is not worth to rank them all.
const WORTH_RANKING: usize = 4;

impl Keys {
    pub(crate) fn new(fields: Vec<usize>, max_keys: usize) -> Self {
        Keys {
            fields,
            max_keys,
            hasher: DefaultHashBuilder::default(),
            places: HashTable::new(),
            keys: Vec::new(),
            free: Vec::new(),
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

    /// The number of an event's key, and whether the key was folded because there are too many.
    #[inline]
    pub(crate) fn of(&mut self, event: &Event<'_>) -> (KeyId, bool) {
        // Keys of one and of two fields are the usual ones: their values are fetched once and stay in registers.
        let found = match *self.fields {
            [one] => self.look_up(&[event.bytes(one)].into_iter()),
            [one, other] => self.look_up(&[event.bytes(one), event.bytes(other)].into_iter()),
            ref more => self.look_up(&more.iter().map(|field| event.bytes(*field))),
        };
        match found {
            Ok(id) => (id, false),
            Err(hash) => self.add_or_fold(hash, event),
        }
    }

    /// The number of a key that was saved. It is there even if there are too many by now.
    pub(crate) fn restore(&mut self, values: &[&str]) -> KeyId {
        let known = self.look_up(&values.iter().map(|value| value.as_bytes()));
        known.unwrap_or_else(|hash| self.add(hash, values.iter().map(|value| Arc::from(*value)).collect()))
    }

    /// How many values a key has.
    pub(crate) fn fields(&self) -> usize {
        self.fields.len()
    }

    #[cold]
    fn add_or_fold(&mut self, hash: u64, event: &Event<'_>) -> (KeyId, bool) {
        let value = |field: &usize| event.string(*field);
        if self.places.len() < self.max_keys {
            return (self.add(hash, self.fields.iter().map(|field| value(field).into()).collect()), false);
        }
        let fields = std::mem::take(&mut self.fields);
        self.watch(fields.len(), &|n| value(&fields[n]));
        self.fields = fields;
        (self.restore(&vec![FOLDED; self.fields.len()]), true)
    }

    #[cold]
    fn watch<'a>(&mut self, count: usize, value: &impl Fn(usize) -> &'a str) {
        let (keys, places) = (&self.keys, &self.places);
        let begin = || Box::new(Explosion::new(count, places.iter().map(|place| &keys[place.key].values)));
        self.explosion.get_or_insert_with(begin).add(value);
    }

    /// The number of a key, or the hash by which it is to be added.
    #[inline]
    fn look_up<'a>(&self, values: &(impl Iterator<Item = &'a [u8]> + Clone)) -> Result<KeyId, u64> {
        let mut hasher = self.hasher.build_hasher();
        values.clone().for_each(|value| hasher.write(value));
        let hash = hasher.finish();
        let is_it = |place: &Place| place.hash == hash && holds(&place.text, values.clone());
        self.places.find(hash, is_it).map(|place| place.key).ok_or(hash)
    }

    fn add(&mut self, hash: u64, values: KeyValues) -> KeyId {
        let text = values.iter().flat_map(|value| value.bytes().chain([END])).collect();
        let key = Key { hash, values, panes: 0, rank: None };
        let id = if let Some(id) = self.free.pop() {
            self.keys[id] = key;
            id
        } else {
            self.keys.push(key);
            self.keys.len() - 1
        };
        self.places.insert_unique(hash, Place { hash, text, key: id }, |place| place.hash);
        self.ranked = false;
        id
    }

    /// The key's values.
    pub(crate) fn values(&self, id: KeyId) -> &KeyValues {
        &self.keys[id].values
    }

    /// Sorts a list by the values of keys, then by what else tells its members apart.
    ///
    /// Panes of the same keys fire again and again: their order is kept as ranks, which are true until a new key comes.
    pub(crate) fn sort<T, U: Ord>(&mut self, list: &mut [T], of: impl Fn(&T) -> (KeyId, U)) {
        if !self.ranked && list.len() < self.places.len() / WORTH_RANKING {
            list.sort_unstable_by(|one, other| {
                let ((a, x), (b, y)) = (of(one), of(other));
                self.values(a).cmp(self.values(b)).then_with(|| x.cmp(&y))
            });
            return;
        }
        self.rank();
        list.sort_unstable_by_key(|one| {
            let (key, rest) = of(one);
            (self.keys[key].rank, rest)
        });
    }

    fn rank(&mut self) {
        if std::mem::replace(&mut self.ranked, true) {
            return;
        }
        let keys = &mut self.keys;
        self.order.retain(|id| keys[*id].rank.is_some());
        let live = self.places.iter().map(|place| place.key);
        self.order.extend(live.filter(|id| keys[*id].rank.is_none()));
        // Where few are new, most are one run that is in order already: it is only merged.
        self.order.sort_by(|a, b| keys[*a].values.cmp(&keys[*b].values));
        for (rank, id) in self.order.iter().enumerate() {
            keys[*id].rank = Some(rank);
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

    /// Lets a key go that has no pane.
    pub(crate) fn release(&mut self, id: KeyId) {
        let key = &mut self.keys[id];
        if key.panes == 0 {
            if let Ok(place) = self.places.find_entry(key.hash, |place| place.key == id) {
                place.remove();
            }
            key.values = Arc::new([]);
            key.rank = None;
            self.free.push(id);
        }
    }
}

/// Whether a text is that of these values.
#[inline]
fn holds<'a>(mut text: &[u8], values: impl Iterator<Item = &'a [u8]>) -> bool {
    for value in values {
        match text.split_at_checked(value.len()) {
            Some((start, [END, rest @ ..])) if same(start, value) => text = rest,
            _ => return false,
        }
    }
    text.is_empty()
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
            want.sort_by_key(|(id, rest)| (keys.values(*id).to_vec(), *rest));
            keys.sort(&mut list, |one| *one);
            assert_eq!(list, want);
        }
    }
}
