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
    out.push_str(desc.kind().as_str());
    out.push('\n');
}

fn samples(out: &mut String, family: &FamilySnapshot) {
    let name = family.desc().name();
    // One buffer for the labels of all series, and the texts of the bounds made once: a page has
    // tens of thousands of lines, and an allocation for each would be most of its cost.
    let mut labels = String::new();
    let bounds = bound_texts(family);
    for series in family.series() {
        labels.clear();
        for (name, value) in family.labels(series) {
            label(&mut labels, name, value);
        }
        match series.value() {
            Value::Counter(total) => sample(out, name, "", &labels, |out| number::append_integer(out, *total)),
            Value::Gauge(level) => sample(out, name, "", &labels, |out| number::append(out, *level)),
            Value::Histogram(histogram) => histogram_samples(out, name, &mut labels, &bounds, histogram),
        }
    }
}

/// The value of `le` for each bucket; all series of a family have the same bounds.
fn bound_texts(family: &FamilySnapshot) -> Vec<String> {
    let Some(Value::Histogram(first)) = family.series().first().map(Series::value) else {
        return Vec::new();
    };
    let upper = first.bounds().as_slice().iter().copied().chain([f64::INFINITY]);
    let text = |bound| {
        let mut text = String::new();
        number::append(&mut text, bound);
        text
    };
    upper.map(text).collect()
}

fn histogram_samples(
    out: &mut String,
    name: &str,
    labels: &mut String,
    bounds: &[String],
    histogram: &HistogramSnapshot,
) {
    let own = labels.len();
    let mut below = 0;
    for (le, count) in bounds.iter().zip(histogram.buckets()) {
        below += count;
        label(labels, "le", le);
        sample(out, name, "_bucket", labels, |out| number::append_integer(out, below));
        labels.truncate(own);
    }
    sample(out, name, "_sum", labels, |out| number::append(out, histogram.sum()));
    sample(out, name, "_count", labels, |out| number::append_integer(out, below));
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

/// A label value is escaped in `\`, `"` and line feed, and nowhere else.
fn escape_label(out: &mut String, text: &str) {
    escape(out, text, &['\\', '"', '\n']);
}

/// HELP is escaped in `\` and line feed only; a quotation mark stays as it is.
fn escape_help(out: &mut String, text: &str) {
    escape(out, text, &['\\', '\n']);
}

/// Copies what needs no escape in one piece: most texts are one such piece.
fn escape(out: &mut String, mut text: &str, escaped: &[char]) {
    while let Some(at) = text.find(escaped) {
        let (plain, rest) = text.split_at(at);
        out.push_str(plain);
        let mut characters = rest.chars();
        match characters.next() {
            Some('\n') => out.push_str("\\n"),
            Some(mark) => out.extend(['\\', mark]),
            None => {}
        }
        text = characters.as_str();
    }
    out.push_str(text);
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
