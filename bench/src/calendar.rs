//! RFC 3339 with microseconds, written and read: `2024-01-01T00:00:00.000000Z`.

use std::fmt::Write;

const DAY: i64 = 86_400_000_000;

/// Appends the moment that lies so many microseconds after 1970.
pub fn write(text: &mut String, micros: i64) {
    let (year, month, day) = date(micros.div_euclid(DAY));
    let rest = micros.rem_euclid(DAY);
    let (seconds, fraction) = (rest / 1_000_000, rest % 1_000_000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ = write!(text, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:06}Z");
}

/// Reads exactly what [`write`] writes.
pub fn read(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 27 || bytes[10] != b'T' || bytes[26] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to]
            .iter()
            .try_fold(0_i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let days = days(number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    Some(days * DAY + seconds * 1_000_000 + number(20, 26)?)
}

/// Days from 1970 to a date of the Gregorian calendar; years begin in March, so that the leap day is the last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let years = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * years + years / 4 - years / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (years + era * 400 + i64::from(month < 3), month, day)
}

#[cfg(test)]
mod tests {
    use super::{read, write};

    #[test]
    fn what_was_written_reads_back_and_known_moments_are_right() {
        for micros in [0, 951_782_399_999_999, 951_868_800_000_000, 1_704_067_200_123_456, 4_102_444_799_000_001] {
            let mut text = String::new();
            write(&mut text, micros);
            assert_eq!(read(&text), Some(micros), "{text}");
        }
        assert_eq!(read("2000-02-29T12:00:00.000001Z"), Some(951_825_600_000_001));
    }
}
