//! Who takes part.

use crate::heap::Heap;
use crate::rivals;
use crate::row::Row;
use crate::sheet::Sheet;
use std::error::Error;

/// What everything here that can fail returns.
pub type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A crate, and how it does the work of each row.
#[derive(Clone, Copy)]
pub struct Contender {
    /// How it is called in the table and after `--rival`.
    pub name: &'static str,
    /// All that is timed.
    pub time: fn(&Sheet) -> Outcome,
    /// All whose bytes are counted.
    pub heap: fn(&Heap) -> Outcome,
    /// Rows where it does less than the others must; why is said in its file.
    pub less: &'static [Row],
}

/// A histogram whose buckets, sum and count are not of one instant.
const TORN: [Row; 4] = [Row::Histogram, Row::OneByOne, Row::HistogramBytes, Row::HistogramSnapshot];
/// Two label values are told apart by a hash alone.
const HASH_ALONE: &[Row] = &[Row::Statics, Row::Strings];
/// Torn, and one enum in place of two.
const TORN_AND_ONE_LABEL: &[Row] = &[Row::Enums, TORN[0], TORN[1], TORN[2], TORN[3]];

/// Everyone, the empty loop first and we second.
pub fn all() -> Vec<Contender> {
    let ours: &[Contender] = &[
        #[cfg(feature = "ours")]
        of("streamgauge", crate::ours::time, crate::ours::heap, &[]),
    ];
    let rivals = [
        of("prometheus", rivals::prometheus::time, rivals::prometheus::heap, HASH_ALONE),
        of("prometheus-client", rivals::prometheus_client::time, rivals::prometheus_client::heap, &[]),
        of("measured", rivals::measured::time, rivals::measured::heap, &[]),
        of("metrics", rivals::metrics_rs::time, rivals::metrics_rs::heap, &[]),
        of("fastmetrics", rivals::fastmetrics::time, rivals::fastmetrics::heap, &TORN),
        of("opentelemetry", rivals::opentelemetry::time, rivals::opentelemetry::heap, &[]),
        of("fast-telemetry", rivals::fast_telemetry::time, rivals::fast_telemetry::heap, TORN_AND_ONE_LABEL),
        of("foundations", rivals::foundations::time, rivals::foundations::heap, &[]),
    ];
    // The loop itself is what every other figure contains.
    [&[of("empty", empty, |_| Ok(()), &[])], ours, &rivals].concat()
}

const fn of(
    name: &'static str,
    time: fn(&Sheet) -> Outcome,
    heap: fn(&Heap) -> Outcome,
    less: &'static [Row],
) -> Contender {
    Contender { name, time, heap, less }
}

/// The one of that name.
pub fn named(name: &str) -> Outcome<Contender> {
    let found = all().into_iter().find(|contender| contender.name == name);
    found.ok_or_else(|| format!("no crate here is called {name:?}").into())
}

#[expect(clippy::unnecessary_wraps, reason = "what a contender must look like")]
fn empty(sheet: &Sheet) -> Outcome {
    sheet.time(Row::Empty, |_| {});
    Ok(())
}
