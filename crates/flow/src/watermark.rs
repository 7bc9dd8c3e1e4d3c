//! How far event time is taken for complete.

use crate::time::{EventTime, Span};

/// A watermark that can only advance: nothing in it sets it back.
#[derive(Clone, Copy, Debug)]
pub struct Watermark {
    max_out_of_orderness: Span,
    highest: Option<EventTime>,
}

impl Watermark {
    /// A watermark that stays this far behind the highest time; before the first event there is none.
    pub fn new(max_out_of_orderness: Span) -> Self {
        Watermark { max_out_of_orderness, highest: None }
    }

    /// Where it stands: events before it are late. `None` before the first event.
    #[inline]
    pub fn get(&self) -> Option<EventTime> {
        self.highest.map(|time| time - self.max_out_of_orderness)
    }

    /// Whether it has reached `time`.
    #[inline]
    pub fn has_reached(&self, time: EventTime) -> bool {
        self.get().is_some_and(|mark| mark >= time)
    }

    /// An event of this time was seen; whether the watermark moved.
    #[inline]
    pub fn advance(&mut self, time: EventTime) -> bool {
        let moves = self.highest.is_none_or(|highest| time > highest);
        if moves {
            self.highest = Some(time);
        }
        moves
    }

    /// Time passed without events: moves as if they had kept coming. Nothing happens before the first event.
    pub fn advance_by(&mut self, passed: Span) -> bool {
        self.highest.is_some_and(|highest| self.advance(highest + passed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_stays_behind_the_highest_time_and_never_goes_back() {
        let at = |seconds: i128| EventTime::from_nanos(seconds * 1_000_000_000);
        let mut mark = Watermark::new(Span::from_secs(5));
        assert_eq!(mark.get(), None);
        assert!(!mark.advance_by(Span::from_secs(9)), "there is nothing to move on from");
        assert!(mark.advance(at(10)));
        assert!(!mark.advance(at(7)));
        assert!(!mark.advance(at(10)));
        assert_eq!(mark.get(), Some(at(5)));
        assert!(mark.has_reached(at(5)) && !mark.has_reached(at(6)));
        assert!(mark.advance_by(Span::from_secs(1)));
        assert_eq!(mark.get(), Some(at(6)));
    }
}
