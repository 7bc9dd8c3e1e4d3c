//! Two kinds of time that must never be mixed up: when an event happened, and how long something lasts.
//!
//! Both count whole nanoseconds in 128 bits. Events are accepted for the years 1678 to 2261 and configured
//! spans are far shorter than that, so no sum of the two can overflow and no code here needs to saturate.

use std::fmt;
use std::ops::{Add, Div, Mul, Rem, Sub};

const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i128 = 86_400;

/// When an event happened: nanoseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime(i128);

/// What the wall clock says: nanoseconds since 1970-01-01T00:00:00Z. Only ever an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(i128);

/// How long something lasts, in nanoseconds; an offset may be negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i128);

/// A calendar day of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Date {
    year: i64,
    month: i64, // in [1, 12]
    day: i64,   // in [1, 31]
}

impl EventTime {
    /// The first instant that is accepted from outside: 1678-01-01T00:00:00Z.
    pub const MIN: EventTime = EventTime(-9_214_560_000 * NANOS_PER_SECOND);
    /// The last instant that is accepted from outside: the last nanosecond of 2261.
    pub const MAX: EventTime = EventTime(9_214_646_400 * NANOS_PER_SECOND - 1);

    /// An instant from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i128) -> Self {
        EventTime(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// Milliseconds since the epoch, with their fraction.
    pub(crate) fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// Whether the instant lies in the years that are accepted from outside.
    pub fn is_plausible(self) -> bool {
        (Self::MIN..=Self::MAX).contains(&self)
    }

    /// Midnight UTC of a day, from a year, a month in `[1, 12]` and a day in `[1, 31]`.
    ///
    /// Days are counted as in Howard Hinnant's `days_from_civil`: years begin in March, so that a leap day is the last one.
    pub(crate) fn midnight(year: i64, month: i64, day: i64) -> Self {
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        EventTime(i128::from(days) * SECONDS_PER_DAY * NANOS_PER_SECOND)
    }

    /// Whole days since the epoch, and the nanoseconds of the day.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "days are fewer than a million, a day has fewer than 2^47 nanoseconds"
    )]
    fn split(self) -> (i64, i64) {
        const DAY: i128 = SECONDS_PER_DAY * NANOS_PER_SECOND;
        (self.0.div_euclid(DAY) as i64, self.0.rem_euclid(DAY) as i64)
    }

    fn date(self) -> Date {
        let days = self.split().0 + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        Date {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
        }
    }
}

impl WallTime {
    /// A reading of the wall clock, from nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i128) -> Self {
        WallTime(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// The event time of an event that happens now.
    pub const fn as_event_time(self) -> EventTime {
        EventTime(self.0)
    }

    /// The last event time that is not taken for a mistake.
    pub(crate) fn plausible_until(self, skew: Span) -> EventTime {
        EventTime(self.0 + skew.0)
    }
}

/// RFC 3339 in Z with 3, 6 or 9 digits, the fewest that are exact.
impl fmt::Display for EventTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = self.date();
        let of_day = self.split().1;
        let (seconds, nanos) = (of_day / 1_000_000_000, of_day % 1_000_000_000);
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        write_digits(&mut text[0..4], year);
        write_digits(&mut text[5..7], month);
        write_digits(&mut text[8..10], day);
        write_digits(&mut text[11..13], seconds / 3600);
        write_digits(&mut text[14..16], seconds / 60 % 60);
        write_digits(&mut text[17..19], seconds % 60);
        write_digits(&mut text[20..29], nanos);
        let end = match nanos {
            n if n % 1_000_000 == 0 => 23,
            n if n % 1_000 == 0 => 26,
            _ => 29,
        };
        text[end] = b'Z';
        f.write_str(std::str::from_utf8(&text[..=end]).map_err(|_| fmt::Error)?)
    }
}

/// Writes a number that is not negative, with leading zeros.
#[expect(clippy::cast_sign_loss, reason = "numbers here are not negative")]
fn write_digits(place: &mut [u8], mut number: i64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Span(nanos as i128)
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Span(millis as i128 * 1_000_000)
    }

    /// A span of whole seconds.
    pub const fn from_secs(seconds: i64) -> Self {
        Span(seconds as i128 * NANOS_PER_SECOND)
    }

    /// The span in nanoseconds.
    pub const fn as_nanos(self) -> i128 {
        self.0
    }

    /// The span in milliseconds, with its fraction.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Add<Span> for EventTime {
    type Output = EventTime;
    fn add(self, span: Span) -> EventTime {
        EventTime(self.0 + span.0)
    }
}

impl Sub<Span> for EventTime {
    type Output = EventTime;
    fn sub(self, span: Span) -> EventTime {
        EventTime(self.0 - span.0)
    }
}

impl Sub for EventTime {
    type Output = Span;
    fn sub(self, earlier: EventTime) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Mul<i128> for Span {
    type Output = Span;
    fn mul(self, times: i128) -> Span {
        Span(self.0 * times)
    }
}

/// How many times the other fits in.
impl Div for Span {
    type Output = i128;
    fn div(self, part: Span) -> i128 {
        self.0 / part.0
    }
}

impl Rem for Span {
    type Output = Span;
    fn rem(self, part: Span) -> Span {
        Span(self.0 % part.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_prints_with_the_fewest_digits_that_are_exact() {
        let print = |nanos| EventTime::from_nanos(nanos).to_string();
        assert_eq!(print(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(print(1_000_000), "1970-01-01T00:00:00.001Z");
        assert_eq!(print(1_000), "1970-01-01T00:00:00.000001Z");
        assert_eq!(print(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(print(1_700_158_546_680_590_000), "2023-11-16T18:15:46.680590Z");
    }

    #[test]
    fn the_accepted_years_are_1678_to_2261() {
        assert_eq!(EventTime::MIN, EventTime::midnight(1678, 1, 1));
        assert_eq!(EventTime::MAX + Span::from_nanos(1), EventTime::midnight(2262, 1, 1));
    }

    #[test]
    fn every_day_of_the_accepted_years_reads_back_as_itself() {
        let day = Span::from_secs(86_400);
        let mut at = EventTime::MIN;
        while at.is_plausible() {
            let Date { year, month, day: of_month } = at.date();
            assert_eq!(EventTime::midnight(year, month, of_month), at);
            at = at + day;
        }
    }
}
