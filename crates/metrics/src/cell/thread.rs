//! The arena of this thread.
//!
//! `CURRENT` has no destructor, so any other destructor can still use it; `OWNER` gives the arena
//! back when the thread ends. What a thread records after that goes to the late cells.

use std::cell::Cell;
use std::sync::LazyLock;

use super::arena::{self, Arena, chunk_of};
use super::chunks::Chunk;
use super::ranges::Row;
use super::store::Store;
use super::update::{Change, Update};
use crate::sync::{CHUNKS, Ordering};

/// All cells of the process.
pub(crate) static STORE: LazyLock<Store> = LazyLock::new(Store::new);

thread_local! {
    static CURRENT: Cell<Option<&'static Arena>> = const { Cell::new(None) };
    /// Its chunks, as far as this thread has used them: found without a look at what is shared.
    static TABLE: [Cell<Option<&'static Chunk>>; CHUNKS] = const { [const { Cell::new(None) }; CHUNKS] };
    static OWNER: Owner = const { Owner(Cell::new(None)) };
}

struct Owner(Cell<Option<&'static Arena>>);

impl Drop for Owner {
    fn drop(&mut self) {
        CURRENT.set(None);
        TABLE.with(|table| table.iter().for_each(|place| place.set(None)));
        if let Some(arena) = self.0.take() {
            STORE.leave(arena);
        }
    }
}

/// Changes a cell outside of any record; false if the new value would not fit.
#[inline]
pub(crate) fn change(index: u32, change: Change, ordering: Ordering) -> bool {
    if cfg!(feature = "noop") {
        return true;
    }
    match chunk(index) {
        Some(chunk) if arena::change(chunk, index, change, ordering) => true,
        _ => change_slowly(index, change, ordering),
    }
}

/// Changes a cell of a row; false if that takes [`change`]. The chunk is found without the cell, so
/// the processor finds it while it is still busy with the labels.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "a row is in one chunk")]
pub(crate) fn change_in_row(row: Row, nth: usize, change: Change, ordering: Ordering) -> bool {
    if cfg!(feature = "noop") {
        return true;
    }
    let chunk = TABLE.with(|table| table.get(row.chunk as usize)?.get());
    chunk.is_some_and(|chunk| arena::change(chunk, row.first + nth as u32, change, ordering))
}

/// Writes cells of one chunk as one record.
#[inline(always)]
#[expect(clippy::inline_always, reason = "see `record.rs`")]
pub(crate) fn record<U: Update>(first: u32, update: U) {
    if cfg!(feature = "noop") {
        return;
    }
    if let Some(arena) = CURRENT.get()
        && let Some(chunk) = chunk(first)
        && !arena.is_asked()
    {
        // Nothing is called on this way, so nothing has to be kept over a call.
        arena.write(chunk, &update);
    } else {
        record_slowly(first, update);
    }
}

#[cold]
#[inline(never)]
fn change_slowly(index: u32, change: Change, ordering: Ordering) -> bool {
    match arena_with(chunk_of(index)) {
        Some(arena) => arena.change(index, change, ordering),
        None => STORE.change_late(index, change),
    }
}

#[cold]
#[inline(never)]
fn record_slowly<U: Update>(first: u32, update: U) {
    match arena_with(chunk_of(first)).and_then(|arena| Some((arena, arena.chunk(chunk_of(first))?))) {
        Some((arena, chunk)) => arena.record(chunk, &update),
        None => STORE.record_late(&update),
    }
}

/// The chunk of a cell, if this thread has used it.
#[inline]
fn chunk(index: u32) -> Option<&'static Chunk> {
    TABLE.with(|table| table.get(chunk_of(index))?.get())
}

/// The arena of this thread with this chunk in it; `None` if the thread is past its end or the
/// chunk beyond the table.
fn arena_with(chunk: usize) -> Option<&'static Arena> {
    let arena = CURRENT.get().or_else(adopt)?;
    let cells = arena.touch(chunk)?;
    TABLE.with(|table| table.get(chunk).map(|place| place.set(Some(cells))));
    Some(arena)
}

fn adopt() -> Option<&'static Arena> {
    let owned = OWNER.try_with(|owner| {
        let arena = STORE.adopt();
        owner.0.set(Some(arena));
        CURRENT.set(Some(arena));
        arena
    });
    owned.ok()
}
