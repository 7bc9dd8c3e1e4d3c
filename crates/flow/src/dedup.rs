//! Which ids were seen, for as long as it matters.

mod saved;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use siphasher::sip128::SipHasher13;

use crate::settings::Deduplicate;
use crate::time::EventTime;
use crate::watermark::Watermark;
use saved::Floor;
pub(crate) use saved::{ENTRY, generation};

/// The ids that are still known.
///
/// An id is kept as a keyed 128-bit fingerprint: among ten million of them two are alike with a probability below 2⁻⁸⁰, and
/// without the key nobody can look for a pair.
#[derive(Debug)]
pub(crate) struct Seen {
    settings: Deduplicate,
    keys: (u64, u64),
    hasher: SipHasher13,
    entries: HashTable<Entry>,
    sweep_at: usize, // the number of entries at which expired ones are looked for
    evicted: u64,
    fresh: Option<Vec<Entry>>,        // if they are saved: ids that were not yet
    generations: BTreeSet<EventTime>, // that were saved, by their end
    floors: Vec<Floor>,               // what was evicted of them
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    fingerprint: Fingerprint,
    first: EventTime,
}

type Fingerprint = (u64, u64);

/// Fewer entries are not worth a look for expired ones.
const SWEEP_FROM: usize = 1024;

impl Seen {
    pub(crate) fn new(settings: Deduplicate) -> Self {
        let random = RandomState::new();
        let keys = (random.hash_one(0), random.hash_one(1));
        Seen {
            settings,
            keys,
            hasher: SipHasher13::new_with_keys(keys.0, keys.1),
            entries: HashTable::new(),
            sweep_at: SWEEP_FROM.min(settings.max_entries),
            evicted: 0,
            fresh: None,
            generations: BTreeSet::new(),
            floors: Vec::new(),
        }
    }

    /// Whether the id is known; if not, it is from now on. A duplicate does not extend how long it is known.
    pub(crate) fn is_duplicate(&mut self, id: &str, time: EventTime, mark: &Watermark) -> bool {
        let fingerprint = self.hasher.hash(id.as_bytes()).as_u64();
        let ttl = self.settings.ttl;
        if let Some(entry) = self.entries.find_mut(fingerprint.0, |e| e.fingerprint == fingerprint) {
            let known = !mark.has_reached(entry.first + ttl);
            if !known {
                entry.first = time;
                if !mark.has_reached(time + ttl) {
                    let entry = *entry;
                    self.note(entry);
                }
            }
            return known;
        }
        // An id that the watermark has outlived already would never be found again.
        if !mark.has_reached(time + ttl) {
            self.make_room(mark);
            let entry = Entry { fingerprint, first: time };
            self.entries.insert_unique(fingerprint.0, entry, |e| e.fingerprint.0);
            self.note(entry);
        }
        false
    }

    /// An id is to be saved.
    #[inline]
    fn note(&mut self, entry: Entry) {
        if let Some(fresh) = &mut self.fresh {
            fresh.push(entry);
        }
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.entries.capacity() * (size_of::<Entry>() + 1)
    }

    /// How many ids are remembered; expired ones that were not looked for yet are among them.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Ids forgotten before their time, because there were too many.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Expired ids are looked for only when their number has doubled since the last time, so that an id costs a constant.
    fn make_room(&mut self, mark: &Watermark) {
        if self.entries.len() < self.sweep_at {
            return;
        }
        let ttl = self.settings.ttl;
        self.entries.retain(|e| !mark.has_reached(e.first + ttl));
        if self.entries.len() >= self.settings.max_entries {
            self.evict_oldest();
        }
        let doubled = (self.entries.len() * 2).max(SWEEP_FROM);
        self.sweep_at = doubled.min(self.settings.max_entries);
    }

    /// Drops the oldest sixteenth at once: the walk over all of them is shared by as many insertions.
    fn evict_oldest(&mut self) {
        let count = self.entries.len() - self.settings.max_entries + self.settings.max_entries.div_ceil(16);
        let mut ages: Vec<(EventTime, Fingerprint)> = self.entries.iter().map(|e| (e.first, e.fingerprint)).collect();
        let (_, youngest_to_go, _) = ages.select_nth_unstable(count - 1);
        let youngest_to_go = *youngest_to_go;
        self.entries.retain(|e| (e.first, e.fingerprint) > youngest_to_go);
        self.evicted += count as u64;
        if let Some(fresh) = &mut self.fresh {
            fresh.retain(|e| (e.first, e.fingerprint) > youngest_to_go);
            self.floors.push(Floor { before: None, last: youngest_to_go });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn at(seconds: i128) -> EventTime {
        EventTime::from_nanos(seconds * 1_000_000_000)
    }

    fn seen(ttl: i64, max_entries: usize) -> (Seen, Watermark) {
        let settings = Deduplicate { ttl: Span::from_secs(ttl), max_entries };
        (Seen::new(settings), Watermark::new(Span::ZERO))
    }

    #[test]
    fn an_id_is_known_while_the_watermark_is_before_its_first_time_plus_ttl() {
        let (mut seen, mut mark) = seen(10, 100);
        assert!(!seen.is_duplicate("a", at(100), &mark));
        mark.advance(at(109));
        assert!(seen.is_duplicate("a", at(109), &mark));
        mark.advance(at(110));
        assert!(!seen.is_duplicate("a", at(110), &mark), "a duplicate does not extend");
        assert!(seen.is_duplicate("a", at(111), &mark), "the next sighting counts as first");
    }

    #[test]
    fn the_oldest_ids_are_evicted_when_there_are_too_many_and_counted() {
        let (mut seen, mark) = seen(1_000_000, 160);
        for n in 0..161 {
            assert!(!seen.is_duplicate(&n.to_string(), at(n), &mark));
        }
        assert_eq!(seen.evicted(), 10);
        assert!(!seen.is_duplicate("9", at(9), &mark), "the tenth oldest is gone");
        assert!(seen.is_duplicate("10", at(10), &mark));
    }

    #[test]
    fn expired_ids_make_room_without_an_eviction() {
        let (mut seen, mut mark) = seen(10, 5_000);
        for n in 0..200_000 {
            mark.advance(at(n));
            assert!(!seen.is_duplicate(&n.to_string(), at(n), &mark));
            assert!(seen.entries.len() <= 2 * SWEEP_FROM);
        }
        assert_eq!(seen.evicted(), 0);
    }
}
