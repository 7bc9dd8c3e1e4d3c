//! Threads that come and go.

use loom::thread;

use crate::cell::arena::Arena;
use crate::cell::arena::Copied::{Direct, Undone};
use crate::cell::store::Store;
use crate::check::{Model, Own, must};
use crate::records::{Way, look, write};
use crate::sync::{Forever, forever, same};

pub(crate) const ADOPTED: Model = Model {
    name: "an arena is left and adopted",
    preemptions: 2,
    own: Own::Loaded,
    executions: 4_000,
    copies: &[Direct, Undone],
    run: a_thread_ends_and_another_goes_on,
};

pub(crate) const HANDED_OVER: Model = Model {
    name: "an arena is handed over",
    preemptions: 6,
    executions: 9,
    copies: &[Direct],
    run: an_arena_is_handed_over,
    ..ADOPTED
};

fn records(arena: &Arena) -> u64 {
    look::<2>(arena, Way::Attempt).unwrap_or_default()
}

fn work(store: &Store) {
    let arena = store.adopt();
    write_next(&arena);
    store.leave(arena);
}

/// What its owner finds in an arena says which record is the next.
fn write_next(arena: &Arena) {
    let before = arena.chunk(0).unwrap()[0].own();
    write::<2>(arena, u32::try_from(before).unwrap());
}

fn a_thread_ends_and_another_goes_on() {
    let store: Forever<Store> = forever(Store::new());
    let thread = || {
        let store = same(&store);
        thread::spawn(move || work(&store))
    };
    let threads = [thread(), thread()];
    let sum: u64 = store.arenas().iter().map(|arena| records(arena)).sum();
    must(sum <= 2, || format!("{sum} of 2"));
    for thread in threads {
        thread.join().unwrap();
    }
    let sum: u64 = store.arenas().iter().map(|arena| records(arena)).sum();
    must(sum == 2, || format!("{sum} of 2 in the end"));
}

/// The arena is there before the threads are, so nothing but the hand-over orders what they do.
fn an_arena_is_handed_over() {
    let store = forever(Store::new());
    let arena = store.adopt();
    let (old, left) = (same(&store), same(&arena));
    let leaves = thread::spawn(move || {
        write_next(&left);
        old.leave(left);
    });
    let new = same(&store);
    let adopts = thread::spawn(move || {
        let arena = new.adopt();
        write_next(&arena);
        arena
    });
    leaves.join().unwrap();
    let adopted = adopts.join().unwrap();
    let all = if Forever::ptr_eq(&adopted, &arena) { 2 } else { 1 };
    let seen = look::<2>(&arena, Way::Attempt);
    must(seen == Some(all), || format!("{seen:?} of {all} in the end"));
}

#[test]
fn who_adopts_an_arena_has_all_of_its_former_owner_behind_it() {
    HANDED_OVER.passes();
}

#[test]
fn a_thread_goes_on_where_another_one_ended() {
    ADOPTED.passes();
}
