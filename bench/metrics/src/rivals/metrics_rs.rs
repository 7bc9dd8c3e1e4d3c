//! metrics 0.24 with metrics-exporter-prometheus 0.18, its recorder installed for the process. Held handles are `Counter` and `Histogram`;
//! look-ups are the `counter!` macro, which makes a key and asks the recorder; strings made at run time go in as owned ones.
//! A histogram only queues its samples; sorting them into buckets is `run_upkeep`, done between the laps and not in the time shown.
//! No typed labels, no groups; no snapshot but the text.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use std::hint::black_box;

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    let handle = install()?;
    held(sheet, &handle);
    latest(sheet);
    labelled(sheet);
    snapshots(sheet)
}

fn install() -> Outcome<PrometheusHandle> {
    let recorder = recorder()?;
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    Ok(handle)
}

fn recorder() -> Outcome<PrometheusRecorder> {
    Ok(PrometheusBuilder::new().set_buckets(&input::BOUNDS)?.build_recorder())
}

fn held(sheet: &Sheet, handle: &PrometheusHandle) {
    let values = input::observations();
    let (requests, errors, duration) = (counter!("requests_total"), counter!("errors_total"), histogram!("duration"));
    sheet.time(Row::Counter, |_| black_box(&requests).increment(1));
    sheet.time_and_settle(Row::Histogram, |i| black_box(&duration).record(values[i & 1023]), || handle.run_upkeep());
    sheet.time_and_settle(
        Row::OneByOne,
        |i| {
            black_box(&requests).increment(1);
            black_box(&errors).increment(1);
            black_box(&duration).record(values[i & 1023]);
        },
        || handle.run_upkeep(),
    );
}

/// A histogram without buckets is a summary. Its samples are put together every 65,536th time, within the time shown.
fn latest(sheet: &Sheet) {
    let values = input::observations();
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let latest = metrics::with_local_recorder(&recorder, || histogram!("latest"));
    sheet.time(Row::Summary, |i| {
        black_box(&latest).record(values[i & 1023]);
        if i & 0xffff == 0xffff {
            handle.run_upkeep();
        }
    });
}

fn labelled(sheet: &Sheet) {
    statics(sheet, Row::Statics);
    strings(sheet, Row::Strings);
    statics(sheet, Row::MacroStatics);
    strings(sheet, Row::MacroStrings);
}

/// With whatever recorder the process has.
pub(crate) fn statics(sheet: &Sheet, row: Row) {
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(row, |i| {
        let (method, outcome) = statics[i & 15];
        counter!("statics_total", "method" => method, "outcome" => outcome).increment(1);
    });
}

/// The same with texts that are made for each call.
pub(crate) fn strings(sheet: &Sheet, row: Row) {
    let strings = input::strings();
    sheet.time(row, |i| {
        let (method, path) = &strings[i & 15];
        counter!("strings_total", "method" => method.clone(), "path" => path.clone()).increment(1);
    });
}

/// The whole text of a recorder that holds nothing else.
fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let recorder = recorder()?;
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let made =
            |(method, path): &(String, String)| counter!("c", "method" => method.clone(), "path" => path.clone());
        let held: Vec<_> = metrics::with_local_recorder(&recorder, || labels.iter().map(made).collect());
        let handle = recorder.handle();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].increment(1), || handle.render())?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let recorder = recorder()?;
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let made =
            |(method, path): &(String, String)| histogram!("h", "method" => method.clone(), "path" => path.clone());
        let held: Vec<_> = metrics::with_local_recorder(&recorder, || labels.iter().map(made).collect());
        let handle = recorder.handle();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].record(0.3), || handle.render())?;
    }
    Ok(())
}

/// Its bytes, queued samples sorted into buckets.
pub fn heap(heap: &Heap) -> Outcome {
    let handle = install()?;
    heap.series(Row::CounterBytes, |method, path| {
        counter!("calls_total", "method" => method.to_owned(), "path" => path.to_owned()).increment(1);
    });
    heap.series_and_settle(
        Row::HistogramBytes,
        |method, path| histogram!("spans", "method" => method.to_owned(), "path" => path.to_owned()).record(0.3),
        || handle.run_upkeep(),
    );
    let recorder = PrometheusBuilder::new().build_recorder();
    let (handle, values) = (recorder.handle(), input::observations());
    heap.series_and_settle(
        Row::SummaryBytes,
        |method, path| {
            let key = || histogram!("latest", "method" => method.to_owned(), "path" => path.to_owned());
            let latest = metrics::with_local_recorder(&recorder, key);
            values.iter().for_each(|value| latest.record(*value));
        },
        || handle.run_upkeep(),
    );
    Ok(())
}
