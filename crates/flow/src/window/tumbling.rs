//! Windows of one size, side by side.

use crate::time::{EventTime, Span};

/// Finds the one window that an instant lies in: `[start, end)`, aligned to the epoch plus an offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tumbling {
    size: Span,
    offset: Span,
    last: (EventTime, EventTime), // most events lie in the window of the one before: no division
}

impl Tumbling {
    pub(super) fn new(size: Span, offset: Span) -> Self {
        let epoch = EventTime::from_nanos(0);
        Tumbling { size, offset, last: (epoch, epoch) }
    }

    #[inline]
    pub(super) fn assign(&mut self, time: EventTime) -> (EventTime, EventTime) {
        let (start, end) = self.last;
        if !(start <= time && time < end) {
            self.last = self.divide(time);
        }
        self.last
    }

    /// The remainder is Euclidean, so that windows before 1970 begin before their events, too.
    #[cold]
    fn divide(&self, time: EventTime) -> (EventTime, EventTime) {
        let into = (time - self.offset).as_nanos().rem_euclid(self.size.as_nanos());
        let start = EventTime::from_nanos(time.as_nanos() - into);
        (start, start + self.size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(time: i128, size: i64, offset: i64) -> (i128, i128) {
        let mut tumbling = Tumbling::new(Span::from_nanos(size), Span::from_nanos(offset));
        let (start, end) = tumbling.assign(EventTime::from_nanos(time));
        (start.as_nanos(), end.as_nanos())
    }

    #[test]
    fn a_window_contains_its_start_and_not_its_end() {
        assert_eq!(window(0, 10, 0), (0, 10));
        assert_eq!(window(9, 10, 0), (0, 10));
        assert_eq!(window(10, 10, 0), (10, 20));
    }

    #[test]
    fn an_instant_before_1970_lies_in_the_window_that_begins_before_it() {
        assert_eq!(window(-1, 10, 0), (-10, 0));
        assert_eq!(window(-10, 10, 0), (-10, 0));
    }

    #[test]
    fn an_offset_shifts_the_alignment_in_either_direction() {
        assert_eq!(window(0, 10, 3), (-7, 3));
        assert_eq!(window(0, 10, -3), (-3, 7));
        assert_eq!(window(0, 10, 23), (-7, 3));
    }
}
