//! A program that counts through the macros of the `metrics` crate, and whose page is written by us:
//! `cargo run -p streamgauge-metrics --features metrics-facade --example facade`.

use std::error::Error;

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram};
use streamgauge_metrics::{Buckets, Counter, Desc, Facade, Registry};

/// Code of somebody else, which knows nothing of us.
fn work() {
    describe_counter!("jobs.done", "Jobs done, by queue.");
    describe_histogram!("job.duration_seconds", Unit::Seconds, "How long a job took.");
    for (queue, seconds) in [("night", 0.3), ("night", 1.2), ("express", 0.02)] {
        counter!("jobs.done", "queue" => queue).increment(1);
        histogram!("job.duration_seconds", "queue" => queue).record(seconds);
    }
    gauge!("workers").set(4.0);
    gauge!("jobs.done_total").set(1.0); // a name that is taken
}

fn main() -> Result<(), Box<dyn Error>> {
    let registry = Registry::new();
    let facade = Facade::new(&registry)?.with_buckets(Buckets::Custom(vec![0.1, 1.0].into()));
    facade.clone().install()?;
    // What is counted without the facade is on the same page.
    let started: Counter = registry.register(Desc::of::<Counter>("starts_total", "Starts of this program."))?;
    started.inc();
    work();
    print!("{}", registry.render_prometheus());
    for refused in facade.refused() {
        eprintln!("{}: {}", refused.name, refused.why);
    }
    Ok(())
}
