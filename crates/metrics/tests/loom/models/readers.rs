//! Two readers of one thread, and one reader that looks twice.

use loom::thread;

use crate::cell::arena::Copied::{Direct, Helped, Undone};
use crate::cell::arena::{Arena, Span};
use crate::check::{Model, Own, must};
use crate::records::{LAST, Way, copy_by, look, write};
use crate::sync::{AtomicU64, Forever, Ordering, forever, same};

pub(crate) const BOTH_ASK: Model = Model {
    name: "two readers ask for the same",
    preemptions: 3,
    own: Own::Hidden,
    executions: 2_800,
    copies: &[Helped],
    run: both_ask_for_the_same,
};

pub(crate) const ASK_APART: Model = Model {
    name: "two readers ask for different cells",
    preemptions: 3,
    executions: 2_800,
    run: both_ask_for_their_own,
    ..BOTH_ASK
};

pub(crate) const BOTH_COPY: Model = Model {
    name: "two readers copy as it ships",
    preemptions: 2,
    copies: &[Direct, Undone],
    executions: 7_000,
    run: both_copy,
    ..BOTH_ASK
};

pub(crate) const DIRECT_TWICE: Model = Model {
    name: "two attempts one after the other",
    preemptions: 2,
    copies: &[Direct, Undone],
    executions: 54_000,
    run: || look_twice([Way::Attempt, Way::Attempt]),
    ..BOTH_ASK
};

pub(crate) const HELPED_THEN_DIRECT: Model = Model {
    name: "an answer, then an attempt",
    copies: &[Direct, Undone, Helped],
    executions: 25_000,
    run: || look_twice([Way::Ask, Way::Attempt]),
    ..DIRECT_TWICE
};

pub(crate) const DIRECT_THEN_HELPED: Model = Model {
    name: "an attempt, then an answer",
    copies: &[Direct, Undone, Helped],
    executions: 5_800,
    run: || look_twice([Way::Attempt, Way::Ask]),
    ..DIRECT_TWICE
};

pub(crate) const HELPED_TWICE: Model = Model {
    name: "two answers one after the other",
    preemptions: 4,
    executions: 2_800,
    copies: &[Helped],
    run: || look_twice([Way::Ask, Way::Ask]),
    ..DIRECT_TWICE
};

fn owner_of(arena: &Forever<Arena>, records: u32) -> thread::JoinHandle<()> {
    let arena = same(arena);
    thread::spawn(move || (0..records).for_each(|n| write::<2>(&arena, n)))
}

fn with_another_reader(records: u32, way: Way, this: impl FnOnce(&Arena)) {
    let arena = forever(Arena::new());
    let owner = owner_of(&arena, records);
    let other = same(&arena);
    let other = thread::spawn(move || {
        look::<2>(&other, way);
    });
    this(&arena);
    owner.join().unwrap();
    other.join().unwrap();
}

fn both_ask_for_the_same() {
    with_another_reader(2, Way::Ask, |arena| {
        look::<2>(arena, Way::Ask);
    });
}

fn both_ask_for_their_own() {
    with_another_reader(2, Way::Ask, |arena| {
        let mut last = [9];
        if copy_by(Way::Ask, arena, Span { chunk: 0, first: 1, len: 1 }, &mut last).is_some() {
            must(LAST[..3].contains(&last[0]), || format!("{last:?} are other cells"));
        }
    });
}

fn both_copy() {
    with_another_reader(1, Way::Copy, |arena| {
        look::<2>(arena, Way::Copy);
    });
}

fn look_twice(ways: [Way; 2]) {
    let arena = forever(Arena::new());
    let told = forever(AtomicU64::new(0));
    let (written, tells) = (same(&arena), same(&told));
    let owner = thread::spawn(move || {
        for n in 0..2 {
            write::<2>(&written, n);
            tells.store(u64::from(n) + 1, Ordering::Release);
        }
    });
    let mut before = 0;
    for way in ways {
        let told = told.load(Ordering::Acquire);
        let Some(now) = look::<2>(&arena, way) else { continue };
        must(now >= told, || format!("told of {told}, saw {now}"));
        must(now >= before, || format!("{before}, then {now}"));
        before = now;
    }
    owner.join().unwrap();
}

#[test]
fn two_readers_that_ask_for_the_same_cells_get_whole_records() {
    BOTH_ASK.passes();
}

#[test]
fn two_readers_that_ask_for_different_cells_get_their_own() {
    ASK_APART.passes();
}

#[test]
fn two_readers_at_once_get_whole_records() {
    BOTH_COPY.passes();
}

#[test]
fn what_a_reader_was_told_of_is_in_its_copy_and_copies_never_go_back() {
    DIRECT_TWICE.passes();
}

#[test]
fn a_copy_never_goes_back_behind_an_answer() {
    HELPED_THEN_DIRECT.passes();
}

#[test]
fn an_answer_never_goes_back_behind_a_copy() {
    DIRECT_THEN_HELPED.passes();
}

#[test]
fn who_asks_again_gets_another_answer() {
    HELPED_TWICE.passes();
}
