//! measured 0.0.25 (0.1.0 asks for Rust 1.98). Held metrics are `Counter` and `Histogram` themselves, held series a `LabelId`. Static strings
//! are known beforehand to a `RodeoReader` with ahash, strings made at run time go into a `ParaCord`, both as in its own benchmarks.
//! No groups; no snapshot but the text.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use measured::label::StaticLabelSet;
use measured::lasso::{Rodeo, RodeoReader, Spur};
use measured::metric::MetricFamilyEncoding;
use measured::metric::histogram::Thresholds;
use measured::metric::name::MetricName;
use measured::text::BufferedTextEncoder;
use measured::{Counter, CounterVec, FixedCardinalityLabel, Histogram, HistogramVec, LabelGroup};
use paracord::ParaCord;
use std::hint::black_box;

type Known = RodeoReader<Spur, ahash::RandomState>;

#[derive(Clone, Copy, FixedCardinalityLabel)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, FixedCardinalityLabel)]
enum Ending {
    Done,
    Invalid,
    Refused,
    Failed,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = EnumsSet)]
struct Enums {
    method: Method,
    outcome: Ending,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = StaticsSet)]
struct Statics<'a> {
    #[label(fixed_with = Known)]
    method: &'a str,
    #[label(fixed_with = Known)]
    outcome: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = StringsSet)]
struct Strings<'a> {
    #[label(dynamic_with = ParaCord)]
    method: &'a str,
    #[label(dynamic_with = ParaCord)]
    path: &'a str,
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet);
    labelled(sheet);
    snapshots(sheet)
}

fn held(sheet: &Sheet) {
    let values = input::observations();
    let (requests, errors) = (Counter::new(), Counter::new());
    let duration = Histogram::with_metadata(Thresholds::with_buckets(input::BOUNDS));
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).observe(values[i & 1023]);
    });
}

fn labelled(sheet: &Sheet) {
    let family = CounterVec::with_label_set(EnumsSet { method: StaticLabelSet::new(), outcome: StaticLabelSet::new() });
    let enums = input::pairs(
        [Method::Get, Method::Post, Method::Put, Method::Delete],
        [Ending::Done, Ending::Invalid, Ending::Refused, Ending::Failed],
    );
    sheet.time(Row::Enums, |i| {
        let (method, outcome) = enums[i & 15];
        black_box(&family).inc(Enums { method, outcome });
    });
    let family =
        CounterVec::with_label_set(StaticsSet { method: known(&input::METHODS), outcome: known(&input::OUTCOMES) });
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&family).inc(Statics { method, outcome });
    });
    let family = counters();
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&family).inc(Strings { method, path });
    });
}

fn known(texts: &[&'static str]) -> Known {
    texts.iter().copied().collect::<Rodeo<Spur, ahash::RandomState>>().into_reader()
}

/// The whole text, into a buffer that is reused.
fn snapshots(sheet: &Sheet) -> Outcome {
    let mut encoder = BufferedTextEncoder::new();
    if sheet.wants(Row::CounterSnapshot) {
        let family = counters();
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_labels(Strings { method, path })).collect();
        let gather = || {
            let done = family.collect_family_into(MetricName::from_str("requests_total"), &mut encoder);
            (done.is_ok(), encoder.finish())
        };
        sheet.snapshot(Row::CounterSnapshot, |i| family.get_metric(held[i]).inc(), gather)?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let family = histograms();
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_labels(Strings { method, path })).collect();
        let gather = || {
            let done = family.collect_family_into(MetricName::from_str("duration_seconds"), &mut encoder);
            (done.is_ok(), encoder.finish())
        };
        sheet.snapshot(Row::HistogramSnapshot, |i| family.get_metric(held[i]).observe(0.3), gather)?;
    }
    Ok(())
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let family = counters();
    heap.series(Row::CounterBytes, |method, path| family.inc(Strings { method, path }));
    let family = histograms();
    heap.series(Row::HistogramBytes, |method, path| family.observe(Strings { method, path }, 0.3));
    Ok(())
}

fn counters() -> CounterVec<StringsSet> {
    CounterVec::with_label_set(StringsSet { method: ParaCord::default(), path: ParaCord::default() })
}

fn histograms() -> HistogramVec<StringsSet, 13> {
    let set = StringsSet { method: ParaCord::default(), path: ParaCord::default() };
    HistogramVec::with_label_set_and_metadata(set, Thresholds::with_buckets(input::BOUNDS))
}
