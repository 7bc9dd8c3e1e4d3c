//! foundations-metrics 0.1.0-beta.6, the part of Cloudflare's foundations that holds the metrics. The counter is its `ThreadLocalCounter`, the
//! fastest it has; the histogram its `Histogram`, behind a mutex (`TimeHistogram` is lock-free, takes nanoseconds only, and is torn). Enum
//! labels go to `LowCardinalityFamily`, whose index is written by hand as the derive in foundations would; other labels to `Family`, so
//! strings made at run time must be owned to be looked up. No groups. Its nearest to a snapshot is `encode_metric_value`: protobuf data.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use foundations_metrics::{
    EncodeMetricValue, Family, Histogram, HistogramBuilder, LowCardinalityFamily, LowCardinalityLabel,
    ThreadLocalCounter,
};
use serde::Serialize;
use std::hint::black_box;
use std::num::NonZeroUsize;

#[derive(Clone, Copy, PartialEq, Serialize)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, PartialEq, Serialize)]
enum Ending {
    Done,
    Invalid,
    Refused,
    Failed,
}

#[derive(Clone, PartialEq, Serialize)]
struct Enums {
    method: Method,
    outcome: Ending,
}

impl LowCardinalityLabel for Enums {
    const CARDINALITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

    fn index(&self) -> usize {
        self.method as usize * 4 + self.outcome as usize
    }
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Statics {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
struct Strings {
    method: String,
    path: String,
}

impl Strings {
    fn of(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }
}

type Counter = ThreadLocalCounter;

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet);
    labelled(sheet);
    snapshots(sheet)
}

fn held(sheet: &Sheet) {
    let values = input::observations();
    let (requests, errors, duration) = (Counter::default(), Counter::default(), Histogram::new(input::BOUNDS));
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).observe(values[i & 1023]);
    });
}

fn labelled(sheet: &Sheet) {
    let family = LowCardinalityFamily::<Enums, Counter>::default();
    let enums = input::pairs(
        [Method::Get, Method::Post, Method::Put, Method::Delete],
        [Ending::Done, Ending::Invalid, Ending::Refused, Ending::Failed],
    );
    sheet.time(Row::Enums, |i| {
        let (method, outcome) = enums[i & 15];
        black_box(&family).get_or_create(&Enums { method, outcome }).inc();
    });
    let family = Family::<Statics, Counter>::default();
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&family).get_or_create(&Statics { method, outcome }).inc();
    });
    let family = Family::<Strings, Counter>::default();
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&family).get_or_create(&Strings::of(method, path)).inc();
    });
}

fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let family = Family::<Strings, Counter>::default();
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create(&Strings::of(m, p)).clone()).collect();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].inc(), || family.encode_metric_value())?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let family = histograms();
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create(&Strings::of(m, p)).clone()).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].observe(0.3), || family.encode_metric_value())?;
    }
    Ok(())
}

/// Its bytes; a counter has a cell for the one thread that writes here.
pub fn heap(heap: &Heap) -> Outcome {
    let family = Family::<Strings, Counter>::default();
    heap.series(Row::CounterBytes, |method, path| family.get_or_create(&Strings::of(method, path)).inc());
    let family = histograms();
    heap.series(Row::HistogramBytes, |method, path| family.get_or_create(&Strings::of(method, path)).observe(0.3));
    Ok(())
}

fn histograms() -> Family<Strings, Histogram, HistogramBuilder> {
    Family::new_with_constructor(HistogramBuilder { buckets: &input::BOUNDS })
}
