//! fastmetrics 0.7. Held handles are `Counter` and `Histogram` (clones share the value); look-ups are `Family::with_or_new` with labels that
//! derive `LabelSet`, so strings made at run time must be owned to be looked up. Its histograms are torn: three independent atomics.
//! No groups; no snapshot but the text.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use fastmetrics::derive::{EncodeLabelValue, LabelSet};
use fastmetrics::format::text::{self, TextProfile};
use fastmetrics::metrics::counter::Counter;
use fastmetrics::metrics::family::Family;
use fastmetrics::metrics::histogram::Histogram;
use fastmetrics::registry::Registry;
use std::hint::black_box;

#[derive(Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Ending {
    Done,
    Invalid,
    Refused,
    Failed,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Enums {
    method: Method,
    outcome: Ending,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Statics {
    method: &'static str,
    outcome: &'static str,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Strings {
    method: String,
    path: String,
}

impl Strings {
    fn of(method: &str, path: &str) -> Self {
        Self { method: method.to_owned(), path: path.to_owned() }
    }
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet);
    labelled(sheet);
    snapshots(sheet)
}

fn held(sheet: &Sheet) {
    let values = input::observations();
    let (requests, errors, duration) = (<Counter>::default(), <Counter>::default(), histogram());
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
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
        black_box(&family).with_or_new(&Enums { method, outcome }, Counter::inc);
    });
    let family = Family::<Statics, Counter>::default();
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&family).with_or_new(&Statics { method, outcome }, Counter::inc);
    });
    let family = Family::<Strings, Counter>::default();
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&family).with_or_new(&Strings::of(method, path), Counter::inc);
    });
}

/// The whole text.
fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let mut registry = Registry::default();
        let family = Family::<Strings, Counter>::default();
        registry.register("requests", "Help", family.clone())?;
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.with_or_new(&Strings::of(m, p), Counter::clone)).collect();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].inc(), || text(&registry))?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let mut registry = Registry::default();
        let family = histograms();
        registry.register("duration_seconds", "Help", family.clone())?;
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> =
            labels.iter().map(|(m, p)| family.with_or_new(&Strings::of(m, p), Histogram::clone)).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].observe(0.3), || text(&registry))?;
    }
    Ok(())
}

fn text(registry: &Registry) -> fastmetrics::error::Result<String> {
    let mut text = String::new();
    text::encode(&mut text, registry, TextProfile::default())?;
    Ok(text)
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let family = Family::<Strings, Counter>::default();
    heap.series(Row::CounterBytes, |method, path| family.with_or_new(&Strings::of(method, path), Counter::inc));
    let family = histograms();
    heap.series(Row::HistogramBytes, |method, path| {
        family.with_or_new(&Strings::of(method, path), |histogram| histogram.observe(0.3));
    });
    Ok(())
}

fn histogram() -> Histogram {
    Histogram::new(input::BOUNDS)
}

fn histograms() -> Family<Strings, Histogram> {
    Family::new(histogram)
}
