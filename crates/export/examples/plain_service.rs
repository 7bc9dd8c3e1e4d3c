//! A service of plain threads with a scrape endpoint, to look at in a browser:
//! `cargo run -p streamgauge-export --example plain_service`, then open <http://127.0.0.1:9090>.

use std::error::Error;
use std::thread::sleep;
use std::time::{Duration, Instant};

use streamgauge_export::{Health, Identity, Routes, Running, Server, process};
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
pub(crate) struct WorkerMetrics {
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
    let (running, health, metrics) = start(port)?;
    println!("http://{}", running.local_addr());
    sleep(Duration::from_secs(2));
    health.set_ready("queue");
    for job in 0.. {
        work(&metrics, job);
    }
    Ok(())
}

/// All that it takes; the endpoint answers until what is returned is dropped.
pub(crate) fn start(port: u16) -> Result<(Running, Health, WorkerMetrics), Box<dyn Error>> {
    let (registry, health) = (Registry::new(), Health::default());
    let (tasks, metrics) = (process::install(&registry)?, WorkerMetrics::register(&registry)?);
    health.register("queue", "not connected");
    let landing = Some(Identity { name: "plain-service".to_owned(), version: "1.0".to_owned() });
    let routes = Routes { tasks, landing, ..Routes::new(registry, health.clone()) };
    Ok((Server::bind("127.0.0.1", port)?.start(routes)?, health, metrics))
}

/// Does one job.
pub(crate) fn work(metrics: &WorkerMetrics, job: u32) {
    let start = Instant::now();
    metrics.queue_depth.set(f64::from(job % 7));
    sleep(Duration::from_millis(u64::from(job % 40)));
    let (outcome, queue) =
        if job % 10 == 9 { (Outcome::TimedOut, "say \"hi\" \\ bye\nnow") } else { (Outcome::Done, "orders") };
    metrics.jobs_total.get_or_create(&ByOutcome { outcome, queue: queue.to_owned() }).inc();
    metrics.job_duration_ms.observe(start.elapsed().as_secs_f64() * 1000.0);
}
