//! Keys of any values, each of which is one row of bytes.

use std::hash::{BuildHasher, Hasher};

use hashbrown::DefaultHashBuilder;

use super::KeyId;
use super::table::Table;
use super::texts::{KeyTexts, is_joined, joined};

/// The keys that are not short.
#[derive(Debug)]
pub(super) struct LongKeys {
    hasher: DefaultHashBuilder, // keyed at random: keys come from outside
    table: Table,
    values: Vec<Box<[u8]>>, // by number, up to the highest of a long key; those of others are empty
}

impl LongKeys {
    pub(super) fn new() -> Self {
        LongKeys { hasher: DefaultHashBuilder::default(), table: Table::default(), values: Vec::new() }
    }

    /// The values of a key that was added.
    pub(super) fn values(&self, key: KeyId) -> KeyTexts<'_> {
        KeyTexts::long(&self.values[key])
    }

    pub(super) fn find<'a>(&self, values: &(impl Iterator<Item = &'a [u8]> + Clone)) -> Option<KeyId> {
        let hash = self.hash(values.clone());
        self.table.find(hash, |key| is_joined(&self.values[key], values.clone()))
    }

    /// Takes a key in that is not there.
    pub(super) fn add<'a>(&mut self, values: impl Iterator<Item = &'a [u8]> + Clone, key: KeyId) {
        if self.values.len() <= key {
            self.values.resize(key + 1, Box::default());
        }
        let hash = self.hash(values.clone());
        self.values[key] = joined(values);
        self.table.add(hash, key);
    }

    pub(super) fn remove(&mut self, key: KeyId) {
        let hash = self.hash(KeyTexts::long(&self.values[key]));
        self.table.remove(hash, key);
        self.values[key] = Box::default();
    }

    #[expect(clippy::cast_possible_truncation, reason = "each half depends on all of the key")]
    fn hash<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> u32 {
        let mut hasher = self.hasher.build_hasher();
        values.for_each(|value| hasher.write(value));
        hasher.finish() as u32
    }
}
