//! One reader of what one thread records, or two.

use loom::thread;

use crate::cell::arena::Copied::{Direct, Helped, Undone};
use crate::cell::arena::{Arena, Span};
use crate::cell::update::{Change, Update};
use crate::check::{Model, Own, must};
use crate::records::{Way, copy_by, look, write};
use crate::sync::{Forever, forever, same};

pub(crate) const TWO_RECORDS: Model = Model {
    name: "one attempt at two records",
    preemptions: 3,
    own: Own::Hidden,
    executions: 16_000,
    copies: &[Direct, Undone],
    run: || read_one::<2>(2, Way::Attempt),
};

pub(crate) const THREE_RECORDS: Model = Model {
    name: "one attempt at three records",
    preemptions: 2,
    executions: 13_000,
    run: || read_one::<2>(3, Way::Attempt),
    ..TWO_RECORDS
};

pub(crate) const THREE_CELLS: Model = Model {
    name: "one attempt at records of three cells",
    preemptions: 2,
    executions: 15_000,
    run: || read_one::<3>(2, Way::Attempt),
    ..TWO_RECORDS
};

pub(crate) const WRITTEN_TWICE: Model = Model {
    name: "a record that writes a cell twice",
    preemptions: 2,
    executions: 11_000,
    run: one_cell_written_twice,
    ..TWO_RECORDS
};

pub(crate) const WHOLE_COPY: Model = Model {
    name: "a copy as it ships",
    preemptions: 2,
    copies: &[Direct, Undone],
    executions: 13_000,
    run: || read_one::<2>(2, Way::Copy),
    ..TWO_RECORDS
};

pub(crate) const ASKED_FIRST: Model = Model {
    name: "a copy that asks first",
    executions: 25_000,
    copies: &[Direct, Undone, Helped],
    run: || read_one::<2>(2, Way::AskFirst),
    ..WHOLE_COPY
};

pub(crate) const ONLY_ASKED: Model = Model {
    name: "an answer alone",
    copies: &[Helped],
    preemptions: 4,
    executions: 70,
    run: || read_one::<2>(2, Way::Ask),
    ..WHOLE_COPY
};

pub(crate) const TWO_WRITERS: Model = Model {
    name: "a sum over two threads",
    preemptions: 2,
    executions: 6_000,
    run: || read_some(&[arena(), arena()], 1, Way::Attempt),
    ..TWO_RECORDS
};

fn arena() -> Forever<Arena> {
    forever(Arena::new())
}

fn read_one<const CELLS: usize>(records: u32, way: Way) {
    let arena = arena();
    let owner = same(&arena);
    let owner = thread::spawn(move || (0..records).for_each(|n| write::<CELLS>(&owner, n)));
    look::<CELLS>(&arena, way);
    owner.join().unwrap();
    must(look::<CELLS>(&arena, Way::Attempt) == Some(u64::from(records)), || "a record is lost".to_owned());
}

/// Adds 1 to one cell and 2 to another, in two steps.
#[derive(Clone, Copy)]
struct Twice;

impl Update for Twice {
    const MOST_CELLS: usize = 3;

    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        for index in [1, 0, 1] {
            visit(index, Change::add(1));
        }
    }
}

fn one_cell_written_twice() {
    let arena = arena();
    let owner = same(&arena);
    let owner = thread::spawn(move || (0..2).for_each(|_| owner.record(owner.chunk(0).unwrap(), &Twice)));
    let mut copy = [0; 2];
    if copy_by(Way::Attempt, &arena, Span { chunk: 0, first: 0, len: 2 }, &mut copy).is_some() {
        must(copy[1] == 2 * copy[0], || format!("{copy:?} is torn"));
    }
    owner.join().unwrap();
}

fn read_some(arenas: &[Forever<Arena>], records: u32, way: Way) {
    let owner = |arena: &Forever<Arena>| {
        let arena = same(arena);
        thread::spawn(move || (0..records).for_each(|n| write::<2>(&arena, n)))
    };
    let owners: Vec<_> = arenas.iter().map(owner).collect();
    for arena in arenas {
        look::<2>(arena, way);
    }
    for owner in owners {
        owner.join().unwrap();
    }
    for arena in arenas {
        must(look::<2>(arena, Way::Attempt) == Some(u64::from(records)), || "a record is lost".to_owned());
    }
}

#[test]
fn a_copy_has_each_of_two_records_in_whole_or_not_at_all() {
    TWO_RECORDS.passes();
}

#[test]
fn a_copy_has_each_of_three_records_in_whole_or_not_at_all() {
    THREE_RECORDS.passes();
}

#[test]
fn a_copy_has_a_record_of_three_cells_in_whole_or_not_at_all() {
    THREE_CELLS.passes();
}

#[test]
fn a_cell_that_a_record_writes_twice_is_taken_back_to_what_it_was_before() {
    WRITTEN_TWICE.passes();
}

#[test]
fn a_copy_as_it_ships_is_whole() {
    WHOLE_COPY.passes();
}

#[test]
fn a_copy_that_was_asked_for_is_whole_whoever_is_first() {
    ASKED_FIRST.passes();
}

#[test]
fn an_answer_is_whole() {
    ONLY_ASKED.passes();
}

#[test]
fn copies_of_two_threads_are_whole_each_by_itself() {
    TWO_WRITERS.passes();
}
