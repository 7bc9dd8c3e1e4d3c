//! Times an operation on one thread and on two, and writes down the result.

use crate::row::Row;
use std::hint::{black_box, spin_loop};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// How often a lap is run; the best counts.
const LAPS: usize = 7;
/// How long a lap is meant to take.
const LAP: Duration = Duration::from_millis(30);
/// How long a process is kept busy before the first trial.
const AWAKE: Duration = Duration::from_millis(200);
/// How long a trial must take to be trusted with the length of the laps.
const TRIAL: Duration = Duration::from_millis(3);

/// Where one process writes its results: a line a row, `key`, first and second number.
pub struct Sheet {
    only: Option<Row>,
}

impl Sheet {
    /// For one row, or for all. Keeps a core busy first: one that slept is slow to begin with.
    pub fn new(only: Option<Row>) -> Self {
        let start = Instant::now();
        while start.elapsed() < AWAKE {
            spin_loop();
        }
        Self { only }
    }

    /// Whether this row is to be filled in.
    pub fn wants(&self, row: Row) -> bool {
        self.only.is_none_or(|only| only == row)
    }

    /// Nanoseconds per call: one thread, then two on the same thing. `work` is told how many calls went before it.
    pub fn time(&self, row: Row, work: impl Fn(usize) + Sync) {
        self.time_and_settle(row, work, || {});
    }

    /// As [`Self::time`], with `settle` after each lap and outside of what is timed.
    pub fn time_and_settle(&self, row: Row, work: impl Fn(usize) + Sync, settle: impl Fn()) {
        if self.wants(row) {
            write(row, per_call(1, &work, &settle), per_call(2, &work, &settle));
        }
    }
}

/// One line for the process that started this one.
pub fn write(row: Row, first: f64, second: f64) {
    println!("{}\t{first}\t{second}", row.key());
}

/// Nanoseconds a call takes each of `threads` threads, in the best lap.
pub fn per_call(threads: usize, work: &(impl Fn(usize) + Sync), settle: &impl Fn()) -> f64 {
    let calls = calls_a_lap(threads, work, settle);
    let laps = (0..LAPS).map(|_| {
        let took = lap(threads, calls, work);
        settle();
        took
    });
    laps.min().unwrap_or_default().as_nanos() as f64 / calls as f64
}

/// How many calls fill a lap; finding that out warms up.
fn calls_a_lap(threads: usize, work: &(impl Fn(usize) + Sync), settle: &impl Fn()) -> usize {
    let mut calls = 1024;
    loop {
        let took = lap(threads, calls, work);
        settle();
        if took >= TRIAL {
            return (calls as u128 * LAP.as_nanos() / took.as_nanos()).try_into().unwrap_or(calls);
        }
        calls *= 4;
    }
}

/// From the first thread's start to the last one's end: a thread that was kept waiting cannot hide it.
fn lap(threads: usize, calls: usize, work: &(impl Fn(usize) + Sync)) -> Duration {
    let missing = AtomicUsize::new(threads);
    let run = || {
        start_together(&missing);
        let start = Instant::now();
        for i in 0..calls {
            work(black_box(i));
        }
        (start, Instant::now())
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let ran: Vec<_> =
            running.into_iter().map(|one| one.join().unwrap_or_else(|panic| resume_unwind(panic))).collect();
        let start = ran.iter().map(|(start, _)| *start).min();
        let end = ran.iter().map(|(_, end)| *end).max();
        end.zip(start).map_or(Duration::ZERO, |(end, start)| end - start)
    })
}

/// A barrier without sleep: the last to come finds the others awake.
fn start_together(missing: &AtomicUsize) {
    missing.fetch_sub(1, Ordering::AcqRel);
    while missing.load(Ordering::Acquire) > 0 {
        spin_loop();
    }
}
