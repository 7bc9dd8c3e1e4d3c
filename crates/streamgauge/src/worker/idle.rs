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

    /// How much silence is new: first the whole of it, once it lasts long enough, then about a second at a time.
    pub(crate) fn silence(&mut self, now: Duration) -> Option<Duration> {
        let since = self.silent_since?;
        let new = match self.told_at {
            None if now.saturating_sub(since) >= self.timeout => now.saturating_sub(since),
            Some(told) if now.saturating_sub(told) >= STEP => now.saturating_sub(told),
            _ => return None,
        };
        self.told_at = Some(now);
        Some(new)
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
    fn all_silence_is_told_exactly_once() {
        let mut idle = Idle::new(s(30));
        idle.opened(true, s(5));
        assert_eq!(idle.silence(s(34)), None);
        assert_eq!(idle.silence(s(35)), Some(s(30)));
        assert_eq!(idle.silence(Duration::from_millis(35_900)), None);
        assert_eq!(idle.silence(s(36)), Some(s(1)));
        assert_eq!(idle.silence(s(40)), Some(s(4)));
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
