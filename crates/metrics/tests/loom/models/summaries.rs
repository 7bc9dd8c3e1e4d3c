//! Summaries that are read while somebody observes. A ring has room for two values.

use loom::thread;

use crate::check::Own as Reads;
use crate::check::{Model, must};
use crate::summary::{Own, Series, Setup};
use crate::sync::{Arc, Forever, forever, same};

pub(crate) const READ: Model = Model {
    name: "a ring is read while it is filled and emptied",
    preemptions: 3,
    own: Reads::Hidden,
    executions: 60_000,
    copies: &[],
    run: || one_observes_another_reads(&Setup::standard(), 5),
};

pub(crate) const SLICED: Model = Model {
    name: "slices end while a series is read",
    executions: 33_000,
    run: || one_observes_another_reads(&Setup::hasty(), 3),
    ..READ
};

pub(crate) const TWO_READERS: Model = Model {
    name: "two read while one observes",
    preemptions: 2,
    executions: 15_000,
    run: two_read_while_one_observes,
    ..READ
};

pub(crate) const ADOPTED: Model = Model {
    name: "a thread goes on with what another has left",
    preemptions: 3,
    own: Reads::Loaded,
    executions: 70,
    run: one_goes_on_where_another_ended,
    ..READ
};

/// The value number `n`, from 0, is 10ⁿ: a sum says which ones are in it.
fn observe(own: &Own<'_>, n: u32) {
    own.observe(f64::from(10_u32.pow(n)));
}

/// How many values a reading has. They are the first ones, each once, in the sum and in the quantiles.
fn read(series: &Series) -> u64 {
    let now = series.read();
    let count = u32::try_from(now.count()).unwrap();
    let first: u32 = (0..count).map(|n| 10_u32.pow(n)).sum();
    must(now.sum().to_bits() == f64::from(first).to_bits(), || format!("{} is not the sum of {count}", now.sum()));
    let greatest = now.quantile(1.0).unwrap();
    let expected = if count == 0 { f64::NAN } else { f64::from(10_u32.pow(count - 1)) };
    must(greatest.to_bits() == expected.to_bits(), || format!("{greatest} is the greatest of {count}"));
    now.count()
}

fn grows(series: &Series, most: u64) {
    let (before, after) = (read(series), read(series));
    must(before <= after && after <= most, || format!("{before}, then {after} of {most}"));
}

fn one_observes_another_reads(setup: &Arc<Setup>, values: u32) {
    let series = forever(Series::new(setup));
    let own = same(&series);
    let owner = thread::spawn(move || {
        let own = Own::of(&own);
        (0..values).for_each(|n| observe(&own, n));
    });
    grows(&series, values.into());
    owner.join().unwrap();
    let all = read(&series);
    must(all == u64::from(values), || format!("{all} of {values} in the end"));
}

fn two_read_while_one_observes() {
    let series: Forever<Series> = forever(Series::new(&Setup::standard()));
    let (own, other) = (same(&series), same(&series));
    let owner = thread::spawn(move || {
        let own = Own::of(&own);
        (0..4).for_each(|n| observe(&own, n));
    });
    let reader = thread::spawn(move || read(&other));
    read(&series);
    owner.join().unwrap();
    reader.join().unwrap();
    let all = read(&series);
    must(all == 4, || format!("{all} of 4 in the end"));
}

fn one_goes_on_where_another_ended() {
    let series = forever(Series::new(&Setup::standard()));
    // What there is to have is there before: only that it was left orders the two.
    drop(Own::of(&series));
    let first = same(&series);
    let first = thread::spawn(move || {
        let own = Own::of(&first);
        (0..3).for_each(|n| observe(&own, n));
    });
    let second = same(&series);
    let second = thread::spawn(move || {
        let own = Own::of(&second);
        own.observe(0.0);
    });
    first.join().unwrap();
    second.join().unwrap();
    let now = series.read();
    must(now.count() == 4, || format!("{} of 4", now.count()));
    must(now.sum().to_bits() == 111.0_f64.to_bits(), || format!("{} is not the sum", now.sum()));
}

#[test]
fn every_value_is_read_once_whoever_has_it() {
    READ.passes();
}

#[test]
fn slices_that_are_put_together_meanwhile_are_read_once() {
    SLICED.passes();
}

#[test]
fn readers_do_not_keep_an_owner_from_its_sides() {
    TWO_READERS.passes();
}

#[test]
fn who_adopts_values_has_all_of_the_former_owner_behind_it() {
    ADOPTED.passes();
}
