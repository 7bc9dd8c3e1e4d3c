//! Native buckets in the fields of a histogram.

use super::histogram;
use super::wire::{double, nested, sint, sints, uint};
use crate::native::NativeSnapshot;
use crate::snapshot::HistogramSnapshot;

mod bucket_span {
    pub(super) const OFFSET: u32 = 1;
    pub(super) const LENGTH: u32 = 2;
}

/// As many empty buckets are cheaper to tell than another span.
const LONGEST_GAP: i32 = 2;

/// Buckets next to each other.
#[derive(Debug, PartialEq, Eq)]
struct Span {
    /// From the end of the span before; of the first, its number.
    offset: i32,
    length: u32,
}

/// The sum. What is no number is in the count and in no native bucket, which readers take for a
/// mistake unless the sum is no number either.
pub(super) fn sum(histogram: &HistogramSnapshot<'_>, native: &NativeSnapshot) -> f64 {
    if native.count() == histogram.count() { histogram.sum() } else { f64::NAN }
}

pub(super) fn buckets(out: &mut Vec<u8>, native: &NativeSnapshot) {
    sint(out, histogram::SCHEMA, native.schema().into());
    double(out, histogram::ZERO_THRESHOLD, native.zero_threshold());
    uint(out, histogram::ZERO_COUNT, native.zero_count());
    side(out, histogram::NEGATIVE_SPAN, histogram::NEGATIVE_DELTA, native.negative());
    side(out, histogram::POSITIVE_SPAN, histogram::POSITIVE_DELTA, native.positive());
    if native.positive().is_empty() && native.negative().is_empty() {
        // A span of nothing says that this is a native histogram.
        span(out, histogram::POSITIVE_SPAN, &Span { offset: 0, length: 0 });
    }
}

fn side(out: &mut Vec<u8>, spans: u32, deltas: u32, buckets: &[(i32, u64)]) {
    if buckets.is_empty() {
        return;
    }
    let (all, counts) = laid_out(buckets);
    for one in &all {
        span(out, spans, one);
    }
    let mut before = 0;
    let steps = counts.into_iter().map(|count| {
        let step = i64::try_from(i128::from(count) - i128::from(before)).unwrap_or(i64::MAX);
        before = count;
        step
    });
    sints(out, deltas, steps);
}

fn span(out: &mut Vec<u8>, field: u32, span: &Span) {
    nested(out, field, |out| {
        sint(out, bucket_span::OFFSET, span.offset.into());
        uint(out, bucket_span::LENGTH, span.length.into());
    });
}

/// The spans, and the counts of all buckets in them.
fn laid_out(buckets: &[(i32, u64)]) -> (Vec<Span>, Vec<u64>) {
    let (mut spans, mut counts): (Vec<Span>, Vec<u64>) = (Vec::new(), Vec::new());
    let mut next = 0;
    for (index, count) in buckets {
        let gap = index - next;
        match spans.last_mut() {
            Some(last) if gap <= LONGEST_GAP => {
                last.length += gap.unsigned_abs() + 1;
                counts.extend((0..gap).map(|_| 0));
            }
            _ => spans.push(Span { offset: gap, length: 1 }),
        }
        counts.push(*count);
        next = index + 1;
    }
    (spans, counts)
}

#[cfg(test)]
mod tests {
    use super::{Span, laid_out};

    #[test]
    fn trap_38_short_gaps_are_filled_and_long_ones_begin_a_span() {
        let (spans, counts) = laid_out(&[(-3, 1), (-2, 5), (1, 2), (9, 7)]);
        assert_eq!(spans, [Span { offset: -3, length: 5 }, Span { offset: 7, length: 1 }]);
        assert_eq!(counts, [1, 5, 0, 0, 2, 7]);
        assert_eq!(laid_out(&[(4, 1)]), (vec![Span { offset: 4, length: 1 }], vec![1]));
    }
}
