//! What a scrape every 100 ms takes from a thread that records.

use super::client::Client;
use super::{SERIES, Served};
use crate::contender::Outcome;
use nix::time::{ClockId, clock_gettime};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const PAIRS: usize = 15;
const TURN: Duration = Duration::from_millis(600);
const INTERVAL: Duration = Duration::from_millis(100);

/// Recorded in a turn, by the clock on the wall and by the processor time of the thread.
#[derive(Clone, Copy)]
struct Rate {
    wall: f64,
    cpu: f64,
}

pub(super) fn print(served: &Served) -> Outcome {
    let mut client = Client::new(served.address(), "identity")?;
    // One thread for all turns: another one would have other cells, which may lie better or worse.
    let (begin, begins) = mpsc::sync_channel(0);
    let (ended, ends) = mpsc::sync_channel(0);
    let stop = AtomicBool::new(false);
    let [wall, cpu] = thread::scope(|scope| {
        let stop = &stop;
        scope.spawn(move || begins.iter().try_for_each(|()| ended.send(record(served, stop))));
        let mut turn = |scraped: bool| -> Outcome<Rate> {
            stop.store(false, Ordering::Relaxed);
            begin.send(())?;
            let end = Instant::now() + TURN;
            let scrapes = if scraped { scrape_until(&mut client, end) } else { Ok(()) };
            thread::sleep(end.saturating_duration_since(Instant::now()));
            stop.store(true, Ordering::Relaxed);
            let rate = ends.recv()??;
            scrapes.map(|()| rate)
        };
        let lost = lost(&mut turn);
        // Else the recorder would wait for its next turn, and the scope for the recorder.
        drop(begin);
        lost
    })?;
    println!(
        "a scrape every {} ms takes from one recording thread: {wall:.2} % of its throughput, {cpu:.2} % by its CPU time \
         (medians of {PAIRS} pairs of turns)",
        INTERVAL.as_millis()
    );
    Ok(())
}

/// Percent that scrapes take of the throughput, by either clock: the medians of pairs, whose first is in turn the one and the other.
fn lost(turn: &mut impl FnMut(bool) -> Outcome<Rate>) -> Outcome<[f64; 2]> {
    let mut pairs = Vec::with_capacity(PAIRS);
    turn(false)?;
    for pair in 0..PAIRS {
        let scraped_first = pair % 2 == 1;
        let (first, second) = (turn(scraped_first)?, turn(!scraped_first)?);
        let (quiet, scraped) = if scraped_first { (second, first) } else { (first, second) };
        pairs.push([1.0 - scraped.wall / quiet.wall, 1.0 - scraped.cpu / quiet.cpu]);
    }
    Ok([0, 1].map(|clock| {
        let mut lost: Vec<f64> = pairs.iter().map(|pair| pair[clock] * 100.0).collect();
        lost.sort_by(f64::total_cmp);
        lost[lost.len() / 2]
    }))
}

fn scrape_until(client: &mut Client, end: Instant) -> Outcome {
    while Instant::now() + INTERVAL <= end {
        let begun = Instant::now();
        client.scrape()?;
        thread::sleep(INTERVAL.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

fn record(served: &Served, stop: &AtomicBool) -> Result<Rate, String> {
    let (begun, used) = (Instant::now(), cpu_time()?);
    let mut rounds = 0_u32;
    while !stop.load(Ordering::Relaxed) {
        served.held.iter().for_each(streamgauge_metrics::Counter::inc);
        rounds += 1;
    }
    let recorded = f64::from(rounds) * SERIES as f64;
    let used = cpu_time()?.saturating_sub(used);
    Ok(Rate { wall: recorded / begun.elapsed().as_secs_f64(), cpu: recorded / used.as_secs_f64() })
}

fn cpu_time() -> Result<Duration, String> {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_err(|error| error.to_string())?;
    Ok(time.into())
}
