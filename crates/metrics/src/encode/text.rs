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

use std::fmt::Write;

use crate::desc::Desc;
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Snapshot, Value};

mod number;

/// The `Content-Type` this format has to be served with; Prometheus 3 refuses a scrape without it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes a snapshot: per family HELP, TYPE, then the samples. A metric that has no series yet
/// shows its HELP and TYPE, so that what exists can be seen before it moves.
pub fn encode(snapshot: &Snapshot) -> String {
    let mut out = String::new();
    for family in snapshot.families() {
        metadata(&mut out, family.desc());
        for series in family.series() {
            samples(&mut out, family, series);
        }
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
    out.push_str(desc.kind().as_str());
    out.push('\n');
}

fn samples(out: &mut String, family: &FamilySnapshot, series: &Series) {
    let mut labels = String::new();
    for (name, value) in family.labels(series) {
        label(&mut labels, name, value);
    }
    let name = family.desc().name();
    match series.value() {
        Value::Counter(total) => sample(out, name, "", &labels, |out| integer(out, *total)),
        Value::Gauge(level) => sample(out, name, "", &labels, |out| number::append(out, *level)),
        Value::Histogram(histogram) => histogram_samples(out, name, &labels, histogram),
    }
}

fn histogram_samples(out: &mut String, name: &str, labels: &str, histogram: &HistogramSnapshot) {
    let upper = histogram.bounds().as_slice().iter().copied();
    let upper = upper.chain([f64::INFINITY]);
    let mut below = 0;
    for (bound, count) in upper.zip(histogram.buckets()) {
        below += count;
        let mut with_le = labels.to_owned();
        let mut le = String::new();
        number::append(&mut le, bound);
        label(&mut with_le, "le", &le);
        sample(out, name, "_bucket", &with_le, |out| integer(out, below));
    }
    sample(out, name, "_sum", labels, |out| {
        number::append(out, histogram.sum());
    });
    sample(out, name, "_count", labels, |out| integer(out, below));
}

fn sample(out: &mut String, name: &str, ending: &str, labels: &str, value: impl Fn(&mut String)) {
    out.push_str(name);
    out.push_str(ending);
    if !labels.is_empty() {
        out.push('{');
        out.push_str(labels);
        out.push('}');
    }
    out.push(' ');
    value(out);
    out.push('\n');
}

fn label(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    out.push_str(name);
    out.push_str("=\"");
    escape_label(out, value);
    out.push('"');
}

fn integer(out: &mut String, value: u64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// A label value is escaped in `\`, `"` and line feed, and nowhere else.
fn escape_label(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

/// HELP is escaped in `\` and line feed only; a quotation mark stays as it is.
fn escape_help(out: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{escape_help, escape_label};

    fn unescape(text: &str) -> String {
        let mut out = String::new();
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            out.push(match character {
                '\\' => match characters.next().expect("no escape ends a text") {
                    'n' => '\n',
                    other => other,
                },
                other => other,
            });
        }
        out
    }

    /// Every text of up to `longest` characters over the alphabet.
    fn texts(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    const NASTY: [char; 7] = ['\\', '"', '\n', 'n', 'é', '\r', '\0'];

    #[test]
    fn every_label_value_comes_back_as_it_was() {
        for text in texts(&NASTY, 5) {
            let mut escaped = String::new();
            escape_label(&mut escaped, &text);
            assert_eq!(unescape(&escaped), text);
            assert!(!escaped.contains('\n'));
        }
    }

    #[test]
    fn every_help_text_comes_back_as_it_was_with_its_quotation_marks_bare() {
        for text in texts(&NASTY, 5) {
            let mut escaped = String::new();
            escape_help(&mut escaped, &text);
            assert_eq!(unescape(&escaped), text);
            assert!(!escaped.contains('\n'));
            let marks = |text: &str| text.matches('"').count();
            assert_eq!(marks(&escaped), marks(&text));
        }
    }

    #[test]
    fn only_three_characters_of_a_label_value_are_escaped() {
        let mut escaped = String::new();
        escape_label(&mut escaped, "a\\b\"c\nd\te{}=,");
        assert_eq!(escaped, "a\\\\b\\\"c\\nd\te{}=,");
    }
}
