//! The Prometheus text format, version 0.0.4.
//!
//! ```
//! use streamgauge_metrics::{Counter, Desc, Registry, encode::text};
//!
//! let registry = Registry::new();
//! let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
//! jobs.inc();
//! let page = text::encode(&registry.snapshot());
//! assert!(page.starts_with("# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```

use crate::desc::{Desc, Kind};
use crate::label;
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Snapshot, Value};

mod number;

/// The `Content-Type` this format has to be served with; Prometheus 3 refuses a scrape without it.
///
/// ```
/// let header = format!("Content-Type: {}\r\n", streamgauge_metrics::encode::text::CONTENT_TYPE);
/// assert!(header.contains("version=0.0.4"));
/// ```
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes a snapshot: per family HELP, TYPE, then the samples. A metric that has no series yet
/// shows its HELP and TYPE, so that what exists can be seen before it moves.
///
/// ```
/// use streamgauge_metrics::{Registry, encode::text};
///
/// let registry = Registry::new();
/// assert_eq!(text::encode(&registry.snapshot()), registry.render_prometheus());
/// ```
pub fn encode(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for family in snapshot.families() {
        metadata(&mut out, family.desc());
        samples(&mut out, family);
    }
    out
}

fn metadata(out: &mut String, desc: &Desc) {
    out.push_str("# HELP ");
    out.push_str(desc.name());
    out.push(' ');
    escape_help(out, desc.help());
    out.push_str("\n# TYPE ");
    out.push_str(desc.name());
    out.push(' ');
    out.push_str(type_name(desc.kind()));
    out.push('\n');
}

fn samples(out: &mut String, family: &FamilySnapshot) {
    let name = family.desc().name();
    // The texts of the bounds are made once: a page has tens of thousands of lines, and an
    // allocation for each would be most of its cost.
    let bounds = bound_texts(family);
    for series in family.series() {
        let labels = series.text();
        match series.value() {
            Value::Counter(total) => sample(out, name, labels, |out| number::append_integer(out, *total)),
            Value::FloatCounter(value) | Value::Gauge(value) => {
                sample(out, name, labels, |out| number::append(out, *value));
            }
            Value::Histogram(histogram) => histogram_samples(out, name, labels, &bounds, histogram),
        }
    }
}

/// The value of `le` for each bucket; all series of a family have the same bounds.
fn bound_texts(family: &FamilySnapshot) -> Vec<String> {
    let first = family.series().next();
    let Some(Value::Histogram(first)) = first.as_ref().map(Series::value) else {
        return Vec::new();
    };
    let upper = first.bounds().as_slice().iter().copied().chain([f64::INFINITY]);
    upper.map(number_text).collect()
}

/// A number as this format spells it.
pub(crate) fn number_text(number: f64) -> String {
    let mut text = String::new();
    number::append(&mut text, number);
    text
}

fn histogram_samples(out: &mut String, name: &str, labels: &str, bounds: &[String], histogram: &HistogramSnapshot<'_>) {
    let mut below = 0_u64;
    for (le, count) in bounds.iter().zip(histogram.buckets()) {
        below = below.saturating_add(*count);
        out.extend([name, "_bucket{", labels, if labels.is_empty() { "" } else { "," }, "le=\"", le, "\"} "]);
        number::append_integer(out, below);
        out.push('\n');
    }
    named_sample(out, [name, "_sum"], labels, |out| number::append(out, histogram.sum()));
    named_sample(out, [name, "_count"], labels, |out| number::append_integer(out, below));
}

fn sample(out: &mut String, name: &str, labels: &str, value: impl Fn(&mut String)) {
    named_sample(out, [name, ""], labels, value);
}

fn named_sample(out: &mut String, name: [&str; 2], labels: &str, value: impl Fn(&mut String)) {
    out.extend(name);
    if !labels.is_empty() {
        out.extend(["{", labels, "}"]);
    }
    out.push(' ');
    value(out);
    out.push('\n');
}

/// The word in the TYPE line: what this format has no word for is a gauge.
const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::Counter | Kind::Gauge | Kind::Histogram => kind.as_str(),
    }
}

/// HELP is escaped in `\` and line feed only; a quotation mark stays as it is.
fn escape_help(out: &mut String, text: &str) {
    label::escape(out, text, &['\\', '\n']);
}

#[cfg(test)]
mod tests {
    use super::escape_help;

    #[test]
    fn trap_2_a_help_text_is_escaped_in_two_characters_only() {
        let mut escaped = String::new();
        escape_help(&mut escaped, "a\\b\nc \"d\"");
        assert_eq!(escaped, "a\\\\b\\nc \"d\"");
    }
}
