//! Where the keys of a slice stand in it: the n-th that came has place n.
//!
//! ```text
//! key number   0   1   2   3   4   5   6   7   …  900
//! list       [ 0   –   2   1   –   –   –   – ]        a few entries for each key of the slice
//! table                                           900 → 3
//! ```
//! Key numbers are dense over all slices of a window definition. In a slice that holds a good part of them a list finds a key
//! in one step; in one that holds a few of a million, a list of all of them would be mostly holes.

use hashbrown::HashTable;

use crate::key::KeyId;

/// Key number → place.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    count: u32,
    list: Vec<u32>,         // of the lowest numbers
    table: HashTable<Pair>, // of the others
}

#[derive(Clone, Copy, Debug)]
struct Pair {
    key: KeyId,
    place: u32,
}

/// Says in the list that a key has no place.
const NONE: u32 = u32::MAX;
/// Entries of the list for each key of the slice.
const SPARSE: usize = 4;

impl Places {
    /// The place of a key.
    #[inline]
    pub(super) fn find(&self, key: KeyId) -> Option<usize> {
        let place = match self.list.get(key) {
            Some(place) => *place,
            None => self.table.find(spread(key), |pair| pair.key == key)?.place,
        };
        (place != NONE).then_some(place as usize)
    }

    /// Gives a new key the next place.
    pub(super) fn add(&mut self, key: KeyId) {
        let pair = Pair { key, place: self.count };
        self.count += 1;
        // The list grows with the number of keys: each of them moves into it once.
        if self.count.is_power_of_two() {
            self.list.resize(self.count as usize * SPARSE, NONE);
            for pair in std::mem::take(&mut self.table) {
                self.put(pair);
            }
        }
        self.put(pair);
    }

    fn put(&mut self, pair: Pair) {
        match self.list.get_mut(pair.key) {
            Some(place) => *place = pair.place,
            None => _ = self.table.insert_unique(spread(pair.key), pair, |pair| spread(pair.key)),
        }
    }
}

/// Key numbers are dense: one multiplication spreads them over all bits that the table looks at.
#[inline]
fn spread(key: KeyId) -> u64 {
    (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn keys_are_found_whether_their_numbers_are_near_or_far_apart() {
        for step in [1, 3, 5, 1_000_003] {
            let (mut places, mut plain) = (Places::default(), HashMap::new());
            // Back and forth, so that high numbers come before low ones.
            for n in (0..2_000_usize).map(|n| if n % 2 == 0 { n } else { 2_000 - n }) {
                places.add(n * step);
                plain.insert(n * step, plain.len());
                if n % 97 == 0 {
                    assert!((0..2_001).all(|n| places.find(n * step) == plain.get(&(n * step)).copied()));
                }
            }
            assert_eq!((0..2_001).filter_map(|n| places.find(n * step)).count(), 2_000);
            assert_eq!(places.find(2_000 * step + 1), None);
            assert!(places.list.len() <= SPARSE * 2_000, "{} entries", places.list.len());
        }
    }
}
