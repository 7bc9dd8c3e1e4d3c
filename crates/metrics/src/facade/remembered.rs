//! What this thread has asked for: each thread has handles of its own, so that to take one is to count in memory that
//! no other thread writes.

use std::cell::RefCell;
use std::thread::LocalKey;

use ::metrics::{Counter, Gauge, Histogram, Key};

/// Series by the hash of name and labels: each at its place or at one of the next ones.
struct Remembered<T>(RefCell<Vec<Option<Place<T>>>>);

struct Place<T> {
    /// Of the key, which knows it: compared first, and never alone.
    hash: u64,
    facade: u64,
    key: Key,
    series: T,
}

/// Made at the first look-up. A program that asks for more in turn takes the long way at times.
const PLACES: usize = 1024;
/// How many places a series can be at.
const TRIES: usize = 4;

thread_local! {
    static COUNTERS: Remembered<Counter> = const { Remembered::new() };
    static GAUGES: Remembered<Gauge> = const { Remembered::new() };
    static HISTOGRAMS: Remembered<Histogram> = const { Remembered::new() };
}

#[inline]
pub(super) fn counter(facade: u64, key: &Key, make: impl FnOnce() -> Counter) -> Counter {
    find_or_make(&COUNTERS, facade, key, make)
}

#[inline]
pub(super) fn gauge(facade: u64, key: &Key, make: impl FnOnce() -> Gauge) -> Gauge {
    find_or_make(&GAUGES, facade, key, make)
}

#[inline]
pub(super) fn histogram(facade: u64, key: &Key, make: impl FnOnce() -> Histogram) -> Histogram {
    find_or_make(&HISTOGRAMS, facade, key, make)
}

#[inline]
fn find_or_make<T: Clone>(
    all: &'static LocalKey<Remembered<T>>,
    facade: u64,
    key: &Key,
    make: impl FnOnce() -> T,
) -> T {
    match all.try_with(|all| all.find(facade, key)) {
        Ok(Some(series)) => series,
        _ => remember(all, facade, key, make()),
    }
}

/// A thread that is past its end remembers nothing more.
#[cold]
#[inline(never)]
fn remember<T: Clone>(all: &'static LocalKey<Remembered<T>>, facade: u64, key: &Key, series: T) -> T {
    let place = Place { hash: key.get_hash(), facade, key: key.clone(), series: series.clone() };
    // What had to leave may be the last handle of its series: it goes when nothing is borrowed.
    let _out = all.try_with(|all| all.keep(place));
    series
}

impl<T: Clone> Remembered<T> {
    const fn new() -> Self {
        Self(RefCell::new(Vec::new()))
    }

    #[inline]
    fn find(&self, facade: u64, key: &Key) -> Option<T> {
        let (places, hash) = (self.0.try_borrow().ok()?, key.get_hash());
        let tries = places.get(first_of(hash)..)?.iter().take(TRIES).flatten();
        let mut found = tries.filter(|place| place.hash == hash && place.facade == facade && is_same(&place.key, key));
        found.next().map(|place| place.series.clone())
    }

    /// Gives back what had to leave.
    fn keep(&self, place: Place<T>) -> Option<Place<T>> {
        let mut places = self.0.try_borrow_mut().ok()?;
        if places.is_empty() {
            places.resize_with(PLACES + TRIES, || None);
        }
        let first = first_of(place.hash);
        let free = places[first..].iter().take(TRIES).position(Option::is_none);
        places[first + free.unwrap_or(0)].replace(place)
    }
}

/// Most names are constants of one caller, who has one place for them and one order: to see that takes less than to
/// compare them.
#[inline]
fn is_same(known: &Key, key: &Key) -> bool {
    let same = |a: &str, b: &str| std::ptr::eq(a, b) || a == b;
    let (own, others) = (known.labels(), key.labels());
    let in_order = own.len() == others.len()
        && same(known.name(), key.name())
        && own.zip(others).all(|(own, other)| same(own.key(), other.key()) && same(own.value(), other.value()));
    in_order || known == key
}

#[expect(clippy::cast_possible_truncation, reason = "a remainder")]
const fn first_of(hash: u64) -> usize {
    (hash % PLACES as u64) as usize
}
