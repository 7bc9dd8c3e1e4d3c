//! Where the cells of an arena are: a table of chunks that are made when they are first written.

use crate::sync::{CHUNK, CHUNKS, Cell, OnceLock};

/// The cells of a chunk.
pub(crate) type Chunk = [Cell; CHUNK];

pub(crate) struct Chunks {
    table: [OnceLock<Box<Chunk>>; CHUNKS],
}

impl Chunks {
    #[expect(clippy::large_stack_arrays, reason = "on its way to the heap")]
    pub(crate) const fn new() -> Self {
        Self { table: [const { OnceLock::new() }; CHUNKS] }
    }

    /// The chunk, if a cell of it was ever written in this arena.
    #[inline]
    pub(crate) fn get(&self, chunk: usize) -> Option<&Chunk> {
        Some(&**self.table.get(chunk)?.get()?)
    }

    /// The chunk, made if need be; `None` if it is beyond the table.
    pub(crate) fn touch(&self, chunk: usize) -> Option<&Chunk> {
        let place = self.table.get(chunk)?;
        Some(&**place.get_or_init(|| Box::new([const { Cell::new(0) }; CHUNK])))
    }
}
