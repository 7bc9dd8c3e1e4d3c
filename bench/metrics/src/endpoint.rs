//! What the endpoint takes from those who wait for a page of 10,000 series, and from those who record meanwhile.

use crate::contender::Outcome;
use crate::facts;
use crate::input;
use crate::ours;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use streamgauge_export::{Health, Routes, Running, Server};
use streamgauge_metrics::Counter;

mod client;
mod tax;

use self::client::Client;

const SERIES: usize = 10_000;
const SCRAPES: usize = 400;
const CROWD: usize = 16;
const BURSTS: usize = 60;

/// A registry of many series, and the endpoint before it.
struct Served {
    held: Vec<Counter>,
    running: Running,
}

/// The middle of what was measured, and where the slowest twentieth and hundredth begin.
struct Quantiles {
    p50: Duration,
    p95: Duration,
    p99: Duration,
}

/// Runs and prints all of it. To be called in a process of its own: it reads how much memory the process has.
pub fn print() -> Outcome {
    let before = facts::resident()?;
    let served = Served::start()?;
    let megabytes = facts::resident()? - before;
    println!("GET /metrics over loopback, kept alive, {SERIES} series:");
    let plain = served.print_waits("identity")?;
    let gzip = served.print_waits("gzip")?;
    served.print_waits("zstd")?;
    tax::print(&served)?;
    println!(
        "in short, at {SERIES} series: recording p99 {:.1} ns, memory {megabytes:.1} MB, page encoded and compressed and read \
         p95 {:.2} ms, /metrics p95 {:.2} ms",
        served.recording_p99()?,
        millis(gzip.p95),
        millis(plain.p95)
    );
    Ok(())
}

impl Served {
    fn start() -> Outcome<Self> {
        let registry = ours::roomy()?;
        let family = ours::counters(&registry)?;
        let labels = input::series(SERIES);
        let held: Vec<Counter> = labels.iter().map(|(m, p)| family.handle(&ours::labels_of(m, p))).collect();
        for (count, counter) in held.iter().enumerate() {
            counter.inc_by(count as u64 * 1_000);
        }
        let running = Server::bind("127.0.0.1", 0)?.start(Routes::new(registry, Health::default()))?;
        Ok(Self { held, running })
    }

    /// Prints a line, and returns what one client waits.
    fn print_waits(&self, encoding: &str) -> Outcome<Quantiles> {
        let (one, bytes) = self.one(encoding)?;
        let crowd = self.crowd(encoding)?;
        println!("  {encoding:<8} {bytes:>7} bytes   1 client: {one}   {CROWD} at once: {crowd}");
        Ok(one)
    }

    /// Nanoseconds of an increment, of whose batches one in a hundred is slower. A single one is faster than a clock is read.
    fn recording_p99(&self) -> Outcome<f64> {
        const BATCH: usize = 100;
        let batch = |counters: &[Counter]| {
            let since = Instant::now();
            counters.iter().for_each(Counter::inc);
            since.elapsed()
        };
        let batches = (0..100).flat_map(|_| self.held.chunks_exact(BATCH)).map(batch).collect();
        Ok(Quantiles::of(batches)?.p99.as_nanos() as f64 / BATCH as f64)
    }

    fn address(&self) -> SocketAddr {
        self.running.local_addr()
    }

    /// One client, page after page; also how many bytes a page has.
    fn one(&self, encoding: &str) -> Outcome<(Quantiles, usize)> {
        let mut client = Client::new(self.address(), encoding)?;
        let mut bytes = 0;
        let mut waits = Vec::with_capacity(SCRAPES);
        for warm in 0..SCRAPES + SCRAPES / 10 {
            let since = Instant::now();
            bytes = client.scrape()?;
            if warm >= SCRAPES / 10 {
                waits.push(since.elapsed());
            }
        }
        Ok((Quantiles::of(waits)?, bytes))
    }

    /// Many clients that all ask at the same moment, again and again: the waits of all.
    fn crowd(&self, encoding: &str) -> Outcome<Quantiles> {
        let clients = (0..CROWD).map(|_| Client::new(self.address(), encoding)).collect::<Outcome<Vec<_>>>()?;
        let together = Barrier::new(CROWD);
        let wait = |client: &mut Client| -> Result<Duration, String> {
            together.wait();
            let since = Instant::now();
            client.scrape().map(|_| since.elapsed()).map_err(|error| error.to_string())
        };
        // One that failed goes on: the others wait for it at the barrier.
        let waits = |mut client| (0..BURSTS).map(|_| wait(&mut client)).collect::<Vec<_>>();
        let all: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = clients.into_iter().map(|client| scope.spawn(move || waits(client))).collect();
            running.into_iter().flat_map(|one| one.join().unwrap_or_default()).collect()
        });
        Quantiles::of(all.into_iter().collect::<Result<_, _>>()?)
    }
}

impl Quantiles {
    fn of(mut all: Vec<Duration>) -> Outcome<Self> {
        all.sort_unstable();
        let at = |share: usize| all.get(all.len() * share / 100).copied().ok_or("nothing was measured");
        Ok(Self { p50: at(50)?, p95: at(95)?, p99: at(99)? })
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.2} ms, p95 {:.2} ms", millis(self.p50), millis(self.p95))
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
