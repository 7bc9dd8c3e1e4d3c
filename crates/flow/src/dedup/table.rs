//! Fingerprints with a time each, in the order in which they came, and lines of the cache by which they are found.
//!
//! ```text
//! lines     [ tags 5c 1a 20 · …   places 3 0 4 · … ][ tags 61 7f · …   places 2 1 · … ][ …     a part of a fingerprint names its line
//! entries   [ id t0 | id t1 | id t2 | id t3 | id t4 | …                                        and another part is its tag
//! ```
//! An id that is not there is found missing in one line, almost always, and what is taken in is written to that line and behind
//! the entry before it: so an event waits for memory once. Entries are read only where a tag is the same. The leading bits cut
//! the table into segments, each of which drops what has expired, and grows, by itself: never is more than a sixty-fourth
//! of it moved.

use super::Entry;

/// 128 bits, spread evenly.
pub(super) type Fingerprint = u128;

/// The time of an id's first event, in nanoseconds since 1970: accepted times fit.
pub(super) type Nanos = i64;

/// All segments.
#[derive(Debug)]
pub(super) struct Table {
    segments: Vec<Segment>,
    len: usize,
}

/// The line of a segment that a fingerprint goes to, until something else is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(usize);

#[derive(Debug)]
struct Segment {
    lines: Vec<Line>,
    entries: Vec<Entry>,
    oldest: Nanos, // of those that were taken in, or kept when all were looked through
}

/// Where some entries stand. One that does not fit goes to the next line, and is looked for there if this one is full.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Line {
    tags: [u16; WIDTH], // 0 behind the last one
    len: u32,
    places: [u32; WIDTH],
}

/// So many fill a line of the cache.
const WIDTH: usize = 10;
/// So many of them are used on average when a segment is full: more of them would often be taken, and two lines be read.
const FILLED: usize = 7;

const SEGMENT_BITS: u32 = 6;

impl Table {
    pub(super) fn new() -> Self {
        Table { segments: (0..1 << SEGMENT_BITS).map(|_| Segment::new()).collect(), len: 0 }
    }

    /// How many fingerprints there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they take, with the room for others.
    pub(super) fn bytes(&self) -> usize {
        let of = |segment: &Segment| size_of_val(&*segment.lines) + segment.entries.capacity() * size_of::<Entry>();
        self.segments.iter().map(of).sum()
    }

    /// The time of a fingerprint; where it is not there, the slot that it would take.
    #[inline]
    pub(super) fn find(&mut self, fingerprint: Fingerprint) -> Result<&mut Nanos, Slot> {
        let segment = &mut self.segments[segment_of(fingerprint)];
        segment.find(fingerprint).map(|place| &mut segment.entries[place].first)
    }

    /// Gives a fingerprint a time, whether it is there or not.
    pub(super) fn insert(&mut self, fingerprint: Fingerprint, time: Nanos, keep: impl Fn(Nanos) -> bool) {
        match self.find(fingerprint) {
            Ok(known) => *known = time,
            Err(slot) => self.insert_at(slot, fingerprint, time, keep),
        }
    }

    /// Takes a fingerprint in that is not there, in the slot that it would take. Where its segment is full, those that need not
    /// be kept are dropped first.
    #[inline]
    pub(super) fn insert_at(
        &mut self,
        slot: Slot,
        fingerprint: Fingerprint,
        time: Nanos,
        keep: impl Fn(Nanos) -> bool,
    ) {
        let segment = &mut self.segments[segment_of(fingerprint)];
        self.len += 1;
        if segment.is_full() {
            self.len -= segment.make_room(&keep);
            segment.place(fingerprint, segment.entries.len());
        } else {
            segment.lines[slot.0].push(tag_of(fingerprint), segment.entries.len());
        }
        segment.entries.push(Entry { fingerprint, first: time });
        segment.oldest = segment.oldest.min(time);
    }

    /// Reads the lines of fingerprints, and leaves them as they are: who looks for one of them next finds its line in the
    /// cache. Memory is waited for once for all of them, not once for each.
    #[inline]
    pub(super) fn touch<const N: usize>(&self, fingerprints: &[Fingerprint; N]) {
        // Where they are is worked out beforehand: the fewer steps lie between two reads, the more of them wait together.
        let homes = fingerprints.map(|fingerprint| {
            let segment = segment_of(fingerprint);
            (segment, self.segments[segment].home(fingerprint))
        });
        let read = homes.iter().fold(0, |read, (segment, line)| read ^ self.segments[*segment].lines[*line].len);
        std::hint::black_box(read);
    }

    /// Drops those that need not be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(Fingerprint, Nanos) -> bool) {
        for segment in &mut self.segments {
            self.len -= segment.retain(&keep);
            segment.place_all();
        }
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Fingerprint, Nanos)> {
        self.segments.iter().flat_map(|segment| &segment.entries).map(|entry| (entry.fingerprint, entry.first))
    }
}

impl Segment {
    fn new() -> Self {
        Segment { lines: vec![Line::EMPTY], entries: Vec::new(), oldest: Nanos::MAX }
    }

    #[inline]
    fn is_full(&self) -> bool {
        self.entries.len() >= self.lines.len() * FILLED
    }

    /// The line that a fingerprint belongs to: the bits behind those of the segment stand for a fraction of all lines.
    #[inline]
    fn home(&self, fingerprint: Fingerprint) -> usize {
        let fraction = ((fingerprint << SEGMENT_BITS) >> 96) as u64;
        ((fraction * self.lines.len() as u64) >> 32) as usize
    }

    /// The place of a fingerprint's entry; where there is none, the line that it would go to.
    #[inline]
    fn find(&self, fingerprint: Fingerprint) -> Result<usize, Slot> {
        let (mut at, tag) = (self.home(fingerprint), tag_of(fingerprint));
        loop {
            let line = &self.lines[at];
            if line.has(tag)
                && let Some(place) = line.tagged(tag).find(|place| self.entries[*place].fingerprint == fingerprint)
            {
                return Ok(place);
            }
            if !line.is_full() {
                return Err(Slot(at));
            }
            at = self.next(at);
        }
    }

    #[inline]
    fn next(&self, line: usize) -> usize {
        if line + 1 < self.lines.len() { line + 1 } else { 0 }
    }

    /// Says where the entry of a fingerprint stands, which has none yet.
    #[inline]
    fn place(&mut self, fingerprint: Fingerprint, place: usize) {
        let mut at = self.home(fingerprint);
        while self.lines[at].is_full() {
            at = self.next(at);
        }
        self.lines[at].push(tag_of(fingerprint), place);
    }

    /// Drops what need not be kept, and grows where that leaves less than a third of the room: either way as many can be taken
    /// in as a part of those that were looked at. How many were dropped.
    #[cold]
    fn make_room(&mut self, keep: impl Fn(Nanos) -> bool) -> usize {
        let dropped = if keep(self.oldest) { 0 } else { self.retain(|_, time| keep(time)) };
        let (len, most) = (self.entries.len(), self.lines.len() * FILLED);
        if len * 3 > most * 2 {
            let lines = (len * 2).div_ceil(FILLED);
            self.lines.resize(lines, Line::EMPTY);
            self.entries.reserve_exact(lines * FILLED - len);
        }
        self.place_all();
        dropped
    }

    /// Drops what is not kept; how many those were. Lines are as they were.
    fn retain(&mut self, keep: impl Fn(Fingerprint, Nanos) -> bool) -> usize {
        let before = self.entries.len();
        self.oldest = Nanos::MAX;
        self.entries.retain(|entry| {
            let kept = keep(entry.fingerprint, entry.first);
            if kept {
                self.oldest = self.oldest.min(entry.first);
            }
            kept
        });
        before - self.entries.len()
    }

    /// Says where each entry stands.
    fn place_all(&mut self) {
        self.lines.fill(Line::EMPTY);
        for place in 0..self.entries.len() {
            self.place(self.entries[place].fingerprint, place);
        }
    }
}

impl Line {
    const EMPTY: Line = Line { tags: [0; WIDTH], len: 0, places: [0; WIDTH] };

    #[inline]
    fn is_full(&self) -> bool {
        self.len as usize == WIDTH
    }

    /// Whether a tag is among them: found for all at once, without a branch for each.
    #[inline]
    fn has(&self, tag: u16) -> bool {
        self.tags.iter().fold(0, |found, other| found | u16::from(*other == tag)) != 0
    }

    /// The places of entries with a tag.
    fn tagged(&self, tag: u16) -> impl Iterator<Item = usize> {
        self.tags.iter().zip(&self.places).filter(move |(other, _)| **other == tag).map(|(_, place)| *place as usize)
    }

    /// Says where another entry stands; there has to be room.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "2^32 entries of a segment would take 100 GiB")]
    fn push(&mut self, tag: u16, place: usize) {
        let at = self.len as usize;
        (self.tags[at], self.places[at]) = (tag, place as u32);
        self.len += 1;
    }
}

#[inline]
fn segment_of(fingerprint: Fingerprint) -> usize {
    (fingerprint >> (Fingerprint::BITS - SEGMENT_BITS)) as usize
}

/// Bits that name neither segment nor line; never 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a part is what is asked for")]
fn tag_of(fingerprint: Fingerprint) -> u16 {
    (fingerprint as u16).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Fingerprints from a linear congruential generator: `spread` of them lie anywhere, the others near the ends of segments.
    fn fingerprints(seed: u64, spread: bool) -> impl FnMut() -> Fingerprint {
        let mut state = seed;
        let mut next = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state ^ (state >> 29)
        };
        move || {
            let (upper, lower) = (u128::from(next()), u128::from(next()));
            let upper = if spread { upper } else { upper | 0x03ff_ffff_ffff_ff00 };
            ((upper & u128::from(u64::MAX)) << 64 | lower).max(1)
        }
    }

    fn must_be_alike(table: &mut Table, plain: &BTreeMap<Fingerprint, Nanos>) {
        assert_eq!(table.len(), plain.len());
        assert_eq!(&table.iter().collect::<BTreeMap<_, _>>(), plain);
        for (fingerprint, time) in plain {
            assert_eq!(table.find(*fingerprint).ok(), Some(&mut time.clone()));
        }
    }

    #[test]
    fn it_holds_what_a_tree_holds_wherever_fingerprints_lie_and_whatever_is_dropped() {
        for spread in [true, false] {
            let (mut draw, mut table, mut plain) = (fingerprints(7, spread), Table::new(), BTreeMap::new());
            for time in 0..30_000_i64 {
                let fingerprint = draw();
                // What was dropped on the way may stay until its segment is full: it is dropped from both now and then.
                table.insert(fingerprint, time, |_| true);
                plain.insert(fingerprint, time);
                assert_eq!(table.find(fingerprint ^ 1).ok(), None);
                if time % 10_000 == 9_999 {
                    must_be_alike(&mut table, &plain);
                    table.retain(|fingerprint, time| time % 3 != 0 && fingerprint % 5 != 0);
                    plain.retain(|fingerprint, time| *time % 3 != 0 && fingerprint % 5 != 0);
                    must_be_alike(&mut table, &plain);
                }
            }
        }
    }

    #[test]
    fn where_old_ones_may_go_it_does_not_grow_beyond_what_is_kept() {
        let (mut draw, mut table) = (fingerprints(9, true), Table::new());
        for time in 0..500_000_i64 {
            table.insert(draw(), time, |other| other > time - 10_000);
        }
        assert!((10_000..40_000).contains(&table.len()), "{} are held", table.len());
        assert!(table.iter().filter(|(_, time)| *time > 490_000).count() >= 9_999);
        assert!(table.bytes() <= 40_000 * 4 / 3 * 24 * 2, "{} bytes", table.bytes());
    }
}
