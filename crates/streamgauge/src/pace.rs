//! Plays event time at a multiple of its speed. Pure: the clock is an argument, the time since the run began.

use std::time::Duration;

use streamgauge_flow::{EventTime, Span};

/// When which event is due.
///
/// The first event that anyone waits for is due when it is met, and fixes the origin of both clocks. From then on
/// an event is due when its distance from the origin, divided by the factor, has passed. Only the highest event
/// time counts: events that are older are due at once.
#[derive(Debug)]
pub(crate) struct Pace {
    factor: f64, // positive and finite
    origin: Option<Origin>,
    awaited: EventTime, // the last event that was waited for: rounding must not let it be waited for again
}

#[derive(Clone, Copy, Debug)]
struct Origin {
    event: EventTime,
    at: Duration,
}

impl Pace {
    pub(crate) fn new(factor: f64) -> Self {
        Pace { factor, origin: None, awaited: before_all() }
    }

    /// The latest event time that is due at `now`.
    pub(crate) fn until(&self, now: Duration) -> EventTime {
        let Some(origin) = self.origin else { return before_all() };
        let passed = now.saturating_sub(origin.at).as_secs_f64() * self.factor;
        let reached = origin.event.as_nanos().saturating_add(nanos(passed));
        let reached = EventTime::from_nanos(reached).min(EventTime::MAX);
        if self.due(self.awaited) <= now { reached.max(self.awaited) } else { reached }
    }

    /// When `event` is due; the caller means to wait for it.
    pub(crate) fn wait_for(&mut self, event: EventTime, now: Duration) -> Duration {
        self.origin.get_or_insert(Origin { event, at: now });
        self.awaited = self.awaited.max(event);
        self.due(event)
    }

    /// How long ago `event` was due, in milliseconds.
    pub(crate) fn overdue_ms(&self, event: EventTime, now: Duration) -> f64 {
        let Some(origin) = self.origin else { return 0.0 };
        let passed = now.saturating_sub(origin.at).as_secs_f64() * 1e3;
        (passed - (event - origin.event).as_millis_f64() / self.factor).max(0.0)
    }

    fn due(&self, event: EventTime) -> Duration {
        let Some(origin) = self.origin else { return Duration::MAX };
        let ahead = (event - origin.event).as_millis_f64() / 1e3 / self.factor;
        let ahead = Duration::try_from_secs_f64(ahead.max(0.0)).unwrap_or(Duration::MAX);
        origin.at.saturating_add(ahead)
    }
}

/// A time that no accepted event has.
fn before_all() -> EventTime {
    EventTime::MIN - Span::from_nanos(1)
}

fn nanos(seconds: f64) -> i128 {
    let duration = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(seconds: i64) -> EventTime {
        EventTime::from_nanos(1_700_000_000_000_000_000) + Span::from_secs(seconds)
    }

    fn started(factor: f64) -> Pace {
        let mut pace = Pace::new(factor);
        assert_eq!(pace.wait_for(event(0), Duration::from_secs(5)), Duration::from_secs(5));
        pace
    }

    #[test]
    fn before_the_first_event_nothing_is_due() {
        let pace = Pace::new(60.0);
        assert!(pace.until(Duration::from_secs(1_000)) < EventTime::MIN);
    }

    #[test]
    fn the_first_event_is_due_when_it_is_met() {
        let pace = started(60.0);
        assert_eq!(pace.until(Duration::from_secs(5)), event(0));
    }

    #[test]
    fn a_minute_at_sixty_times_takes_a_second() {
        let mut pace = started(60.0);
        assert_eq!(pace.wait_for(event(60), Duration::from_secs(5)), Duration::from_secs(6));
        assert_eq!(pace.until(Duration::from_millis(5_500)), event(30));
        assert_eq!(pace.until(Duration::from_secs(6)), event(60));
    }

    #[test]
    fn an_older_event_is_due_at_once() {
        let mut pace = started(1.0);
        assert_eq!(pace.wait_for(event(-9), Duration::from_secs(7)), Duration::from_secs(5));
    }

    #[test]
    fn whoever_waits_until_an_event_is_due_need_not_wait_again() {
        for factor in [0.1, 0.3, 1.0 / 3.0, 7.7, 1e9] {
            let mut pace = started(factor);
            for n in 1..2_000 {
                let at = event(0) + Span::from_nanos(n * 1_234_567_891);
                let due = pace.wait_for(at, Duration::ZERO);
                assert!(pace.until(due) >= at, "{factor} {n}");
            }
        }
    }

    #[test]
    fn a_crawling_pace_waits_for_ever_instead_of_overflowing() {
        let mut pace = started(f64::MIN_POSITIVE);
        assert_eq!(pace.wait_for(event(1), Duration::from_secs(5)), Duration::MAX);
        assert_eq!(pace.until(Duration::from_secs(1_000_000)), event(0));
    }

    #[test]
    fn a_racing_pace_releases_everything() {
        let pace = started(f64::MAX);
        assert_eq!(pace.until(Duration::from_secs(6)), EventTime::MAX);
    }

    #[test]
    fn an_event_that_comes_late_has_been_due_for_longer() {
        let pace = started(2.0);
        let now = Duration::from_secs(10);
        assert!((pace.overdue_ms(event(10), now) - 0.0).abs() < 1e-9);
        assert!((pace.overdue_ms(event(6), now) - 2_000.0).abs() < 1e-9);
        assert!((pace.overdue_ms(event(-2), now) - 6_000.0).abs() < 1e-9);
        assert!(pace.overdue_ms(event(99), now).abs() < 1e-9);
    }
}
