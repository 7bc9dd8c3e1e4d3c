//! How long a live input has been silent. Pure: the clock is an argument, the time since the run began.

use std::time::Duration;

/// Often enough for windows to close about when they should.
const STEP: Duration = Duration::from_secs(1);

/// Watches one input after another; only a live one can be idle.
#[derive(Debug)]
pub(crate) struct Idle {
    timeout: Duration,
    silent_since: Option<Duration>, // none: the input is not live
    told_at: Option<Duration>,      // up to when the silence has been told
}

impl Idle {
    pub(crate) fn new(timeout: Duration) -> Self {
        Idle { timeout, silent_since: None, told_at: None }
    }

    /// Another input begins.
    pub(crate) fn opened(&mut self, live: bool, now: Duration) {
        self.silent_since = live.then_some(now);
        self.told_at = None;
    }

    /// Something came.
    pub(crate) fn heard(&mut self, now: Duration) {
        if self.silent_since.is_some() {
            self.silent_since = Some(now);
            self.told_at = None;
        }
    }

    /// How long the silence has lasted: told once it lasts long enough, then about every second.
    pub(crate) fn silence(&mut self, now: Duration) -> Option<Duration> {
        let since = self.silent_since?;
        let silence = now.saturating_sub(since);
        let due = match self.told_at {
            None => silence >= self.timeout,
            Some(told) => now.saturating_sub(told) >= STEP,
        };
        if !due {
            return None;
        }
        self.told_at = Some(now);
        Some(silence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn an_input_that_ends_by_itself_is_never_idle() {
        let mut idle = Idle::new(s(30));
        idle.opened(false, s(0));
        idle.heard(s(1));
        assert_eq!(idle.silence(s(10_000)), None);
    }

    #[test]
    fn a_silence_is_told_once_it_is_long_enough_and_then_each_second() {
        let mut idle = Idle::new(s(30));
        idle.opened(true, s(5));
        assert_eq!(idle.silence(s(34)), None);
        assert_eq!(idle.silence(s(35)), Some(s(30)));
        assert_eq!(idle.silence(Duration::from_millis(35_900)), None);
        assert_eq!(idle.silence(s(36)), Some(s(31)));
        assert_eq!(idle.silence(s(40)), Some(s(35)));
    }

    #[test]
    fn whatever_comes_ends_the_silence() {
        let mut idle = Idle::new(s(30));
        idle.opened(true, s(0));
        assert_eq!(idle.silence(s(31)), Some(s(31)));
        idle.heard(s(40));
        assert_eq!(idle.silence(s(69)), None);
        assert_eq!(idle.silence(s(70)), Some(s(30)));
    }
}
