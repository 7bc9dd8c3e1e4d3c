//! Series that are removed, come back, and leave their cells to others.

use loom::thread;

use crate::cell::arena::Arena;
use crate::cell::{Change, Pool, STORE, Shape, Totals};
use crate::check::{Model, Own, must};
use crate::label::Label;
use crate::metric::{Metric, Removal};
use crate::plan::{Plan, Storage};
use crate::slot::{Handle, Slot};
use crate::sync::{Arc, Forever, Ordering, Weak};

pub(crate) const CELLS_REUSED: Model = Model {
    name: "the cells of a series are taken again",
    preemptions: 4,
    own: Own::Loaded,
    executions: 15_000,
    copies: &[],
    run: the_last_reference_frees_the_cells,
};

pub(crate) const HELD_OR_BACK: Model = Model {
    name: "a hold against a removal",
    own: Own::Hidden,
    preemptions: 6,
    executions: 20,
    run: a_hold_against_a_removal,
    ..CELLS_REUSED
};

pub(crate) const BEGUN_ANEW: Model = Model {
    name: "a series that was let go comes back",
    executions: 6,
    run: what_was_let_go_comes_back,
    ..HELD_OR_BACK
};

pub(crate) const REPLACED: Model = Model {
    name: "a hold against a removal and a successor",
    executions: 40,
    run: a_hold_against_a_successor,
    ..HELD_OR_BACK
};

pub(crate) const BOTH_HOLD: Model = Model {
    name: "two holds against a removal",
    preemptions: 4,
    executions: 8_000,
    run: two_holds_against_a_removal,
    ..HELD_OR_BACK
};

pub(crate) const READ_MEANWHILE: Model = Model {
    name: "a series that comes back is read",
    preemptions: 4,
    executions: 560,
    run: what_comes_back_is_read,
    ..HELD_OR_BACK
};

pub(crate) const FOUND: Model = Model {
    name: "a look-up against a series that is shown",
    executions: 6,
    run: a_look_up_against_a_show,
    ..HELD_OR_BACK
};

fn new_series() -> Arc<Slot> {
    let range = STORE.take(&Shape { pool: Pool::Single, len: 1, floats: [].into() });
    Arc::new(Slot::new(range, "".into(), Weak::new()))
}

fn count(arena: &Arena, series: &Slot) {
    arena.change(series.range.first, Change::add(1), Ordering::Relaxed);
}

fn is(series: &Slot, number: u64, when: &str) {
    let cells = series.read();
    must(cells == [number], || format!("{cells:?} {when}, not {number}"));
}

/// Counts, drops its reference, and takes a series of its own: maybe the same cells.
fn count_and_go_on(arena: &Arena, series: Arc<Slot>) -> Arc<Slot> {
    count(arena, &series);
    drop(series);
    let next = new_series();
    is(&next, 0, "in a new series");
    count(arena, &next);
    is(&next, 1, "after one update");
    next
}

fn the_last_reference_frees_the_cells() {
    let series = new_series();
    let go_on = |arena: Forever<Arena>| {
        let series = Arc::clone(&series);
        thread::spawn(move || count_and_go_on(&arena, series))
    };
    let threads = [go_on(STORE.adopt()), go_on(STORE.adopt())];
    drop(series);
    for thread in threads {
        is(&thread.join().unwrap(), 1, "in the end");
    }
    is(&new_series(), 0, "in the last series");
}

fn metric() -> Arc<Metric> {
    Metric::alone(Plan::new([(Storage::Integer, None)]), [Label { name: "topic".into() }].into())
}

fn find_or_create(metric: &Metric) -> Arc<Slot> {
    metric.create(&["orders"]).unwrap()
}

/// What a scrape says of the only series, if it is this one.
fn scrape(metric: &Metric, series: &Arc<Slot>) -> Option<u64> {
    let list = metric.list();
    let [there] = &*list.slots else { return None };
    let mut totals = Totals::gather(&STORE, &list.chunks);
    metric.apply_bases(&mut totals);
    Arc::ptr_eq(there, series).then(|| totals.range(series.range)[0])
}

fn is_scraped(metric: &Metric, handle: &Handle, number: u64) {
    let scraped = scrape(metric, &handle.slot);
    must(scraped == Some(number), || format!("{scraped:?} in the scrape, not {number}"));
    let read = handle.read(1);
    must(read == [number], || format!("{read:?} through the handle, not {number}"));
}

fn goes(metric: &Metric, series: &Arc<Slot>, how: Removal) {
    let removal = metric.remove(series);
    must(removal == how, || format!("{removal:?}, not {how:?}"));
}

/// Looks a series up without a hold, then takes one and counts.
fn hold(series: &Arc<Slot>) -> thread::JoinHandle<Handle> {
    let series = Arc::clone(series);
    thread::spawn(move || {
        let held = Handle::borrowed(&series).clone();
        held.change(0, Change::add(1), Ordering::Relaxed);
        held
    })
}

fn a_hold_against_a_removal() {
    let metric = metric();
    let series = find_or_create(&metric);
    let holds = hold(&series);
    metric.remove(&series);
    let held = holds.join().unwrap();
    is_scraped(&metric, &held, 1);
    goes(&metric, &series, Removal::Held);
    drop(held);
    goes(&metric, &series, Removal::Removed);
}

fn two_holds_against_a_removal() {
    let metric = metric();
    let series = find_or_create(&metric);
    let holds = [hold(&series), hold(&series)];
    metric.remove(&series);
    let [one, other] = holds.map(|thread| thread.join().unwrap());
    is_scraped(&metric, &one, 2);
    drop(one);
    goes(&metric, &series, Removal::Held);
    drop(other);
    goes(&metric, &series, Removal::Removed);
}

fn what_was_let_go_comes_back() {
    let metric = metric();
    let series = find_or_create(&metric);
    let held = Handle::held(&series);
    let lets_go = thread::spawn(move || {
        held.change(0, Change::add(1), Ordering::Relaxed);
    });
    if metric.remove(&series) == Removal::Removed {
        let back = Handle::borrowed(&series).clone();
        is_scraped(&metric, &back, 0);
        lets_go.join().unwrap();
        is_scraped(&metric, &back, 0);
    } else {
        lets_go.join().unwrap();
        must(scrape(&metric, &series) == Some(1), || "an update is lost".to_owned());
    }
}

fn a_hold_against_a_successor() {
    let metric = metric();
    let series = find_or_create(&metric);
    let holds = hold(&series);
    metric.remove(&series);
    let successor = find_or_create(&metric);
    let held = holds.join().unwrap();
    must(Arc::ptr_eq(&held.slot, &successor), || "two series of one name".to_owned());
    is_scraped(&metric, &held, 1);
    goes(&metric, &successor, Removal::Held);
    drop(held);
    goes(&metric, &successor, Removal::Removed);
}

/// A reader took the new cells for those of before, as a look at a word alone told it of no base:
/// it read 6, which was true at no time.
fn what_comes_back_is_read() {
    let metric = metric();
    let series = find_or_create(&metric);
    let held = Handle::held(&series);
    held.change(0, Change::add(5), Ordering::Relaxed);
    drop(held);
    let (home, same) = (Arc::clone(&metric), Arc::clone(&series));
    let brings_back = thread::spawn(move || {
        // Its arena is known before; the list of arenas would order what follows.
        Handle::borrowed(&same).change(0, Change::add(0), Ordering::Relaxed);
        home.remove(&same);
        let back = Handle::borrowed(&same).clone();
        back.change(0, Change::add(1), Ordering::Relaxed);
        back
    });
    let read = Handle::borrowed(&series).read(1);
    must([5, 0, 1].contains(&read[0]), || format!("{read:?} was never true"));
    is_scraped(&metric, &brings_back.join().unwrap(), 1);
}

/// What the cells hold is from before, and what is found is counted from now on.
fn a_look_up_against_a_show() {
    let metric = metric();
    let (slots, _) = metric.closed(&[vec!["orders"]]);
    let series = Arc::clone(&slots[0]);
    Handle::borrowed(&series).change(0, Change::add(5), Ordering::Relaxed);
    let (home, same) = (Arc::clone(&metric), Arc::clone(&series));
    let looks_up = thread::spawn(move || {
        let found = home.shown.has(0);
        if found {
            Handle::borrowed(&same).change(0, Change::add(1), Ordering::Relaxed);
        }
        found
    });
    metric.show(&series).unwrap();
    let found = u64::from(looks_up.join().unwrap());
    let scraped = scrape(&metric, &series);
    must(scraped == Some(found), || format!("{scraped:?} in the scrape, not {found}"));
    goes(&metric, &series, Removal::Removed);
    must(!metric.shown.has(0), || "a removed series is found".to_owned());
}

#[test]
fn whoever_finds_a_series_is_counted_on_top_of_what_was_there() {
    FOUND.passes();
}

#[test]
fn what_is_read_while_a_series_comes_back_was_true_before_or_is_now() {
    READ_MEANWHILE.passes();
}

#[test]
fn cells_that_are_taken_again_have_no_old_updates_and_lose_no_new_ones() {
    CELLS_REUSED.passes();
}

#[test]
fn a_handle_that_is_held_is_in_every_scrape_whatever_was_removed() {
    HELD_OR_BACK.passes();
}

#[test]
fn two_holds_on_a_removed_series_are_two() {
    BOTH_HOLD.passes();
}

#[test]
fn a_series_that_comes_back_begins_at_0() {
    BEGUN_ANEW.passes();
}

#[test]
fn a_hold_on_a_removed_series_passes_to_its_successor() {
    REPLACED.passes();
}
