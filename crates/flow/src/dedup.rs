//! Which ids were seen, for as long as it matters.

mod ahead;
mod census;
mod eviction;
mod identity;
mod saved;
mod table;

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};

use crate::decode::Decoded;
use crate::settings::Deduplicate;
use crate::time::EventTime;
use crate::watermark::Watermark;
use ahead::Ahead;
use census::Census;
use identity::Identities;
use saved::Floor;
pub(crate) use saved::{ENTRY, generation};
use table::{Fingerprint, Nanos, Table};

/// The ids that are still known.
///
/// An id is kept as a 128-bit fingerprint: among ten million of them two are alike with a probability below 2⁻⁸⁰, if at all,
/// and without the keys nobody can look for a pair.
#[derive(Debug)]
pub(crate) struct Seen {
    settings: Deduplicate,
    identities: Identities,
    table: Table,
    ahead: Ahead,
    census: Option<Census>, // while there are nearly as many ids as may be
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

/// A walk over all ids is made for this share of them: 1/16.
const SHARE: usize = 16;

/// The order in which ids are evicted.
type Age = (Nanos, Fingerprint);

impl Seen {
    pub(crate) fn new(settings: Deduplicate) -> Self {
        let random = RandomState::new();
        Seen {
            settings,
            identities: Identities::new((random.hash_one(0), random.hash_one(1))),
            table: Table::new(),
            ahead: Ahead::default(),
            census: None,
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
        let fingerprint = self.ahead.of(records, at, &self.identities, &self.table);
        fingerprint.is_some_and(|fingerprint| self.knows(fingerprint, time, mark))
    }

    #[inline]
    fn knows(&mut self, fingerprint: Fingerprint, time: EventTime, mark: &Watermark) -> bool {
        let (first, ttl) = (nanos(time), self.settings.ttl);
        let lives = |first| !mark.has_reached(instant(first) + ttl);
        let is_full = self.table.len() >= self.settings.max_entries;
        match self.table.find(fingerprint) {
            Ok(known) if lives(*known) => return true,
            // An id that the watermark has outlived already would never be found again.
            _ if !lives(first) => return false,
            _ if is_full => {
                self.make_room(mark);
                self.table.insert(fingerprint, first, lives);
            }
            Ok(known) => *known = first,
            Err(slot) => self.table.insert_at(slot, fingerprint, first, lives),
        }
        if let Some(census) = &mut self.census {
            census.add(first);
        }
        if let Some(fresh) = &mut self.fresh {
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
        self.census.as_ref().map_or(self.table.len(), Census::count)
    }

    /// Ids forgotten before their time, because there were too many.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// There are as many as there may be: those go that have had their time, or else the oldest sixteenth of all.
    ///
    /// A walk over all of them is to be shared by as many insertions. One that frees little is followed by a census, which knows
    /// without a walk how many are still alive, until as many have had their time.
    #[cold]
    fn make_room(&mut self, mark: &Watermark) {
        let (ttl, most) = (self.settings.ttl, self.settings.max_entries);
        let lives = |first| !mark.has_reached(instant(first) + ttl);
        if self.census.as_mut().and_then(|census| census.living(lives)).is_some_and(|living| living < most) {
            return;
        }
        self.drop_expired(mark);
        if self.table.len() >= most {
            self.evict_oldest();
        }
        let few = most.div_ceil(SHARE);
        self.census = if self.table.len() > most - few { Census::new(&self.table, few) } else { None };
    }

    fn drop_expired(&mut self, mark: &Watermark) {
        let ttl = self.settings.ttl;
        self.table.retain(|_, first| !mark.has_reached(instant(first) + ttl));
    }

    /// At once, so that the walk over all of them is shared by as many insertions.
    fn evict_oldest(&mut self) {
        let count = self.table.len() - self.settings.max_entries + self.settings.max_entries.div_ceil(SHARE);
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
            self.knows(self.identities.of(id.as_bytes()), time, mark)
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

    /// With almost as many ids alive as there may be, each that went let one in, and every few insertions all of them were
    /// looked through: here that would take minutes.
    #[test]
    fn with_almost_as_many_alive_as_may_be_ids_are_seldom_looked_through() {
        let (most, count) = (50_000, 500_000);
        for alive in [most - 1, most, most + 1] {
            let (mut seen, mut mark) = seen(alive, usize::try_from(most).unwrap());
            for n in 0..count {
                mark.advance(at(i128::from(n)));
                assert!(!seen.knows_id(&n.to_string(), at(i128::from(n)), &mark));
            }
            assert_eq!(seen.evicted() > 0, alive > most, "{alive}");
        }
    }

    /// What is evicted depends on how many are alive, not on when all of them were looked through last: else a run that went
    /// on from a saved state would print something else.
    #[test]
    fn the_oldest_are_evicted_exactly_when_as_many_are_alive_as_may_be() {
        let mut state = 5_u64;
        let mut random = move |below: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from((state >> 33) % below.unsigned_abs()).unwrap()
        };
        for (ttl, most) in [(60, 56), (60, 50), (60, 42), (100, 64), (20, 24), (40, 1)] {
            let ((mut seen, mut mark), mut plain, mut evicted) = (seen(0, most), Vec::<(i64, i64)>::new(), 0);
            seen.settings.ttl = Span::from_nanos(ttl << 15);
            let lives = |first: i64, mark: &Watermark| !mark.has_reached(instant(first) + Span::from_nanos(ttl << 15));
            for n in 0..20_000 {
                let (now, id) = (n + random(2) * random(30), random(200) + n / 50);
                let time = now * 8 - random(40); // no two of one time, but for the same id
                let time = time * 4_096 + id;
                plain.retain(|(first, _)| lives(*first, &mark));
                let known = plain.iter().any(|(_, other)| *other == id);
                if !known && lives(time, &mark) {
                    if plain.len() >= most {
                        plain.sort_unstable();
                        let count = plain.len() - most + most.div_ceil(SHARE);
                        plain.drain(..count);
                        evicted += count as u64;
                    }
                    plain.push((time, id));
                }
                let time = EventTime::from_nanos(i128::from(time));
                assert_eq!(seen.knows_id(&id.to_string(), time, &mark), known, "event {n}");
                assert_eq!(seen.evicted(), evicted, "event {n}");
                mark.advance(time);
            }
            assert!(evicted > 0 && seen.len() <= most);
        }
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
