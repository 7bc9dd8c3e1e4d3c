//! What is printed for our crate alone: more threads than cores, threads that come and go, many series under many threads.

use crate::contender::Outcome;
use crate::input;
use crate::ours;
use crate::sheet::per_call;
use crate::snapshot::cpu_time;
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use streamgauge_metrics::{Counter, Desc, Family, Registry};

/// Runs and prints all of them. To be called in a process of its own: it reads how much memory the process has.
pub fn print() -> Outcome {
    many_series()?;
    coming_and_going()?;
    crowded()?;
    flood()
}

/// 10,000 series, each moved by each of 64 threads that are all alive at the end.
fn many_series() -> Outcome {
    const SERIES: usize = 10_000;
    const THREADS: usize = 64;
    let before = resident()?;
    let registry = ours::roomy()?;
    let family = ours::counters(&registry)?;
    let labels = input::series(SERIES);
    let held: Vec<Counter> = labels.iter().map(|(m, p)| family.handle(&ours::labels_of(m, p))).collect();
    let (moved, read) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    let after = thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                held.iter().for_each(Counter::inc);
                moved.wait();
                read.wait();
            });
        }
        moved.wait();
        let after = resident();
        read.wait();
        after
    })?;
    let total: u64 = held.iter().map(Counter::get).sum();
    all_there(total, SERIES * THREADS)?;
    println!("{SERIES} series x {THREADS} threads: {after:.1} MB resident, {before:.1} MB before; the total is exact");
    Ok(())
}

/// 10,000 threads, fifty alive at a time, an increment each.
fn coming_and_going() -> Outcome {
    const THREADS: usize = 10_000;
    const AT_A_TIME: usize = 50;
    let registry = Registry::new();
    let counter: Counter = registry.register(Desc::of::<Counter>("threads_total", "Help."))?;
    let start = Instant::now();
    for _ in 0..THREADS / AT_A_TIME {
        thread::scope(|scope| {
            for _ in 0..AT_A_TIME {
                scope.spawn(|| black_box(&counter).inc());
            }
        });
    }
    let micros = start.elapsed().as_secs_f64() * 1e6 / THREADS as f64;
    let resident = resident()?;
    all_there(counter.get(), THREADS)?;
    println!(
        "{THREADS} threads, one inc each: the total is exact, {micros:.1} us a thread, {resident:.1} MB resident at the end"
    );
    Ok(())
}

/// Eight threads on one counter: nanoseconds of wall time per operation of each.
fn crowded() -> Outcome {
    const THREADS: usize = 8;
    let cores = thread::available_parallelism()?.get();
    let registry = Registry::new();
    let counter: Counter = registry.register(Desc::of::<Counter>("crowded_total", "Help."))?;
    let nanos = per_call(THREADS, &|_| black_box(&counter).inc(), &|| {});
    let each = nanos * (cores.min(THREADS) as f64) / THREADS as f64;
    println!("{THREADS} threads on one counter, {cores} cores: {nanos:.2} ns/op a thread, {each:.2} ns of CPU");
    Ok(())
}

/// What a label costs that takes ten million values, and what it costs those who look up something else meanwhile.
fn flood() -> Outcome {
    const VALUES: usize = 10_000_000;
    const TURNS: usize = 9;
    let registry = Registry::new();
    let desc = |name| Desc::of::<Family<Counter>>(name, "Help.").with_labels(["route", "user", "status"]);
    let flooded: Family<Counter> = registry.register(desc("flooded_total"))?;
    let others: Family<Counter> = registry.register(desc("calm_total"))?;
    let users: Vec<String> = (0..1_000).map(|n| format!("user-{n}")).collect();
    let count = |family: &Family<Counter>, user: &str| {
        family.get_or_create(&[("route", "/"), ("user", user), ("status", "200")]).inc();
    };
    let (mut text, mut next) = (String::new(), 0_usize);
    let mut refuse = |values: usize| {
        for _ in 0..values {
            text.clear();
            let _ = write!(text, "stranger-{next}");
            next += 1;
            count(&flooded, &text);
        }
    };
    // Until the metric is full, and watched.
    refuse(2_000);
    let before = resident()?;
    let begun = cpu_time()?;
    refuse(VALUES - 2_000);
    let refused = nanos_since(begun, VALUES)?;
    let grown = resident()? - before;
    let (calm, beside) = paired(TURNS, || users.iter().for_each(|user| count(&others, user)), || refuse(2_000))?;
    let each = |nanos: f64| nanos / users.len() as f64;
    println!(
        "a label that takes {VALUES} values: {refused:.0} ns a look-up that is refused, {grown:.1} MB more at the end; \
         others look up in {:.1} ns, between floods {:.1} ns",
        each(calm),
        each(beside)
    );
    Ok(())
}

/// Nanoseconds of `work`, by itself and each time after `other`, medians of turns of a thousand.
fn paired(turns: usize, work: impl Fn(), mut other: impl FnMut()) -> Outcome<(f64, f64)> {
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..turns {
        for (is_beside, took) in [(false, &mut alone), (true, &mut beside)] {
            let mut nanos = 0.0;
            for _ in 0..1_000 {
                if is_beside {
                    other();
                }
                let begun = cpu_time()?;
                work();
                nanos += nanos_since(begun, 1)?;
            }
            took.push(nanos / 1_000.0);
        }
    }
    Ok((median(alone), median(beside)))
}

fn nanos_since(begun: Duration, times: usize) -> Outcome<f64> {
    Ok((cpu_time()?.saturating_sub(begun)).as_secs_f64() * 1e9 / times as f64)
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

fn all_there(total: u64, expected: usize) -> Outcome {
    if usize::try_from(total)? == expected { Ok(()) } else { Err(format!("counted {total} of {expected}").into()) }
}

/// Megabytes of this process that are in memory.
pub(crate) fn resident() -> Outcome<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("/proc/self/status names no VmRSS")?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kibibytes * 1_024.0 / 1e6)
}
