//! Event times as text.

use std::fmt;
use std::str::FromStr;

use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;

use crate::decode::{are_digits, eight_digits};
use crate::time::{EventTime, Span};

/// How an event time is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// RFC 3339 with any offset.
    Rfc3339,
    /// Seconds since the epoch.
    UnixSeconds,
    /// Milliseconds since the epoch.
    UnixMillis,
    /// Microseconds since the epoch.
    UnixMicros,
    /// Nanoseconds since the epoch.
    UnixNanos,
    /// A strptime pattern, read as UTC.
    Pattern(Pattern),
}

/// A strptime pattern that was seen to read back what it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text names no time format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeFormatError(String);

/// Reads event times of one format. It remembers the last minute it saw: times that follow each other mostly share it.
#[derive(Debug)]
pub(crate) struct TimeReader {
    format: TimeFormat,
    minute: [u8; 17], // as it is written, up to the colon behind it
    begin: i64,       // of it in nanoseconds, if it was written in UTC; all of it is in the accepted years
}

impl FromStr for TimeFormat {
    type Err = TimeFormatError;

    fn from_str(text: &str) -> Result<Self, TimeFormatError> {
        Ok(match text {
            "rfc3339" => TimeFormat::Rfc3339,
            "unix_s" => TimeFormat::UnixSeconds,
            "unix_ms" => TimeFormat::UnixMillis,
            "unix_us" => TimeFormat::UnixMicros,
            "unix_ns" => TimeFormat::UnixNanos,
            pattern if pattern.contains('%') => TimeFormat::Pattern(Pattern::new(pattern)?),
            _ => return Err(TimeFormatError("neither a known format nor a pattern with %".to_owned())),
        })
    }
}

impl Pattern {
    /// A pattern is good if it reads back the day that it wrote.
    fn new(pattern: &str) -> Result<Pattern, TimeFormatError> {
        let sample = jiff::civil::date(2001, 2, 3).at(4, 5, 6, 0);
        let known = jiff::fmt::strtime::format(pattern, sample)
            .or_else(|_| jiff::fmt::strtime::format(pattern, &TimeZone::UTC.to_zoned_datetime(sample)?))
            .and_then(|text| read_pattern(pattern, &text));
        match known {
            Ok(time) if time.as_nanos() == 981_173_106_000_000_000 => Ok(Pattern(pattern.to_owned())),
            Ok(_) => Err(TimeFormatError(format!(
                "the pattern {pattern:?} does not tell the date and the time to the second"
            ))),
            Err(error) => Err(TimeFormatError(format!("the pattern {pattern:?} cannot be read: {error}"))),
        }
    }
}

impl TimeReader {
    pub(crate) fn new(format: TimeFormat) -> Self {
        TimeReader { format, minute: *b"1970-01-01T00:00:", begin: 0 }
    }

    /// The instant that a text means, in nanoseconds since the epoch, which take 64 bits in the accepted years; `None` if it is
    /// not of the format or outside those years.
    #[inline]
    pub(crate) fn read(&mut self, text: &[u8]) -> Option<i64> {
        match self.format {
            TimeFormat::Rfc3339 => self.usual_rfc3339(text).or_else(|| self.any(text)),
            _ => self.any(text),
        }
    }

    #[inline(never)]
    fn any(&mut self, text: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(text).ok()?;
        let time = match &self.format {
            TimeFormat::Rfc3339 => self.rfc3339(text.as_bytes()),
            TimeFormat::UnixSeconds => unix(text, 9),
            TimeFormat::UnixMillis => unix(text, 6),
            TimeFormat::UnixMicros => unix(text, 3),
            TimeFormat::UnixNanos => unix(text, 0),
            TimeFormat::Pattern(Pattern(pattern)) => read_pattern(pattern, text).ok(),
        };
        i64::try_from(time.filter(|time| time.is_plausible())?.as_nanos()).ok()
    }

    /// `2023-11-16T18:15:46.680590Z`, as most programs write times, in the minute that is known.
    #[inline]
    fn usual_rfc3339(&self, text: &[u8]) -> Option<i64> {
        let text: &[u8; 27] = text.try_into().ok()?;
        let (minute, rest) = text.split_first_chunk()?;
        let micros = micros_in_utc(*rest.first_chunk()?, *rest.last_chunk()?)?;
        (self.minute == *minute).then_some(self.begin + micros * 1_000)
    }

    fn begin_of(&mut self, minute: &[u8; 17]) -> Option<EventTime> {
        if self.minute == *minute {
            return Some(EventTime::from_nanos(self.begin.into()));
        }
        let begin = begin_of_minute(minute)?;
        if begin.is_plausible() && (begin + Span::from_secs(61)).is_plausible() {
            (self.minute, self.begin) = (*minute, i64::try_from(begin.as_nanos()).ok()?);
        }
        Some(begin)
    }

    /// `2023-11-16T18:15:46.68059Z`, also with an offset; digits beyond the ninth are cut off, second 60 is the next second.
    fn rfc3339(&mut self, text: &[u8]) -> Option<EventTime> {
        let (minute, rest) = text.split_first_chunk()?;
        let ([s1, s2], rest) = rest.split_first_chunk()?;
        Some(self.begin_of(minute)? + Span::from_nanos(second(*s1, *s2)? * 1_000_000_000 + fraction_and_offset(rest)?))
    }
}

/// A second of a minute; the 60th is the first one of the next.
#[inline]
fn second(tens: u8, ones: u8) -> Option<i64> {
    two(tens, ones).filter(|second| *second <= 60)
}

/// The microseconds of a minute in `ss.ffffffZ`, of which these are the first and the last eight bytes.
#[inline]
fn micros_in_utc(first: [u8; 8], last: [u8; 8]) -> Option<i64> {
    const SECOND: u64 = 0xFFFF; // the first two bytes
    let last = u64::from_le_bytes(last);
    let point_and_zone = last & u64::from_le_bytes([0xFF, 0, 0, 0, 0, 0, 0, 0xFF]);
    // The fraction moves to where the second ends, over the point.
    let text = u64::from_le_bytes(first) & SECOND | last << 8 & !SECOND;
    let digits = text ^ u64::from_le_bytes(*b"00000000");
    let micros = eight_digits(digits).cast_signed();
    let there = point_and_zone == u64::from_le_bytes(*b".\0\0\0\0\0\0Z") && are_digits(digits);
    // The 60th second is the first one of the next minute.
    (there && micros < 61_000_000).then_some(micros)
}

/// The nanoseconds of a fraction, if there is one, less the offset behind it.
fn fraction_and_offset(text: &[u8]) -> Option<i64> {
    let (mut nanos, mut rest) = (0, text);
    if let [b'.', fraction @ ..] = text {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        nanos = nanos_of_fraction(&fraction[..digits])?;
        rest = &fraction[digits..];
    }
    Some(nanos - offset_seconds(rest)? * 1_000_000_000)
}

/// The beginning of `YYYY-MM-DDThh:mm:` in UTC.
fn begin_of_minute(text: &[u8; 17]) -> Option<EventTime> {
    let (day, time) = text.split_first_chunk::<10>()?;
    let [b'T' | b't', h1, h2, b':', m1, m2, b':'] = time else { return None };
    let (hour, minute) = (two(*h1, *h2)?, two(*m1, *m2)?);
    (hour < 24 && minute < 60).then_some(())?;
    Some(midnight(day)? + Span::from_secs(hour * 3600 + minute * 60))
}

/// Midnight UTC of `YYYY-MM-DD`.
fn midnight(day: &[u8; 10]) -> Option<EventTime> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = day else { return None };
    let year = two(*y1, *y2)? * 100 + two(*y3, *y4)?;
    let (month, day) = (two(*m1, *m2)?, two(*d1, *d2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then(|| EventTime::midnight(year, month, day))
}

#[inline]
fn two(tens: u8, ones: u8) -> Option<i64> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i64::from(tens) * 10 + i64::from(ones))
}

/// The nanoseconds of a decimal fraction; what is beyond the ninth digit is cut off. `None` without a digit.
#[inline]
fn nanos_of_fraction(digits: &[u8]) -> Option<i64> {
    let (kept, missing) = (digits.len().min(9), 9 - digits.len().min(9));
    let value = digits[..kept].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (kept > 0).then(|| (0..missing).fold(value, |value, _| value * 10))
}

/// `Z`, `+hh:mm` or `-hh:mm`, in seconds east of Greenwich.
#[inline]
fn offset_seconds(text: &[u8]) -> Option<i64> {
    match text {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (two(*h1, *h2)?, two(*m1, *m2)?);
            let seconds = hours * 3600 + minutes * 60;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// A decimal number of units since the epoch, exactly; one unit is ten to `exponent` nanoseconds.
///
/// Digits beyond the nanosecond are cut off.
fn unix(text: &str, exponent: u32) -> Option<EventTime> {
    // No 64-bit number is beyond 30 digits.
    let usual = text.parse::<i64>().ok().filter(|_| !text.starts_with('+'));
    if let Some(units) = usual {
        return Some(EventTime::from_nanos(i128::from(units) * 10_i128.pow(exponent)));
    }
    let exponent = exponent.cast_signed();
    let (mantissa, power) = match text.split_once(['e', 'E']) {
        Some((mantissa, power)) => (mantissa, power.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, unsigned) = match mantissa.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, mantissa),
    };
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !fraction.is_none_or(is_number) {
        return None;
    }
    let fraction = fraction.unwrap_or_default();
    let shift = exponent.checked_add(power)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
    let nanos = shifted(whole.bytes().chain(fraction.bytes()), shift)?;
    Some(EventTime::from_nanos(if negative { -nanos } else { nanos }))
}

/// The number that the digits make, times ten to `shift`, without its fraction; `None` beyond 30 digits.
fn shifted(digits: impl Iterator<Item = u8>, shift: i32) -> Option<i128> {
    const LIMIT: i128 = 10_i128.pow(30);
    let digits: Vec<u8> = digits.skip_while(|digit| *digit == b'0').collect();
    let kept = digits.len() - digits.len().min(usize::try_from(-i64::from(shift)).unwrap_or(0));
    let append =
        |value: i128, digit: u8| value.checked_mul(10).map(|v| v + i128::from(digit - b'0')).filter(|v| *v < LIMIT);
    let value = digits[..kept].iter().try_fold(0, |value, digit| append(value, *digit))?;
    if value == 0 {
        return Some(0);
    }
    (0..shift.max(0)).try_fold(value, |value, _| append(value, b'0'))
}

fn read_pattern(pattern: &str, text: &str) -> Result<EventTime, jiff::Error> {
    let parsed = BrokenDownTime::parse(pattern, text)?;
    // An offset in the text counts, and so does %s, which is an instant by itself.
    if parsed.offset().is_some() || parsed.year().is_none() {
        return parsed.to_timestamp().map(|instant| EventTime::from_nanos(instant.as_nanosecond()));
    }
    let utc = TimeZone::UTC.to_timestamp(parsed.to_datetime()?)?;
    Ok(EventTime::from_nanos(utc.as_nanosecond()))
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TimeFormat::Rfc3339 => "rfc3339",
            TimeFormat::UnixSeconds => "unix_s",
            TimeFormat::UnixMillis => "unix_ms",
            TimeFormat::UnixMicros => "unix_us",
            TimeFormat::UnixNanos => "unix_ns",
            TimeFormat::Pattern(Pattern(pattern)) => pattern,
        })
    }
}

impl fmt::Display for TimeFormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for TimeFormatError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        TimeReader::new(format.parse().unwrap())
            .read(text.as_bytes())
            .map(|nanos| EventTime::from_nanos(nanos.into()).to_string())
    }

    #[expect(clippy::unnecessary_wraps, reason = "reads well beside read")]
    fn is(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn rfc_3339_is_read_with_any_offset_and_any_number_of_digits() {
        let read = |text| read("rfc3339", text);
        assert_eq!(read("2024-02-29T00:00:00Z"), is("2024-02-29T00:00:00.000Z"));
        assert_eq!(read("2024-02-29t00:00:00.5z"), is("2024-02-29T00:00:00.500Z"));
        assert_eq!(read("2024-01-01T01:30:00+01:30"), is("2024-01-01T00:00:00.000Z"));
        assert_eq!(read("2023-12-31T23:00:00-01:00"), is("2024-01-01T00:00:00.000Z"));
        assert_eq!(read("2024-01-01T00:00:00.1234567899Z"), is("2024-01-01T00:00:00.123456789Z"));
        assert_eq!(read("2016-12-31T23:59:60Z"), is("2017-01-01T00:00:00.000Z"));
    }

    #[test]
    fn what_is_no_rfc_3339_is_refused() {
        for text in [
            "",
            "yesterday",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00ZZ",
            "2024-01-00T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "+024-01-01T00:00:00Z",
        ] {
            assert_eq!(read("rfc3339", text), None, "{text:?}");
        }
    }

    #[test]
    fn the_years_1678_to_2261_are_accepted_by_the_instant_not_by_the_text() {
        let read = |text| read("rfc3339", text);
        assert_eq!(read("1678-01-01T00:00:00Z"), is("1678-01-01T00:00:00.000Z"));
        assert_eq!(read("1677-12-31T23:59:59.999999999Z"), None);
        assert_eq!(read("1677-12-31T23:30:00-01:00"), is("1678-01-01T00:30:00.000Z"));
        assert_eq!(read("2261-12-31T23:59:59.999999999Z"), is("2261-12-31T23:59:59.999999999Z"));
        assert_eq!(read("2262-01-01T00:00:00Z"), None);
        assert_eq!(read("9999-01-01T00:00:00Z"), None);
    }

    #[test]
    fn unix_times_are_exact_to_the_nanosecond() {
        assert_eq!(read("unix_s", "1700158546"), is("2023-11-16T18:15:46.000Z"));
        assert_eq!(read("unix_s", "1700158546.123456789"), is("2023-11-16T18:15:46.123456789Z"));
        assert_eq!(read("unix_s", "1.700158546e9"), is("2023-11-16T18:15:46.000Z"));
        assert_eq!(read("unix_ms", "1700158546680.59"), is("2023-11-16T18:15:46.680590Z"));
        assert_eq!(read("unix_us", "1700158546680590"), is("2023-11-16T18:15:46.680590Z"));
        assert_eq!(read("unix_ns", "1700158546680590001"), is("2023-11-16T18:15:46.680590001Z"));
        assert_eq!(read("unix_ns", "-1"), is("1969-12-31T23:59:59.999999999Z"));
        assert_eq!(read("unix_s", "0e999999999"), is("1970-01-01T00:00:00.000Z"));
        for text in ["", "-", "1.", ".5", "1e", "1e999999999", "0x1", "1 ", "NaN", "99999999999999999999"] {
            assert_eq!(read("unix_s", text), None, "{text:?}");
        }
    }

    #[test]
    fn a_pattern_is_read_as_utc_unless_it_has_an_offset() {
        let azure = "%Y-%m-%d %H:%M:%S%.f";
        assert_eq!(read(azure, "2023-11-16 18:15:46.6805900"), is("2023-11-16T18:15:46.680590Z"));
        assert_eq!(read(azure, "2023-11-16 18:15:46"), is("2023-11-16T18:15:46.000Z"));
        assert_eq!(read("%d/%b/%Y:%H:%M:%S %z", "16/Nov/2023:19:15:46 +0100"), is("2023-11-16T18:15:46.000Z"));
        assert_eq!(read("%s", "1700158546"), is("2023-11-16T18:15:46.000Z"));
        assert_eq!(read(azure, "2023-11-16"), None);
    }

    #[test]
    fn a_pattern_that_tells_no_instant_is_refused() {
        for pattern in ["%Y", "%H:%M:%S", "%Y-%m-%d", "%!", "iso"] {
            assert!(pattern.parse::<TimeFormat>().is_err(), "{pattern:?}");
        }
    }
}
