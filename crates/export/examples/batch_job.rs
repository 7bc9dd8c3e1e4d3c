//! A job that ends before anyone can scrape it, and leaves its metrics to the node exporter:
//! `cargo run -p streamgauge-export --example batch_job -- /var/lib/node_exporter/textfile/backup.prom`.

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use streamgauge_export::textfile;
use streamgauge_metrics::{Counter, Gauge, Metrics, Registry};

#[derive(Metrics)]
#[metrics(prefix = "backup")]
struct BackupMetrics {
    /// Files saved by the last run.
    files_total: Counter,
    /// How long the last run took, in seconds.
    #[metrics(unit = "seconds")]
    duration_seconds: Gauge,
    /// When a backup was last complete, in seconds since 1970; alert on its age.
    #[metrics(unit = "seconds")]
    last_success_timestamp_seconds: Gauge,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: batch_job FILE.prom")?;
    run(Path::new(&path))
}

pub(crate) fn run(path: &Path) -> Result<(), Box<dyn Error>> {
    let (registry, start) = (Registry::new(), Instant::now());
    let metrics = BackupMetrics::register(&registry)?;
    for _file in 0..42 {
        std::thread::sleep(Duration::from_millis(1));
        metrics.files_total.inc();
    }
    metrics.duration_seconds.set(start.elapsed().as_secs_f64());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    metrics.last_success_timestamp_seconds.set(now.as_secs_f64());
    Ok(textfile::write(&registry, path)?)
}
