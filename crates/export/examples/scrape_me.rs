//! A service with a scrape endpoint, to look at in a browser:
//! `cargo run -p streamgauge-export --example scrape_me`, then open <http://127.0.0.1:9090>.

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use streamgauge_export::{Health, Identity, Routes, Server, process};
use streamgauge_metrics::{Counter, Family, Gauge, Histogram, LabelSet, LabelValue, Metrics, Registry};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Outcome {
    Done,
    TimedOut,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByOutcome {
    outcome: Outcome,
    queue: String,
}

#[derive(Metrics)]
#[metrics(prefix = "worker")]
struct WorkerMetrics {
    /// Jobs by outcome and queue.
    jobs_total: Family<Counter, ByOutcome>,
    /// Jobs waiting.
    queue_depth: Gauge,
    /// Time to do a job.
    #[metrics(buckets = LATENCY_MS, unit = "ms")]
    job_duration_ms: Histogram,
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(9090), |p| p.parse())?;
    let (registry, health) = (Registry::new(), Health::default());
    let tasks = process::install(&registry)?;
    let metrics = WorkerMetrics::register(&registry)?;
    health.register("queue", "not connected");
    let identity = Identity { name: "scrape-me".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let running = Server::bind("127.0.0.1", port)?.start(Routes {
        landing: Some(identity),
        tasks,
        ..Routes::new(registry, health.clone())
    })?;
    println!("http://{}", running.local_addr());
    sleep(Duration::from_secs(2));
    health.set_ready("queue");
    work(&metrics)
}

/// Works for as long as the process lives.
fn work(metrics: &WorkerMetrics) -> ! {
    // Resolved once: a look-up takes a lock, a handle does not.
    let counter = |outcome, queue: &str| {
        let queue = queue.to_owned();
        metrics.jobs_total.get_or_create(&ByOutcome { outcome, queue })
    };
    let done = counter(Outcome::Done, "orders");
    let timed_out = counter(Outcome::TimedOut, "say \"hi\" \\ bye\nnow");
    for job in 0_u32.. {
        let start = Instant::now();
        metrics.queue_depth.set(f64::from(job % 7));
        sleep(Duration::from_millis(u64::from(job % 40)));
        let counter = if job % 10 == 0 { &timed_out } else { &done };
        counter.inc();
        let took = start.elapsed();
        metrics.job_duration_ms.observe(took.as_secs_f64() * 1000.0);
    }
    unreachable!("there are more numbers than milliseconds to wait for")
}
