//! What the two text formats have in common: lines of a name, labels and a number.

use super::{Escaping, number};
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Value};

/// Writes lines, with names as a reader wants them and numbers as a format spells those that are part of a series' identity.
pub(super) struct Lines<'a> {
    pub(super) out: &'a mut String,
    pub(super) escaping: Escaping,
    /// How `le` is spelled.
    pub(super) bound: fn(f64) -> String,
    /// Whether a histogram may have a sum although it has bounds below 0.
    pub(super) sums_of_negatives: bool,
}

impl Lines<'_> {
    /// All samples of a metric, which is spelled `name` already.
    pub(super) fn samples(&mut self, name: &str, family: &FamilySnapshot) {
        // The texts of the bounds are made once: a page has tens of thousands of lines, and an
        // allocation for each would be most of its cost.
        let bounds = self.bound_texts(family);
        for series in family.series() {
            let labels = &*self.escaping.spell_labels(series.text());
            match series.value() {
                Value::Counter(total) => self.line([name, ""], labels, |out| number::append_integer(out, *total)),
                Value::FloatCounter(value) | Value::Gauge(value) => {
                    self.line([name, ""], labels, |out| number::append(out, *value));
                }
                Value::Histogram(histogram) => self.histogram(name, labels, &bounds, histogram),
            }
        }
    }

    /// The value of `le` for each bucket; all series of a family have the same bounds.
    fn bound_texts(&self, family: &FamilySnapshot) -> Vec<String> {
        let first = family.series().next();
        let Some(Value::Histogram(first)) = first.as_ref().map(Series::value) else {
            return Vec::new();
        };
        let upper = first.bounds().as_slice().iter().copied().chain([f64::INFINITY]);
        upper.map(self.bound).collect()
    }

    fn histogram(&mut self, name: &str, labels: &str, bounds: &[String], histogram: &HistogramSnapshot<'_>) {
        let mut below = 0_u64;
        for (le, count) in bounds.iter().zip(histogram.buckets()) {
            below = below.saturating_add(*count);
            self.out.extend([name, "_bucket{", labels, if labels.is_empty() { "" } else { "," }, "le=\"", le, "\"} "]);
            number::append_integer(self.out, below);
            self.out.push('\n');
        }
        let negative = histogram.bounds().as_slice().first().is_some_and(|least| *least < 0.0);
        if self.sums_of_negatives || !negative {
            self.line([name, "_sum"], labels, |out| number::append(out, histogram.sum()));
        }
        self.line([name, "_count"], labels, |out| number::append_integer(out, below));
    }

    fn line(&mut self, name: [&str; 2], labels: &str, value: impl Fn(&mut String)) {
        self.out.extend(name);
        if !labels.is_empty() {
            self.out.extend(["{", labels, "}"]);
        }
        self.out.push(' ');
        value(self.out);
        self.out.push('\n');
    }
}
