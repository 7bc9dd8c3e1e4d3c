//! What a tokio runtime does: its workers, its tasks, its queue.

use std::time::Duration;

use streamgauge_metrics::{Counter, Desc, FloatCounter, Gauge, RegisterError, Registry};
use tokio::runtime::{Handle, RuntimeMetrics};

/// Registers what tokio measures of a runtime, under a name of the caller's in the label `runtime`.
/// A name can be given once. The numbers are read when a scrape asks, and stay when the runtime is
/// gone.
///
/// | metric | meaning |
/// |---|---|
/// | `tokio_workers` | threads that run tasks |
/// | `tokio_alive_tasks` | tasks that have not ended |
/// | `tokio_global_queue_depth` | tasks that wait for any worker |
/// | `tokio_worker_busy_seconds_total` | time in which workers did something, over all of them |
/// | `tokio_worker_parks_total` | times a worker had nothing left to do, over all of them |
///
/// ```
/// use streamgauge_export::runtime;
/// use streamgauge_metrics::Registry;
///
/// let (registry, tokio) = (Registry::new(), tokio::runtime::Builder::new_current_thread().build()?);
/// runtime::install(&registry, "main", tokio.handle())?;
/// assert!(registry.render_prometheus().contains("\ntokio_workers{runtime=\"main\"} 1\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn install(registry: &Registry, name: &str, runtime: &Handle) -> Result<(), RegisterError> {
    let registry = registry.scoped("tokio", &[("runtime", name)])?;
    let read = |desc, of: fn(&RuntimeMetrics) -> f64| {
        let metrics = runtime.metrics();
        registry.register_fn(desc, move || of(&metrics))
    };
    read(Desc::of::<Gauge>("workers", "Threads that run the tasks of a runtime."), |m| m.num_workers() as f64)?;
    read(Desc::of::<Gauge>("alive_tasks", "Tasks of a runtime that have not ended."), |m| m.num_alive_tasks() as f64)?;
    let queue = Desc::of::<Gauge>("global_queue_depth", "Tasks of a runtime that wait for any of its workers.");
    read(queue, |m| m.global_queue_depth() as f64)?;
    let help = "Time in which the workers of a runtime did something, in seconds, over all of them.";
    let busy = Desc::of::<FloatCounter>("worker_busy_seconds_total", help).with_unit("seconds");
    read(busy, |m| workers(m).map(|worker| m.worker_total_busy_duration(worker)).sum::<Duration>().as_secs_f64())?;
    let help = "Times a worker of a runtime had nothing left to do, over all of them.";
    let parks = Desc::of::<Counter>("worker_parks_total", help);
    read(parks, |m| workers(m).map(|worker| m.worker_park_count(worker)).sum::<u64>() as f64)
}

fn workers(metrics: &RuntimeMetrics) -> std::ops::Range<usize> {
    0..metrics.num_workers()
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use streamgauge_metrics::Registry;
    use tokio::runtime::{Builder, Runtime};

    use super::install;

    fn runtime(workers: usize) -> Runtime {
        Builder::new_multi_thread().worker_threads(workers).enable_all().build().unwrap()
    }

    /// The value of a metric of the runtime `a`.
    fn value(registry: &Registry, name: &str) -> f64 {
        let page = registry.render_prometheus();
        let series = format!("tokio_{name}{{runtime=\"a\"}} ");
        page.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("{page}")).parse().unwrap()
    }

    #[test]
    fn tasks_that_live_and_tasks_that_wait_are_told_apart() {
        let (registry, tokio) = (Registry::new(), runtime(1));
        install(&registry, "a", tokio.handle()).unwrap();
        let (entered, inside) = mpsc::channel();
        let (leave, left) = mpsc::channel::<()>();
        // The one worker is held inside a task, so what comes from outside has to wait.
        let holder = tokio.spawn(async move {
            entered.send(()).unwrap();
            left.recv().unwrap();
        });
        inside.recv().unwrap();
        let waiting: Vec<_> = (0..5).map(|_| tokio.spawn(pending::<()>())).collect();
        let read = ["workers", "alive_tasks", "global_queue_depth"].map(|name| value(&registry, name));
        assert_eq!(read.map(|value| value.to_string()), ["1", "6", "5"]);
        leave.send(()).unwrap();
        tokio.block_on(holder).unwrap();
        waiting.iter().for_each(tokio::task::JoinHandle::abort);
        for task in waiting {
            assert!(tokio.block_on(task).unwrap_err().is_cancelled());
        }
        assert_eq!(value(&registry, "global_queue_depth").to_string(), "0");
    }

    #[test]
    fn the_time_of_busy_workers_adds_up() {
        let (registry, tokio) = (Registry::new(), runtime(2));
        install(&registry, "a", tokio.handle()).unwrap();
        let work = || tokio.spawn(async { std::thread::sleep(Duration::from_millis(100)) });
        for task in [work(), work()] {
            tokio.block_on(task).unwrap();
        }
        // A worker notes its time when it parks, which may be after its task was waited for.
        let patience = Instant::now() + Duration::from_secs(20);
        while value(&registry, "worker_busy_seconds_total") < 0.2 || value(&registry, "worker_parks_total") < 2.0 {
            assert!(Instant::now() < patience, "{}", registry.render_prometheus());
            std::thread::yield_now();
        }
    }

    #[test]
    fn runtimes_are_told_apart_by_name_and_a_name_is_given_once() {
        let (registry, one, two) = (Registry::new(), runtime(1), runtime(3));
        install(&registry, "a", one.handle()).unwrap();
        install(&registry, "b", two.handle()).unwrap();
        assert!(install(&registry, "a", two.handle()).is_err());
        let page = registry.render_prometheus();
        assert!(page.contains("\ntokio_workers{runtime=\"a\"} 1\ntokio_workers{runtime=\"b\"} 3\n"), "{page}");
        drop(one);
        assert_eq!(value(&registry, "alive_tasks").to_string(), "0");
    }
}
