//! Series that are let go while somebody counts.

use loom::thread;

use crate::cell::{Change, STORE, Totals};
use crate::check::{Model, Own, must};
use crate::clock::Clock;
use crate::label::Label;
use crate::metric::Metric;
use crate::plan::{Plan, Storage};
use crate::slot::{Handle, Slot};
use crate::summary::Own as OwnValues;
use crate::sync::{Arc, Ordering};

pub(crate) const LOOKED_UP: Model = Model {
    name: "a series is let go while one who looked it up counts",
    preemptions: 3,
    own: Own::Hidden,
    executions: 29_000,
    copies: &[],
    run: || nothing_is_lost(count_as_a_look_up_does),
};

pub(crate) const HELD: Model = Model {
    name: "a series is let go while one takes hold of it",
    executions: 53_000,
    run: || nothing_is_lost(hold_and_count),
    ..LOOKED_UP
};

pub(crate) const OBSERVED: Model = Model {
    name: "a summary is let go while one observes",
    preemptions: 2,
    executions: 6_600,
    run: || nothing_is_lost_of(Storage::Quantiles, look_up_and_observe),
    ..LOOKED_UP
};

/// What snapshots tell in which every series is idle at once.
#[derive(Default)]
struct Told {
    /// By series that were let go afterwards.
    before: u64,
    /// By one that was held.
    now: u64,
}

impl Told {
    /// As a registry takes a snapshot.
    fn scrape(&mut self, metric: &Metric) {
        metric.revive();
        let list = metric.list();
        let mut totals = Totals::gather(&STORE, &list.chunks);
        metric.apply_bases(&mut totals);
        self.now = list.slots.iter().map(|slot| told(slot, &totals)).sum();
        let expired = || metric.idle.as_ref().unwrap().expired();
        let before = expired();
        metric.expire(&list, &totals);
        if expired() > before {
            self.before += std::mem::take(&mut self.now);
        }
    }

    fn all(&self) -> u64 {
        self.before + self.now
    }
}

fn told(slot: &Slot, totals: &Totals) -> u64 {
    let Some(summary) = &slot.summary else { return totals.range(slot.range)[0] };
    let now = summary.read();
    must(now.sum().to_bits() == (now.count() as f64).to_bits(), || format!("{now:?} of ones"));
    now.count()
}

fn metric(storage: Storage) -> Arc<Metric> {
    let plan = Plan::new([(storage, None)]).with_clock(Clock, Some(0));
    Metric::alone(plan, [Label { name: "topic".into() }].into())
}

fn look_up(metric: &Metric, known: &Arc<Slot>) -> Arc<Slot> {
    if known.is_shown() { Arc::clone(known) } else { metric.create(&["orders"]).unwrap() }
}

fn count(handle: &Handle) {
    handle.change(0, Change::add(1), Ordering::Relaxed);
}

fn count_as_a_look_up_does(metric: &Metric, known: Arc<Slot>) {
    count(&Handle::borrowed(&look_up(metric, &known)));
    count(&Handle::borrowed(&known));
    // With it goes what may be the last reference.
    drop(known);
}

fn hold_and_count(metric: &Metric, known: Arc<Slot>) {
    let found = Handle::borrowed(&look_up(metric, &known));
    drop(known);
    count(&found);
    let held = found.clone();
    count(&held);
}

fn look_up_and_observe(metric: &Metric, known: Arc<Slot>) {
    let found = look_up(metric, &known);
    drop(known);
    let mut own = OwnValues::of(found.summary.as_ref().unwrap());
    own.observe(1.0);
    own.find_again();
    own.observe(1.0);
}

fn nothing_is_lost(counts: fn(&Metric, Arc<Slot>)) {
    nothing_is_lost_of(Storage::Integer, counts);
}

fn nothing_is_lost_of(storage: Storage, counts: fn(&Metric, Arc<Slot>)) {
    let metric = metric(storage);
    let series = metric.create(&["orders"]).unwrap();
    let mut told = Told::default();
    told.scrape(&metric);
    let home = Arc::clone(&metric);
    let counting = thread::spawn(move || counts(&home, series));
    (0..3).for_each(|_| told.scrape(&metric));
    counting.join().unwrap();
    (0..2).for_each(|_| told.scrape(&metric));
    must(told.all() == 2, || format!("{} of 2", told.all()));
}

#[test]
fn what_is_counted_after_a_look_up_is_told_whenever_the_series_is_let_go() {
    LOOKED_UP.passes();
}

#[test]
fn what_is_counted_before_and_after_a_hold_is_told_whenever_the_series_is_let_go() {
    HELD.passes();
}

#[test]
fn what_is_observed_before_and_after_a_summary_is_let_go_is_told() {
    OBSERVED.passes();
}
