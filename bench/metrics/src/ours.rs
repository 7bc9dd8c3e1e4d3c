//! streamgauge-metrics. Held handles are `Counter` and `Histogram`; look-ups are `Family::get_or_create`. The snapshot is `Registry::snapshot`.
//! Strings made at run time are looked up by `&str`; what is held is what `Family::handle` gives.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::page;
use crate::rivals::metrics_rs;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use std::borrow::Cow;
use std::hint::black_box;
use std::time::Duration;
use streamgauge_metrics::{
    Bounds, Buckets, Clock, Counter, Desc, Facade, Family, Histogram, LabelSet, LabelValue, Limits, Metrics, Options,
    Registry, Summary, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
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

#[derive(Clone, Metrics)]
#[metrics(group)]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// Requests that failed.
    errors_total: Counter,
    /// How long they took.
    #[metrics(buckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0])]
    duration_seconds: Histogram,
}

const LABELS: [&str; 2] = ["method", "path"];

/// The labels of a series of [`counters`], borrowed.
pub(crate) fn labels_of<'a>(method: &'a str, path: &'a str) -> [(&'static str, &'a str); 2] {
    [(LABELS[0], method), (LABELS[1], path)]
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet)?;
    group(sheet)?;
    labelled(sheet)?;
    through_the_facade(sheet)?;
    snapshots(sheet)?;
    page::ours(sheet)
}

fn held(sheet: &Sheet) -> Outcome {
    let values = input::observations();
    let registry = Registry::new();
    let requests: Counter = registry.register(Desc::of::<Counter>("requests_total", "Help."))?;
    let errors: Counter = registry.register(Desc::of::<Counter>("errors_total", "Help."))?;
    let duration = Histogram::new(&Bounds::new(&input::BOUNDS)?);
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).observe(values[i & 1023]));
    let latest = Summary::default();
    sheet.time(Row::Summary, |i| black_box(&latest).observe(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).observe(values[i & 1023]);
    });
    Ok(())
}

fn group(sheet: &Sheet) -> Outcome {
    let values = input::observations();
    let requests = Requests::register(&Registry::new())?;
    sheet.time(Row::Group, |i| {
        let requests = black_box(&requests);
        record((
            requests.requests_total.adding(1),
            requests.errors_total.adding(1),
            requests.duration_seconds.observing(values[i & 1023]),
        ));
    });
    Ok(())
}

fn labelled(sheet: &Sheet) -> Outcome {
    let registry = Registry::new();
    let by_enum: Family<Counter, Enums> = registry.register(Desc::of::<Family<Counter, Enums>>("a_total", "Help."))?;
    let enums = input::pairs(
        [Method::Get, Method::Post, Method::Put, Method::Delete],
        [Ending::Done, Ending::Invalid, Ending::Refused, Ending::Failed],
    );
    sheet.time(Row::Enums, |i| {
        let (method, outcome) = enums[i & 15];
        black_box(&by_enum).get_or_create(&Enums { method, outcome }).inc();
    });
    let by_text: Family<Counter, Statics> =
        registry.register(Desc::of::<Family<Counter, Statics>>("b_total", "Help."))?;
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&by_text).get_or_create(&Statics { method, outcome }).inc();
    });
    let by_path = counters(&registry)?;
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&by_path).get_or_create(&labels_of(method, path)).inc();
    });
    Ok(())
}

/// The macros of the `metrics` crate, with our recorder.
fn through_the_facade(sheet: &Sheet) -> Outcome {
    Facade::new(&Registry::new())?.install()?;
    metrics_rs::statics(sheet, Row::MacroStatics);
    metrics_rs::strings(sheet, Row::MacroStrings);
    Ok(())
}

fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let registry = roomy()?;
        let family = counters(&registry)?;
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<Counter> = labels.iter().map(|(m, p)| family.handle(&labels_of(m, p))).collect();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].inc(), || registry.snapshot())?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let registry = roomy()?;
        let family = histograms(&registry)?;
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<Histogram> = labels.iter().map(|(m, p)| family.handle(&labels_of(m, p))).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].observe(0.3), || registry.snapshot())?;
    }
    Ok(())
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let registry = roomy()?;
    let family = counters(&registry)?;
    heap.series(Row::CounterBytes, |method, path| family.get_or_create(&labels_of(method, path)).inc());
    let family = histograms(&registry)?;
    heap.series(Row::HistogramBytes, |method, path| family.get_or_create(&labels_of(method, path)).observe(0.3));
    summaries(heap)
}

/// Each has something in every slice of its window.
fn summaries(heap: &Heap) -> Outcome {
    let clock = Clock::manual();
    let registry = Registry::with_options(Options { clock: clock.clone(), ..roomy_options() })?;
    let family: Family<Summary> =
        registry.register(Desc::of::<Family<Summary>>("latest_seconds", "Help.").with_labels(LABELS))?;
    let values = input::observations();
    heap.series(Row::SummaryBytes, |method, path| {
        let summary = family.get_or_create(&labels_of(method, path));
        for _ in 0..5 {
            clock.advance(Duration::from_secs(12));
            values.iter().for_each(|value| summary.observe(*value));
        }
    });
    Ok(())
}

/// With room for what the snapshots need; beyond the standard 1,000 series of a metric, all go to one.
pub(crate) fn roomy() -> Outcome<Registry> {
    Ok(Registry::with_options(roomy_options())?)
}

fn roomy_options() -> Options {
    let limits = Limits { max_series: 200_000, max_series_per_metric: 200_000, ..Limits::default() };
    Options { limits, ..Options::default() }
}

/// Counters by method and path, strings made at run time.
pub(crate) fn counters(registry: &Registry) -> Outcome<Family<Counter>> {
    Ok(registry.register(Desc::of::<Family<Counter>>("requests_total", "Help.").with_labels(LABELS))?)
}

/// Histograms by method and path, strings made at run time.
pub(crate) fn histograms(registry: &Registry) -> Outcome<Family<Histogram>> {
    let desc = Desc::of::<Family<Histogram>>("duration_seconds", "Help.");
    Ok(registry.register(desc.with_labels(LABELS).with_buckets(Buckets::Custom(Cow::Borrowed(&input::BOUNDS))))?)
}
