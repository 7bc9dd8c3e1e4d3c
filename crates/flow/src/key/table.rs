//! Numbers of keys by the hashes of their values: one row of places, in which a key stands at the place of its hash, or at the
//! next one that was free.
//!
//! ```text
//! hash & 7     0    1    2    3    4    5    6    7
//! places     [ –   k3    –   k0   k2    –    –   k1 ]     k2 belongs to 3, which k0 had taken
//! ```
//! A look-up reads one place, seldom a neighbour, so many can be [read ahead](Table::touch) at once, without a branch
//! between one and the next. At least half of the places are free, so that the ways stay short.

use std::hint::black_box;

use super::KeyId;

/// Keys by hash.
#[derive(Debug, Default)]
pub(super) struct Table {
    places: Vec<Place>, // as many as a power of two, or none
    taken: usize,
}

/// A key, and its hash: to say no without a look at the key, and to find the place that it belongs to. Eight bytes: the fewer,
/// the more of a large table is in the cache.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u32,
    key: u32,
}

/// So many keys can be told apart.
pub(super) const MOST_KEYS: usize = u32::MAX as usize;

impl Table {
    /// Reads where a key of this hash stands, if there is one: who looks for it next finds it in the cache.
    #[inline]
    pub(super) fn touch(&self, hash: u32) {
        black_box(self.places.get(self.home(hash)).copied());
    }

    /// The first key of this hash that `is_it`.
    #[inline]
    pub(super) fn find(&self, hash: u32, is_it: impl Fn(KeyId) -> bool) -> Option<KeyId> {
        let mut at = self.home(hash);
        loop {
            let place = self.places.get(at)?;
            if place.is_free() {
                return None;
            }
            if place.hash == hash && is_it(place.key as KeyId) {
                return Some(place.key as KeyId);
            }
            at = self.next(at);
        }
    }

    /// Takes a key in that is not there.
    #[expect(clippy::cast_possible_truncation, reason = "there are no more than `MOST_KEYS`")]
    pub(super) fn add(&mut self, hash: u32, key: KeyId) {
        self.taken += 1;
        if self.taken * 2 > self.places.len() {
            self.grow();
        }
        self.put(Place { hash, key: key as u32 });
    }

    /// Lets a key go that is there.
    pub(super) fn remove(&mut self, hash: u32, key: KeyId) {
        let mut free = self.home(hash);
        while self.places[free].key as KeyId != key {
            if self.places[free].is_free() {
                return;
            }
            free = self.next(free);
        }
        self.taken -= 1;
        // What stands behind it moves up, unless it would come before the place that it belongs to.
        let mut at = self.next(free);
        while !self.places[at].is_free() {
            let away = at.wrapping_sub(self.home(self.places[at].hash)) & self.mask();
            if away >= at.wrapping_sub(free) & self.mask() {
                self.places[free] = self.places[at];
                free = at;
            }
            at = self.next(at);
        }
        self.places[free] = Place::FREE;
    }

    fn grow(&mut self) {
        let more = vec![Place::FREE; (self.places.len() * 2).max(16)];
        for place in std::mem::replace(&mut self.places, more).into_iter().filter(|place| !place.is_free()) {
            self.put(place);
        }
    }

    fn put(&mut self, place: Place) {
        let mut at = self.home(place.hash);
        while !self.places[at].is_free() {
            at = self.next(at);
        }
        self.places[at] = place;
    }

    #[inline]
    fn mask(&self) -> usize {
        self.places.len().wrapping_sub(1)
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & self.mask()
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & self.mask()
    }
}

impl Place {
    const FREE: Place = Place { hash: 0, key: u32::MAX };

    #[inline]
    fn is_free(self) -> bool {
        self.key == Self::FREE.key
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Few hashes, so that keys stand in each other's ways, also over the end of the row.
        #[test]
        fn whatever_comes_and_goes_exactly_the_keys_that_are_there_are_found(
            steps in prop::collection::vec((0..40_usize, any::<bool>()), 0..300),
            hashes in prop::collection::vec(prop_oneof![0..4_u32, 60..68_u32, any::<u32>()], 40),
        ) {
            let (mut table, mut there) = (Table::default(), [false; 40]);
            for (key, comes) in steps {
                match (there[key], comes) {
                    (false, true) => table.add(hashes[key], key),
                    (true, false) => table.remove(hashes[key], key),
                    _ => {}
                }
                there[key] = comes;
                for (other, hash) in hashes.iter().enumerate() {
                    let found = table.find(*hash, |key| key == other);
                    prop_assert_eq!(found, there[other].then_some(other));
                }
                prop_assert_eq!(table.taken, there.iter().filter(|there| **there).count());
            }
        }
    }
}
