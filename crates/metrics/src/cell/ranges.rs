//! Which cells are taken, and what they hold.

use std::collections::HashMap;

use super::arena::{chunk_of, offset};
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
        chunk_of(self.first)
    }
}

/// Cells of one chunk, side by side: one for each of a closed set of label sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) chunk: u32,
    /// The place of the first in its chunk.
    pub(crate) first: u32,
}

impl Row {
    /// Where no cell is.
    pub(crate) const NONE: Self = Self { chunk: u32::MAX, first: 0 };

    /// The row that begins with this range.
    #[expect(clippy::cast_possible_truncation, reason = "a quotient and a remainder of a `u32`")]
    pub(crate) const fn from(range: Range) -> Self {
        Self { chunk: range.chunk() as u32, first: offset(range.first) as u32 }
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

    /// Takes cells for `count` series of this shape side by side in one chunk; `None` if that is
    /// more than a chunk.
    pub(crate) fn take_row(&mut self, shape: &Shape, count: u32) -> Option<Vec<Range>> {
        let &Shape { pool, len, .. } = shape;
        let cells = len.checked_mul(count).filter(|cells| (1..=CHUNK).contains(&(*cells as usize)))?;
        let first = match self.take_returned_row(pool, len, count) {
            Some(first) => first,
            None => self.take_new_row(pool, len, cells),
        };
        let row: Vec<_> = (0..count).map(|nth| Range { first: first + nth * len, len, pool }).collect();
        for range in &row {
            self.mark(*range, &shape.floats);
        }
        Some(row)
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

    /// A row among what was given back, which is where the row of a metric that is gone ends up.
    fn take_returned_row(&mut self, pool: Pool, len: u32, count: u32) -> Option<u32> {
        let free = self.free.get_mut(&(pool, len))?;
        free.sort_unstable();
        let is_row = |row: &[u32]| match row {
            [first, .., last] => last - first == (count - 1) * len && chunk_of(*first) == chunk_of(*last),
            _ => count == 1,
        };
        let at = free.windows(count as usize).position(is_row)?;
        free.drain(at..at + count as usize).next()
    }

    /// Begins a chunk if there is not enough of the last one, the rest of which is left to others.
    fn take_new_row(&mut self, pool: Pool, len: u32, cells: u32) -> u32 {
        let (first, end) = self.open.get(&pool).copied().unwrap_or((0, 0));
        if end - first < cells {
            let rest = (first..end).step_by(len as usize).filter(|start| end - start >= len);
            self.free.entry((pool, len)).or_default().extend(rest);
            self.open.remove(&pool);
        }
        self.take_new(pool, cells)
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

#[cfg(test)]
mod tests {
    use super::{Pool, Range, Ranges, Shape, chunk_of};
    use crate::sync::CHUNK;

    /// The cells of a chunk, which are few where the models run these tests.
    #[expect(clippy::cast_possible_truncation, reason = "a few hundred at most")]
    const ALL: u32 = CHUNK as u32;

    fn shape(len: u32) -> Shape {
        Shape { pool: Pool::Single, len, floats: [].into() }
    }

    fn firsts(row: Option<Vec<Range>>) -> Vec<u32> {
        row.unwrap().iter().map(|range| range.first).collect()
    }

    #[test]
    fn a_row_is_side_by_side_in_one_chunk() {
        let mut ranges = Ranges::default();
        for (len, count) in [(1, ALL - 1), (1, 2), (2, ALL / 2), (1, ALL), (1, 1), (ALL, 1)] {
            let row = firsts(ranges.take_row(&shape(len), count));
            assert_eq!(row.len(), count as usize);
            assert!(row.windows(2).all(|pair| pair[1] - pair[0] == len));
            assert_eq!(chunk_of(row[0]), chunk_of(row[row.len() - 1] + len - 1));
        }
    }

    #[test]
    fn a_row_of_more_than_a_chunk_or_of_nothing_is_none() {
        let mut ranges = Ranges::default();
        for (len, count) in [(1, ALL + 1), (2, ALL / 2 + 1), (u32::MAX, 2), (0, 5), (5, 0)] {
            assert_eq!(ranges.take_row(&shape(len), count), None);
        }
    }

    #[test]
    fn a_row_that_was_given_back_is_taken_again_whatever_the_order() {
        let mut ranges = Ranges::default();
        let row = ranges.take_row(&shape(1), ALL / 2);
        let before = firsts(row.clone());
        let kept = ranges.take(&shape(1));
        for range in row.unwrap().into_iter().rev() {
            ranges.give_back(range);
        }
        let single = ranges.take(&shape(1));
        assert!(before.contains(&single.first));
        assert!(!firsts(ranges.take_row(&shape(1), ALL / 2)).contains(&single.first));
        ranges.give_back(single);
        ranges.give_back(kept);
        assert_eq!(firsts(ranges.take_row(&shape(1), ALL / 2)), before);
    }

    #[test]
    fn the_rest_of_a_chunk_that_is_too_small_for_a_row_goes_to_others() {
        let mut ranges = Ranges::default();
        let full = firsts(ranges.take_row(&shape(1), ALL / 2));
        let row = firsts(ranges.take_row(&shape(1), ALL / 2 + 1));
        let mut rest: Vec<_> = (0..ALL / 2).map(|_| ranges.take(&shape(1)).first).collect();
        rest.sort_unstable();
        let first = full[full.len() - 1] + 1;
        assert_eq!(rest, (first..first + ALL / 2).collect::<Vec<_>>());
        assert!(rest.iter().all(|first| !row.contains(first)));
    }
}
