//! Which bucket a place is for.

use std::array;

use super::layout::{Key, Tier};
use crate::cell::{Range, chunk_of, offset};
use crate::sync::{AtomicU32, CHUNK, CHUNKS, OnceLock, Ordering};

/// What the cells of some native buckets are for.
///
/// A place is taken before its cell is written. Whoever reads the cells first and the places then
/// knows what each cell that is not 0 is for: what made it so came after the place was taken or
/// seen, and is ordered before the read of the cell by the record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places<'a>(pub(super) &'a [AtomicU32]);

/// A place for each cell, in chunks like those of the cells; made where there are native buckets.
static TABLE: [OnceLock<Box<Chunk>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];

type Chunk = [AtomicU32; CHUNK];

/// How many places are tried: with more, one that is not there would be looked for too long.
const TRIES: u32 = 16;
/// What makes every number of a bucket positive.
const BIAS: i32 = 1 << 20;
const FREE: u32 = 0;

impl Places<'static> {
    /// Those of some cells of one chunk. There are none beyond the table: then all numbers are
    /// counted in the widest buckets.
    pub(crate) fn of(first: u32, len: u32) -> Self {
        let table = TABLE.get(chunk_of(first));
        let chunk = table.map(|chunk| chunk.get_or_init(|| Box::new(array::from_fn(|_| AtomicU32::new(FREE)))));
        Self(chunk.and_then(|chunk| chunk.get(offset(first)..)?.get(..len as usize)).unwrap_or_default())
    }
}

/// Frees the places of cells that nobody has any more.
pub(crate) fn forget(range: Range) {
    let chunk = TABLE.get(range.chunk()).and_then(OnceLock::get);
    let places = chunk.into_iter().flat_map(|chunk| chunk.iter().skip(offset(range.first)).take(range.len as usize));
    for place in places {
        place.store(FREE, Ordering::Relaxed);
    }
}

impl Places<'_> {
    /// The cell of a bucket, which gets one if one is free.
    pub(super) fn take(self, tier: Tier, key: Key) -> Option<u32> {
        let code = key.code();
        tier.tries(code).find(|cell| self.0.get(*cell as usize).is_some_and(|place| is_or_becomes(place, code)))
    }

    /// What was taken so far.
    pub(crate) fn copied(self) -> Box<[u32]> {
        self.0.iter().map(|place| place.load(Ordering::Relaxed)).collect()
    }
}

/// Places are taken in one order and never given back, so a bucket has one place whoever looks.
fn is_or_becomes(place: &AtomicU32, code: u32) -> bool {
    let now = place.load(Ordering::Relaxed);
    let now = match now {
        FREE => place.compare_exchange(FREE, code, Ordering::Relaxed, Ordering::Relaxed).unwrap_or_else(|now| now),
        now => now,
    };
    now == FREE || now == code
}

impl Tier {
    /// Where to look, and in which order. Neighbours are spread over all places, and those that
    /// meet in one go on to others, so that nearly all places are taken before one is not found.
    fn tries(self, code: u32) -> impl Iterator<Item = u32> {
        let mixed = u64::from(code).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // All of a few; of many, others for each bucket.
        let few = self.len <= TRIES;
        (0..TRIES.min(self.len)).map(move |nth| {
            let bits = mixed.rotate_right(32 + if few { 0 } else { 7 * nth }) & 0xffff_ffff;
            let place = u32::try_from((bits * u64::from(self.len)) >> 32).unwrap_or(0);
            self.first + if few { (place + nth) % self.len } else { place }
        })
    }
}

impl Key {
    pub(super) fn code(self) -> u32 {
        u32::try_from((self.index + BIAS) << 1).unwrap_or(0) + u32::from(self.is_negative) + 1
    }

    /// What a code says, if its place was taken.
    pub(super) fn of(code: u32) -> Option<Self> {
        let code = i32::try_from(code.checked_sub(1)?).ok()?;
        Some(Self { index: (code >> 1) - BIAS, is_negative: code & 1 == 1 })
    }
}
