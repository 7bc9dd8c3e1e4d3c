//! Keys of any values, each of which is one row of bytes.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::KeyId;
use super::slot::Slot;
use super::texts::{KeyTexts, is_joined, joined};

/// The keys that are not short.
#[derive(Debug)]
pub(super) struct LongKeys {
    hasher: DefaultHashBuilder, // keyed at random: keys come from outside
    table: HashTable<Slot>,
    values: Vec<Box<[u8]>>, // by number, up to the highest of a long key; those of others are empty
}

impl LongKeys {
    pub(super) fn new() -> Self {
        LongKeys { hasher: DefaultHashBuilder::default(), table: HashTable::new(), values: Vec::new() }
    }

    /// The values of a key that was added.
    pub(super) fn values(&self, key: KeyId) -> KeyTexts<'_> {
        KeyTexts::long(&self.values[key])
    }

    pub(super) fn find<'a>(&self, values: &(impl Iterator<Item = &'a [u8]> + Clone)) -> Option<KeyId> {
        let hash = self.hash(values.clone());
        let is_it = |slot: &Slot| slot.may_be(hash) && is_joined(&self.values[slot.key()], values.clone());
        self.table.find(Slot::spread(hash), is_it).map(|slot| slot.key())
    }

    /// Takes a key in that is not there.
    pub(super) fn add<'a>(&mut self, values: impl Iterator<Item = &'a [u8]> + Clone, key: KeyId) {
        if self.values.len() <= key {
            self.values.resize(key + 1, Box::default());
        }
        let hash = self.hash(values.clone());
        self.values[key] = joined(values);
        self.table.insert_unique(Slot::spread(hash), Slot::new(hash, key), |slot| slot.hash());
    }

    pub(super) fn remove(&mut self, key: KeyId) {
        let hash = self.hash(KeyTexts::long(&self.values[key]).map(str::as_bytes));
        if let Ok(slot) = self.table.find_entry(Slot::spread(hash), |slot| slot.key() == key) {
            slot.remove();
        }
        self.values[key] = Box::default();
    }

    fn hash<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        values.for_each(|value| hasher.write(value));
        Slot::short(hasher.finish())
    }
}
