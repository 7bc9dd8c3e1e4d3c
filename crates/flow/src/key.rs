//! The group keys of one window definition that have an open pane, each with a dense number.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};

use crate::decode::Event;
use crate::explosion::{Explosion, KeyExplosion};
use crate::row::{KeyValues, RowNames};

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
    places: HashTable<KeyId>,
    keys: Vec<Key>,
    free: Vec<KeyId>,
    explosion: Option<Box<Explosion>>, // from the first key on that had no room
}

#[derive(Debug)]
struct Key {
    hash: u64,
    values: KeyValues,
    panes: usize,
}

impl Keys {
    pub(crate) fn new(fields: Vec<usize>, max_keys: usize) -> Self {
        Keys {
            fields,
            max_keys,
            hasher: DefaultHashBuilder::default(),
            places: HashTable::new(),
            keys: Vec::new(),
            free: Vec::new(),
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
        let fields = std::mem::take(&mut self.fields);
        let found = self.find_or_add(fields.len(), |n| event.string(fields[n]));
        self.fields = fields;
        found
    }

    /// The number of a key that was saved. It is there even if there are too many by now.
    pub(crate) fn restore(&mut self, values: &[&str]) -> KeyId {
        let (count, value) = (values.len(), |n: usize| values[n]);
        let hash = self.hash(count, &value);
        let known = self.find(hash, count, &value);
        known.unwrap_or_else(|| self.add(hash, values.iter().map(|value| Arc::from(*value)).collect()))
    }

    /// How many values a key has.
    pub(crate) fn fields(&self) -> usize {
        self.fields.len()
    }

    #[inline]
    fn find_or_add<'a>(&mut self, count: usize, value: impl Fn(usize) -> &'a str) -> (KeyId, bool) {
        let hash = self.hash(count, &value);
        if let Some(id) = self.find(hash, count, &value) {
            return (id, false);
        }
        if self.places.len() < self.max_keys {
            return (self.add(hash, (0..count).map(|n| value(n).into()).collect()), false);
        }
        self.watch(count, &value);
        let folded = |_| FOLDED;
        let hash = self.hash(count, &folded);
        let known = self.find(hash, count, &folded);
        (known.unwrap_or_else(|| self.add(hash, (0..count).map(|_| FOLDED.into()).collect())), true)
    }

    #[cold]
    fn watch<'a>(&mut self, count: usize, value: &impl Fn(usize) -> &'a str) {
        let (keys, places) = (&self.keys, &self.places);
        let begin = || Box::new(Explosion::new(count, places.iter().map(|id| &keys[*id].values)));
        self.explosion.get_or_insert_with(begin).add(value);
    }

    #[inline]
    fn hash<'a>(&self, count: usize, value: &impl Fn(usize) -> &'a str) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        // Each value is hashed with an end mark, so that ("ab", "c") and ("a", "bc") differ.
        (0..count).for_each(|n| value(n).hash(&mut hasher));
        hasher.finish()
    }

    #[inline]
    fn find<'a>(&self, hash: u64, count: usize, value: &impl Fn(usize) -> &'a str) -> Option<KeyId> {
        let same = |id: &KeyId| {
            let key = &self.keys[*id];
            key.hash == hash && (0..count).all(|n| *key.values[n] == *value(n))
        };
        self.places.find(hash, same).copied()
    }

    fn add(&mut self, hash: u64, values: KeyValues) -> KeyId {
        let key = Key { hash, values, panes: 0 };
        let id = if let Some(id) = self.free.pop() {
            self.keys[id] = key;
            id
        } else {
            self.keys.push(key);
            self.keys.len() - 1
        };
        let keys = &self.keys;
        self.places.insert_unique(hash, id, |id| keys[*id].hash);
        id
    }

    /// The key's values.
    pub(crate) fn values(&self, id: KeyId) -> &KeyValues {
        &self.keys[id].values
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
            if let Ok(place) = self.places.find_entry(key.hash, |other| *other == id) {
                place.remove();
            }
            key.values = Arc::new([]);
            self.free.push(id);
        }
    }
}
