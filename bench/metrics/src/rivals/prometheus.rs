//! prometheus 0.14 (tikv), without protobuf. Held handles are `IntCounter` and `Histogram`; look-ups are `with_label_values`, which borrows.
//! It joins label values by a hash alone: ("ab", "c") and ("a", "bc") are one series, so its look-ups do less than they must.
//! No typed labels (prometheus-static-metric is a crate of its own), no groups.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::page;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};
use std::hint::black_box;

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet)?;
    labelled(sheet)?;
    snapshots(sheet)?;
    page::prometheus(sheet)
}

fn held(sheet: &Sheet) -> Outcome {
    let values = input::observations();
    let requests = IntCounter::new("requests_total", "Help.")?;
    let errors = IntCounter::new("errors_total", "Help.")?;
    let duration = Histogram::with_opts(options())?;
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).observe(values[i & 1023]);
    });
    Ok(())
}

fn labelled(sheet: &Sheet) -> Outcome {
    let by_outcome = IntCounterVec::new(Opts::new("a_total", "Help."), &["method", "outcome"])?;
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&by_outcome).with_label_values(&[method, outcome]).inc();
    });
    let by_path = IntCounterVec::new(Opts::new("b_total", "Help."), &["method", "path"])?;
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&by_path).with_label_values(&[method, path]).inc();
    });
    Ok(())
}

/// `Registry::gather`: everything as plain data.
fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let registry = Registry::new();
        let family = counters()?;
        registry.register(Box::new(family.clone()))?;
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_label_values(&[method, path])).collect();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].inc(), || registry.gather())?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let registry = Registry::new();
        let family = histograms()?;
        registry.register(Box::new(family.clone()))?;
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> = labels.iter().map(|(method, path)| family.with_label_values(&[method, path])).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].observe(0.3), || registry.gather())?;
    }
    Ok(())
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let family = counters()?;
    heap.series(Row::CounterBytes, |method, path| family.with_label_values(&[method, path]).inc());
    let family = histograms()?;
    heap.series(Row::HistogramBytes, |method, path| family.with_label_values(&[method, path]).observe(0.3));
    Ok(())
}

fn options() -> HistogramOpts {
    HistogramOpts::new("duration_seconds", "Help.").buckets(input::BOUNDS.to_vec())
}

pub(crate) fn counters() -> prometheus::Result<IntCounterVec> {
    IntCounterVec::new(Opts::new("requests_total", "Help."), &["method", "path"])
}

pub(crate) fn histograms() -> prometheus::Result<HistogramVec> {
    HistogramVec::new(options(), &["method", "path"])
}
