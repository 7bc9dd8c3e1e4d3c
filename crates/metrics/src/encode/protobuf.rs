//! The Prometheus protobuf format: `io.prometheus.client.MetricFamily` messages, each behind its length.
//!
//! The few fields that are written are written by hand: a code generator and its runtime would be larger than this file.
//!
//! Source: `io/prometheus/client/metrics.proto` of `prometheus/client_model`.

use super::Escaping;
use crate::desc::Kind;
use crate::label::Labels;
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Snapshot, Value};

/// The `Content-Type` of this format, but for its `escaping`.
pub const CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;

/// Writes a snapshot: one message a metric. A metric that has no series yet has none here either, since a reader
/// takes a family without samples for a mistake.
#[must_use]
pub fn encode(snapshot: &Snapshot, escaping: Escaping) -> Vec<u8> {
    let (mut out, mut message) = (Vec::new(), Message::default());
    for family in snapshot.families().iter().filter(|family| !family.is_empty()) {
        message.clear();
        message.family(family, escaping);
        varint(&mut out, message.0.len() as u64);
        out.extend_from_slice(&message.0);
    }
    out
}

/// The fields of a message, without its length.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn family(&mut self, family: &FamilySnapshot, escaping: Escaping) {
        let desc = family.desc();
        self.text(1, &escaping.spell(desc.name()));
        self.text(2, desc.help());
        self.number(3, type_number(desc.kind()));
        let (mut metric, mut inner) = (Message::default(), Message::default());
        for series in family.series() {
            metric.clear();
            for (name, value) in Labels::of(series.text()) {
                inner.clear();
                inner.text(1, &escaping.spell(name));
                inner.text(2, &value);
                metric.message(1, &inner);
            }
            inner.clear();
            metric.value(series.value(), &mut inner);
            self.message(4, &metric);
        }
        if let Some(unit) = desc.unit() {
            self.text(5, unit);
        }
    }

    fn value(&mut self, value: &Value<'_>, inner: &mut Message) {
        match value {
            Value::Gauge(value) => {
                inner.double(1, *value);
                self.message(2, inner);
            }
            // The format has no whole numbers here: beyond 2^53 the nearest double is written.
            Value::Counter(total) => {
                inner.double(1, *total as f64);
                self.message(3, inner);
            }
            Value::FloatCounter(total) => {
                inner.double(1, *total);
                self.message(3, inner);
            }
            Value::Histogram(histogram) => {
                inner.histogram(histogram);
                self.message(7, inner);
            }
        }
    }

    /// The last bucket, that of infinity, is the count: it is not written.
    fn histogram(&mut self, histogram: &HistogramSnapshot<'_>) {
        self.number(1, histogram.count());
        self.double(2, histogram.sum());
        let (mut below, mut bucket) = (0_u64, Message::default());
        for (bound, count) in histogram.bounds().as_slice().iter().zip(histogram.buckets()) {
            below = below.saturating_add(*count);
            bucket.clear();
            bucket.number(1, below);
            bucket.double(2, *bound);
            self.message(3, &bucket);
        }
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn text(&mut self, field: u64, text: &str) {
        self.bytes(field, text.as_bytes());
    }

    fn message(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        varint(&mut self.0, field << 3 | BYTES);
        varint(&mut self.0, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn number(&mut self, field: u64, number: u64) {
        varint(&mut self.0, field << 3 | VARINT);
        varint(&mut self.0, number);
    }

    fn double(&mut self, field: u64, double: f64) {
        varint(&mut self.0, field << 3 | FIXED64);
        self.0.extend_from_slice(&double.to_le_bytes());
    }
}

/// What this format has no word for is a gauge.
const fn type_number(kind: Kind) -> u64 {
    match kind {
        Kind::Counter => 0,
        Kind::Gauge | Kind::Info | Kind::StateSet => 1,
        Kind::Histogram => 4,
    }
}

/// Seven bits to a byte, the lowest first; the highest bit of a byte says that another follows.
#[expect(clippy::cast_possible_truncation, reason = "the bits above are written next")]
fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
