//! The one chunk of an arena, there from the beginning.

use crate::sync::{CHUNK, CHUNKS, Cell};

pub(crate) type Chunk = [Cell; CHUNK];

pub(crate) struct Chunks([Chunk; CHUNKS]);

impl Chunks {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| Cell::new(0))))
    }

    pub(crate) fn get(&self, chunk: usize) -> Option<&Chunk> {
        self.0.get(chunk)
    }

    pub(crate) fn touch(&self, chunk: usize) -> Option<&Chunk> {
        self.get(chunk)
    }
}
