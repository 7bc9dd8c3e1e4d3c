//! What the derives make of a declaration.

use std::sync::Arc;
use std::time::Duration;

use streamgauge_metrics::{
    Buckets, Clock, Counter, Family, Gauge, Histogram, Kind, LabelSet, LabelValue, Metrics, Options, Registry,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
enum EventType {
    Request,
    ToolCall,
    #[label("HTTP 5xx")]
    ServerError,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByType {
    event_type: EventType,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Everything {
    owned: String,
    fixed: &'static str,
    shared: Arc<str>,
    flag: bool,
    number: i32,
    r#type: EventType,
    #[label("renamed")]
    other: u64,
}

#[derive(Metrics)]
#[metrics(prefix = "stream_processor")]
struct ProcessorMetrics {
    /// Events received,
    /// by type.
    ///
    /// This paragraph is for readers of the code.
    pub events_received_total: Family<Counter, ByType>,
    /// Time to process "one" event.
    #[metrics(buckets = LATENCY_MS, unit = "ms")]
    pub processing_duration_ms: Family<Histogram, ByType>,
    /// Rows in a batch.
    #[metrics(buckets = [1.0, 8.0, 64.0], name = "rows")]
    pub batch_rows: Histogram,
    /// Windows open.
    pub active_windows: Gauge,
}

#[derive(Metrics)]
struct Service {
    /// Runs.
    runs_total: Counter,
    #[metrics(flatten)]
    processor: ProcessorMetrics,
}

#[test]
fn a_name_is_prefix_and_field_and_nothing_else() {
    let descs = ProcessorMetrics::describe();
    let names: Vec<_> = descs.iter().map(streamgauge_metrics::Desc::name).collect();
    assert_eq!(
        names,
        [
            "stream_processor_events_received_total",
            "stream_processor_processing_duration_ms",
            "stream_processor_rows",
            "stream_processor_active_windows",
        ]
    );
}

#[test]
fn help_is_the_first_paragraph_of_the_doc_comment_as_written() {
    let descs = ProcessorMetrics::describe();
    assert_eq!(descs[0].help(), "Events received, by type.");
    assert_eq!(descs[1].help(), "Time to process \"one\" event.");
}

#[test]
fn a_description_knows_kind_unit_labels_and_buckets_without_a_run() {
    let descs = ProcessorMetrics::describe();
    assert_eq!(descs[1].kind(), Kind::Histogram);
    assert_eq!(descs[1].unit(), Some("ms"));
    assert_eq!(descs[1].buckets(), Some(&Buckets::LatencyMs));
    assert_eq!(descs[1].labels()[0].name, "event_type");
    let values = descs[1].labels()[0].values.unwrap();
    assert_eq!(values, ["request", "tool_call", "HTTP 5xx"]);
    let rows = descs[2].buckets().unwrap().standard_bounds();
    assert_eq!(rows, [1.0, 8.0, 64.0]);
}

#[test]
fn registering_a_group_registers_what_it_describes() {
    let registry = Registry::new();
    let own = registry.describe().len();
    let service = Service::register(&registry).unwrap();
    assert_eq!(registry.describe().len(), own + Service::describe().len());

    service.runs_total.inc();
    service.processor.active_windows.set(2.0);
    let request = ByType { event_type: EventType::Request };
    let received = &service.processor.events_received_total;
    received.get_or_create(&request).inc_by(5);
    service.processor.batch_rows.observe(9.0);
    let durations = &service.processor.processing_duration_ms;
    durations.get_or_create(&request).observe(3.0);

    let snapshot = registry.snapshot();
    let labels = [("event_type", "request")];
    assert_eq!(snapshot.counter("runs_total", &[]), Some(1));
    let received = snapshot.counter("stream_processor_events_received_total", &labels);
    assert_eq!(received, Some(5));
    let rows = snapshot.histogram("stream_processor_rows", &[]).unwrap();
    assert_eq!(rows.buckets(), [0, 0, 1, 0]);
    let durations = snapshot.histogram("stream_processor_processing_duration_ms", &labels);
    assert_eq!(durations.unwrap().count(), 1);
}

#[test]
fn registering_a_group_twice_gives_the_same_metrics() {
    let registry = Registry::new();
    let one = Service::register(&registry).unwrap();
    let two = Service::register(&registry).unwrap();
    one.runs_total.inc();
    assert_eq!(two.runs_total.get(), 1);
}

#[test]
fn every_sort_of_label_value_is_written_as_its_text() {
    let set = Everything {
        owned: "ö".to_owned(),
        fixed: "f",
        shared: "s".into(),
        flag: true,
        number: -7,
        r#type: EventType::ServerError,
        other: u64::MAX,
    };
    let names: Vec<_> = Everything::LABELS.iter().map(|label| &*label.name).collect();
    let expected = ["owned", "fixed", "shared", "flag", "number", "type", "renamed"];
    assert_eq!(names, expected);
    let texts = ["ö", "f", "s", "true", "-7", "HTTP 5xx", "18446744073709551615"];
    assert_eq!(LabelSet::values(&set), texts);
    assert_eq!(Everything::LABELS[3].values, Some(&["false", "true"][..]));
    assert_eq!(Everything::LABELS[0].values, None);
    assert_eq!(EventType::ToolCall.text(), "tool_call");
}

/// The derive had no word for it, so a group with one such family had to be registered by hand.
#[test]
fn a_family_can_say_after_how_long_its_series_leave() {
    #[derive(Metrics)]
    struct Peers {
        /// Sent.
        #[metrics(labels = ["peer"], expire_after = Duration::from_mins(5))]
        sent_total: Family<Counter>,
        /// Received.
        #[metrics(labels = ["peer"])]
        received_total: Family<Counter>,
    }
    let clock = Clock::manual();
    let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() }).unwrap();
    let peers = Peers::register(&registry).unwrap();
    peers.sent_total.get_or_create(&[("peer", "a")]).inc();
    peers.received_total.get_or_create(&[("peer", "a")]).inc();
    registry.snapshot();
    clock.advance(Duration::from_mins(5));
    registry.snapshot();
    let snapshot = registry.snapshot();
    let told = |name| snapshot.counter(name, &[("peer", "a")]);
    assert_eq!((told("sent_total"), told("received_total")), (None, Some(1)));
}
