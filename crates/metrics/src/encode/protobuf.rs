//! The Prometheus protobuf format: a message `io.prometheus.client.MetricFamily` per family, each
//! behind its length.
//!
//! The numbers of the fields stand here by their names in `metrics.proto`. Five kinds of bytes are
//! all that is needed of the wire format, so they are written by hand: a generated encoder would
//! want every label and sample in structs of its own first.

use std::time::Duration;

use super::names::Named;
use super::{Dropped, Escaping, Fault, write_each};
use crate::desc::Kind;
use crate::exemplar::Taken;
use crate::label::Labels;
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Snapshot, Value};
use crate::summary::SummarySnapshot;

mod native;
mod wire;

use self::wire::{double, nested, string, uint};

mod metric_family {
    pub(super) const NAME: u32 = 1;
    pub(super) const HELP: u32 = 2;
    pub(super) const TYPE: u32 = 3;
    pub(super) const METRIC: u32 = 4;
    pub(super) const UNIT: u32 = 5;
}

mod metric {
    pub(super) const LABEL: u32 = 1;
    pub(super) const GAUGE: u32 = 2;
    pub(super) const COUNTER: u32 = 3;
    pub(super) const SUMMARY: u32 = 4;
    pub(super) const HISTOGRAM: u32 = 7;
}

mod label_pair {
    pub(super) const NAME: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}

mod histogram {
    pub(super) const SAMPLE_COUNT: u32 = 1;
    pub(super) const SAMPLE_SUM: u32 = 2;
    pub(super) const BUCKET: u32 = 3;
    pub(super) const SCHEMA: u32 = 5;
    pub(super) const ZERO_THRESHOLD: u32 = 6;
    pub(super) const ZERO_COUNT: u32 = 7;
    pub(super) const NEGATIVE_SPAN: u32 = 9;
    pub(super) const NEGATIVE_DELTA: u32 = 10;
    pub(super) const POSITIVE_SPAN: u32 = 12;
    pub(super) const POSITIVE_DELTA: u32 = 13;
    pub(super) const CREATED: u32 = 15;
    pub(super) const EXEMPLARS: u32 = 16;
}

mod summary {
    pub(super) const SAMPLE_COUNT: u32 = 1;
    pub(super) const SAMPLE_SUM: u32 = 2;
    pub(super) const QUANTILE: u32 = 3;
    pub(super) const CREATED: u32 = 4;
}

mod quantile {
    pub(super) const QUANTILE: u32 = 1;
    pub(super) const VALUE: u32 = 2;
}

mod bucket {
    pub(super) const CUMULATIVE_COUNT: u32 = 1;
    pub(super) const UPPER_BOUND: u32 = 2;
    pub(super) const EXEMPLAR: u32 = 3;
}

mod counter {
    pub(super) const EXEMPLAR: u32 = 2;
    pub(super) const CREATED: u32 = 3;
}

mod exemplar {
    pub(super) const LABEL: u32 = 1;
    pub(super) const VALUE: u32 = 2;
    pub(super) const TIMESTAMP: u32 = 3;
}

mod timestamp {
    pub(super) const SECONDS: u32 = 1;
    pub(super) const NANOS: u32 = 2;
}

/// Of a counter and of a gauge.
const VALUE: u32 = 1;

pub(super) fn page(snapshot: &Snapshot, escaping: Escaping) -> (Vec<u8>, Vec<Dropped>) {
    let mut out = Vec::with_capacity(snapshot.families().iter().map(expected_size).sum());
    let dropped = write_each(&mut out, snapshot, escaping, |out, named| wire::delimited(out, |out| family(out, named)));
    (out, dropped)
}

fn expected_size(of: &FamilySnapshot) -> usize {
    // The frame of a metric and its value; those of the labels are about as long as what stands
    // around them in their text.
    const VALUE: usize = 16;
    const BUCKET: usize = 16;
    const QUANTILE: usize = 20;
    let buckets = of.desc().buckets().map_or(0, |buckets| buckets.standard_bounds().len() + 3);
    let quantiles = of.desc().quantiles().map_or(0, |quantiles| quantiles.parts().len() + 1);
    let head = 16 + of.desc().name().len() + of.desc().help().len();
    head + of.text_bytes() + of.len() * (VALUE + buckets * BUCKET + quantiles * QUANTILE)
}

fn family(out: &mut Vec<u8>, named: &Named<'_>) -> Result<(), Fault> {
    string(out, metric_family::NAME, &named.name);
    string(out, metric_family::HELP, named.desc().help());
    uint(out, metric_family::TYPE, type_number(named.desc().kind()));
    let mut room = String::new();
    for series in named.family.series() {
        let labels = Labels::of(named.labels(series.text(), &mut room)?);
        nested(out, metric_family::METRIC, |out| metric(out, labels, &series));
    }
    named.unit().into_iter().for_each(|unit| string(out, metric_family::UNIT, unit));
    Ok(())
}

fn metric(out: &mut Vec<u8>, labels: Labels<'_>, series: &Series<'_>) {
    self::labels(out, metric::LABEL, labels);
    match series.value() {
        Value::Counter(total) => nested(out, metric::COUNTER, |out| count(out, *total as f64, series)),
        Value::FloatCounter(total) => nested(out, metric::COUNTER, |out| count(out, *total, series)),
        Value::Gauge(level) => nested(out, metric::GAUGE, |out| double(out, VALUE, *level)),
        Value::Histogram(histogram) => nested(out, metric::HISTOGRAM, |out| distribution(out, histogram, series)),
        Value::Summary(summary) => nested(out, metric::SUMMARY, |out| quantiles(out, summary, series)),
    }
}

fn labels(out: &mut Vec<u8>, field: u32, labels: Labels<'_>) {
    for (name, value) in labels {
        nested(out, field, |out| {
            string(out, label_pair::NAME, name);
            string(out, label_pair::VALUE, &value);
        });
    }
}

fn count(out: &mut Vec<u8>, total: f64, series: &Series<'_>) {
    double(out, VALUE, total);
    series.exemplar(0).into_iter().for_each(|taken| exemplar(out, counter::EXEMPLAR, taken));
    created(out, counter::CREATED, series);
}

/// When a series began: Prometheus can tell by it that a count began anew, though it has grown past what it was.
fn created(out: &mut Vec<u8>, field: u32, series: &Series<'_>) {
    series.started_at().into_iter().for_each(|at| time(out, field, at));
}

fn time(out: &mut Vec<u8>, field: u32, at: Duration) {
    nested(out, field, |out| {
        uint(out, timestamp::SECONDS, at.as_secs());
        uint(out, timestamp::NANOS, at.subsec_nanos().into());
    });
}

fn exemplar(out: &mut Vec<u8>, field: u32, taken: &Taken) {
    nested(out, field, |out| {
        labels(out, exemplar::LABEL, taken.labels());
        double(out, exemplar::VALUE, taken.value());
        time(out, exemplar::TIMESTAMP, taken.at());
    });
}

fn distribution(out: &mut Vec<u8>, of: &HistogramSnapshot<'_>, series: &Series<'_>) {
    let native = of.native();
    uint(out, histogram::SAMPLE_COUNT, of.count());
    double(out, histogram::SAMPLE_SUM, native.as_ref().map_or(of.sum(), |native| native::sum(of, native)));
    let upper = of.bounds().as_slice().iter().copied().chain([f64::INFINITY]);
    let mut below = 0_u64;
    for (cell, (bound, count)) in (1..).zip(upper.zip(of.buckets())) {
        below = below.saturating_add(*count);
        nested(out, histogram::BUCKET, |out| {
            uint(out, bucket::CUMULATIVE_COUNT, below);
            double(out, bucket::UPPER_BOUND, bound);
            series.exemplar(cell).into_iter().for_each(|taken| exemplar(out, bucket::EXEMPLAR, taken));
        });
    }
    if let Some(native) = &native {
        native::buckets(out, native);
        // Readers of native buckets do not look into the others.
        series.exemplars().for_each(|taken| exemplar(out, histogram::EXEMPLARS, taken));
    }
    created(out, histogram::CREATED, series);
}

fn quantiles(out: &mut Vec<u8>, of: &SummarySnapshot<'_>, series: &Series<'_>) {
    uint(out, summary::SAMPLE_COUNT, of.count());
    double(out, summary::SAMPLE_SUM, of.sum());
    for (part, value) in of.quantiles() {
        nested(out, summary::QUANTILE, |out| {
            double(out, quantile::QUANTILE, *part);
            double(out, quantile::VALUE, *value);
        });
    }
    created(out, summary::CREATED, series);
}

/// A `MetricType`: what this format has no word for is a gauge.
const fn type_number(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Summary => 2,
        Kind::Histogram => 4,
    }
}
