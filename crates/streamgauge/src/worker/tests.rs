use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use streamgauge_metrics::{Counter, Gauge, Metrics as _, Registry};
use streamgauge_state::{Backend, StateMetrics};
use tempfile::TempDir;

use super::*;
use crate::decoders::Decoders;
use crate::progress::Bar;
use crate::sink::{Places, Written};
use crate::source::{Inputs, Known};

/// 2025-01-01T00:00:00Z in seconds.
const NEW_YEAR: i64 = 1_735_689_600;

/// A clock that a time server sets back and forth by an hour, at each look.
fn restless() -> WallTime {
    static LOOKS: AtomicUsize = AtomicUsize::new(0);
    let hours = [0, -1, 1][LOOKS.fetch_add(1, Ordering::Relaxed) % 3];
    WallTime::from_nanos(i128::from(NEW_YEAR + hours * 3600) * 1_000_000_000)
}

fn steady() -> WallTime {
    WallTime::from_nanos(i128::from(NEW_YEAR) * 1_000_000_000)
}

/// The rows of events up to two hours before the new year, in many small blocks, and the metrics of the run.
fn run(clock: fn() -> WallTime) -> (String, Registry) {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let mut inputs = Vec::new();
    for block in 0..60 {
        let mut lines = String::new();
        for n in 0..50 {
            let time = NEW_YEAR - 7200 + (block * 50 + n) * 2;
            let _ = writeln!(lines, r#"{{"t":{time}}}"#);
        }
        let name = path(&format!("{block:02}.ndjson"));
        fs::write(&name, lines).unwrap();
        inputs.push(name);
    }
    let config = format!(
        "source: {{file: {{paths: {inputs:?}, format: ndjson}}}}\n\
         event: {{time: {{from: /t, format: unix_s}}}}\n\
         watermark: {{max_future_skew: 2h}}\n\
         windows: [{{name: w, size: 1m}}]\n\
         sink: {{file: {{path: {:?}}}}}\n",
        path("rows.out")
    );
    fs::write(path("c.yaml"), config).unwrap();
    let config = crate::config::load(path("c.yaml").as_ref(), &[]).unwrap().config;
    let (settings, registry, bar) = (&config.pipeline, Registry::new(), Bar::on_stderr());
    let parts = Parts {
        decoder: Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes),
        spares: Spares::default(),
        pipeline: Pipeline::new(settings.clone(), &registry).unwrap().keeping_times(true),
        outputs: Outputs::open(&config, &Places::default(), Written::default(), &bar).unwrap(),
        commits: None,
        usage: Usage::new(&StateMetrics::register(&registry).unwrap(), Backend::Memory),
        split: config.source.partitions,
        origins: Vec::new(),
        pace: None,
        idle_timeout: config.idle_timeout,
        max_drift: config.max_drift,
        live: true,
        stop: Stop::default(),
        progress: Progress::new(bar, None, Instant::now()),
        health: Health::default(),
        judging: Laps::of_nobody(),
        writing: Laps::of_nobody(),
        clock,
    };
    let known = Known::default();
    let inputs = Inputs::open(&config.source, settings.format, settings.max_record_bytes, known).unwrap();
    let feed = inputs.start(Decoders::none(), Counter::default(), Laps::of_nobody(), Gauge::default()).unwrap();
    let mut worker = Worker::new(parts, Instant::now());
    assert_eq!(worker.run(&feed, false).unwrap(), Ending::Complete);
    let report = worker.report();
    assert_eq!((report.received, report.processed), (3000, 3000));
    (fs::read_to_string(path("rows.out")).unwrap(), registry)
}

#[test]
fn trap_16_a_wall_clock_that_steps_by_an_hour_changes_no_row_and_makes_no_latency_negative() {
    let (want, _) = run(steady);
    let (rows, registry) = run(restless);
    assert_eq!(rows, want);
    let snapshot = registry.snapshot();
    let latency = snapshot.histogram("stream_processor_end_to_end_latency_ms", &[("event_type", "event")]).unwrap();
    assert_eq!(latency.count(), 3000);
    // Below 0 there is nothing: an event that seems to come from the future has no latency.
    assert!(latency.sum() >= 0.0 && latency.sum() <= 3000.0 * 3.0 * 3600e3, "{}", latency.sum());
    let delay = snapshot.histogram("stream_processor_emission_delay_ms", &[("window_type", "tumbling")]).unwrap();
    assert!(delay.sum() >= 0.0);
    assert!(snapshot.gauge("stream_processor_watermark_lag_ms", &[("partition", "0")]).unwrap() >= 0.0);
}
