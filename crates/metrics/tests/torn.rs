//! What threads do together: traps 15, 16 and 17.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use streamgauge_metrics::snapshot::HistogramSnapshot;
use streamgauge_metrics::{
    Bounds, Buckets, Counter, Desc, Family, Gauge, Histogram, Label, LabelSet, LabelValue, Metrics, Registry, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Model {
    Small,
    Large,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByModel {
    model: Model,
}

#[derive(Clone, Metrics)]
#[metrics(group, prefix = "http")]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// Requests that failed.
    errors_total: Counter,
    /// Time to answer in milliseconds.
    #[metrics(buckets = [1.0, 2.0, 4.0])]
    duration_ms: Histogram,
}

#[derive(Metrics)]
struct Labelled {
    #[metrics(flatten)]
    by_model: Family<Requests, ByModel>,
}

/// One value for each bucket of [1, 2, 4], so that the buckets tell the sum.
const VALUES: [f64; 4] = [1.0, 2.0, 3.0, 5.0];

fn assert_whole(histogram: &HistogramSnapshot<'_>) {
    let sum: f64 = histogram.buckets().iter().zip(VALUES).map(|(count, value)| *count as f64 * value).sum();
    assert_eq!(histogram.sum().to_bits(), sum.to_bits(), "{histogram:?} is of observations that add up to {sum}");
}

/// Runs `writer` in some threads and `reader` in this one until they are done, and once after.
fn while_writing(threads: usize, writer: impl Fn(usize) + Sync, mut reader: impl FnMut()) {
    std::thread::scope(|scope| {
        let writer = &writer;
        let writers: Vec<_> = (0..threads).map(|i| scope.spawn(move || writer(i))).collect();
        while !writers.iter().all(std::thread::ScopedJoinHandle::is_finished) {
            reader();
        }
    });
    reader();
}

fn histograms(registry: &Registry) -> Family<Histogram, ByModel> {
    let desc = Desc::of::<Family<Histogram, ByModel>>("h", "Help.");
    registry.register(desc.with_buckets(Buckets::Custom(VALUES_BELOW.into()))).unwrap()
}

const VALUES_BELOW: &[f64] = &[1.0, 2.0, 4.0];

#[test]
fn trap_15_count_buckets_and_sum_of_a_histogram_belong_together_at_any_time() {
    let registry = Registry::new();
    let family = histograms(&registry);
    let writer = |i: usize| {
        let own = family.handle(&ByModel { model: if i == 0 { Model::Small } else { Model::Large } });
        (0..50_000).for_each(|n| own.observe_n(VALUES[n % 4], 1 + n as u64 % 3));
    };
    let mut last = [0, 0];
    while_writing(3, writer, || {
        let snapshot = registry.snapshot();
        for (last, model) in last.iter_mut().zip(["small", "large"]) {
            let Some(histogram) = snapshot.histogram("h", &[("model", model)]) else { continue };
            assert_whole(&histogram);
            assert!(histogram.count() >= *last, "a histogram does not shrink");
            *last = histogram.count();
        }
        assert_whole(&family.get_or_create(&ByModel { model: Model::Large }).get());
    });
    let expected: u64 = (0..50_000).map(|n| 1 + n % 3).sum();
    assert_eq!(last, [expected, 2 * expected]);
}

/// All of a removed series has to be gone from a scrape that sees it begin anew: a base that is
/// newer than the cells it is taken from left a sum below 0 beside a count of 0.
#[test]
fn trap_15_a_histogram_that_is_removed_and_made_again_during_scrapes_is_never_torn() {
    let registry = Registry::new();
    let family = histograms(&registry);
    let writer = |_| {
        for n in 0..30_000 {
            family.get_or_create(&ByModel { model: Model::Small }).observe(VALUES[n % 4]);
            if n % 5 == 0 {
                family.remove(&ByModel { model: Model::Small });
            }
        }
    };
    while_writing(1, writer, || {
        if let Some(histogram) = registry.snapshot().histogram("h", &[("model", "small")]) {
            assert_whole(&histogram);
        }
    });
}

/// A record of instruments that are no group changes them one after the other, and took the cells
/// of a histogram for instruments: a scrape could have its bucket without the sum.
#[test]
fn trap_15_a_histogram_that_is_recorded_with_others_is_still_one_thing() {
    let registry = Registry::new();
    let family = histograms(&registry);
    let alone: Counter = registry.register(Desc::of::<Counter>("alone_total", "Help.")).unwrap();
    let http = Requests::register(&registry).unwrap();
    let writer = |_| {
        let own = family.handle(&ByModel { model: Model::Small });
        for n in 0..100_000 {
            let value = VALUES[n % 4];
            let group = (http.requests_total.adding(1), http.errors_total.adding(1), http.duration_ms.observing(value));
            record((alone.adding(1), own.observing(value), group));
        }
    };
    let own = family.handle(&ByModel { model: Model::Small });
    while_writing(2, writer, || {
        let snapshot = registry.snapshot();
        let durations = snapshot.histogram("http_duration_ms", &[]).unwrap();
        assert_whole(&durations);
        let counts = ["http_requests_total", "http_errors_total"].map(|name| snapshot.counter(name, &[]).unwrap());
        assert_eq!(counts, [durations.count(); 2]);
        // Between its two cells there is little time: many looks find it.
        (0..50).for_each(|_| assert_whole(&own.get()));
    });
    assert_eq!(alone.get(), 200_000);
}

#[test]
fn trap_17_no_scrape_shows_more_errors_than_requests_nor_other_counts_than_durations() {
    let registry = Registry::new();
    let single = Requests::register(&registry).unwrap();
    let labelled = Labelled::register(&registry.scoped("labelled", &[]).unwrap()).unwrap();
    let writer = |i: usize| {
        let own = labelled.by_model.handle(&ByModel { model: if i == 0 { Model::Small } else { Model::Large } });
        for n in 0..30_000 {
            for http in [&single, &own] {
                let failed = u64::from(n % 2 == 0);
                record((
                    http.requests_total.adding(1),
                    http.errors_total.adding(failed),
                    http.duration_ms.observing(VALUES[n % 4]),
                ));
            }
        }
    };
    let mut last = [0; 3];
    while_writing(3, writer, || {
        let snapshot = registry.snapshot();
        let groups: [(&str, &[(&str, &str)]); 3] =
            [("", &[]), ("labelled_", &[("model", "small")]), ("labelled_", &[("model", "large")])];
        for (last, (prefix, labels)) in last.iter_mut().zip(groups) {
            let count = |name: &str| snapshot.counter(&format!("{prefix}http_{name}"), labels);
            let Some(requests) = count("requests_total") else { continue };
            let errors = count("errors_total").unwrap();
            assert!(errors <= requests && requests <= 2 * errors + 3, "{errors} errors of {requests} requests");
            let durations = snapshot.histogram(&format!("{prefix}http_duration_ms"), labels).unwrap();
            assert_eq!(durations.count(), requests);
            assert_whole(&durations);
            assert!(requests >= *last);
            *last = requests;
        }
    });
    assert_eq!(last, [90_000, 30_000, 60_000]);
}

/// What a test waits for when there is nothing to wait for: a stalled scrape, which is the fault.
const FOREVER: Duration = Duration::from_mins(1);

/// Fails instead of hanging.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(FOREVER).unwrap_or_else(|_| panic!("{what} does not come to an end"))
}

/// A label set that stops in the middle of its look-up.
#[derive(Clone)]
struct Stopping {
    reached: mpsc::Sender<()>,
    go_on: std::sync::Arc<std::sync::Mutex<mpsc::Receiver<()>>>,
}

impl PartialEq for Stopping {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Stopping {}

impl std::hash::Hash for Stopping {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl LabelSet for Stopping {
    const LABELS: &'static [Label] = &[Label::new("n")];

    fn values(&self) -> Vec<std::borrow::Cow<'_, str>> {
        self.reached.send(()).unwrap();
        let _ = self.go_on.lock().unwrap().recv();
        vec!["stopped".into()]
    }
}

#[test]
fn trap_16_a_writer_that_stands_still_stalls_no_scrape() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter, Stopping>>("stopping_total", "Help.");
    let stopping: Family<Counter, Stopping> = registry.register(desc).unwrap();
    let http = Requests::register(&registry).unwrap();
    let family = histograms(&registry);
    let desc = Desc::of::<Family<Gauge>>("level", "Help.").with_labels(["n"]);
    let level: Family<Gauge> = registry.register(desc).unwrap();
    level.get_or_create(&[("n", "1")]).set(1.0);
    let (reached, arrivals) = mpsc::channel();

    // In the middle of a look-up, of a `retain`, and between two updates with all kinds of handles.
    let (resume, go_on) = mpsc::channel();
    let labels = Stopping { reached: reached.clone(), go_on: std::sync::Arc::new(go_on.into()) };
    let looking_up = std::thread::spawn(move || stopping.get_or_create(&labels).inc());
    let (resume_retain, go_on) = mpsc::channel::<()>();
    let (here, retained) = (reached.clone(), level.clone());
    let retaining = std::thread::spawn(move || {
        retained.retain(|_| {
            here.send(()).unwrap();
            go_on.recv().is_ok()
        });
    });
    let (resume_holding, go_on) = mpsc::channel::<()>();
    let (group, own) = (http.clone(), family.clone());
    let holding = std::thread::spawn(move || {
        record((group.requests_total.adding(1), group.duration_ms.observing(1.0)));
        let change = group.errors_total.adding(1);
        let looked_up = own.get_or_create(&ByModel { model: Model::Small });
        let timer = looked_up.start_timer();
        reached.send(()).unwrap();
        go_on.recv().unwrap();
        drop(timer);
        record(change);
    });
    (0..3).for_each(|_| arrivals.recv_timeout(FOREVER).unwrap());

    let scraped = registry.clone();
    let snapshot = in_time("a scrape", move || (0..100).fold(scraped.snapshot(), |_, _| scraped.snapshot()));
    assert_eq!(snapshot.counter("http_requests_total", &[]), Some(1));
    assert_eq!(snapshot.histogram("h", &[("model", "small")]).unwrap().count(), 0);
    let others = level.clone();
    in_time("another look-up", move || others.get_or_create(&[("n", "2")]).inc());

    resume.send(()).unwrap();
    resume_retain.send(()).unwrap();
    resume_holding.send(()).unwrap();
    for thread in [looking_up, retaining, holding] {
        thread.join().unwrap();
    }
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.counter("stopping_total", &[("n", "stopped")]), Some(1));
    assert_eq!(snapshot.histogram("h", &[("model", "small")]).unwrap().count(), 1);
    assert_eq!(snapshot.counter("http_errors_total", &[]), Some(1));
}

#[test]
fn trap_16_a_scrape_comes_to_an_end_while_writers_never_rest() {
    let histogram = Histogram::new(&Bounds::new(VALUES_BELOW).unwrap());
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for value in VALUES {
                        histogram.observe(value);
                    }
                }
            });
        }
        let read = histogram.clone();
        let reads = std::panic::AssertUnwindSafe(|| {
            in_time("reading", move || (0..2_000).for_each(|_| assert_whole(&read.get())));
        });
        let outcome = std::panic::catch_unwind(reads);
        done.store(true, Ordering::Relaxed);
        outcome.unwrap();
    });
}
