//! What stands in a table of keys: a number, and enough of a hash to say no without a look at the key, or to move it.

use super::KeyId;

/// A key in a table, eight bytes of it: the fewer, the more of a large table is in the cache.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    hash: u32,
    key: u32,
}

/// So many keys can be told apart.
pub(super) const MOST_KEYS: usize = u32::MAX as usize;

impl Slot {
    #[expect(clippy::cast_possible_truncation, reason = "there are no more than `MOST_KEYS`")]
    pub(super) fn new(hash: u32, key: KeyId) -> Self {
        Slot { hash, key: key as u32 }
    }

    #[inline]
    pub(super) fn key(self) -> KeyId {
        self.key as KeyId
    }

    /// Whether it may be a key of this hash.
    #[inline]
    pub(super) fn may_be(self, hash: u32) -> bool {
        self.hash == hash
    }

    /// The hash that its table goes by.
    pub(super) fn hash(self) -> u64 {
        Self::spread(self.hash)
    }

    /// As much of a hash as a slot keeps.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half depends on all of the key")]
    pub(super) fn short(hash: u64) -> u32 {
        hash as u32
    }

    /// The hash that a table goes by: it takes places from the lowest bits, and tells neighbours apart by the seven highest.
    #[inline]
    pub(super) fn spread(hash: u32) -> u64 {
        u64::from(hash) | u64::from(hash) << 32
    }
}
