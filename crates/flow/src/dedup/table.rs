//! Fingerprints with a time each, in the order of the fingerprints (O. Amble, D. E. Knuth, "Ordered hash tables", 1974).
//!
//! ```text
//! fingerprints  [ 03  ·  1a 1f 20  ·  ·  5c 61  ·  … ]   each as near behind the place that its leading bits name as
//! times         [ t0  ·  t1 t2 t3  ·  ·  t4 t5  ·  … ]   the ones before it leave room for
//! ```
//! A search ends at the first fingerprint that is higher, so one that is not there is found missing after a few neighbours of
//! one line of the cache; times are looked at only where something is found. What is dropped or moved to a larger table is so in
//! one pass from front to back. The leading bits also cut the table into segments, each of which grows by itself: never is
//! more than a sixty-fourth of it moved, or held twice.

/// 128 bits; 0 stands for an empty slot.
pub(super) type Fingerprint = u128;

/// The time of an id's first event, in nanoseconds since 1970: accepted times fit.
pub(super) type Nanos = i64;

/// All segments.
#[derive(Debug)]
pub(super) struct Table {
    segments: Vec<Segment>,
    len: usize,
}

/// A slot of a segment, until something else is taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot(usize);

#[derive(Debug)]
struct Segment {
    fingerprints: Vec<Fingerprint>, // slots, the last of which is empty
    times: Vec<Nanos>,
    bits: u32, // 2^bits places are named; behind them are a few slots more
    len: usize,
    oldest: Nanos, // of those that were taken in, or kept when all were looked through
}

const SEGMENT_BITS: u32 = 6;
/// The places of a segment that begins to be used.
const FIRST_BITS: u32 = 4;

impl Table {
    pub(super) fn new() -> Self {
        Table { segments: (0..1 << SEGMENT_BITS).map(|_| Segment::new()).collect(), len: 0 }
    }

    /// How many fingerprints there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they take, those of empty slots included.
    pub(super) fn bytes(&self) -> usize {
        let slots: usize = self.segments.iter().map(|segment| segment.fingerprints.capacity()).sum();
        slots * (size_of::<Fingerprint>() + size_of::<Nanos>())
    }

    /// The time of a fingerprint; where it is not there, the slot that it would take.
    #[inline]
    pub(super) fn find(&mut self, fingerprint: Fingerprint) -> Result<&mut Nanos, Slot> {
        let segment = &mut self.segments[segment_of(fingerprint)];
        let at = segment.lower_bound(fingerprint);
        match segment.fingerprints.get(at) {
            Some(found) if *found == fingerprint => Ok(&mut segment.times[at]),
            _ => Err(Slot(at)),
        }
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
        Slot(mut at): Slot,
        fingerprint: Fingerprint,
        time: Nanos,
        keep: impl Fn(Nanos) -> bool,
    ) {
        let segment = &mut self.segments[segment_of(fingerprint)];
        if segment.is_full() {
            self.len -= segment.make_room(&keep);
            at = segment.lower_bound(fingerprint);
        }
        segment.insert(at, fingerprint, time);
        self.len += 1;
    }

    /// Reads where fingerprints are, or would be, and leaves them as they are: who looks for one of them next finds its
    /// place in the cache. Memory is waited for once for all of them, not once for each.
    #[inline]
    pub(super) fn touch(&self, fingerprints: impl Iterator<Item = Fingerprint>) {
        let mut read = (0, 0);
        for fingerprint in fingerprints {
            let segment = &self.segments[segment_of(fingerprint)];
            let at = home(fingerprint, segment.bits);
            read.0 ^= segment.fingerprints.get(at).copied().unwrap_or_default();
            read.1 ^= segment.times.get(at).copied().unwrap_or_default();
        }
        std::hint::black_box(read);
    }

    /// Drops those that need not be kept.
    pub(super) fn retain(&mut self, keep: impl Fn(Fingerprint, Nanos) -> bool) {
        for segment in &mut self.segments {
            self.len -= segment.retain(&keep);
        }
    }

    /// All of them, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Fingerprint, Nanos)> {
        self.segments.iter().flat_map(Segment::iter)
    }
}

impl Segment {
    fn new() -> Self {
        Segment { fingerprints: Vec::new(), times: Vec::new(), bits: 0, len: 0, oldest: Nanos::MAX }
    }

    /// Three quarters of the named places are taken: beyond that searches grow longer.
    #[inline]
    fn is_full(&self) -> bool {
        self.len * 4 >= self.places() * 3
    }

    fn places(&self) -> usize {
        if self.fingerprints.is_empty() { 0 } else { 1 << self.bits }
    }

    /// The slot of a fingerprint, or of the first one that is higher, or else the first that is empty.
    #[inline]
    fn lower_bound(&self, fingerprint: Fingerprint) -> usize {
        let home = home(fingerprint, self.bits);
        let after = self.fingerprints.get(home..).unwrap_or_default();
        home + after.iter().take_while(|other| **other != 0 && **other < fingerprint).count()
    }

    /// Takes a fingerprint in at its slot; those that are higher move on by one, up to the next empty slot.
    #[inline]
    fn insert(&mut self, mut at: usize, fingerprint: Fingerprint, time: Nanos) {
        let (mut fingerprint, mut moved) = (fingerprint, time);
        for (slot, time) in self.fingerprints[at..].iter_mut().zip(&mut self.times[at..]) {
            std::mem::swap(slot, &mut fingerprint);
            std::mem::swap(time, &mut moved);
            at += 1;
            if fingerprint == 0 {
                break;
            }
        }
        if at == self.fingerprints.len() {
            self.fingerprints.push(0);
            self.times.push(0);
        }
        self.len += 1;
        self.oldest = self.oldest.min(time);
    }

    /// Drops what need not be kept, and grows where that leaves less than half of the room: either way as many can be taken in
    /// as were looked at. How many were dropped.
    #[cold]
    fn make_room(&mut self, keep: impl Fn(Nanos) -> bool) -> usize {
        let dropped = if keep(self.oldest) { 0 } else { self.retain(|_, time| keep(time)) };
        if self.len * 8 >= self.places() * 3 {
            self.grow();
        }
        dropped
    }

    fn grow(&mut self) {
        let bits = if self.fingerprints.is_empty() { FIRST_BITS } else { self.bits + 1 };
        let slots = (1 << bits) + (1 << FIRST_BITS);
        let (len, oldest) = (self.len, self.oldest);
        let larger = Segment { fingerprints: vec![0; slots], times: vec![0; slots], bits, len, oldest };
        let smaller = std::mem::replace(self, larger);
        let mut next = 0;
        for (fingerprint, time) in smaller.iter() {
            next = self.put(next, fingerprint, time);
        }
    }

    /// Puts a fingerprint behind all that are there, at `next` or later; the slot after it.
    fn put(&mut self, next: usize, fingerprint: Fingerprint, time: Nanos) -> usize {
        let at = next.max(home(fingerprint, self.bits));
        if at + 1 >= self.fingerprints.len() {
            self.fingerprints.resize(at + 2, 0);
            self.times.resize(at + 2, 0);
        }
        (self.fingerprints[at], self.times[at]) = (fingerprint, time);
        at + 1
    }

    /// Drops what is not kept; how many those were. What is kept moves forward or stays, so one pass in place is enough.
    fn retain(&mut self, keep: impl Fn(Fingerprint, Nanos) -> bool) -> usize {
        let (before, mut next) = (self.len, 0);
        self.oldest = Nanos::MAX;
        for at in 0..self.fingerprints.len() {
            let fingerprint = std::mem::take(&mut self.fingerprints[at]);
            let time = self.times[at];
            if fingerprint != 0 && keep(fingerprint, time) {
                next = self.put(next, fingerprint, time);
                self.oldest = self.oldest.min(time);
            } else {
                self.len -= usize::from(fingerprint != 0);
            }
        }
        before - self.len
    }

    fn iter(&self) -> impl Iterator<Item = (Fingerprint, Nanos)> {
        let all = self.fingerprints.iter().copied().zip(self.times.iter().copied());
        all.filter(|(fingerprint, _)| *fingerprint != 0)
    }
}

#[inline]
fn segment_of(fingerprint: Fingerprint) -> usize {
    (fingerprint >> (Fingerprint::BITS - SEGMENT_BITS)) as usize
}

/// The place that the bits behind those of the segment name.
#[inline]
fn home(fingerprint: Fingerprint, bits: u32) -> usize {
    let upper = (fingerprint >> 64) as u64;
    ((upper << SEGMENT_BITS) >> 1 >> (63 - bits)) as usize
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
        assert!(table.iter().eq(plain.iter().map(|(fingerprint, time)| (*fingerprint, *time))));
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
