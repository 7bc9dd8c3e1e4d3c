//! Records whose cells tell how many there were, and the ways to look at them.

use crate::cell::arena::{Arena, Copied, Span};
use crate::cell::update::{Change, Update};
use crate::check::{must, note};
use crate::sync;

/// The record number `n`, from 0, adds 1 to all of its cells but the last, which it adds 10ⁿ to:
/// so that one says which records it has.
#[derive(Clone, Copy)]
pub(crate) struct Record<const CELLS: usize> {
    pub(crate) n: u32,
}

impl<const CELLS: usize> Update for Record<CELLS> {
    const MOST_CELLS: usize = CELLS;

    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        for index in 0..last_of(CELLS) {
            visit(index, Change::add(1));
        }
        visit(last_of(CELLS), Change::add(10_u64.pow(self.n)));
    }
}

fn last_of(cells: usize) -> u32 {
    u32::try_from(cells - 1).unwrap()
}

/// What the last cell is after that many records.
pub(crate) const LAST: [u64; 5] = [0, 1, 11, 111, 1111];

/// How a reader goes about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// One attempt, no question.
    Attempt,
    /// Two looks whether the question is answered, no attempt.
    Ask,
    /// The question, then whatever ends first.
    AskFirst,
    /// As it ships.
    Copy,
}

pub(crate) fn write<const CELLS: usize>(arena: &Arena, n: u32) {
    let chunk = arena.chunk(0).unwrap();
    arena.record(chunk, &Record::<CELLS> { n });
}

/// How many records a copy has, if it came about; it must have them in whole.
pub(crate) fn look<const CELLS: usize>(arena: &Arena, way: Way) -> Option<u64> {
    let mut copy = [0; CELLS];
    copy_by(way, arena, Span { chunk: 0, first: 0, len: CELLS }, &mut copy)?;
    let records = copy[0];
    must(is_whole(&copy), || format!("{copy:?} is torn"));
    Some(records)
}

fn is_whole(copy: &[u64]) -> bool {
    let (last, others) = copy.split_last().unwrap();
    let same = others.windows(2).all(|pair| pair[0] == pair[1]);
    let records = usize::try_from(others[0]).unwrap_or(usize::MAX);
    same && LAST.get(records) == Some(last)
}

pub(crate) fn copy_by(way: Way, arena: &Arena, span: Span, copy: &mut [u64]) -> Option<()> {
    let copied = match way {
        Way::Attempt => arena.attempt(span, copy),
        Way::Copy => Some(arena.copy(span, copy)),
        Way::Ask => {
            let asked = arena.ask(span);
            (0..2).any(|_| asked.take(copy)).then_some(Copied::Helped)
        }
        Way::AskFirst => Some(ask_first(arena, span, copy)),
    };
    copied.map(note)
}

fn ask_first(arena: &Arena, span: Span, copy: &mut [u64]) -> Copied {
    let asked = arena.ask(span);
    loop {
        if asked.take(copy) {
            return Copied::Helped;
        }
        if let Some(copied) = arena.attempt(span, copy) {
            return copied;
        }
        sync::wait(0);
    }
}
