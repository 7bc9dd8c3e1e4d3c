//! How many requests are answered in a time.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use streamgauge_yaml::Faults;

use super::section::{Section, Text};

const KEYS: &[&str] = &["interval", "burst"];
const LONGEST_INTERVAL: Duration = Duration::from_hours(24);
const LARGEST_BURST: u32 = 1_000_000;

/// A bucket that holds `burst` requests and gets one back each `interval`.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    /// When it will be full again. That is all there is to know: each request moves it by an interval.
    full: Mutex<Option<Instant>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    interval: Duration,
    burst: u32,
}

impl Rate {
    /// The rate that is asked for, if any: no interval means no limit.
    pub(super) fn read(root: &Section, faults: &mut Faults) -> Option<Self> {
        let section = root.section("rate_limit", KEYS, faults);
        let burst = section.text("burst", faults).and_then(|text| burst(&text, faults));
        if burst.is_some() && !section.says("interval") {
            faults.push(section.fault("interval", "missing; expected for example 1s, or 0 for no limit"));
        }
        let interval = section.text("interval", faults).and_then(|text| interval(&text, faults))?;
        if interval.is_zero() {
            return None;
        }
        let Some(burst) = burst.filter(|burst| *burst > 0) else {
            faults.push(section.fault("burst", "is 0, so that nobody would be answered; expected at least 1"));
            return None;
        };
        Some(Self { interval, burst })
    }
}

fn burst(text: &Text, faults: &mut Faults) -> Option<u32> {
    let burst = text.text.parse().ok().filter(|burst| *burst <= LARGEST_BURST);
    if burst.is_none() {
        faults.push(text.fault(format!("is no whole number up to {LARGEST_BURST}")));
    }
    burst
}

fn interval(text: &Text, faults: &mut Faults) -> Option<Duration> {
    let interval = duration(text.text).filter(|interval| *interval <= LONGEST_INTERVAL);
    if interval.is_none() {
        faults.push(text.fault("is no duration of at most 24h; expected for example 1s, 250ms or 1m30s"));
    }
    interval
}

/// A duration as Go writes them: numbers with units, one after the other. A number alone is nanoseconds.
fn duration(text: &str) -> Option<Duration> {
    if let Ok(nanos) = text.parse() {
        return Some(Duration::from_nanos(nanos));
    }
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (value, behind) = rest.split_at(number);
        let unit = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(unit);
        let seconds: f64 = value.parse().ok()?;
        let part = Duration::try_from_secs_f64(seconds * unit_in_seconds(unit)?).ok()?;
        sum = sum.checked_add(part)?;
        rest = behind;
    }
    Some(sum)
}

fn unit_in_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ns" => 1e-9,
        "us" | "µs" | "μs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    })
}

impl Bucket {
    pub(super) const fn new(rate: Rate) -> Self {
        Self { rate, full: Mutex::new(None) }
    }

    pub(super) const fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes a request out, if there is one left.
    pub(super) fn take(&self, now: Instant) -> bool {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        let then = full.map_or(now, |full| full.max(now)) + self.rate.interval;
        let fits = then - now <= self.rate.interval.saturating_mul(self.rate.burst);
        if fits {
            *full = Some(then);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, millis) in [("1s", 1000), ("250ms", 250), ("1m30s", 90_000), ("1.5h", 5_400_000), ("2000000", 2)] {
            assert_eq!(duration(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["s", "1", "0", "0s", "1us", "1µs", "7ns"] {
            assert!(duration(text).is_none_or(|d| d < Duration::from_millis(1)), "{text}");
        }
        for text in ["1 s", "-1s", "1d", "1s2", "1..5s", "s", "1e3s", "1,5s", "99999999999999999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_bucket_gives_a_burst_and_then_one_an_interval() {
        let interval = Duration::from_secs(1);
        let bucket = Bucket::new(Rate { interval, burst: 3 });
        let start = Instant::now();
        let taken = |now: Instant| (0..10).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(start), 3);
        assert_eq!(taken(start + interval / 2), 0);
        assert_eq!(taken(start + interval), 1);
        assert_eq!(taken(start + interval * 3), 2);
        assert_eq!(taken(start + interval * 100), 3);
    }
}
