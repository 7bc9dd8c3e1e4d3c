//! What a pipeline tells about itself. Events are tallied in plain numbers; the metrics move once a batch.

mod llm;
mod progress;
mod timing;

use std::sync::Arc;

use streamgauge_metrics::{Counter, Family, Gauge, Histogram, LabelSet, Metrics, record};

pub(crate) use llm::LlmTally;
pub use llm::{ByModel, ByToken, LlmMetrics, TokenKind};
pub(crate) use progress::Standing;
pub use progress::{ByOutcome, ByPartition, Outcome, ProgressMetrics};
pub use timing::{EndToEnd, Timing};

use crate::decode::Event;
use crate::dedup::Seen;
use crate::reason::Reason;
use crate::same::same;
use crate::time::{EventTime, Span};
use crate::window::Window;
use progress::ProgressTally;

/// The metrics of a pipeline.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "stream_processor")]
pub struct PipelineMetrics {
    /// What became of the events of a type.
    #[metrics(flatten)]
    pub events: Family<EventMetrics, ByType>,
    /// Events that no window took, by type and reason.
    pub events_dropped_total: Family<Counter, Dropped>,
    /// Dead letters by reason, and failures of source and sink.
    pub errors_total: Family<Counter, ErrorType>,
    /// Panes that are kept, by the type of the window: one for each window and key; sliding windows share what they hold, so
    /// of them it is one for each slice and key.
    pub active_windows: Family<Gauge, ByWindow>,
    /// Panes that were printed, by the type of the window.
    pub window_triggers_total: Family<Counter, ByWindow>,
    /// Events whose key was folded because there were too many keys, by the type of the window.
    pub keys_folded_total: Family<Counter, ByWindow>,
    /// Aggregates computed for a result row, by function.
    pub aggregations_computed_total: Family<Counter, ByAggregation>,
    /// Duplicate events detected.
    pub deduplication_hits_total: Counter,
    /// How far event time is.
    #[metrics(flatten)]
    pub progress: ProgressMetrics,
}

/// What is known of a batch together: no scrape shows more events processed than received.
#[derive(Metrics, Clone, Debug)]
#[metrics(group, prefix = "stream_processor")]
pub struct EventMetrics {
    /// Events received, by type; those that could not be decoded are of type unknown.
    pub events_received_total: Counter,
    /// Events that at least one window took, by type.
    pub events_processed_total: Counter,
    /// Time from the read of a batch to the end of its processing, counted for each event, in milliseconds.
    #[metrics(buckets = LATENCY_MS)]
    pub processing_duration_ms: Histogram,
    /// Time from an event to its completion in milliseconds; for input played at full speed, from its read.
    #[metrics(buckets = LATENCY_MS)]
    pub end_to_end_latency_ms: Histogram,
}

/// The type of an event: the first 20 types seen, then `other`.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByType {
    /// The type.
    pub event_type: Arc<str>,
}

/// Why an event was not processed.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dropped {
    /// The type.
    pub event_type: Arc<str>,
    /// The reason.
    pub reason: &'static str,
}

/// What went wrong.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ErrorType {
    /// The reason of a dead letter, or the part that failed.
    pub error_type: &'static str,
}

/// How a window cuts time.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByWindow {
    /// Such as tumbling.
    pub window_type: &'static str,
}

/// What is computed.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByAggregation {
    /// Such as sum.
    pub aggregation_type: &'static str,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Processed,
    Filtered,
    Duplicate,
    Dropped(Reason),
}

/// Event types beyond this many are counted as `other`: a label's values are a closed set.
const MAX_TYPES: usize = 20;

/// The type of an event as a place in the tally.
pub(crate) type TypeId = usize;

/// What happened since the metrics moved last.
#[derive(Debug)]
pub(crate) struct Tally {
    metrics: PipelineMetrics,
    types: Vec<TypeTally>,
    last: TypeId, // most events have the type of the one before
    times: Vec<(TypeId, EventTime)>,
    told: Vec<Told>, // by window
    progress: ProgressTally,
}

/// What of a window is in the metrics.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    printed: u64,
    folded: u64,
}

/// The counts of one event type and the handles they go to.
#[derive(Debug)]
struct TypeTally {
    name: Arc<str>,
    processed: u64,
    dropped: [u64; Verdict::DROPS],
    metrics: EventMetrics,
}

impl Verdict {
    const DROPS: usize = Reason::ALL.len() + 2;

    /// Its place among the reasons to drop an event.
    fn drop_index(self) -> Option<usize> {
        match self {
            Verdict::Processed => None,
            Verdict::Dropped(reason) => Some(reason as usize),
            Verdict::Filtered => Some(Reason::ALL.len()),
            Verdict::Duplicate => Some(Reason::ALL.len() + 1),
        }
    }

    fn drop_name(index: usize) -> &'static str {
        match index.checked_sub(Reason::ALL.len()) {
            None => Reason::ALL[index].name(),
            Some(0) => "filtered",
            Some(_) => "duplicate",
        }
    }
}

impl Tally {
    /// The type of what could not be decoded.
    pub(crate) const UNKNOWN: TypeId = 0;
    /// The type of events beyond the first types.
    const OTHER: TypeId = 1;

    pub(crate) fn new(metrics: PipelineMetrics, windows: &[Window]) -> Self {
        let types = ["unknown", "other"].map(|name| TypeTally::new(name, &metrics)).into();
        let progress = ProgressTally::new(metrics.progress.clone());
        Tally {
            metrics,
            types,
            last: Self::UNKNOWN,
            times: Vec::new(),
            told: vec![Told::default(); windows.len()],
            progress,
        }
    }

    /// The metrics of this process begin here, whatever happened in one before it.
    pub(crate) fn begin_at(&mut self, windows: &[Window], seen: Option<&Seen>) {
        for (window, told) in windows.iter().zip(&mut self.told) {
            *told = Told { printed: window.printed(), folded: window.folded() };
        }
        self.progress.begin_at(seen);
    }

    /// The place of an event's type.
    #[inline]
    pub(crate) fn type_of(&mut self, event: &Event<'_>) -> TypeId {
        if !same(self.types[self.last].name.as_bytes(), event.type_bytes()) {
            self.last = self.find_or_add(event.event_type());
        }
        self.last
    }

    fn find_or_add(&mut self, name: &str) -> TypeId {
        if let Some(known) = self.types.iter().position(|t| *t.name == *name) {
            return known;
        }
        if self.types.len() == MAX_TYPES + 2 {
            return Self::OTHER;
        }
        self.types.push(TypeTally::new(name, &self.metrics));
        self.types.len() - 1
    }

    /// One event was judged.
    #[inline]
    pub(crate) fn count(&mut self, event_type: TypeId, verdict: Verdict) {
        let tally = &mut self.types[event_type];
        match verdict.drop_index() {
            None => tally.processed += 1,
            Some(index) => tally.dropped[index] += 1,
        }
    }

    /// Remembers when a processed event happened, where latency is measured from there.
    pub(crate) fn keep_time(&mut self, event_type: TypeId, time: EventTime) {
        self.times.push((event_type, time));
    }

    /// An event was behind the watermark by this much.
    pub(crate) fn late(&mut self, outcome: Outcome, lateness: Span) {
        self.progress.late(outcome, lateness);
    }

    /// Panes with this end were printed for the first time.
    pub(crate) fn fired(&mut self, window: usize, end: EventTime, panes: usize) {
        self.progress.fired(window, end, panes);
    }

    /// Moves the metrics.
    pub(crate) fn record(&mut self, timing: &Timing<'_>, standing: &Standing<'_>) {
        let windows = standing.windows;
        self.progress.record(&timing.end_to_end, standing);
        for (event_type, time) in self.times.drain(..) {
            if let EndToEnd::Each(latency) = timing.end_to_end {
                self.types[event_type].metrics.end_to_end_latency_ms.observe(latency(time));
            }
        }
        for tally in &mut self.types {
            tally.record(timing, &self.metrics);
        }
        for (window, told) in windows.iter().zip(&mut self.told) {
            let now = Told { printed: window.printed(), folded: window.folded() };
            record_window(&self.metrics, window, now.printed - told.printed, now.folded - told.folded);
            *told = now;
        }
        self.record_panes(windows);
    }

    fn record_panes(&self, windows: &[Window]) {
        for window in windows {
            let window_type = window.kind.name();
            let same = windows.iter().filter(|other| other.kind.name() == window_type);
            let panes: usize = same.map(Window::held).sum();
            self.metrics.active_windows.get_or_create(&ByWindow { window_type }).set(panes as f64);
        }
    }
}

fn record_window(metrics: &PipelineMetrics, window: &Window, rows: u64, folded: u64) {
    let window_type = window.kind.name();
    metrics.window_triggers_total.get_or_create(&ByWindow { window_type }).inc_by(rows);
    metrics.keys_folded_total.get_or_create(&ByWindow { window_type }).inc_by(folded);
    for function in window.functions() {
        let aggregation_type = function.name();
        metrics.aggregations_computed_total.get_or_create(&ByAggregation { aggregation_type }).inc_by(rows);
    }
}

impl TypeTally {
    fn new(name: &str, metrics: &PipelineMetrics) -> Self {
        let name: Arc<str> = name.into();
        let labels = ByType { event_type: Arc::clone(&name) };
        TypeTally { name, processed: 0, dropped: [0; Verdict::DROPS], metrics: metrics.events.handle(&labels) }
    }

    fn record(&mut self, timing: &Timing<'_>, metrics: &PipelineMetrics) {
        let received = self.processed + self.dropped.iter().sum::<u64>();
        if received == 0 {
            return;
        }
        // Latencies that differ from event to event are observed already.
        let (latency, alike) = match timing.end_to_end {
            EndToEnd::Same(latency) => (latency, self.processed),
            EndToEnd::Each(_) => (0.0, 0),
        };
        record((
            self.metrics.events_received_total.adding(received),
            self.metrics.events_processed_total.adding(self.processed),
            self.metrics.processing_duration_ms.observing_n(timing.processing_ms, self.processed),
            self.metrics.end_to_end_latency_ms.observing_n(latency, alike),
        ));
        let dropped = std::mem::take(&mut self.dropped);
        dropped.iter().enumerate().filter(|(_, count)| **count > 0).for_each(|(index, count)| {
            self.record_drops(index, *count, metrics);
        });
        self.processed = 0;
    }

    fn record_drops(&self, index: usize, count: u64, metrics: &PipelineMetrics) {
        let (event_type, reason) = (Arc::clone(&self.name), Verdict::drop_name(index));
        metrics.events_dropped_total.get_or_create(&Dropped { event_type, reason }).inc_by(count);
        if Verdict::Duplicate.drop_index() == Some(index) {
            metrics.deduplication_hits_total.inc_by(count);
        }
        if index < Reason::Late as usize {
            metrics.errors_total.get_or_create(&ErrorType { error_type: reason }).inc_by(count);
        }
    }
}
