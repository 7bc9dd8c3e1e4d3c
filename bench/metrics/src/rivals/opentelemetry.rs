//! opentelemetry 0.33 and its SDK, cumulative. Bound instruments are experimental there, so a held handle is `add` with no attributes, its
//! cheapest stable form; look-ups are `add` with a slice of `KeyValue`s made on the spot, since that is how they must be handed over; where
//! the series is held (the snapshots) the slices are made beforehand. Strings made at run time go in as owned ones.
//! No typed labels, no groups. The snapshot is one collection by a `ManualReader`, whose data is reused.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::reader::MetricReader;
use opentelemetry_sdk::metrics::{
    Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream, Temporality,
};
use std::hint::black_box;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// A reader we keep a hand on: the provider takes the one it is given.
#[derive(Clone, Debug, Default)]
struct Reader(Arc<ManualReader>);

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, into: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(into)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// A provider, what is made with it, and the reader that collects from it.
struct Setup {
    reader: Reader,
    meter: Meter,
    _provider: SdkMeterProvider,
}

impl Setup {
    /// The standard limit is 2,000 series; beyond it, all go to one.
    fn new() -> Self {
        let reader = Reader::default();
        let roomy = |_: &Instrument| Stream::builder().with_cardinality_limit(20_000).build().ok();
        let provider = SdkMeterProvider::builder().with_reader(reader.clone()).with_view(roomy).build();
        Self { reader, meter: provider.meter("bench"), _provider: provider }
    }

    fn counter(&self, name: &'static str) -> Counter<u64> {
        self.meter.u64_counter(name).build()
    }

    fn histogram(&self, name: &'static str) -> Histogram<f64> {
        self.meter.f64_histogram(name).with_boundaries(input::BOUNDS.to_vec()).build()
    }
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    let setup = Setup::new();
    held(sheet, &setup);
    labelled(sheet, &setup);
    snapshots(sheet)
}

fn held(sheet: &Sheet, setup: &Setup) {
    let values = input::observations();
    let (requests, errors) = (setup.counter("requests"), setup.counter("errors"));
    let duration = setup.histogram("duration");
    sheet.time(Row::Counter, |_| black_box(&requests).add(1, &[]));
    sheet.time(Row::Histogram, |i| black_box(&duration).record(values[i & 1023], &[]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).add(1, &[]);
        black_box(&errors).add(1, &[]);
        black_box(&duration).record(values[i & 1023], &[]);
    });
}

fn labelled(sheet: &Sheet, setup: &Setup) {
    let counter = setup.counter("statics");
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&counter).add(1, &[KeyValue::new("method", method), KeyValue::new("outcome", outcome)]);
    });
    let counter = setup.counter("strings");
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&counter).add(1, &labels(method, path));
    });
}

fn labels(method: &str, path: &str) -> [KeyValue; 2] {
    [KeyValue::new("method", method.to_owned()), KeyValue::new("path", path.to_owned())]
}

fn snapshots(sheet: &Sheet) -> Outcome {
    let mut data = ResourceMetrics::default();
    if sheet.wants(Row::CounterSnapshot) {
        let setup = Setup::new();
        let counter = setup.counter("requests");
        let held: Vec<_> = input::series(snapshot::series(Row::CounterSnapshot))
            .iter()
            .map(|(method, path)| labels(method, path))
            .collect();
        let gather = || setup.reader.collect(&mut data);
        sheet.snapshot(Row::CounterSnapshot, |i| counter.add(1, &held[i]), gather)?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let setup = Setup::new();
        let duration = setup.histogram("duration");
        let held: Vec<_> = input::series(snapshot::series(Row::HistogramSnapshot))
            .iter()
            .map(|(method, path)| labels(method, path))
            .collect();
        let gather = || setup.reader.collect(&mut data);
        sheet.snapshot(Row::HistogramSnapshot, |i| duration.record(0.3, &held[i]), gather)?;
    }
    Ok(())
}

/// Its bytes. The slots it sets aside for each instrument beforehand are not among them.
pub fn heap(heap: &Heap) -> Outcome {
    let setup = Setup::new();
    let counter = setup.counter("requests");
    heap.series(Row::CounterBytes, |method, path| counter.add(1, &labels(method, path)));
    let duration = setup.histogram("duration");
    heap.series(Row::HistogramBytes, |method, path| duration.record(0.3, &labels(method, path)));
    Ok(())
}
