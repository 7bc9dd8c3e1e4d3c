//! Times a snapshot of many series that eight threads have written, once they rest and while they write.

use crate::contender::Outcome;
use crate::row::Row;
use crate::sheet::{Sheet, write};
use nix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const WRITERS: usize = 8;
const MOST: usize = 41;
const FEWEST: usize = 3;
const LONGEST: Duration = Duration::from_millis(300);

/// How many series the row has.
pub const fn series(row: Row) -> usize {
    match row {
        Row::LargePage => 100_000,
        Row::CounterSnapshot | Row::CounterPage => 10_000,
        _ => 1_000,
    }
}

impl Sheet {
    /// Microseconds per snapshot: writers idle, writers hot. It is the CPU time of the thread that gathers, the median of many: with more
    /// threads than cores the clock on the wall would tell of the scheduler. What is gathered is dropped outside of it.
    pub fn snapshot<T>(&self, row: Row, write_to: impl Fn(usize) + Sync, mut gather: impl FnMut() -> T) -> Outcome {
        let stop = AtomicBool::new(false);
        let written = Barrier::new(WRITERS + 1);
        let rested = Barrier::new(WRITERS + 1);
        let writer = || {
            (0..series(row)).for_each(&write_to);
            written.wait();
            rested.wait();
            while !stop.load(Ordering::Relaxed) {
                (0..series(row)).for_each(&write_to);
            }
        };
        let (idle, hot) = thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(writer);
            }
            written.wait();
            let idle = median(&mut gather);
            rested.wait();
            let hot = median(&mut gather);
            stop.store(true, Ordering::Relaxed);
            (idle, hot)
        });
        write(row, idle?, hot?);
        Ok(())
    }
}

/// Microseconds of CPU time.
fn median<T>(gather: &mut impl FnMut() -> T) -> Outcome<f64> {
    black_box(gather());
    let begun = Instant::now();
    let mut took = Vec::with_capacity(MOST);
    while took.len() < FEWEST || (took.len() < MOST && begun.elapsed() < LONGEST) {
        let start = cpu_time()?;
        let gathered = black_box(gather());
        took.push(cpu_time()?.saturating_sub(start));
        drop(gathered);
    }
    took.sort_unstable();
    Ok(took[took.len() / 2].as_nanos() as f64 / 1_000.0)
}

pub(crate) fn cpu_time() -> Outcome<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}
