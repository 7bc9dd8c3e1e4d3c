//! The cells of one thread, and how others read them while it writes.
//!
//! A *record* is what the owner does at once: up to [`RECORD`] cells of one chunk. A reader gets
//! the cells as they were between two records; the owner never waits for it.
//!
//! ```text
//!  owner                                     reader
//!  ─────                                     ──────
//!  undo ← the old values                     s₁ ← seq
//!  seq  ← n | length        "Begin"          copy the cells
//!  cells ← the new values                    s₂ ← seq      n moved on? failed, try again
//!  seq  ← n + 1             "End"            in flight? put the undo words back
//!                                            seq still s₂? the copy is state n
//! ```
//!
//! A reader that fails because the owner is busy asks for its range; the owner copies it at the
//! start of its next record, between two records, where its own cells are consistent by nature.
//! So the owner pays one test a record, and one copy for each reader that needed help.
//!
//! Why a copy is right, by partners (release → acquire):
//! - `End` → `ReadFirst`: the copy is not older than the `n` records that were complete.
//! - `FenceBeforeCells` → `FenceAfterCopy`: whoever sees a cell of record *m* sees its `Begin`, so
//!   with `n` complete at `ReadSecond` nothing beyond record *n + 1* is in the copy.
//! - `Begin` → `ReadSecond`: the undo words of record *n + 1* are complete.
//! - `FenceBeforeUndo` → `FenceAfterUndo`: an undo word of record *n + 2* shows the end of *n + 1*,
//!   and the last look at `seq` differs.
//! - `Answer` → `TakeAnswer`: the answer is complete. `Request` → `ReadRequest`: the reader of the
//!   answer before is done with it. Numbered requests: a late answer is nobody else's.

use std::array;

use super::chunks::{Chunk, Chunks};
use super::update::{Change, Update};
use crate::sync::{self, CHUNK, Cell, Mutex, Ordering, RECORD, Step, at, fence_at, holds};

use Ordering::{Acquire, Relaxed, Release};

/// Bits of `seq` that hold the length of the record in flight.
const LENGTH_BITS: u32 = 6;
const LENGTH: u64 = (1 << LENGTH_BITS) - 1;
/// One complete record.
const ONE: u64 = 1 << LENGTH_BITS;

/// Cells with one writer.
///
/// The order and the alignment are for speed: a load is held up by an earlier store to an address
/// that agrees with its own in the lower 12 bits. So the words that each record writes are kept
/// half a page away from the table's first entries, which each record reads.
#[repr(C)]
pub(crate) struct Arena {
    _page: sync::Page,
    /// 4 ½ pages.
    chunks: Chunks,
    /// Index and old value of each cell of the record in flight. The owner writes it.
    undo: [(Cell, Cell); RECORD],
    /// Complete records << 6 | cells of the record in flight, 0 between two. The owner writes it.
    seq: Cell,
    /// The request answered last. The owner writes it.
    answered: Cell,
    /// The request to answer. Readers write it, holding `asking`.
    wanted: Cell,
    /// The number of the last request.
    asking: Mutex<u64>,
    /// The answer. The owner writes it, when asked.
    answer: [Cell; CHUNK],
}

/// Some cells of one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) chunk: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// How a copy came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Copied {
    /// Nothing was in flight.
    Direct,
    /// A record in flight was taken back.
    Undone,
    /// The owner made it.
    Helped,
}

/// A request to the owner; nobody else can ask as long as it lives.
pub(crate) struct Asked<'a> {
    arena: &'a Arena,
    request: u64,
    _number: sync::MutexGuard<'a, u64>,
}

const fn complete(seq: u64) -> u64 {
    seq >> LENGTH_BITS
}

impl Arena {
    pub(crate) fn new() -> Self {
        Self {
            _page: sync::Page,
            seq: Cell::new(0),
            answered: Cell::new(0),
            wanted: Cell::new(0),
            undo: array::from_fn(|_| (Cell::new(0), Cell::new(0))),
            chunks: Chunks::new(),
            answer: array::from_fn(|_| Cell::new(0)),
            asking: Mutex::new(0),
        }
    }

    /// The chunk, if it is there.
    #[inline]
    pub(crate) fn chunk(&self, chunk: usize) -> Option<&Chunk> {
        self.chunks.get(chunk)
    }

    /// The chunk, made if need be; `None` if it is beyond the table. For the owner.
    pub(crate) fn touch(&self, chunk: usize) -> Option<&Chunk> {
        self.chunks.touch(chunk)
    }

    /// Answers whoever asks, and writes the cells of `update` as one record. For the owner, which
    /// found `chunk` in this arena. Runs no code of a caller and cannot panic.
    pub(crate) fn record<U: Update>(&self, chunk: &Chunk, update: &U) {
        if self.is_asked() {
            self.answer();
        }
        self.write(chunk, update);
    }

    /// Whether a reader waits for an answer, which comes before the next record.
    #[inline]
    pub(crate) fn is_asked(&self) -> bool {
        self.wanted.load(Relaxed) != self.answered.own()
    }

    /// The record itself.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see `record.rs`")]
    pub(crate) fn write<U: Update>(&self, chunk: &Chunk, update: &U) {
        const { assert!(U::MOST_CELLS <= RECORD && U::MOST_CELLS as u64 <= LENGTH) };
        let seq = self.seq.own();
        fence_at(Step::FenceBeforeUndo, Release);
        let (mut words, mut length) = (self.undo.iter(), 0);
        // By itself: where the number of cells is known, so is this.
        update.each(|_, _| length += 1);
        update.each(|index, _| {
            if let Some((place, old)) = words.next() {
                place.store(u64::from(index), Relaxed);
                old.store(chunk[offset(index)].own(), Relaxed);
            }
        });
        self.seq.store(seq | length, at(Step::Begin, Release));
        fence_at(Step::FenceBeforeCells, Release);
        // Read again, not taken from the undo words: a record may touch a cell twice.
        update.each(|index, change| apply(&chunk[offset(index)], change));
        self.seq.store(seq + ONE, at(Step::End, Release));
    }

    #[cold]
    #[inline(never)]
    fn answer(&self) {
        let request = self.wanted.load(at(Step::ReadRequest, Acquire));
        let span = unpack(request);
        let chunk = self.chunk(span.chunk);
        for (i, place) in self.answer.iter().take(span.len).enumerate() {
            let cell = chunk.and_then(|chunk| chunk.get(span.first + i));
            place.store(cell.map_or(0, Cell::own), Relaxed);
        }
        self.answered.store(request, at(Step::Answer, Release));
    }

    /// Copies cells as they were between two records. Cells that were never written are 0.
    pub(crate) fn copy(&self, span: Span, out: &mut [u64]) -> Copied {
        if let Some(copied) = self.attempt(span, out) {
            return copied;
        }
        let asked = self.ask(span);
        let mut turn = 0;
        loop {
            // Whatever ends first: each failed attempt means that the owner completed a record,
            // and it answers at the start of the next one once it sees the request.
            if asked.take(out) {
                return Copied::Helped;
            }
            if let Some(copied) = self.attempt(span, out) {
                return copied;
            }
            sync::wait(turn);
            turn = turn.wrapping_add(1);
        }
    }

    /// One try without the owner's help; `None` if a record was completed meanwhile.
    pub(crate) fn attempt(&self, span: Span, out: &mut [u64]) -> Option<Copied> {
        let Some(chunk) = self.chunk(span.chunk) else {
            out.fill(0);
            return Some(Copied::Direct);
        };
        let cells = &chunk[span.first..span.first + span.len];
        let before = self.seq.load(at(Step::ReadFirst, Acquire));
        for (to, cell) in out.iter_mut().zip(cells) {
            *to = cell.load(Relaxed);
        }
        fence_at(Step::FenceAfterCopy, Acquire);
        let after = self.seq.load(at(Step::ReadSecond, Acquire));
        if complete(before) != complete(after) {
            return None;
        }
        match after & LENGTH {
            0 => Some(Copied::Direct),
            length => self.take_back(span, out, after, length),
        }
    }

    /// Puts back what the record in flight has overwritten: at most parts of it are in the copy.
    #[inline]
    fn take_back(&self, span: Span, out: &mut [u64], seq: u64, length: u64) -> Option<Copied> {
        let mut words = [(0, 0); RECORD];
        let count = usize::try_from(length).unwrap_or(RECORD).min(RECORD);
        for (word, (index, old)) in words.iter_mut().zip(&self.undo).take(count) {
            *word = (index.load(Relaxed), old.load(Relaxed));
        }
        fence_at(Step::FenceAfterUndo, Acquire);
        if !holds(Step::StillTheSame, self.seq.load(Relaxed) == seq) {
            return None;
        }
        let base = (span.chunk * CHUNK + span.first) as u64;
        for (index, old) in &words[..count] {
            let place = usize::try_from(index.wrapping_sub(base)).ok().and_then(|i| out.get_mut(i));
            if let Some(place) = place {
                *place = *old;
            }
        }
        Some(Copied::Undone)
    }

    /// Asks the owner for a copy.
    pub(crate) fn ask(&self, span: Span) -> Asked<'_> {
        let mut number = sync::lock(&self.asking);
        *number += 1;
        let request = pack(*number, span);
        self.wanted.store(request, at(Step::Request, Release));
        // So that the owner sees the request soon: nothing else here depends on it.
        sync::fence_all();
        Asked { arena: self, request, _number: number }
    }

    /// Changes a cell outside of any record. For the owner; false if the chunk is not there or the
    /// new value would not fit.
    #[inline]
    pub(crate) fn change(&self, index: u32, change: Change, ordering: Ordering) -> bool {
        self.chunk(chunk_of(index)).is_some_and(|chunk| self::change(chunk, index, change, ordering))
    }

    /// Forgets what a range holds. For whoever knows that no handle to it is left, which is
    /// whoever dropped the last one: all their updates happened before.
    pub(crate) fn zero(&self, first: u32, len: usize) {
        let Some(chunk) = self.chunk(chunk_of(first)) else { return };
        for cell in chunk.iter().skip(offset(first)).take(len) {
            cell.store(0, Relaxed);
        }
    }
}

impl Asked<'_> {
    /// Takes the answer, if it is there.
    pub(crate) fn take(&self, out: &mut [u64]) -> bool {
        let answered = self.arena.answered.load(at(Step::TakeAnswer, Acquire));
        if !holds(Step::ItsOwnAnswer, answered == self.request) {
            return false;
        }
        for (to, word) in out.iter_mut().zip(&self.arena.answer) {
            *to = word.load(Relaxed);
        }
        true
    }
}

/// Changes a cell outside of any record. For the owner; false if the new value would not fit.
#[inline]
pub(crate) fn change(chunk: &Chunk, index: u32, change: Change, ordering: Ordering) -> bool {
    let cell = &chunk[offset(index)];
    let Some(new) = change.checked(cell.own()) else { return false };
    cell.store(new, ordering);
    true
}

#[inline]
fn apply(cell: &Cell, change: Change) {
    cell.store(change.saturating(cell.own()), Relaxed);
}

/// The chunk of a cell.
#[inline]
pub(crate) const fn chunk_of(index: u32) -> usize {
    index as usize / CHUNK
}

/// The place of a cell in its chunk.
#[inline]
pub(crate) const fn offset(index: u32) -> usize {
    index as usize % CHUNK
}

// A request: its number (32 bits, never 0 at first) | chunk (12) | first (10) | length (10).
fn pack(number: u64, span: Span) -> u64 {
    number << 32 | (span.chunk as u64) << 20 | (span.first as u64) << 10 | span.len as u64
}

const fn unpack(request: u64) -> Span {
    Span {
        chunk: (request >> 20 & 0xfff) as usize,
        first: (request >> 10 & 0x3ff) as usize,
        len: (request & 0x3ff) as usize,
    }
}
