//! Lines of the text formats: those with samples are the same in all of them, but for the
//! spelling of numbers.

use std::cell::RefCell;

use super::Fault;
use super::names::Named;
use super::number::{self, Spelling};
use crate::desc::Kind;
use crate::exemplar::Taken;
use crate::label;
use crate::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Value};
use crate::summary::SummarySnapshot;

/// What text formats differ in.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    pub(super) spelling: Spelling,
    /// Whether sums may fall, or be no number, and quantiles be negative.
    pub(super) any_sign: bool,
    pub(super) exemplars: bool,
}

/// What is needed beside the page itself while its lines are written. A thread keeps it, so that from the
/// second page on nothing is allocated but the page.
#[derive(Default)]
pub(super) struct Room {
    head: Head,
    distribution: DistributionHeads,
    /// Labels whose names had to be escaped.
    labels: String,
}

/// All of a line with a sample that comes before the labels, made once for all series of a family.
#[derive(Default)]
struct Head {
    /// What comes before the value if there are no labels: `name `.
    bare: String,
    /// What comes before the labels: `name{`.
    open: String,
}

/// The beginnings of the lines of a histogram or a summary.
#[derive(Default)]
struct DistributionHeads {
    /// Of a bucket or a quantile.
    part: Head,
    /// What comes behind the labels of each part, one behind the other: `le="0.5"} `.
    bounds: String,
    /// Where they end.
    ends: Vec<usize>,
    sum: Head,
    count: Head,
}

/// Lends the room of this thread.
pub(super) fn with_room<T>(write: impl FnOnce(&mut Room) -> T) -> T {
    thread_local! {
        static ROOM: RefCell<Room> = RefCell::default();
    }
    ROOM.with(|room| match room.try_borrow_mut() {
        Ok(mut room) => write(&mut room),
        // A page within a page: nothing here calls foreign code, but nothing hangs on it either.
        Err(_) => write(&mut Room::default()),
    })
}

/// A line about a family: `# TYPE name counter`.
pub(super) fn metadata(out: &mut String, keyword: &str, name: &str, text: &str, escaped: &[char]) {
    out.extend(["# ", keyword, " "]);
    label::push_name(out, name);
    out.push(' ');
    label::escape(out, text, escaped);
    out.push('\n');
}

/// The samples of a family.
pub(super) fn samples(out: &mut String, named: &Named<'_>, dialect: Dialect, room: &mut Room) -> Result<(), Fault> {
    if matches!(named.desc().kind(), Kind::Histogram | Kind::Summary) {
        return distributions(out, named, dialect, room);
    }
    let Room { head, labels, .. } = room;
    head.set(&named.name, "");
    if let Some(mut counts) = named.family.plain_counts() {
        return counts.try_for_each(|(text, total)| {
            head.begin(out, named.labels(text, labels)?);
            number::append_integer(out, total);
            out.push('\n');
            Ok(())
        });
    }
    // From inside, the loop over the series of a metric is a plain one.
    named.family.series().try_for_each(|series| {
        head.begin(out, named.labels(series.text(), labels)?);
        match series.value() {
            Value::Counter(total) => number::append_integer(out, *total),
            Value::FloatCounter(value) | Value::Gauge(value) => number::append(out, *value, dialect.spelling),
            Value::Histogram(_) | Value::Summary(_) => debug_assert!(false, "these are distributions"),
        }
        dialect.end(out, &series, 0);
        Ok(())
    })
}

fn distributions(out: &mut String, named: &Named<'_>, dialect: Dialect, room: &mut Room) -> Result<(), Fault> {
    let Room { distribution: heads, labels, .. } = room;
    heads.set(named, dialect.spelling);
    for series in named.family.series() {
        let labels = named.labels(series.text(), labels)?;
        match series.value() {
            Value::Histogram(histogram) => heads.buckets(out, labels, &series, histogram, dialect),
            Value::Summary(summary) => heads.quantiles(out, labels, summary, dialect),
            _ => debug_assert!(false, "these are no distributions"),
        }
    }
    Ok(())
}

/// How many bytes the samples of a family will about take: a page is one allocation.
pub(super) fn expected_size(family: &FamilySnapshot) -> usize {
    const NUMBER: usize = 14;
    const BOUND: usize = 20;
    let (series, labels, name) = (family.len(), family.text_bytes(), family.desc().name().len());
    let lines = match family.series().next().as_ref().map(Series::value) {
        Some(Value::Histogram(histogram)) => histogram.buckets().len() + 2,
        Some(Value::Summary(summary)) => summary.quantiles().len() + 2,
        _ => return labels + series * (name + NUMBER),
    };
    lines * (labels + series * (name + "_bucket".len() + BOUND + NUMBER))
}

impl Dialect {
    /// Ends a line with a number that was counted in a cell.
    #[inline]
    fn end(self, out: &mut String, series: &Series<'_>, cell: u32) {
        if self.exemplars
            && let Some(exemplar) = series.exemplar(cell)
        {
            self.append(out, exemplar);
        }
        out.push('\n');
    }

    #[cold]
    fn append(self, out: &mut String, exemplar: &Taken) {
        out.extend([" # {", exemplar.text(), "} "]);
        number::append(out, exemplar.value(), self.spelling);
        out.push(' ');
        number::append_integer(out, exemplar.at().as_secs());
        let millis = exemplar.at().subsec_millis() + 1000;
        out.push_str(&itoa::Buffer::new().format(millis).replacen('1', ".", 1));
    }
}

impl Head {
    fn set(&mut self, name: &str, ending: &str) {
        let Self { bare, open } = self;
        bare.clear();
        open.clear();
        if crate::desc::is_plain(name) {
            bare.extend([name, ending, " "]);
            open.extend([name, ending, "{"]);
        } else {
            bare.extend(["{\"", name, ending, "\"} "]);
            open.extend(["{\"", name, ending, "\","]);
        }
    }

    /// Writes all that comes before the value.
    fn begin(&self, out: &mut String, labels: &str) {
        if labels.is_empty() {
            out.push_str(&self.bare);
        } else {
            out.push_str(&self.open);
            out.push_str(labels);
            out.push_str("} ");
        }
    }
}

impl DistributionHeads {
    /// All series of a family have the same buckets or quantiles.
    fn set(&mut self, named: &Named<'_>, spelling: Spelling) {
        self.sum.set(&named.name, "_sum");
        self.count.set(&named.name, "_count");
        self.bounds.clear();
        self.ends.clear();
        match named.family.series().next().as_ref().map(Series::value) {
            Some(Value::Histogram(first)) => {
                self.part.set(&named.name, "_bucket");
                self.set_bounds("le=\"", first.bounds().as_slice().iter().copied().chain([f64::INFINITY]), spelling);
            }
            Some(Value::Summary(first)) => {
                self.part.set(&named.name, "");
                self.set_bounds("quantile=\"", first.quantiles().iter().map(|(part, _)| *part), spelling);
            }
            _ => {}
        }
    }

    /// The end of the labels of each bucket or quantile.
    fn set_bounds(&mut self, label: &str, numbers: impl Iterator<Item = f64>, spelling: Spelling) {
        let Self { bounds, ends, .. } = self;
        for number in numbers {
            bounds.push_str(label);
            number::append(bounds, number, spelling);
            bounds.push_str("\"} ");
            ends.push(bounds.len());
        }
    }

    /// All that comes before the values of the parts.
    fn parts(&self) -> impl Iterator<Item = &str> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.bounds[begin..*end])
    }

    fn begin(&self, out: &mut String, labels: &str, bound: &str) {
        out.push_str(&self.part.open);
        if !labels.is_empty() {
            out.push_str(labels);
            out.push(',');
        }
        out.push_str(bound);
    }

    fn buckets(
        &self,
        out: &mut String,
        labels: &str,
        series: &Series<'_>,
        histogram: &HistogramSnapshot<'_>,
        dialect: Dialect,
    ) {
        let mut below = 0_u64;
        for (cell, (bound, count)) in (1..).zip(self.parts().zip(histogram.buckets())) {
            below = below.saturating_add(*count);
            self.begin(out, labels, bound);
            number::append_integer(out, below);
            dialect.end(out, series, cell);
        }
        if dialect.any_sign || can_only_grow(histogram) {
            self.sum(out, labels, histogram.sum(), dialect);
            self.count(out, labels, below);
        }
    }

    fn quantiles(&self, out: &mut String, labels: &str, summary: &SummarySnapshot<'_>, dialect: Dialect) {
        for (bound, (_, value)) in self.parts().zip(summary.quantiles()) {
            if !dialect.any_sign && *value < 0.0 {
                continue;
            }
            self.begin(out, labels, bound);
            number::append(out, *value, dialect.spelling);
            out.push('\n');
        }
        if dialect.any_sign || summary.sum() >= 0.0 {
            self.sum(out, labels, summary.sum(), dialect);
        }
        self.count(out, labels, summary.count());
    }

    fn sum(&self, out: &mut String, labels: &str, sum: f64, dialect: Dialect) {
        self.sum.begin(out, labels);
        number::append(out, sum, dialect.spelling);
        out.push('\n');
    }

    fn count(&self, out: &mut String, labels: &str, count: u64) {
        self.count.begin(out, labels);
        number::append_integer(out, count);
        out.push('\n');
    }
}

/// Whether the sum is one: nothing negative has come, nor is asked for.
fn can_only_grow(histogram: &HistogramSnapshot<'_>) -> bool {
    histogram.sum() >= 0.0 && histogram.bounds().as_slice().first().is_none_or(|lowest| *lowest >= 0.0)
}
