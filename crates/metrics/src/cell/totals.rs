//! The sums of cells over all threads.

use super::arena::{Span, chunk_of, offset};
use super::ranges::{Kind, Mask, Pool, Range};
use super::store::Store;
use super::update::Change;
use crate::sync::{CHUNK, Ordering};

/// The sums of some chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    /// Sorted.
    chunks: Vec<usize>,
    cells: Vec<[u64; CHUNK]>,
}

/// A sum of integers that is near its greatest value is made with care, the others fast.
const LARGE: u64 = 1 << 48;

impl Totals {
    /// Sums up `chunks`, which are sorted and distinct.
    pub(crate) fn gather(store: &Store, chunks: Vec<usize>) -> Self {
        let kinds = store.kinds(&chunks);
        // All downs before all ups: whoever sees a thing end has seen it begin.
        let downs: Vec<_> = chunks.iter().zip(&kinds).map(|(chunk, kind)| downs(store, *chunk, kind)).collect();
        let mut cells: Vec<_> = chunks.iter().zip(&kinds).map(|(chunk, kind)| sum(store, *chunk, kind)).collect();
        for (cells, downs) in cells.iter_mut().zip(downs) {
            let Some(downs) = downs else { continue };
            cells.iter_mut().zip(downs).step_by(2).for_each(|(cell, down)| *cell = down);
        }
        Self { chunks, cells }
    }

    /// The sums of a range; empty if its chunk was not gathered.
    pub(crate) fn range(&self, range: Range) -> &[u64] {
        let place = self.chunks.binary_search(&chunk_of(range.first));
        let chunk = place.ok().and_then(|i| self.cells.get(i));
        let first = offset(range.first);
        chunk.map_or(&[], |chunk| &chunk[first..first + range.len as usize])
    }

    /// Takes away what a range held when it was last begun anew.
    pub(crate) fn subtract(&mut self, range: Range, base: &[u64], floats: &[u32]) {
        let place = self.chunks.binary_search(&chunk_of(range.first));
        let Some(chunk) = place.ok().and_then(|i| self.cells.get_mut(i)) else { return };
        let first = offset(range.first);
        subtract(&mut chunk[first..first + range.len as usize], base, floats);
    }
}

/// Takes `base` away from the cells of a series.
pub(crate) fn subtract(cells: &mut [u64], base: &[u64], floats: &[u32]) {
    for (i, (cell, base)) in (0..).zip(cells.iter_mut().zip(base)) {
        *cell = if floats.contains(&i) { subtract_float(*cell, *base) } else { cell.saturating_sub(*base) };
    }
}

/// A sum that is no longer finite stays what it is.
fn subtract_float(sum: u64, base: u64) -> u64 {
    let rest = f64::from_bits(sum) - f64::from_bits(base);
    if rest.is_finite() { rest.to_bits() } else { sum }
}

fn downs(store: &Store, chunk: usize, kind: &Kind) -> Option<[u64; CHUNK]> {
    (kind.pool == Pool::Paired).then(|| sum(store, chunk, kind))
}

fn sum(store: &Store, chunk: usize, kind: &Kind) -> [u64; CHUNK] {
    let mut total = [0; CHUNK];
    match kind.pool {
        Pool::Recorded => {
            let span = Span { chunk, first: 0, len: CHUNK };
            store.copies(span, |copy| add(&mut total, copy, &kind.floats));
        }
        Pool::Single => singles(store, chunk, Ordering::Relaxed, |copy| add(&mut total, copy, &kind.floats)),
        // Acquire: what led to a down is seen by the look at the ups that follows.
        Pool::Paired => singles(store, chunk, Ordering::Acquire, |copy| add(&mut total, copy, &kind.floats)),
    }
    total
}

fn singles(store: &Store, chunk: usize, ordering: Ordering, mut add: impl FnMut(&[u64])) {
    let mut copy = [0; CHUNK];
    for arena in store.arenas() {
        if let Some(cells) = arena.chunk(chunk) {
            copy.iter_mut().zip(cells).for_each(|(to, cell)| *to = cell.load(ordering));
            add(&copy);
        }
    }
    store.late(Span { chunk, first: 0, len: CHUNK }, add);
}

/// Adds the cells of one thread. Floats are few, so they are added by themselves and the rest in
/// one sweep that knows nothing of them.
fn add(total: &mut [u64; CHUNK], cells: &[u64], floats: &Mask) {
    let places = || (0..CHUNK).filter(|place| is_float(floats, *place));
    let mut sums = [0; CHUNK];
    for place in places() {
        sums[place] = Change::add_float(f64::from_bits(cells[place])).saturating(total[place]);
    }
    let large = cells.iter().zip(total.iter()).fold(0, |all, (cell, total)| all | cell | total);
    if large < LARGE {
        total.iter_mut().zip(cells).for_each(|(total, cell)| *total = total.wrapping_add(*cell));
    } else {
        total.iter_mut().zip(cells).for_each(|(total, cell)| *total = total.saturating_add(*cell));
    }
    for place in places() {
        total[place] = sums[place];
    }
}

/// The sums of one range.
pub(crate) fn read(store: &Store, range: Range) -> Vec<u64> {
    let span = Span { chunk: range.chunk(), first: offset(range.first), len: range.len as usize };
    let floats = store.kinds(&[range.chunk()]).first().map_or(Mask::default(), |kind| kind.floats);
    let look = || {
        let mut total = vec![0; span.len];
        store.copies(span, |copy| add_few(&mut total, copy, |i| is_float(&floats, span.first + i)));
        total
    };
    match range.pool {
        Pool::Single | Pool::Recorded => look(),
        Pool::Paired => {
            let downs = look();
            let mut total = look();
            total.iter_mut().zip(downs).step_by(2).for_each(|(cell, down)| *cell = down);
            total
        }
    }
}

const fn is_float(floats: &Mask, place: usize) -> bool {
    floats[place / 64] >> (place % 64) & 1 == 1
}

fn add_few(total: &mut [u64], cells: &[u64], is_float: impl Fn(usize) -> bool) {
    for (i, (total, cell)) in total.iter_mut().zip(cells).enumerate() {
        let change = if is_float(i) { Change::add_float(f64::from_bits(*cell)) } else { Change::add(*cell) };
        *total = change.saturating(*total);
    }
}
