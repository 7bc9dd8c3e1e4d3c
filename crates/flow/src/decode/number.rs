//! Numbers in JSON's grammar (RFC 8259, section 6).

#![expect(clippy::inline_always, reason = "a call costs as much as a usual number takes to read")]

/// A number as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Written without fraction or exponent, and within 64 bits signed.
    Whole(i64),
    /// Any other; finite.
    Double(f64),
}

/// How many bytes are looked at for a usual number: more than one has.
pub(super) const SIGHT: usize = 64;

const UNSIGNED_SIGHT: usize = SIGHT - 1;

const ONES: u64 = 0x0101_0101_0101_0101;
const TENS: [u64; 16] = {
    let mut tens = [1; 16];
    let mut at = 1;
    while at < tens.len() {
        tens[at] = 10 * tens[at - 1];
        at += 1;
    }
    tens
};
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
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let others = beyond_nine(digit_values(u64::from_le_bytes(*eight)));
        if others != 0 {
            at += others.trailing_zeros() as usize / 8;
            return (at > from).then_some(at);
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > from).then_some(at)
}

impl Number {
    /// Reads a text that is wholly a number; `None` if it is none or beyond the range of a double.
    #[inline]
    pub(super) fn read(text: &[u8]) -> Option<Number> {
        if end_of_number(text, 0)? != text.len() {
            return None;
        }
        Self::read_checked(text)
    }

    /// Reads a text whose grammar was judged before; `None` if it is beyond the range of a double.
    #[inline]
    pub(super) fn read_checked(text: &[u8]) -> Option<Number> {
        let mut padded = [0; SIGHT];
        if let Some(begin) = padded.get_mut(..text.len()) {
            begin.copy_from_slice(text);
            if let Some((usual, _)) = Self::usual(&padded) {
                return Some(usual);
            }
        }
        let text = std::str::from_utf8(text).ok()?;
        if let Ok(whole) = text.parse::<i64>() {
            return Some(Number::Whole(whole));
        }
        let double: f64 = text.parse().ok()?;
        double.is_finite().then_some(Number::Double(double))
    }

    /// The usual number, and how long it is: no exponent, at most 15 digits. `None` if the bytes do not begin with one.
    #[inline]
    pub(super) fn usual(bytes: &[u8; SIGHT]) -> Option<(Number, usize)> {
        if bytes[0] != b'-' {
            return Self::unsigned(bytes.first_chunk()?);
        }
        let (number, length) = Self::unsigned(bytes[1..].first_chunk()?)?;
        let number = match number {
            Number::Whole(whole) => Number::Whole(-whole),
            Number::Double(double) => Number::Double(-double),
        };
        Some((number, 1 + length))
    }

    /// The same without a sign and with at most seven digits, or eight with a point among them, as most are.
    #[inline(always)]
    pub(super) fn short(bytes: &[u8; SIGHT]) -> Option<(Number, usize)> {
        let first = eight_bytes(bytes, 0);
        let others = beyond_nine(digit_values(first));
        let bits = others.trailing_zeros() & !7;
        let whole = bits as usize / 8;
        if others == 0 || whole == 0 || bytes[0] == b'0' && whole > 1 {
            return None;
        }
        match byte_at(first, bits) {
            b'.' => Self::short_decimal(bytes, whole, lowest(others)),
            b'e' | b'E' => None,
            // There are some: none of no digits could be shifted out.
            _ => Some((Number::Whole(eight_digits(digit_values(first) << (64 - bits)).cast_signed()), whole)),
        }
    }

    /// One with a point behind its `whole` digits, given as the top bit of its byte.
    ///
    /// Nothing is loaded from behind the point, which would have to wait until it is known where that is.
    #[inline(always)]
    fn short_decimal(bytes: &[u8; SIGHT], whole: usize, point: u64) -> Option<(Number, usize)> {
        let from_third = eight_bytes(bytes, 2);
        let others = beyond_nine(digit_values(from_third)) & !(point >> 16);
        let bits = others.trailing_zeros() & !7;
        let end = 2 + bits as usize / 8;
        if others == 0 || end == whole + 1 || byte_at(from_third, bits) | 0x20 == b'e' {
            return None;
        }
        let before = (point >> 7) - 1;
        let text = eight_bytes(bytes, 0) & before | eight_bytes(bytes, 1) & !before;
        let mantissa = eight_digits(digit_values(text) << (56 - bits));
        Some((Number::Double(decimal(mantissa, end - whole - 1)), end))
    }

    /// The usual number without a sign.
    #[inline]
    fn unsigned(bytes: &[u8; UNSIGNED_SIGHT]) -> Option<(Number, usize)> {
        let whole = Digits::at(bytes, 0)?;
        if whole.count == 0 || bytes[0] == b'0' && whole.count > 1 {
            return None;
        }
        match whole.next {
            b'.' => {
                let fraction = Digits::at(bytes, whole.count + 1)?;
                if fraction.count == 0 || whole.count + fraction.count > 15 || fraction.next | 0x20 == b'e' {
                    return None;
                }
                let double = decimal(whole.value * TENS[fraction.count] + fraction.value, fraction.count);
                Some((Number::Double(double), whole.count + 1 + fraction.count))
            }
            b'e' | b'E' => None,
            _ => Some((Number::Whole(whole.value.cast_signed()), whole.count)),
        }
    }
}

/// A mantissa of at most 15 digits with so many behind the point.
///
/// The mantissa and a power of ten up to the 15th are both exact as doubles, so one division rounds once and correctly (W. D.
/// Clinger, "How to read floating point numbers accurately", 1990).
#[inline]
fn decimal(mantissa: u64, places: usize) -> f64 {
    // Signed, as that is one instruction.
    mantissa.cast_signed() as f64 / POWERS_OF_TEN[places % POWERS_OF_TEN.len()]
}

/// A run of at most 15 digits, which may be none.
#[derive(Clone, Copy)]
struct Digits {
    value: u64,
    count: usize,
    next: u8, // what stands behind it
}

impl Digits {
    /// The digits that begin at a place near the beginning of a window; `None` if they are more.
    #[inline(always)]
    fn at(bytes: &[u8; UNSIGNED_SIGHT], at: usize) -> Option<Digits> {
        let eight = eight_bytes(bytes, at);
        let digits = digit_values(eight);
        let others = beyond_nine(digits);
        if others == 0 {
            return Self::many(bytes, at);
        }
        let count = others.trailing_zeros() / 8;
        // None of no digits may be shifted out by 64 bits.
        let value = eight_digits((digits << 8) << (56 - 8 * count));
        Some(Digits { value, count: count as usize, next: byte_at(eight, 8 * count) })
    }

    /// The same for eight digits or more.
    #[inline(never)]
    fn many(bytes: &[u8; UNSIGNED_SIGHT], at: usize) -> Option<Digits> {
        let digits = &bytes[at..end_of_digits(bytes, at)?];
        if digits.len() > 15 {
            return None;
        }
        Some(Digits {
            value: digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')),
            count: digits.len(),
            next: bytes[at + digits.len()],
        })
    }
}

/// Eight bytes near the beginning of a window.
#[inline(always)]
fn eight_bytes(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at % (SIGHT / 2)..).and_then(<[u8]>::first_chunk).map_or(0, |eight| u64::from_le_bytes(*eight))
}

/// The byte that begins at a bit.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "the lowest byte is meant")]
fn byte_at(bytes: u64, bit: u32) -> u8 {
    (bytes >> bit) as u8
}

/// The lowest bit.
#[inline(always)]
fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// Digits as numbers from 0 to 9, each in its byte; anything else is more.
#[inline(always)]
fn digit_values(bytes: u64) -> u64 {
    bytes ^ (ONES * u64::from(b'0'))
}

/// The top bit of each byte that is more than nine. A carry disturbs only what is behind the first such byte.
#[inline(always)]
fn beyond_nine(bytes: u64) -> u64 {
    (bytes.wrapping_add(ONES * 0x76) | bytes) & (ONES * 0x80)
}

/// Whether eight bytes are the values of digits.
#[inline(always)]
pub(crate) fn are_digits(bytes: u64) -> bool {
    beyond_nine(bytes) == 0
}

/// What eight digits mean, each in a byte of its own, the first one in the lowest: pairs are added up, then fours, then all.
#[inline(always)]
pub(crate) fn eight_digits(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10 * 256 + 1) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(100 * 65_536 + 1) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul((10_000 << 32) + 1) >> 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_if_written_so_and_within_64_bits() {
        let read = |text: &str| Number::read(text.as_bytes());
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
            if Number::read(text.as_bytes()).is_some_and(|number| matches!(number, Number::Double(_))) {
                assert_eq!(Number::read(text.as_bytes()), Some(Number::Double(text.parse().unwrap())), "{text}");
            }
        }
    }

    #[test]
    fn a_number_of_few_digits_is_read_as_one_of_many_is_wherever_its_point_stands() {
        for whole in ["0", "7", "42", "100", "1234", "54321", "654321", "7654321", "87654321", "987654321", "01", ""] {
            for fraction in ["", "0", "5", "25", "007", "1000", "00012", "012060", "1234567", "12345678", "123456789"] {
                for (point, behind) in
                    [("", ""), (".", ""), (".", ","), (".", "e"), ("", "}"), (".", "."), (".", "\u{ff}")]
                {
                    let text = format!("{whole}{point}{fraction}{behind}");
                    let mut bytes = [b' '; SIGHT];
                    bytes[..text.len()].copy_from_slice(text.as_bytes());
                    let (short, usual) = (Number::short(&bytes), Number::usual(&bytes));
                    let digits = text.bytes().filter(u8::is_ascii_digit).count();
                    let is_short = digits <= if text.contains('.') { 8 } else { 7 } && whole.len() < 8;
                    assert_eq!(short, usual.filter(|_| is_short), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_json_does_not_call_a_number_is_none() {
        for text in ["", "-", "01", "-01", "1.", ".5", "+1", "1e", "1e+", "0x1", "NaN", "inf", "1 ", " 1", "1_0"] {
            assert_eq!(Number::read(text.as_bytes()), None, "{text:?}");
        }
    }
}
