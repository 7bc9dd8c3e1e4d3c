//! How far event time is: watermarks, late events, what is still open.

use std::sync::Arc;

use streamgauge_metrics::{Counter, Family, Gauge, Histogram, LabelSet, LabelValue, Metrics};

use super::{ByWindow, EndToEnd};
use crate::dedup::Seen;
use crate::time::{EventTime, Span};
use crate::watermark::Watermarks;
use crate::window::Window;

/// The metrics of event time.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "stream_processor")]
pub struct ProgressMetrics {
    /// Event time up to which a partition is complete, in milliseconds since 1970.
    #[metrics(unit = "ms")]
    pub watermark_timestamp_ms: Family<Gauge, ByPartition>,
    /// How far the watermark of a partition is behind the clock, for paced input behind the shifted one, in milliseconds.
    #[metrics(unit = "ms")]
    pub watermark_lag_ms: Family<Gauge, ByPartition>,
    /// 1 if a partition is idle and holds no other back, else 0.
    pub partition_idle: Family<Gauge, ByPartition>,
    /// Events behind the watermark: accepted, because a window still took them, or dropped.
    pub late_events_total: Family<Counter, ByOutcome>,
    /// How far late events were behind the watermark, in milliseconds.
    #[metrics(buckets = [1.0, 10.0, 100.0, 1000.0, 5000.0, 10_000.0, 30_000.0, 60_000.0, 300_000.0, 900_000.0, 3_600_000.0, 21_600_000.0, 86_400_000.0], unit = "ms")]
    pub lateness_ms: Histogram,
    /// How long ago the oldest window began that was not printed yet, in milliseconds; 0 if none is open.
    #[metrics(unit = "ms")]
    pub oldest_open_window_age_ms: Gauge,
    /// Time from the end of a window to its first row, in milliseconds; for input played at full speed, from the read.
    #[metrics(buckets = LATENCY_MS, unit = "ms")]
    pub emission_delay_ms: Family<Histogram, ByWindow>,
    /// Event ids that are remembered.
    pub deduplication_entries: Gauge,
    /// Event ids that were forgotten before their time, because there were too many.
    pub deduplication_evictions_total: Counter,
}

/// The number of a partition; those beyond the first hundred are `other`, which shows the one that is furthest behind.
#[derive(LabelSet, Clone, Debug, PartialEq, Eq, Hash)]
pub struct ByPartition {
    /// Such as 0.
    pub partition: Arc<str>,
}

/// What became of a late event.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByOutcome {
    /// Whether a window took it.
    pub outcome: Outcome,
}

/// What became of a late event.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// At least one window took it.
    Accepted,
    /// No window took it.
    Dropped,
}

/// What the pipeline knows when the metrics move.
pub(crate) struct Standing<'a> {
    pub watermarks: &'a Watermarks,
    pub windows: &'a [Window],
    pub seen: Option<&'a Seen>,
    /// What the clock says, shifted for paced input.
    pub now: EventTime,
}

/// What happened since the metrics moved last.
#[derive(Debug)]
pub(super) struct ProgressTally {
    metrics: ProgressMetrics,
    accepted: Counter,
    dropped: Counter,
    late: Vec<(Outcome, Span)>,
    fired: Vec<(usize, EventTime, u64)>, // which window, when its panes ended, and how many those were
    evicted: u64,
    partitions: Vec<PartitionGauges>,
}

/// The gauges of one partition, or of those that share a name.
#[derive(Debug)]
struct PartitionGauges {
    watermark: Gauge,
    lag: Gauge,
    idle: Gauge,
}

/// Partitions that are shown one by one: a label's values are a closed set.
const MAX_PARTITIONS: usize = 100;

impl ProgressTally {
    pub(super) fn new(metrics: ProgressMetrics) -> Self {
        // Held from the start, so that both show as 0 before there are any.
        let of = |outcome| metrics.late_events_total.handle(&ByOutcome { outcome });
        ProgressTally {
            accepted: of(Outcome::Accepted),
            dropped: of(Outcome::Dropped),
            metrics,
            late: Vec::new(),
            fired: Vec::new(),
            evicted: 0,
            partitions: Vec::new(),
        }
    }

    pub(super) fn begin_at(&mut self, seen: Option<&Seen>) {
        self.evicted = seen.map_or(0, Seen::evicted);
    }

    pub(super) fn late(&mut self, outcome: Outcome, lateness: Span) {
        self.late.push((outcome, lateness));
    }

    pub(super) fn fired(&mut self, window: usize, end: EventTime, panes: usize) {
        if panes > 0 {
            self.fired.push((window, end, panes as u64));
        }
    }

    pub(super) fn record(&mut self, end_to_end: &EndToEnd<'_>, standing: &Standing<'_>) {
        for (outcome, lateness) in self.late.drain(..) {
            match outcome {
                Outcome::Accepted => self.accepted.inc(),
                Outcome::Dropped => self.dropped.inc(),
            }
            self.metrics.lateness_ms.observe(lateness.as_millis_f64());
        }
        for (window, end, panes) in self.fired.drain(..) {
            let window_type = standing.windows[window].kind.name();
            let delay = match end_to_end {
                EndToEnd::Same(latency) => *latency,
                EndToEnd::Each(latency) => latency(end),
            };
            self.metrics.emission_delay_ms.get_or_create(&ByWindow { window_type }).observe_n(delay, panes);
        }
        let oldest = standing.windows.iter().filter_map(Window::first_open).map(|(start, _)| start).min();
        self.metrics.oldest_open_window_age_ms.set(oldest.map_or(0.0, |start| millis_since(start, standing.now)));
        self.record_ids(standing.seen);
        self.record_partitions(standing.watermarks, standing.now);
    }

    fn record_ids(&mut self, seen: Option<&Seen>) {
        let Some(seen) = seen else { return };
        self.metrics.deduplication_entries.set(seen.len() as f64);
        self.metrics.deduplication_evictions_total.inc_by(seen.evicted() - self.evicted);
        self.evicted = seen.evicted();
    }

    fn record_partitions(&mut self, watermarks: &Watermarks, now: EventTime) {
        let shown = watermarks.len().min(MAX_PARTITIONS);
        for partition in 0..shown {
            self.show(partition, watermarks.of(partition).get(), watermarks.is_idle(partition), now);
        }
        if watermarks.len() > MAX_PARTITIONS {
            let others = || MAX_PARTITIONS..watermarks.len();
            let lowest = others().filter_map(|partition| watermarks.of(partition).get()).min();
            self.show(MAX_PARTITIONS, lowest, others().all(|partition| watermarks.is_idle(partition)), now);
        }
    }

    /// A partition that nothing came from yet has no watermark to show.
    fn show(&mut self, place: usize, watermark: Option<EventTime>, idle: bool, now: EventTime) {
        while self.partitions.len() <= place {
            self.partitions.push(PartitionGauges::new(self.partitions.len(), &self.metrics));
        }
        let gauges = &self.partitions[place];
        gauges.idle.set(f64::from(u8::from(idle)));
        gauges.watermark.set(watermark.map_or(f64::NAN, EventTime::as_millis_f64));
        gauges.lag.set(watermark.map_or(f64::NAN, |mark| millis_since(mark, now)));
    }
}

impl PartitionGauges {
    fn new(place: usize, metrics: &ProgressMetrics) -> Self {
        let partition = if place == MAX_PARTITIONS { "other".into() } else { place.to_string().into() };
        let labels = ByPartition { partition };
        PartitionGauges {
            watermark: metrics.watermark_timestamp_ms.handle(&labels),
            lag: metrics.watermark_lag_ms.handle(&labels),
            idle: metrics.partition_idle.handle(&labels),
        }
    }
}

fn millis_since(earlier: EventTime, now: EventTime) -> f64 {
    (now - earlier).as_millis_f64().max(0.0)
}
