//! Which ids were seen, for as long as it matters.

mod ahead;
mod eviction;
mod saved;
mod table;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use siphasher::sip128::SipHasher13;

use crate::decode::Decoded;
use crate::settings::Deduplicate;
use crate::time::EventTime;
use crate::watermark::Watermark;
use ahead::Ahead;
use saved::Floor;
pub(crate) use saved::{ENTRY, generation};
use table::{Fingerprint, Nanos, Table};

/// The ids that are still known.
///
/// An id is kept as a keyed 128-bit fingerprint: among ten million of them two are alike with a probability below 2⁻⁸⁰, and
/// without the key nobody can look for a pair.
#[derive(Debug)]
pub(crate) struct Seen {
    settings: Deduplicate,
    keys: (u64, u64),
    hasher: SipHasher13,
    table: Table,
    ahead: Ahead,
    evicted: u64,
    fresh: Option<Vec<Entry>>,        // if they are saved: ids that were not yet
    generations: BTreeSet<EventTime>, // that were saved, by their end
    floors: Vec<Floor>,               // what was evicted of them
}

/// An id, in 24 bytes.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(8))]
struct Entry {
    fingerprint: Fingerprint,
    first: Nanos,
}

/// The order in which ids are evicted.
type Age = (Nanos, Fingerprint);

impl Seen {
    pub(crate) fn new(settings: Deduplicate) -> Self {
        let random = RandomState::new();
        let keys = (random.hash_one(0), random.hash_one(1));
        Seen {
            settings,
            keys,
            hasher: SipHasher13::new_with_keys(keys.0, keys.1),
            table: Table::new(),
            ahead: Ahead::default(),
            evicted: 0,
            fresh: None,
            generations: BTreeSet::new(),
            floors: Vec::new(),
        }
    }

    /// Other records are judged from now on.
    pub(crate) fn turn_to_others(&mut self) {
        self.ahead.clear();
    }

    /// Whether the id of a record is known; if not, it is from now on. A duplicate does not extend how long it is known.
    #[inline]
    pub(crate) fn is_duplicate(&mut self, records: &Decoded, at: usize, time: EventTime, mark: &Watermark) -> bool {
        let fingerprint = self.ahead.of(records, at, &self.hasher, &self.table);
        fingerprint.is_some_and(|fingerprint| self.knows(fingerprint, time, mark))
    }

    #[inline]
    fn knows(&mut self, fingerprint: Fingerprint, time: EventTime, mark: &Watermark) -> bool {
        let (first, ttl) = (nanos(time), self.settings.ttl);
        let lives = |first| !mark.has_reached(instant(first) + ttl);
        match self.table.find(fingerprint) {
            Some(known) if lives(*known) => return true,
            Some(known) => *known = first,
            // An id that the watermark has outlived already would never be found again.
            None if lives(first) => {
                if self.table.len() >= self.settings.max_entries {
                    self.make_room(mark);
                }
                self.table.insert(fingerprint, first, lives);
            }
            None => {}
        }
        if let Some(fresh) = self.fresh.as_mut().filter(|_| lives(first)) {
            fresh.push(Entry { fingerprint, first });
        }
        false
    }

    /// About how many bytes they take.
    pub(crate) fn bytes(&self) -> usize {
        self.table.bytes()
    }

    /// How many ids are remembered; expired ones that have not been dropped yet are among them.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Ids forgotten before their time, because there were too many.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// There are as many as there may be: those go that have had their time, or else the oldest sixteenth of all.
    #[cold]
    fn make_room(&mut self, mark: &Watermark) {
        self.drop_expired(mark);
        if self.table.len() >= self.settings.max_entries {
            self.evict_oldest();
        }
    }

    fn drop_expired(&mut self, mark: &Watermark) {
        let ttl = self.settings.ttl;
        self.table.retain(|_, first| !mark.has_reached(instant(first) + ttl));
    }

    /// At once, so that the walk over all of them is shared by as many insertions.
    fn evict_oldest(&mut self) {
        let count = self.table.len() - self.settings.max_entries + self.settings.max_entries.div_ceil(16);
        let Some(last) = eviction::youngest_of_oldest(&self.table, count) else { return };
        self.table.retain(|fingerprint, first| (first, fingerprint) > last);
        self.evicted += count as u64;
        if let Some(fresh) = &mut self.fresh {
            fresh.retain(|entry| entry.age() > last);
            self.floors.push(Floor { before: None, last });
        }
    }
}

impl Entry {
    fn age(self) -> Age {
        (self.first, self.fingerprint)
    }
}

#[inline]
fn fingerprint(hasher: &SipHasher13, id: &str) -> Fingerprint {
    let (upper, lower) = hasher.hash(id.as_bytes()).as_u64();
    // 0 means that there is none.
    (u128::from(upper) << 64 | u128::from(lower)).max(1)
}

#[inline]
fn instant(nanos: Nanos) -> EventTime {
    EventTime::from_nanos(i128::from(nanos))
}

/// Accepted times fit.
#[inline]
fn nanos(time: EventTime) -> Nanos {
    Nanos::try_from(time.as_nanos()).unwrap_or(Nanos::MAX)
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

    impl Seen {
        fn knows_id(&mut self, id: &str, time: EventTime, mark: &Watermark) -> bool {
            self.knows(fingerprint(&self.hasher, id), time, mark)
        }
    }

    #[test]
    fn an_id_is_known_while_the_watermark_is_before_its_first_time_plus_ttl() {
        let (mut seen, mut mark) = seen(10, 100);
        assert!(!seen.knows_id("a", at(100), &mark));
        mark.advance(at(109));
        assert!(seen.knows_id("a", at(109), &mark));
        mark.advance(at(110));
        assert!(!seen.knows_id("a", at(110), &mark), "a duplicate does not extend");
        assert!(seen.knows_id("a", at(111), &mark), "the next sighting counts as first");
    }

    #[test]
    fn the_oldest_ids_are_evicted_when_there_are_too_many_and_counted() {
        let (mut seen, mark) = seen(1_000_000, 160);
        for n in 0..161 {
            assert!(!seen.knows_id(&n.to_string(), at(n), &mark));
        }
        assert_eq!(seen.evicted(), 10);
        assert!(!seen.knows_id("9", at(9), &mark), "the tenth oldest is gone");
        assert!(seen.knows_id("10", at(10), &mark));
    }

    #[test]
    fn expired_ids_make_room_without_an_eviction() {
        let (mut seen, mut mark) = seen(10, 5_000);
        for n in 0..200_000 {
            mark.advance(at(n));
            assert!(!seen.knows_id(&n.to_string(), at(n), &mark));
            assert!(seen.len() <= 5_000);
        }
        assert_eq!(seen.evicted(), 0);
    }
}
