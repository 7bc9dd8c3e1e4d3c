//! Cells that are changed outside of any record.

use loom::thread;

use crate::cell::pair::{self, DOWN, UP};
use crate::cell::ranges::{Pool, Range, Shape};
use crate::cell::store::Store;
use crate::cell::totals::{self, Totals};
use crate::cell::update::Change;
use crate::check::{Model, Own, must};
use crate::sync::{Ordering, forever, same};

pub(crate) const TWO_COUNT: Model = Model {
    name: "two threads count",
    preemptions: 4,
    own: Own::Hidden,
    executions: 3000,
    copies: &[],
    run: two_threads_count,
};

pub(crate) const COUNTED_LATE: Model =
    Model { name: "two threads count past their ends", executions: 1400, run: two_threads_count_late, ..TWO_COUNT };

pub(crate) const GUARD_READ: Model = Model {
    name: "a guard moves, its number is read",
    preemptions: 6,
    executions: 130,
    run: || a_guard_moves(number),
    ..TWO_COUNT
};

pub(crate) const GUARD_GATHERED: Model = Model {
    name: "a guard moves, its chunk is gathered",
    preemptions: 6,
    executions: 130,
    run: || a_guard_moves(gathered),
    ..TWO_COUNT
};

fn shape(pool: Pool, len: u32) -> Shape {
    Shape { pool, len, floats: [].into() }
}

fn total(store: &Store, range: Range) -> u64 {
    totals::read(store, range)[0]
}

fn grows_to(store: &Store, range: Range, most: u64) {
    let (before, after) = (total(store, range), total(store, range));
    must(before <= after && after <= most, || format!("{before}, then {after} of {most}"));
}

fn two_threads_count() {
    let store = forever(Store::new());
    let range = store.take(&shape(Pool::Single, 1));
    let counts = |times: u32| {
        let store = same(&store);
        thread::spawn(move || {
            let arena = store.adopt();
            for _ in 0..times {
                arena.change(range.first, Change::add(1), Ordering::Relaxed);
            }
        })
    };
    let threads = [counts(2), counts(1)];
    grows_to(&store, range, 3);
    for thread in threads {
        thread.join().unwrap();
    }
    must(total(&store, range) == 3, || "an update is lost".to_owned());
}

/// The second chunk is beyond the table of a model: all its cells are late ones.
fn two_threads_count_late() {
    let store = forever(Store::new());
    store.take(&shape(Pool::Single, 4));
    let range = store.take(&shape(Pool::Single, 1));
    let counts = || {
        let store = same(&store);
        thread::spawn(move || {
            must(!store.adopt().change(range.first, Change::add(1), Ordering::Relaxed), || "not late".to_owned());
            store.change_late(range.first, Change::add(1))
        })
    };
    let threads = [counts(), counts()];
    grows_to(&store, range, 2);
    for thread in threads {
        must(thread.join().unwrap(), || "refused".to_owned());
    }
    must(total(&store, range) == 2, || "an update is lost".to_owned());
    store.give_back(range);
    must(total(&store, range) == 0, || "given back with its values".to_owned());
}

fn number(store: &Store, range: Range) -> (u64, u64) {
    let cells = totals::read(store, range);
    (cells[0], cells[1])
}

fn gathered(store: &Store, range: Range) -> (u64, u64) {
    let totals = Totals::gather(store, &[range.chunk()]);
    let cells = totals.range(range);
    (cells[0], cells[1])
}

fn a_guard_moves(read: fn(&Store, Range) -> (u64, u64)) {
    let store = forever(Store::new());
    let range = store.take(&shape(Pool::Paired, 2));
    let (begins, ends) = (store.adopt(), store.adopt());
    let go = move |arena: &crate::cell::arena::Arena, side| {
        arena.change(range.first + side, Change::add(1), pair::ordering(side));
    };
    let begins = thread::spawn(move || {
        go(&begins, UP);
        thread::spawn(move || go(&ends, DOWN)).join().unwrap();
    });
    let (down, up) = read(&store, range);
    must(down <= up, || format!("{up} - {down} is less than nothing"));
    begins.join().unwrap();
    must(read(&store, range) == (1, 1), || "an update is lost".to_owned());
}

#[test]
fn counters_never_go_back_and_are_exact_in_the_end() {
    TWO_COUNT.passes();
}

#[test]
fn updates_past_the_end_of_a_thread_all_arrive() {
    COUNTED_LATE.passes();
}

#[test]
fn a_guard_that_moves_between_threads_never_shows_as_less_than_nothing() {
    GUARD_READ.passes();
}

#[test]
fn a_guard_that_moves_never_shows_as_less_than_nothing_in_a_scrape() {
    GUARD_GATHERED.passes();
}
