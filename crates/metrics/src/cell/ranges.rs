//! Which cells are taken, and what they hold.

use std::collections::HashMap;

use crate::sync::CHUNK;

/// How the cells of a chunk are read. A chunk belongs to one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pool {
    /// Each by itself.
    Single,
    /// As they were between two records.
    Recorded,
    /// In pairs of what went down and what went up: all downs before all ups.
    Paired,
}

/// What a series needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) pool: Pool,
    /// How many cells, at most a chunk.
    pub(crate) len: u32,
    /// Which of them hold the bits of an `f64`.
    pub(crate) floats: Box<[u32]>,
}

/// Cells next to each other in one chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Range {
    pub(crate) first: u32,
    pub(crate) len: u32,
    pub(crate) pool: Pool,
}

impl Range {
    /// Where its cells are.
    pub(crate) const fn chunk(self) -> usize {
        self.first as usize / CHUNK
    }
}

/// One bit for each cell of a chunk.
pub(crate) type Mask = [u64; CHUNK.div_ceil(64)];

/// What is known of a chunk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) pool: Pool,
    pub(crate) floats: Mask,
}

#[derive(Default)]
pub(crate) struct Ranges {
    kinds: Vec<Kind>,
    /// Where the unused rest of the last chunk of a pool begins and ends.
    open: HashMap<Pool, (u32, u32)>,
    /// Ranges that were given back.
    free: HashMap<(Pool, u32), Vec<u32>>,
}

impl Ranges {
    /// Takes cells of this shape.
    pub(crate) fn take(&mut self, shape: &Shape) -> Range {
        let &Shape { pool, len, .. } = shape;
        debug_assert!(len as usize <= CHUNK);
        let returned = self.free.get_mut(&(pool, len)).and_then(Vec::pop);
        let first = returned.unwrap_or_else(|| self.take_new(pool, len));
        let range = Range { first, len, pool };
        self.mark(range, &shape.floats);
        range
    }

    pub(crate) fn give_back(&mut self, range: Range) {
        self.free.entry((range.pool, range.len)).or_default().push(range.first);
    }

    /// What is known of a chunk; `None` if no cell of it was ever taken.
    pub(crate) fn kind(&self, chunk: usize) -> Option<Kind> {
        self.kinds.get(chunk).copied()
    }

    fn mark(&mut self, range: Range, floats: &[u32]) {
        let Some(kind) = self.kinds.get_mut(range.first as usize / CHUNK) else { return };
        for i in 0..range.len {
            let place = (range.first + i) as usize % CHUNK;
            let bit = 1 << (place % 64);
            if floats.contains(&i) {
                kind.floats[place / 64] |= bit;
            } else {
                kind.floats[place / 64] &= !bit;
            }
        }
    }

    fn take_new(&mut self, pool: Pool, len: u32) -> u32 {
        let (first, end) = self.open.get(&pool).copied().unwrap_or((0, 0));
        let (first, end) = if end - first < len { self.next_chunk(pool) } else { (first, end) };
        self.open.insert(pool, (first + len, end));
        first
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a chunk has a few hundred cells, memory ends before 2^32 of them"
    )]
    fn next_chunk(&mut self, pool: Pool) -> (u32, u32) {
        let first = (self.kinds.len() * CHUNK) as u32;
        self.kinds.push(Kind { pool, floats: Mask::default() });
        (first, first + CHUNK as u32)
    }
}
