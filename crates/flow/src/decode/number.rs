//! Numbers in JSON's grammar (RFC 8259, section 6).

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Written without fraction or exponent, and within 64 bits signed.
    Whole(i64),
    /// Any other; finite.
    Double(f64),
}

const POWERS_OF_TEN: [f64; 16] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The end of the number that begins at `at`, if one does. Its neighbour is not looked at.
#[inline]
pub(super) fn end_of_number(bytes: &[u8], mut at: usize) -> Option<usize> {
    at += usize::from(bytes.get(at) == Some(&b'-'));
    let whole = at;
    at = end_of_digits(bytes, at)?;
    if bytes[whole] == b'0' && at > whole + 1 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at = end_of_digits(bytes, at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = matches!(bytes.get(at + 1), Some(b'+' | b'-'));
        at = end_of_digits(bytes, at + 1 + usize::from(sign))?;
    }
    Some(at)
}

/// The end of at least one digit.
#[inline]
fn end_of_digits(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > from).then_some(at)
}

impl Number {
    /// Reads a text that is wholly a number; `None` if it is none or beyond the range of a double.
    #[inline]
    pub(super) fn read(text: &str) -> Option<Number> {
        let bytes = text.as_bytes();
        if end_of_number(bytes, 0)? != bytes.len() {
            return None;
        }
        Self::read_checked(text)
    }

    /// Reads a text whose grammar was judged before; `None` if it is beyond the range of a double.
    #[inline]
    pub(super) fn read_checked(text: &str) -> Option<Number> {
        if let Some(short) = Self::read_short(text.as_bytes()) {
            return Some(short);
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Number::Whole(whole));
        }
        let double: f64 = text.parse().ok()?;
        double.is_finite().then_some(Number::Double(double))
    }
}

impl Number {
    /// The usual number: at most 16 characters without an exponent.
    ///
    /// A mantissa of 15 digits and a power of ten up to the 15th are both exact as doubles, so one division rounds once and
    /// correctly (W. D. Clinger, "How to read floating point numbers accurately", 1990).
    #[inline]
    fn read_short(text: &[u8]) -> Option<Number> {
        let (negative, digits) = text.strip_prefix(b"-").map_or((false, text), |digits| (true, digits));
        if digits.len() > 16 {
            return None;
        }
        let (mut mantissa, mut point) = (0_i64, None);
        for (at, byte) in digits.iter().enumerate() {
            match byte {
                b'0'..=b'9' => mantissa = mantissa * 10 + i64::from(byte - b'0'),
                b'.' => point = Some(at),
                _ => return None,
            }
        }
        Some(match point {
            None => Number::Whole(if negative { -mantissa } else { mantissa }),
            Some(point) => {
                let double = mantissa as f64 / POWERS_OF_TEN[digits.len() - point - 1];
                Number::Double(if negative { -double } else { double })
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_if_written_so_and_within_64_bits() {
        let read = |text| Number::read(text);
        assert_eq!(read("0"), Some(Number::Whole(0)));
        assert_eq!(read("-0"), Some(Number::Whole(0)));
        assert_eq!(read("9223372036854775807"), Some(Number::Whole(i64::MAX)));
        assert_eq!(read("9223372036854775808"), Some(Number::Double(9_223_372_036_854_775_808.0)));
        assert_eq!(read("1.0"), Some(Number::Double(1.0)));
        assert_eq!(read("1e3"), Some(Number::Double(1000.0)));
        assert_eq!(read("1e400"), None);
    }

    #[test]
    fn a_short_number_is_rounded_as_the_standard_library_rounds_it() {
        let mut state = 7_u64;
        for _ in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (digits, places) = (state >> 14, usize::try_from(state % 16).unwrap());
            let text = format!("{digits:017}");
            let text = format!("{}.{}", text[..17 - places - 1].trim_start_matches('0'), &text[17 - places - 1..]);
            let text = if text.starts_with('.') { format!("-0{text}") } else { text };
            let text = &text[..text.len().min(16)];
            if Number::read(text).is_some_and(|number| matches!(number, Number::Double(_))) {
                assert_eq!(Number::read(text), Some(Number::Double(text.parse().unwrap())), "{text}");
            }
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in ["", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "0x1", "NaN", "inf", "1 ", " 1", "1_0"] {
            assert_eq!(Number::read(text), None, "{text:?}");
        }
    }
}
