//! The sums of cells over all threads.

use super::arena::{Arena, Span, chunk_of, offset};
use super::chunks::Chunk;
use super::ranges::{Kind, Mask, Pool, Range};
use super::store::Store;
use super::update::Change;
use crate::sync::{CHUNK, Cell, Forever, Ordering, Step, at};

/// The sums of some chunks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    /// Where the sums of a chunk are. A table, since every series of a snapshot asks it.
    places: Vec<Option<u16>>,
    cells: Vec<[u64; CHUNK]>,
}

/// Integers below this cannot add up to more than fits, whatever the number of threads.
const SMALL: u64 = 1 << 48;

impl Totals {
    /// Sums up `chunks`, which are sorted and distinct.
    pub(crate) fn gather(store: &Store, chunks: &[usize]) -> Self {
        let kinds = store.kinds(chunks);
        let all: Vec<_> = chunks.iter().copied().zip(kinds).collect();
        let paired: Vec<_> = all.iter().copied().filter(|(_, kind)| kind.pool == Pool::Paired).collect();
        // All downs before all ups: whoever sees a thing end has seen it begin. The list of arenas
        // is looked up again in between, for the thread on which it began may be a new one.
        let mut downs = sums(store, &paired).into_iter();
        let mut cells = sums(store, &all);
        for (cells, _) in cells.iter_mut().zip(&all).filter(|(_, (_, kind))| kind.pool == Pool::Paired) {
            let downs = downs.next().into_iter().flatten();
            cells.iter_mut().zip(downs).step_by(2).for_each(|(cell, down)| *cell = down);
        }
        let mut places = vec![None; chunks.last().map_or(0, |last| last + 1)];
        for (place, chunk) in (0..).zip(chunks) {
            places[*chunk] = Some(place);
        }
        Self { places, cells }
    }

    /// The sums of a range; empty if its chunk was not gathered.
    pub(crate) fn range(&self, range: Range) -> &[u64] {
        let cells = self.place(range).and_then(|place| self.cells.get(place));
        let first = offset(range.first);
        cells.map_or(&[], |cells| &cells[first..first + range.len as usize])
    }

    fn place(&self, range: Range) -> Option<usize> {
        self.places.get(chunk_of(range.first)).copied().flatten().map(usize::from)
    }

    /// The sums of a range, to be changed; empty if its chunk was not gathered.
    pub(crate) fn range_mut(&mut self, range: Range) -> &mut [u64] {
        let Some(chunk) = self.place(range).and_then(|place| self.cells.get_mut(place)) else { return &mut [] };
        let first = offset(range.first);
        &mut chunk[first..first + range.len as usize]
    }
}

/// Takes `base` away from the cells of a series. One that was begun anew after its cells were read
/// has less in them than in its base: it is at 0, and that is so for its sums, too.
pub(crate) fn subtract(cells: &mut [u64], base: &[u64], floats: &[u32]) {
    let is_newer = |(i, (cell, base)): (u32, (&u64, &u64))| cell < base && !floats.contains(&i);
    if (0..).zip(cells.iter().zip(base)).any(is_newer) {
        return cells.fill(0);
    }
    for (i, (cell, base)) in (0..).zip(cells.iter_mut().zip(base)) {
        *cell = if floats.contains(&i) { subtract_float(*cell, *base) } else { cell.saturating_sub(*base) };
    }
}

/// Adds numbers to those of a series.
pub(crate) fn add_to(cells: &mut [u64], more: &[u64], floats: &[u32]) {
    for (i, (cell, more)) in (0..).zip(cells.iter_mut().zip(more)) {
        let change = if floats.contains(&i) { Change::add_float(f64::from_bits(*more)) } else { Change::add(*more) };
        *cell = change.saturating(*cell);
    }
}

/// A sum that is no longer finite stays what it is.
fn subtract_float(sum: u64, base: u64) -> u64 {
    let rest = f64::from_bits(sum) - f64::from_bits(base);
    if rest.is_finite() { rest.to_bits() } else { sum }
}

fn sums(store: &Store, chunks: &[(usize, Kind)]) -> Vec<[u64; CHUNK]> {
    let arenas = store.arenas();
    let mut all = vec![[0; CHUNK]; chunks.len()];
    let mut room = Vec::with_capacity(arenas.len());
    for ((chunk, kind), sums) in chunks.iter().zip(&mut all) {
        sum(&arenas, *chunk, kind, &mut room, sums);
        let span = Span { chunk: *chunk, first: 0, len: CHUNK };
        store.late(span, |cells| add(sums, cells, &mut Room::new(), &Floats::of(&kind.floats)));
    }
    all
}

fn sum<'a>(
    arenas: &'a [Forever<Arena>],
    chunk: usize,
    kind: &Kind,
    cells: &mut Vec<&'a Chunk>,
    sums: &mut [u64; CHUNK],
) {
    let floats = || Floats::of(&kind.floats);
    if kind.pool == Pool::Recorded {
        return sum_records(arenas, chunk, sums, &floats());
    }
    cells.clear();
    cells.extend(arenas.iter().filter_map(|arena| arena.chunk(chunk)));
    // What led to a down is seen by the look at the ups that follows.
    if kind.pool == Pool::Paired {
        sum_all(cells, at(Step::ReadDowns, Ordering::Acquire), sums, &floats());
    } else if !sum_small(cells, sums) {
        sum_all(cells, Ordering::Relaxed, sums, &floats());
    }
}

fn sum_records(arenas: &[Forever<Arena>], chunk: usize, sums: &mut [u64; CHUNK], floats: &Floats) {
    let (mut copy, mut room) = ([0; CHUNK], Room::new());
    for arena in arenas.iter().filter(|arena| arena.chunk(chunk).is_some()) {
        arena.copy(Span { chunk, first: 0, len: CHUNK }, &mut copy);
        add(sums, &copy, &mut room, floats);
    }
}

/// Adds up cells without a look at what they are; false if one is not small, and nothing is done.
fn sum_small(chunks: &[&Chunk], sums: &mut [u64; CHUNK]) -> bool {
    let mut all = 0;
    let load = |cell: &Cell| cell.load(Ordering::Relaxed);
    // Four threads at once: a sum is fetched and put back for each of them else.
    let (fours, rest) = chunks.as_chunks::<4>();
    for [a, b, c, d] in fours {
        for (i, sum) in sums.iter_mut().enumerate() {
            let (a, b, c, d) = (load(&a[i]), load(&b[i]), load(&c[i]), load(&d[i]));
            all |= a | b | c | d;
            *sum = sum.wrapping_add(a).wrapping_add(b).wrapping_add(c).wrapping_add(d);
        }
    }
    for chunk in rest {
        for (sum, cell) in sums.iter_mut().zip(*chunk) {
            all |= load(cell);
            *sum = sum.wrapping_add(load(cell));
        }
    }
    if all >= SMALL {
        sums.fill(0);
    }
    all < SMALL
}

fn sum_all(chunks: &[&Chunk], ordering: Ordering, sums: &mut [u64; CHUNK], floats: &Floats) {
    let (mut copy, mut room) = ([0; CHUNK], Room::new());
    for chunk in chunks {
        copy.iter_mut().zip(*chunk).for_each(|(to, cell)| *to = cell.load(ordering));
        add(sums, &copy, &mut room, floats);
    }
}

/// Adds the cells of one thread: the floats, which are few, by themselves, and the rest in one
/// sweep that knows nothing of them.
fn add(sums: &mut [u64; CHUNK], cells: &[u64], room: &mut Room, floats: &Floats) {
    let Room { integers, float_sums } = room;
    integers.copy_from_slice(cells);
    for (place, float_sum) in floats.places().zip(&mut *float_sums) {
        *float_sum = Change::add_float(f64::from_bits(cells[place])).saturating(sums[place]);
        (sums[place], integers[place]) = (0, 0);
    }
    let all = sums.iter().zip(&*integers).fold(0, |all, (sum, cell)| all | sum | cell);
    let pairs = sums.iter_mut().zip(&*integers);
    if all < SMALL {
        pairs.for_each(|(sum, cell)| *sum = sum.wrapping_add(*cell));
    } else {
        pairs.for_each(|(sum, cell)| *sum = sum.saturating_add(*cell));
    }
    for (place, float_sum) in floats.places().zip(&*float_sums) {
        sums[place] = *float_sum;
    }
}

/// Room to work in.
struct Room {
    integers: [u64; CHUNK],
    float_sums: [u64; CHUNK],
}

impl Room {
    const fn new() -> Self {
        Self { integers: [0; CHUNK], float_sums: [0; CHUNK] }
    }
}

/// Which cells of a chunk are floats.
struct Floats {
    places: [u16; CHUNK],
    count: usize,
}

impl Floats {
    #[expect(clippy::cast_possible_truncation, reason = "a chunk has a few hundred cells")]
    fn of(mask: &Mask) -> Self {
        let mut floats = Self { places: [0; CHUNK], count: 0 };
        for (i, word) in mask.iter().enumerate() {
            let mut rest = *word;
            while rest != 0 {
                floats.places[floats.count] = (i * 64) as u16 + rest.trailing_zeros() as u16;
                floats.count += 1;
                rest &= rest - 1;
            }
        }
        floats
    }

    fn places(&self) -> impl Iterator<Item = usize> {
        self.places.iter().take(self.count).map(|place| usize::from(*place))
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
