//! Native buckets whose places are taken while somebody reads.

use loom::thread;

use crate::cell::arena::Copied::{Direct, Undone};
use crate::cell::arena::{Arena, Span};
use crate::cell::update::{Change, Update};
use crate::check::{Model, Own, must};
use crate::native::Two;
use crate::records::{Way, copy_by};
use crate::sync::{Arc, Forever, forever, same};

pub(crate) const TAKEN: Model = Model {
    name: "a place is taken while it is read",
    preemptions: 3,
    own: Own::Hidden,
    copies: &[Direct, Undone],
    executions: 42_000,
    run: a_place_is_taken_while_it_is_read,
};

pub(crate) const SHARED: Model = Model {
    name: "two threads want one bucket",
    preemptions: 2,
    executions: 1_300,
    run: || two_threads_observe([3, 3]),
    ..TAKEN
};

pub(crate) const APART: Model =
    Model { name: "two threads want two buckets", executions: 1_700, run: || two_threads_observe([3, 4]), ..SHARED };

/// How many observations there were, and one in a native bucket. The cells of native buckets come
/// behind the others.
#[derive(Clone, Copy)]
struct Observed {
    native: u32,
}

impl Update for Observed {
    const MOST_CELLS: usize = 2;

    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        visit(0, Change::add(1));
        visit(1 + self.native, Change::add(1));
    }
}

fn observe(arena: &Arena, places: &Two, bucket: i32) {
    match places.take(bucket) {
        Some(native) => arena.record(arena.chunk(0).unwrap(), &Observed { native }),
        None => must(false, || format!("no place for {bucket}")),
    }
}

/// What a reader sees of a thread: the cells first, the places then. Whatever was counted is in
/// some bucket, and one that was asked for.
fn read(arena: &Arena, places: &Two, buckets: &[i32]) -> Option<u64> {
    let mut copy = [0; 3];
    copy_by(Way::Attempt, arena, Span { chunk: 0, first: 0, len: 3 }, &mut copy)?;
    let [count, natives @ ..] = copy;
    must(natives.iter().sum::<u64>() == count, || format!("{natives:?} of {count}"));
    for (number, taken) in natives.iter().zip(places.taken()) {
        let known = taken.is_some_and(|bucket| buckets.contains(&bucket));
        must(*number == 0 || known, || format!("{number} in the bucket {taken:?}"));
    }
    Some(count)
}

fn a_place_is_taken_while_it_is_read() {
    let (arena, places) = (forever(Arena::new()), Arc::new(Two::free()));
    let (own, same_places) = (same(&arena), Arc::clone(&places));
    let owner = thread::spawn(move || [3, 4].into_iter().for_each(|bucket| observe(&own, &same_places, bucket)));
    read(&arena, &places, &[3, 4]);
    owner.join().unwrap();
    must(read(&arena, &places, &[3, 4]) == Some(2), || "an observation is lost".to_owned());
}

/// The thread that is read may have found the place taken: who took it was another one, that the
/// reader knows nothing of.
fn two_threads_observe(buckets: [i32; 2]) {
    let places = Arc::new(Two::free());
    let arenas: [Forever<Arena>; 2] = [forever(Arena::new()), forever(Arena::new())];
    let owners = [0, 1].map(|nth| {
        let (arena, places) = (same(&arenas[nth]), Arc::clone(&places));
        thread::spawn(move || observe(&arena, &places, buckets[nth]))
    });
    read(&arenas[0], &places, &buckets[..1]);
    for owner in owners {
        owner.join().unwrap();
    }
    for (arena, bucket) in arenas.iter().zip(buckets) {
        must(read(arena, &places, &[bucket]) == Some(1), || format!("{bucket} is lost"));
    }
    let places = places.taken().into_iter().flatten().count();
    must(places == if buckets[0] == buckets[1] { 1 } else { 2 }, || format!("{places} places for {buckets:?}"));
}

#[test]
fn whatever_was_counted_is_in_a_bucket_that_the_reader_can_name() {
    TAKEN.passes();
}

#[test]
fn threads_that_want_one_bucket_share_its_place() {
    SHARED.passes();
}

#[test]
fn threads_that_want_two_buckets_have_two_places() {
    APART.passes();
}
