//! How ids are saved: those of an epoch in one piece for each generation, never one by one.
//!
//! ```text
//! dedup              row 0        the key of the fingerprints, what was evicted
//! ids/<end>          row = epoch  ids whose first event was in this generation, 24 bytes each
//! ```
//! A generation is an eighth of the time for which an id is known. When its last id has had its time, its table is dropped:
//! nothing is looked for, nothing is rewritten.

use super::identity::Identities;
use super::{Age, Entry, Fingerprint, Nanos, Seen, instant, nanos};
use crate::encoding::{
    DecodeError, put_count, put_layout, put_time, take, take_byte, take_count, take_end, take_layout, take_time,
    take_up_to,
};
use crate::state::{Changes, Epoch};
use crate::time::EventTime;
use crate::watermark::Watermark;

const LAYOUT: u8 = 1;
/// The layout of a head whose ids have kinds; in those of the first one all were hashed, and are so from there on.
const WITH_KINDS: u8 = 2;
const GENERATIONS: i128 = 8;
/// Fingerprint and time.
pub(crate) const ENTRY: usize = 24;

/// Ids that were evicted: of those that were saved before an epoch, all up to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Floor {
    /// None while that epoch has no number yet.
    pub(super) before: Option<Epoch>,
    /// The youngest of them.
    pub(super) last: Age,
}

impl Seen {
    /// From now on ids are remembered until they are saved.
    pub(crate) fn durable(&mut self) {
        self.fresh.get_or_insert_default();
    }

    /// About how many bytes wait to be saved.
    pub(crate) fn unsaved_bytes(&self) -> usize {
        self.fresh.as_ref().map_or(0, |fresh| fresh.len() * ENTRY)
    }

    /// Says what has changed since it was saved.
    pub(crate) fn save(&mut self, epoch: Epoch, mark: &Watermark, to: &mut Changes) {
        self.drop_generations(mark, to);
        self.floors.iter_mut().for_each(|floor| floor.before = floor.before.or(Some(epoch)));
        let Some(mut fresh) = self.fresh.take() else { return };
        let width = self.width();
        fresh.retain(|entry| !mark.has_reached(instant(entry.first) + self.settings.ttl));
        // In generations; most ids of an epoch are of one, so there is little to sort.
        fresh.sort_by_key(|entry| end_of(entry.first, width));
        for ids in fresh.chunk_by(|a, b| end_of(a.first, width) == end_of(b.first, width)) {
            let end = end_of(ids[0].first, width);
            self.generations.insert(end);
            to.put(table(end).as_bytes(), epoch, |out| {
                out.reserve(ids.len() * ENTRY + 1);
                put_layout(out, LAYOUT);
                for id in ids {
                    put_entry(out, *id);
                }
            });
        }
        fresh.clear();
        self.fresh = Some(fresh);
        self.save_head(to);
    }

    fn save_head(&self, to: &mut Changes) {
        to.put(b"dedup", 0, |out| {
            put_layout(out, if self.identities.are_all_hashed() { LAYOUT } else { WITH_KINDS });
            out.extend(self.identities.keys.0.to_le_bytes());
            out.extend(self.identities.keys.1.to_le_bytes());
            put_count(out, self.evicted);
            put_count(out, self.floors.len() as u64);
            for floor in &self.floors {
                put_count(out, floor.before.unwrap_or(0));
                let (first, fingerprint) = floor.last;
                put_time(out, instant(first));
                put_fingerprint(out, fingerprint);
            }
        });
    }

    fn drop_generations(&mut self, mark: &Watermark, to: &mut Changes) {
        let ttl = self.settings.ttl;
        while let Some(end) = self.generations.first().copied().filter(|end| mark.has_reached(*end + ttl)) {
            self.generations.pop_first();
            to.drop_table(table(end).as_bytes());
        }
        self.floors.retain(|floor| !mark.has_reached(instant(floor.last.0) + ttl));
    }

    /// Takes in how ids are told apart, and what was evicted; comes before any id.
    pub(crate) fn restore_head(&mut self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        let bytes = &mut bytes;
        let identities = match take_byte(bytes)? {
            LAYOUT => Identities::all_hashed,
            WITH_KINDS => Identities::new,
            other => return Err(DecodeError::UnknownLayout(other)),
        };
        self.identities = identities((take_u64(bytes)?, take_u64(bytes)?));
        self.evicted = take_count(bytes)?;
        let floors = take_count(bytes)?;
        for _ in 0..floors {
            let before = Some(take_up_to(bytes, u64::MAX)?);
            let first = nanos(take_time(bytes)?);
            self.floors.push(Floor { before, last: (first, fingerprint_of(&take(bytes)?)) });
        }
        take_end(bytes)
    }

    /// Takes in the ids of an epoch.
    pub(crate) fn restore(&mut self, end: EventTime, epoch: Epoch, mut bytes: &[u8]) -> Result<(), DecodeError> {
        take_layout(&mut bytes, LAYOUT)?;
        self.generations.insert(end);
        let (ids, rest) = bytes.as_chunks::<ENTRY>();
        take_end(rest)?;
        let floors: Vec<Floor> =
            self.floors.iter().filter(|f| f.before.is_some_and(|before| epoch < before)).copied().collect();
        for id in ids {
            let entry = entry_of(id);
            if instant(entry.first) >= end {
                return Err(DecodeError::Corrupt("an id in a generation that it is not of"));
            }
            if floors.iter().all(|floor| entry.age() > floor.last) {
                self.take_back_in(entry);
            }
        }
        Ok(())
    }

    /// After all was read: forgets what has had its time.
    pub(crate) fn restored(&mut self, mark: &Watermark) {
        self.drop_expired(mark);
    }

    /// An id that was seen again after its time stands in two generations: the later one counts.
    fn take_back_in(&mut self, Entry { fingerprint, first }: Entry) {
        match self.table.find(fingerprint) {
            Ok(known) => *known = first.max(*known),
            Err(slot) => self.table.insert_at(slot, fingerprint, first, |_| true),
        }
    }

    fn width(&self) -> Nanos {
        Nanos::try_from(self.settings.ttl.as_nanos() / GENERATIONS).unwrap_or(Nanos::MAX).max(1)
    }
}

/// Where the generation of a time ends.
fn end_of(first: Nanos, width: Nanos) -> EventTime {
    EventTime::from_nanos((i128::from(first.div_euclid(width)) + 1) * i128::from(width))
}

fn table(end: EventTime) -> String {
    format!("ids/{}", end.as_nanos())
}

fn put_entry(out: &mut Vec<u8>, Entry { fingerprint, first }: Entry) {
    put_fingerprint(out, fingerprint);
    out.extend(first.to_le_bytes());
}

/// The upper half comes first, each half with its lowest byte first.
fn put_fingerprint(out: &mut Vec<u8>, fingerprint: Fingerprint) {
    out.extend(fingerprint.rotate_left(64).to_le_bytes());
}

fn fingerprint_of(bytes: &[u8; 16]) -> Fingerprint {
    u128::from_le_bytes(*bytes).rotate_left(64).max(1)
}

fn entry_of(bytes: &[u8; ENTRY]) -> Entry {
    let (mut fingerprint, mut first) = ([0; 16], [0; 8]);
    fingerprint.copy_from_slice(&bytes[..16]);
    first.copy_from_slice(&bytes[16..]);
    Entry { fingerprint: fingerprint_of(&fingerprint), first: Nanos::from_le_bytes(first) }
}

fn take_u64(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    take(bytes).map(u64::from_le_bytes)
}

/// The end of the generation that a table holds, if it is one of ids.
pub(crate) fn generation(table: &str) -> Option<EventTime> {
    crate::encoding::time_of(table.strip_prefix("ids/")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Deduplicate;
    use crate::time::Span;

    /// What the first layout had saved of ids "a" (as hashed then) and a UUID, which was hashed, too.
    #[test]
    fn a_state_in_which_all_ids_were_hashed_is_gone_on_with_as_it_is() {
        let settings = Deduplicate { ttl: Span::from_secs(60), max_entries: 100 };
        let ids = ["a", "01234567-89ab-4cde-8f01-23456789abcd"];
        let hasher = siphasher::sip128::SipHasher13::new_with_keys(7, 8);
        let entry = |id: &&str| {
            let (upper, lower) = hasher.hash(id.as_bytes()).as_u64();
            [upper.to_le_bytes(), lower.to_le_bytes(), 5_i64.to_le_bytes()].concat()
        };
        let head = [&[1][..], &7_u64.to_le_bytes(), &8_u64.to_le_bytes(), &[0, 0]].concat();
        let (end, mark) = (EventTime::from_nanos(10), Watermark::new(Span::ZERO));
        let mut seen = Seen::new(settings);
        seen.durable();
        seen.restore_head(&head).unwrap();
        seen.restore(end, 1, &[&[1][..], &ids.iter().flat_map(entry).collect::<Vec<_>>()].concat()).unwrap();
        for id in ids {
            assert!(seen.knows(seen.identities.of(id.as_bytes()), EventTime::from_nanos(6), &mark), "{id}");
        }
        assert!(!seen.knows(seen.identities.of(b"b"), EventTime::from_nanos(6), &mark));
        let mut changes = Changes::default();
        seen.save(2, &mark, &mut changes);
        let kept =
            changes.iter().any(|change| matches!(change, crate::state::Change::Put { value, .. } if value == head));
        assert!(kept, "whoever goes on with it must hash, too");
    }

    #[test]
    fn a_head_of_a_later_layout_is_refused() {
        let mut seen = Seen::new(Deduplicate { ttl: Span::from_secs(60), max_entries: 100 });
        assert_eq!(seen.restore_head(&[3; 30]), Err(DecodeError::UnknownLayout(3)));
    }
}
