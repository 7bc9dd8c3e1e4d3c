//! Durations such as `1.5s` and sizes such as `64MiB`, read exactly.

/// Everything configured stays below a hundred years, so that sums of times and spans cannot overflow.
const MAX_NANOS: i128 = 100 * 365 * 86_400 * 1_000_000_000;
const MAX_BYTES: i128 = 1 << 40;

const DURATION_UNITS: [(&str, i128); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZE_UNITS: [(&str, i128); 9] = [
    ("", 1),
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Reads a duration in whole nanoseconds; it may be negative.
pub(crate) fn duration(text: &str) -> Option<i128> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (number, unit) = split(unsigned);
    // Zero is zero in every unit.
    let scale = match DURATION_UNITS.iter().find(|(name, _)| *name == unit) {
        Some((_, scale)) => *scale,
        None if unit.is_empty() && number == "0" => 1,
        None => return None,
    };
    exact(number, scale).filter(|n| *n < MAX_NANOS).map(|n| sign * n)
}

/// Reads a size in whole bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text);
    let (_, scale) = SIZE_UNITS.iter().find(|(name, _)| *name == unit)?;
    exact(number, *scale).filter(|n| *n <= MAX_BYTES).and_then(|n| u64::try_from(n).ok())
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

/// A decimal number times `scale`, if that is a whole number.
fn exact(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || whole.len() > 20 || fraction.len() > 15 {
        return None;
    }
    let power = 10_i128.pow(u32::try_from(fraction.len()).ok()?);
    let part = fraction.parse::<i128>().ok()?.checked_mul(scale)?;
    let whole = whole.parse::<i128>().ok()?.checked_mul(scale)?;
    (part % power == 0).then(|| whole + part / power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit_and_may_have_a_fraction() {
        assert_eq!(duration("10s"), Some(10_000_000_000));
        assert_eq!(duration("500ms"), Some(500_000_000));
        assert_eq!(duration("1.5s"), Some(1_500_000_000));
        assert_eq!(duration("-5m"), Some(-300_000_000_000));
        assert_eq!(duration("1h"), Some(3_600_000_000_000));
        assert_eq!(duration("2d"), Some(172_800_000_000_000));
        assert_eq!(duration("7us"), Some(7_000));
        assert_eq!(duration("0"), Some(0));
    }

    #[test]
    fn what_is_no_exact_duration_is_refused() {
        for text in [
            "",
            "10",
            "s",
            "ten s",
            "1.s",
            ".5s",
            "1.5ns",
            "--1s",
            "1 0s",
            "1e3s",
            "10sec",
            "36500d",
            "99999999999999999999999s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
        assert!(duration("36499d").is_some());
    }

    #[test]
    fn sizes_are_bytes_or_have_a_unit() {
        assert_eq!(size("1024"), Some(1024));
        assert_eq!(size("64MiB"), Some(64 << 20));
        assert_eq!(size("1.5KiB"), Some(1536));
        assert_eq!(size("2 MB"), Some(2_000_000));
        for text in ["", "MiB", "-1", "0.3B", "1XB", "2TiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }
}
