//! fast-telemetry 0.10. Shards are counted by hand: as many as there are cores. Held handles are `Counter`, `Histogram` and the `Dynamic…Series`;
//! look-ups by label borrow and have a cache per thread. Its histograms take whole numbers only, here microseconds; they are torn, and so is
//! every text. It knows one enum label a metric: the row of two has one enum whose values are the pairs. No groups.
//! Its nearest to a snapshot is `snapshot()` of each family.

use crate::contender::Outcome;
use crate::heap::Heap;
use crate::input;
use crate::row::Row;
use crate::sheet::Sheet;
use crate::snapshot;
use fast_telemetry::{Counter, DynamicCounter, DynamicHistogram, Histogram, LabelEnum, LabeledCounter};
use std::hint::black_box;
use std::thread::available_parallelism;

#[derive(Clone, Copy, Debug)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    Done,
    Invalid,
    Refused,
    Failed,
}

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];
const ENDINGS: [Ending; 4] = [Ending::Done, Ending::Invalid, Ending::Refused, Ending::Failed];
const NAMES: [&str; 16] = [
    "get_done",
    "get_invalid",
    "get_refused",
    "get_failed",
    "post_done",
    "post_invalid",
    "post_refused",
    "post_failed",
    "put_done",
    "put_invalid",
    "put_refused",
    "put_failed",
    "delete_done",
    "delete_invalid",
    "delete_refused",
    "delete_failed",
];

#[derive(Clone, Copy, Debug)]
struct Both(Method, Ending);

impl LabelEnum for Both {
    const CARDINALITY: usize = 16;
    const LABEL_NAME: &'static str = "method_outcome";

    fn as_index(self) -> usize {
        self.0 as usize * 4 + self.1 as usize
    }

    fn from_index(index: usize) -> Self {
        Self(METHODS[index / 4 % 4], ENDINGS[index % 4])
    }

    fn variant_name(self) -> &'static str {
        NAMES[self.as_index()]
    }
}

/// Its times.
pub fn time(sheet: &Sheet) -> Outcome {
    held(sheet);
    labelled(sheet);
    snapshots(sheet)
}

fn held(sheet: &Sheet) {
    let values = input::observations().map(micros);
    let (requests, errors) = (Counter::new(shards()), Counter::new(shards()));
    let duration = Histogram::new(&bounds(), shards());
    sheet.time(Row::Counter, |_| black_box(&requests).inc());
    sheet.time(Row::Histogram, |i| black_box(&duration).record(values[i & 1023]));
    sheet.time(Row::OneByOne, |i| {
        black_box(&requests).inc();
        black_box(&errors).inc();
        black_box(&duration).record(values[i & 1023]);
    });
}

fn labelled(sheet: &Sheet) {
    let family = LabeledCounter::new(shards());
    let enums = input::pairs(METHODS, ENDINGS);
    sheet.time(Row::Enums, |i| {
        let (method, outcome) = enums[i & 15];
        black_box(&family).inc(Both(method, outcome));
    });
    let family = counters();
    let statics = input::pairs(input::METHODS, input::OUTCOMES);
    sheet.time(Row::Statics, |i| {
        let (method, outcome) = statics[i & 15];
        black_box(&family).inc(&[("method", method), ("outcome", outcome)]);
    });
    let family = counters();
    let strings = input::strings();
    sheet.time(Row::Strings, |i| {
        let (method, path) = &strings[i & 15];
        black_box(&family).inc(&[("method", method), ("path", path)]);
    });
}

fn snapshots(sheet: &Sheet) -> Outcome {
    if sheet.wants(Row::CounterSnapshot) {
        let family = counters();
        let labels = input::series(snapshot::series(Row::CounterSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.series(&[("method", m), ("path", p)])).collect();
        sheet.snapshot(Row::CounterSnapshot, |i| held[i].inc(), || family.snapshot())?;
    }
    if sheet.wants(Row::HistogramSnapshot) {
        let family = histograms();
        let labels = input::series(snapshot::series(Row::HistogramSnapshot));
        let held: Vec<_> = labels.iter().map(|(m, p)| family.series(&[("method", m), ("path", p)])).collect();
        sheet.snapshot(Row::HistogramSnapshot, |i| held[i].record(300_000), || family.snapshot())?;
    }
    Ok(())
}

/// Its bytes.
pub fn heap(heap: &Heap) -> Outcome {
    let family = counters();
    heap.series(Row::CounterBytes, |method, path| family.inc(&[("method", method), ("path", path)]));
    let family = histograms();
    heap.series(Row::HistogramBytes, |method, path| family.record(&[("method", method), ("path", path)], 300_000));
    Ok(())
}

/// Its standard limit is 2,000 series; beyond it, all go to one.
fn counters() -> DynamicCounter {
    DynamicCounter::with_max_series(shards(), 20_000)
}

fn histograms() -> DynamicHistogram {
    DynamicHistogram::with_limits(&bounds(), shards(), 20_000)
}

fn shards() -> usize {
    available_parallelism().map_or(2, Into::into)
}

fn bounds() -> [u64; 13] {
    input::BOUNDS.map(micros)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 10⁸, and not negative")]
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
