//! prometheus-client 0.25. Held handles are `Counter` and `Histogram` (clones share the value); look-ups are `Family::get_or_create` with
//! labels that derive `EncodeLabelSet`, so strings made at run time must be owned to be looked up. Histograms are behind a mutex.
//! No groups; no snapshot but the text.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::page;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};
use prometheus_client::registry::Registry;
use std::hint::black_box;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Ending {
    Done,
    Invalid,
    Refused,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Enums {
    method: Method,
    outcome: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Statics {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Strings {
    method: String,
    path: String,
}

impl Strings {
    pub(crate) fn of(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet);
    labelled(sheet);
    snapshots(sheet)?;
    page::prometheus_client(sheet)
}

fn held(sheet: &Sheet) {
    let values = input::observations();
    let (requests, errors, duration) = (Counter::<u64>::default(), Counter::<u64>::default(), histogram());
    sheet.time(Row::Counter, |_| {
        black_box(&requests).inc();
    });
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
    // It has no summary: what comes nearest are native buckets of 9 %.
    let latest = native();
    sheet.time(Row::Summary, |i| black_box(&latest).observe(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).observe(values[i & 1023]);
    });
}

fn labelled(sheet: &Sheet) {
    let family = Family::<Enums, Counter>::default();
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

/// The whole text.
fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let mut registry = Registry::default();
        let family = Family::<Strings, Counter>::default();
        registry.register("requests", "Help", family.clone());
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create_owned(&Strings::of(m, p))).collect();
        let write = |i: usize| {
            held[i].inc();
        };
        sheet.snapshot(Row::CounterSnapshot, write, || text(&registry))?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let mut registry = Registry::default();
        let family = histograms();
        registry.register("duration_seconds", "Help", family.clone());
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.get_or_create_owned(&Strings::of(m, p))).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].observe(0.3), || text(&registry))?;
    }
    Ok(())
}

pub(crate) fn text(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    encode(&mut text, registry)?;
    Ok(text)
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let family = Family::<Strings, Counter>::default();
    heap.series(Row::CounterBytes, |method, path| {
        family.get_or_create(&Strings::of(method, path)).inc();
    });
    let family = histograms();
    heap.series(Row::HistogramBytes, |method, path| family.get_or_create(&Strings::of(method, path)).observe(0.3));
    let family = Family::<Strings, Histogram>::new_with_constructor(native);
    let values = input::observations();
    heap.series(Row::SummaryBytes, |method, path| {
        let latest = family.get_or_create(&Strings::of(method, path));
        values.iter().for_each(|value| latest.observe(*value));
    });
    Ok(())
}

fn native() -> Histogram {
    Histogram::new_native(NativeHistogramConfig::with_schema(3))
}

fn histogram() -> Histogram {
    Histogram::new(input::BOUNDS)
}

pub(crate) fn histograms() -> Family<Strings, Histogram> {
    Family::new_with_constructor(histogram)
}
