//! Nothing is lost or counted twice, whatever threads and readers do.

use std::cell::RefCell;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use streamgauge_metrics::{Quantiles, Summary};

use super::{SLICE, quantile, summary};

#[test]
fn count_and_sum_of_every_reading_are_of_the_same_values() {
    let (summary, clock) = summary(Quantiles::default());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..3).map(|_| scope.spawn(|| (0..60_000).for_each(|_| summary.observe(3.0)))).collect();
        for _ in 0..2 {
            scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    let now = summary.get();
                    assert_eq!(now.sum().to_bits(), (3.0 * now.count() as f64).to_bits());
                    assert!(now.count() >= last, "{} after {last}", now.count());
                    // The readers' clock may have run away from writers that had no turn.
                    let median = now.quantile(0.5).unwrap();
                    assert!(median.is_nan() || median.to_bits() == 3.0_f64.to_bits(), "{median}");
                    last = now.count();
                    clock.advance(SLICE / 50);
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(summary.get().count(), 180_000);
}

#[test]
fn trap_35_what_a_thread_observed_stays_when_it_ends_and_others_go_on() {
    let (summary, _) = summary([0.0, 0.5, 1.0]);
    for nth in 0..50_u32 {
        thread::scope(|scope| {
            scope.spawn(|| summary.observe(nth.into()));
        });
        assert_eq!(summary.get().count(), u64::from(nth) + 1);
    }
    assert_eq!(summary.get().quantiles(), [(0.0, 0.0), (0.5, 24.5), (1.0, 49.0)]);
}

/// Observes when it is dropped.
struct AtTheEnd(Summary);

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        self.0.observe(2.0);
    }
}

thread_local! {
    static EARLY: RefCell<Option<AtTheEnd>> = const { RefCell::new(None) };
}

#[test]
fn what_destructors_of_thread_locals_observe_is_there() {
    let (summary, _) = summary([0.0, 1.0]);
    for is_first in [true, false] {
        let end = AtTheEnd(summary.clone());
        let summary = summary.clone();
        // To join is to wait for the destructors, too; the end of a scope is not.
        let thread = thread::spawn(move || {
            // Nobody promises in which order they run: one that was there first, and one that was not.
            if is_first {
                EARLY.set(Some(end));
                summary.observe(1.0);
            } else {
                summary.observe(1.0);
                EARLY.set(Some(end));
            }
        });
        thread.join().unwrap();
    }
    assert_eq!((summary.get().count(), summary.get().sum().to_bits()), (4, 6.0_f64.to_bits()));
    assert_eq!(summary.get().quantiles(), [(0.0, 1.0), (1.0, 2.0)]);
}

/// A reading of an idle thread's values must not depend on that thread.
#[test]
fn values_of_a_thread_that_rests_are_told() {
    let (summary, clock) = summary([1.0]);
    let (observed, told) = (Barrier::new(2), Barrier::new(2));
    thread::scope(|scope| {
        scope.spawn(|| {
            summary.observe(5.0);
            observed.wait();
            told.wait();
        });
        observed.wait();
        assert_eq!((summary.get().count(), quantile(&summary, 1.0).to_bits()), (1, 5.0_f64.to_bits()));
        clock.advance(5 * SLICE);
        assert!(quantile(&summary, 1.0).is_nan());
        told.wait();
    });
}
