//! What the process itself uses: processor, memory, descriptors, tasks.
//!
//! Nobody moves these metrics: a hook reads them once when a scrape asks.

use std::sync::{Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use streamgauge_metrics::{Counter, FloatCounter, Gauge, Metrics, RegisterError, Registry};

use crate::tasks::Tasks;

mod standard;
mod system;

pub use self::standard::StandardMetrics;

/// Two samples of the processor time closer than this would show the coarseness of clocks.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(200);

/// The metrics of the process.
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "process")]
pub struct ProcessMetrics {
    /// Share of the available processor time used since the previous scrape, 0 to 1.
    #[metrics(unit = "ratio")]
    pub cpu_usage_ratio: Gauge,
    /// Processor time of all threads since the start, in seconds.
    #[metrics(unit = "seconds")]
    pub cpu_seconds_total: FloatCounter,
    /// Resident memory; NaN where the system does not tell.
    #[metrics(unit = "bytes")]
    pub memory_bytes: Gauge,
    /// Async tasks that are alive.
    pub active_tasks: Gauge,
    /// Async tasks spawned since the start.
    pub tasks_spawned_total: Counter,
}

/// Registers the metrics of the process and keeps them fresh. Spawn every async task through
/// what it returns. Call it once for a registry: two samplers would shorten each other's
/// intervals.
///
/// [`ProcessMetrics`] are there on every system, [`StandardMetrics`] where there is a `/proc`.
///
/// ```
/// use streamgauge_export::process;
/// use streamgauge_metrics::Registry;
///
/// let registry = Registry::new();
/// let tasks = process::install(&registry)?;
/// let memory = registry.snapshot().gauge("process_memory_bytes", &[]);
/// assert!(memory > Some(0.0) || !cfg!(target_os = "linux"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
pub fn install(registry: &Registry) -> Result<Tasks, RegisterError> {
    let metrics = ProcessMetrics::register(registry)?;
    let tasks = Tasks::new(metrics.tasks_spawned_total.clone(), metrics.active_tasks.clone());
    let standard = StandardMetrics::install(registry)?;
    let cores = available_parallelism().map_or(1, usize::from);
    let start = Sample { at: Instant::now(), used: system::processor_time().unwrap_or_default() };
    let meter = Mutex::new(Meter::new(start, cores));
    registry.on_scrape(move || {
        let mut meter = meter.lock().unwrap_or_else(PoisonError::into_inner);
        refresh(&metrics, standard.as_ref(), &mut meter);
    });
    Ok(tasks)
}

fn refresh(metrics: &ProcessMetrics, standard: Option<&StandardMetrics>, meter: &mut Meter) {
    let used = system::processor_time();
    if let Some(used) = used {
        metrics.cpu_seconds_total.inc_by((used.as_secs_f64() - metrics.cpu_seconds_total.get()).max(0.0));
    }
    let ratio = used.map(|used| meter.take(Sample { at: Instant::now(), used }));
    metrics.cpu_usage_ratio.set(ratio.unwrap_or(f64::NAN));
    let reading = system::reading();
    metrics.memory_bytes.set(reading.map_or(f64::NAN, |reading| reading.stat.resident_bytes as f64));
    if let (Some(standard), Some(reading)) = (standard, reading) {
        standard.show(reading);
    }
}

/// The processor time used until a moment.
#[derive(Clone, Copy)]
struct Sample {
    at: Instant,
    used: Duration,
}

/// Turns samples of processor time into a share of what there was.
struct Meter {
    last: Sample,
    cores: f64,
    ratio: f64,
}

impl Meter {
    fn new(start: Sample, cores: usize) -> Self {
        Self { last: start, cores: cores as f64, ratio: 0.0 }
    }

    /// The share in [0, 1] since the last sample that counted; right after one, its share again.
    fn take(&mut self, next: Sample) -> f64 {
        let wall = next.at.saturating_duration_since(self.last.at);
        if wall >= SHORTEST_INTERVAL {
            let used = next.used.saturating_sub(self.last.used);
            let ratio = used.as_secs_f64() / (wall.as_secs_f64() * self.cores);
            self.ratio = ratio.clamp(0.0, 1.0);
            self.last = next;
        }
        self.ratio
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Meter, Sample, install};
    use streamgauge_metrics::Registry;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_ratio_is_time_used_over_time_there_was_on_all_cores() {
        let start = Instant::now();
        let at = |wall_ms, used_ms| Sample {
            at: start + Duration::from_millis(wall_ms),
            used: Duration::from_millis(used_ms),
        };
        let mut meter = Meter::new(at(0, 100), 2);
        assert!(close(meter.take(at(1_000, 600)), 0.25));
        assert!(close(meter.take(at(2_000, 2_600)), 1.0));
        assert!(close(meter.take(at(3_000, 2_600)), 0.0));
    }

    #[test]
    fn a_scrape_right_after_another_repeats_its_ratio_and_loses_no_time() {
        let start = Instant::now();
        let at = |wall_ms, used_ms| Sample {
            at: start + Duration::from_millis(wall_ms),
            used: Duration::from_millis(used_ms),
        };
        let mut meter = Meter::new(at(0, 0), 1);
        assert!(close(meter.take(at(1_000, 500)), 0.5));
        assert!(close(meter.take(at(1_001, 501)), 0.5));
        assert!(close(meter.take(at(2_000, 1_500)), 1.0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_busy_process_shows_its_processor_time_and_memory() {
        let registry = Registry::new();
        install(&registry).unwrap();
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(300) {
            std::hint::black_box(start);
        }
        let snapshot = registry.snapshot();
        let ratio = snapshot.gauge("process_cpu_usage_ratio", &[]).unwrap();
        assert!(ratio > 0.0 && ratio <= 1.0, "{ratio}");
        let memory = snapshot.gauge("process_memory_bytes", &[]).unwrap();
        assert!(memory > 100_000.0, "{memory}");
    }
}
