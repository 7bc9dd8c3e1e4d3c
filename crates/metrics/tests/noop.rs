//! With the feature `noop` nothing moves, nothing grows and nothing panics.

#![cfg(feature = "noop")]

use allocation_counter::measure;
use streamgauge_metrics::{
    Counter, Desc, Family, FloatCounter, Gauge, Histogram, LabelSet, LabelValue, Metrics, Registry, Removal, StateSet,
    Summary, UpDownCounter, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Status {
    Ok,
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByStatus {
    status: Status,
}

#[derive(Clone, Metrics)]
#[metrics(group)]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// What they cost.
    spent_total: FloatCounter,
    /// Time to answer in milliseconds.
    #[metrics(buckets = LATENCY_MS)]
    duration_ms: Histogram,
}

#[derive(Metrics)]
struct Everything {
    /// A level.
    depth: Gauge,
    /// What is in flight.
    in_flight: UpDownCounter,
    /// What was lately.
    latest: Summary,
    /// A state.
    state: StateSet<Status>,
    /// By enum.
    by_status_total: Family<Counter, ByStatus>,
    /// By pairs.
    #[metrics(labels = ["topic"])]
    by_topic_ms_total: Family<Counter>,
    #[metrics(flatten)]
    requests: Requests,
}

impl Everything {
    fn use_all(&self) {
        self.depth.set(1.0);
        self.depth.add(1.0);
        self.depth.set_max(7.0);
        drop(self.depth.track());
        std::mem::forget(self.in_flight.track());
        self.in_flight.add(-3);
        self.latest.observe(3.0);
        self.latest.observe(f64::NAN);
        self.state.set(&Status::Failed);
        let failed = ByStatus { status: Status::Failed };
        self.by_status_total.get_or_create(&failed).inc();
        self.by_status_total.handle(&failed).inc_by(u64::MAX);
        let topic = String::from("orders");
        self.by_topic_ms_total.get_or_create(&[("topic", topic.as_str())]).inc();
        assert!(self.by_topic_ms_total.try_get_or_create(&[("topic", "returns")]).is_ok());
        assert!(self.by_status_total.try_get_or_create(&failed).is_ok());
        let all = &self.requests;
        all.requests_total.inc();
        all.spent_total.inc_by(0.5);
        all.spent_total.inc_by(-0.5);
        all.duration_ms.observe(f64::NAN);
        all.duration_ms.observe_n(3.0, 7);
        drop(all.duration_ms.start_timer());
        record((all.requests_total.adding(1), all.spent_total.adding(0.5), all.duration_ms.observing(3.0)));
    }
}

#[test]
fn nothing_moves_and_no_series_appears() {
    let registry = Registry::new();
    let everything = Everything::register(&registry).unwrap();
    let before = registry.render_prometheus();
    for _ in 0..3 {
        everything.use_all();
        std::thread::scope(|scope| {
            scope.spawn(|| everything.use_all());
        });
    }
    assert_eq!(registry.render_prometheus(), before);
    assert!(everything.by_status_total.is_empty() && everything.by_topic_ms_total.is_empty());
    assert_eq!(everything.by_status_total.remove(&ByStatus { status: Status::Ok }), Removal::Absent);
    everything.by_topic_ms_total.retain(|_| false);
    let alone: Family<Counter> = Family::with_labels(["topic"]);
    alone.get_or_create(&[("no such label", "x")]).inc();
    registry.register_fn(Desc::of::<Gauge>("read", "Help."), || 7.0).unwrap();
    assert_eq!(registry.snapshot().gauge("read", &[]), Some(7.0), "what is read is no update");
}

#[test]
fn nothing_is_allocated() {
    let everything = Everything::register(&Registry::new()).unwrap();
    everything.use_all();
    let info = measure(|| (0..100).for_each(|_| everything.use_all()));
    // The owned text of the test itself.
    assert_eq!((info.count_total, info.bytes_current), (100, 0), "{info:?}");
}
