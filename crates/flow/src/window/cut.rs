//! How tumbling and sliding windows cut time: arithmetic alone.
//!
//! ```text
//! windows   |──────── w0 ────────|                 size 5, slide 2: time is cut wherever a window begins or ends,
//!               |──────── w1 ────────|             so that each slice lies in a window as a whole or not at all
//!                   |──────── w2 ────────|
//! slices    0   2   4 5 6 7 8 9                    at multiples of slide, and size mod slide behind each
//! ```
//! A tumbling window is a sliding one whose slide is its size: each window is one slice.

use crate::time::{EventTime, Span};

/// Windows of one size that begin every `slide`, aligned to the epoch plus an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub size: Span,
    slide: Span,
    offset: Span,
    rest: Span,        // in [0, slide): how far behind a window's start an earlier one ends
    before_rest: Span, // from the first to the last start of the windows that hold what comes before that end
    after_rest: Span,  // … and of those that hold what comes after it
}

/// A piece of time in which no window begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SliceSpan {
    pub start: EventTime,
    pub end: EventTime,
    /// The start of the first window that holds it.
    pub first: EventTime,
    /// The start of the last one.
    pub last: EventTime,
}

impl SliceSpan {
    /// Holds no instant.
    pub(super) const EMPTY: SliceSpan = {
        let epoch = EventTime::from_nanos(0);
        SliceSpan { start: epoch, end: epoch, first: epoch, last: epoch }
    };

    #[inline]
    pub(super) fn holds(&self, time: EventTime) -> bool {
        self.start <= time && time < self.end
    }
}

impl Cut {
    pub(super) fn new(size: Span, slide: Span, offset: Span) -> Self {
        let (whole, rest) = (size / slide, size % slide);
        Cut { size, slide, offset, rest, before_rest: slide * whole, after_rest: slide * (whole - 1) }
    }

    /// The slice that an instant lies in.
    pub(super) fn slice(&self, time: EventTime) -> SliceSpan {
        let last = self.start_before(time);
        let middle = last + self.rest;
        if time < middle {
            SliceSpan { start: last, end: middle, first: last - self.before_rest, last }
        } else {
            SliceSpan { start: middle, end: last + self.slide, first: last - self.after_rest, last }
        }
    }

    /// The start of the first window that ends after `time`.
    pub(super) fn first_ending_after(&self, time: EventTime) -> EventTime {
        self.start_before(time - self.size) + self.slide
    }

    /// The start of the window after the one that begins at `start`.
    pub(super) fn next(&self, start: EventTime) -> EventTime {
        start + self.slide
    }

    /// The starts of the windows from `first` to `last`.
    pub(super) fn starts(&self, first: EventTime, last: EventTime) -> impl Iterator<Item = EventTime> + use<> {
        let slide = self.slide;
        std::iter::successors(Some(first), move |start| Some(*start + slide)).take_while(move |start| *start <= last)
    }

    /// How many windows begin from `first` up to `last`.
    pub(super) fn count(&self, first: EventTime, last: EventTime) -> u64 {
        if last < first { 0 } else { u64::try_from((last - first) / self.slide + 1).unwrap_or(u64::MAX) }
    }

    /// The last start that is not after `time`. The remainder is Euclidean, so that windows before 1970 begin before
    /// their events, too.
    fn start_before(&self, time: EventTime) -> EventTime {
        let (since, slide) = ((time - self.offset).as_nanos(), self.slide.as_nanos());
        // 128 bits are divided step by step, 64 bits by one instruction; centuries and windows fit.
        let into = match (i64::try_from(since), i64::try_from(slide)) {
            (Ok(since), Ok(slide)) => i128::from(since.rem_euclid(slide)),
            _ => since.rem_euclid(slide),
        };
        EventTime::from_nanos(time.as_nanos() - into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i128) -> EventTime {
        EventTime::from_nanos(nanos)
    }

    fn cut(size: i64, slide: i64, offset: i64) -> Cut {
        Cut::new(Span::from_nanos(size), Span::from_nanos(slide), Span::from_nanos(offset))
    }

    fn slice(time: i128, cut: Cut) -> [i128; 4] {
        let SliceSpan { start, end, first, last } = cut.slice(at(time));
        [start, end, first, last].map(EventTime::as_nanos)
    }

    #[test]
    fn a_tumbling_window_contains_its_start_and_not_its_end() {
        assert_eq!(slice(0, cut(10, 10, 0)), [0, 10, 0, 0]);
        assert_eq!(slice(9, cut(10, 10, 0)), [0, 10, 0, 0]);
        assert_eq!(slice(10, cut(10, 10, 0)), [10, 20, 10, 10]);
    }

    #[test]
    fn an_instant_before_1970_lies_in_the_window_that_begins_before_it() {
        assert_eq!(slice(-1, cut(10, 10, 0)), [-10, 0, -10, -10]);
        assert_eq!(slice(-10, cut(10, 10, 0)), [-10, 0, -10, -10]);
    }

    #[test]
    fn an_offset_shifts_the_alignment_in_either_direction() {
        assert_eq!(slice(0, cut(10, 10, 3)), [-7, 3, -7, -7]);
        assert_eq!(slice(0, cut(10, 10, -3)), [-3, 7, -3, -3]);
        assert_eq!(slice(0, cut(10, 10, 23)), [-7, 3, -7, -7]);
    }

    #[test]
    fn a_slice_lies_as_a_whole_in_exactly_the_windows_that_hold_its_instants() {
        for (size, slide) in (1..=12).flat_map(|size| (1..=size).map(move |slide| (size, slide))) {
            for offset in [-5, 0, 1] {
                let cut = cut(size, slide, offset);
                for time in -30..30 {
                    let [start, end, first, last] = slice(time, cut);
                    assert!(start <= time && time < end);
                    let (size, slide, offset) = (i128::from(size), i128::from(slide), i128::from(offset));
                    let holding = |time: i128| {
                        (-60..60)
                            .map(|n| n * slide + offset)
                            .filter(|w| *w <= time && time < *w + size)
                            .collect::<Vec<_>>()
                    };
                    let starts: Vec<_> = cut.starts(at(first), at(last)).map(EventTime::as_nanos).collect();
                    assert_eq!(starts, holding(time), "size {size}, slide {slide}, offset {offset}, instant {time}");
                    assert!((start..end).all(|other| holding(other) == starts));
                    assert_ne!(holding(end), starts, "nothing is cut that need not be");
                    assert_eq!(cut.count(at(first), at(last)), starts.len() as u64);
                    assert_eq!(cut.first_ending_after(at(time)).as_nanos(), holding(time)[0]);
                }
            }
        }
    }
}
