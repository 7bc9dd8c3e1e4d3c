//! All arenas, and which cells are taken.
//!
//! A thread adopts an arena at its first update and leaves it, values and all, when it ends; the
//! next thread goes on adding to them. So nothing is folded or retired when a thread ends, a
//! reader needs no lock against it, and there are as many arenas as there were threads at once.
//!
//! Cells are taken in ranges, the same range in every arena. Who drops the last handle of a range
//! has all its updates behind it and zeroes the range everywhere; then it can be taken again. A
//! base to subtract instead would be wrong for sums of floats, which do not come back to 0.

use std::collections::HashMap;

use super::arena::{Arena, Copied, Span, chunk_of, offset};
use super::ranges::{Kind, Range, Ranges, Shape};
use super::update::{Change, Update};
use crate::sync::{self, CHUNK, Forever, Mutex};

pub(crate) struct Store {
    /// Every arena there is.
    arenas: Mutex<Vec<Forever<Arena>>>,
    /// Those without an owner. The lock hands the cells over.
    idle: Mutex<Vec<Forever<Arena>>>,
    /// Updates that have no arena to go to, because their thread is past its end or the index is
    /// beyond the chunk table. Whoever holds the lock is their owner.
    late: Mutex<HashMap<usize, Box<[u64; CHUNK]>>>,
    ranges: Mutex<Ranges>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            arenas: Mutex::new(Vec::new()),
            idle: Mutex::new(Vec::new()),
            late: Mutex::new(HashMap::new()),
            ranges: Mutex::new(Ranges::default()),
        }
    }

    /// An arena for this thread.
    pub(crate) fn adopt(&self) -> Forever<Arena> {
        let idle = sync::lock(&self.idle).pop();
        idle.unwrap_or_else(|| {
            let arena = sync::forever(Arena::new());
            sync::lock(&self.arenas).push(sync::same(&arena));
            arena
        })
    }

    /// Gives an arena back.
    pub(crate) fn leave(&self, arena: Forever<Arena>) {
        sync::lock(&self.idle).push(arena);
    }

    /// Updates that came too late for an arena of their own.
    pub(crate) fn record_late(&self, update: &impl Update) {
        let mut late = sync::lock(&self.late);
        update.each(|index, change| {
            let chunk = late.entry(chunk_of(index)).or_insert_with(|| Box::new([0; CHUNK]));
            let cell = &mut chunk[offset(index)];
            *cell = change.saturating(*cell);
        });
    }

    /// A change that came too late; false if the new value would not fit.
    pub(crate) fn change_late(&self, index: u32, change: Change) -> bool {
        let mut late = sync::lock(&self.late);
        let chunk = late.entry(chunk_of(index)).or_insert_with(|| Box::new([0; CHUNK]));
        let cell = &mut chunk[offset(index)];
        change.checked(*cell).map(|new| *cell = new).is_some()
    }

    /// Takes cells that are next to each other in one chunk, all of them 0.
    pub(crate) fn take(&self, shape: &Shape) -> Range {
        sync::lock(&self.ranges).take(shape)
    }

    /// The same for several series, side by side; `None` if they do not fit in one chunk.
    pub(crate) fn take_row(&self, shape: &Shape, count: u32) -> Option<Vec<Range>> {
        sync::lock(&self.ranges).take_row(shape, count)
    }

    /// Gives a range back. The caller has dropped the last handle to it.
    pub(crate) fn give_back(&self, range: Range) {
        for arena in self.arenas() {
            arena.zero(range.first, range.len as usize);
        }
        if let Some(chunk) = sync::lock(&self.late).get_mut(&chunk_of(range.first)) {
            let first = offset(range.first);
            chunk[first..first + range.len as usize].fill(0);
        }
        sync::lock(&self.ranges).give_back(range);
    }

    pub(crate) fn arenas(&self) -> Vec<Forever<Arena>> {
        sync::lock(&self.arenas).clone()
    }

    /// What is known of chunks that have cells that were taken.
    pub(crate) fn kinds(&self, chunks: &[usize]) -> Vec<Kind> {
        let ranges = sync::lock(&self.ranges);
        chunks.iter().filter_map(|chunk| ranges.kind(*chunk)).collect()
    }

    /// The late cells of a span, added with `add`.
    pub(crate) fn late(&self, span: Span, add: impl FnOnce(&[u64])) {
        if let Some(chunk) = sync::lock(&self.late).get(&span.chunk) {
            add(&chunk[span.first..span.first + span.len]);
        }
    }

    /// Copies of a span, one for each place where it has cells, each consistent in itself.
    pub(crate) fn copies(&self, span: Span, mut add: impl FnMut(&[u64])) {
        let mut copy = [0; CHUNK];
        let copy = &mut copy[..span.len];
        for arena in self.arenas() {
            if arena.chunk(span.chunk).is_some() {
                let _: Copied = arena.copy(span, copy);
                add(copy);
            }
        }
        self.late(span, add);
    }
}
