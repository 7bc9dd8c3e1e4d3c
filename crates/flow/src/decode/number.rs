//! Numbers in JSON's grammar (RFC 8259, section 6).

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Written without fraction or exponent, and within 64 bits signed.
    Whole(i64),
    /// Any other; finite.
    Double(f64),
}

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
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Number::Whole(whole));
        }
        let double: f64 = text.parse().ok()?;
        double.is_finite().then_some(Number::Double(double))
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
    fn what_json_does_not_call_a_number_is_none() {
        for text in ["", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "0x1", "NaN", "inf", "1 ", " 1", "1_0"] {
            assert_eq!(Number::read(text), None, "{text:?}");
        }
    }
}
