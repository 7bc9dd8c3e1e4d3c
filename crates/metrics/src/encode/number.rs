//! Numbers as text.
//!
//! The spelling of `le` is part of a series' identity in older Prometheus servers, so numbers are
//! spelled the way most exporters do it, which is Go's `%g`: the shortest digits that come back
//! as the same number, with an exponent below 0.0001 and from a million on. `OpenMetrics` calls
//! canonical what has a point besides: `1.0`, and `1e+06` as it is.

/// Sizes from here on have an exponent: `1e+06`, but `100000`.
const FIRST_LARGE: f64 = 1e6;
/// Sizes below this have one, too: `1e-05`, but `0.0001`.
const LAST_SMALL: f64 = 1e-4;

/// How whole numbers are spelled that come from a float.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `1`
    Short,
    /// `1.0`
    Canonical,
}

/// A number as the text format spells it.
pub(crate) fn text(number: f64) -> String {
    let mut text = String::new();
    append(&mut text, number, Spelling::Short);
    text
}

/// Appends a number.
pub(super) fn append(out: &mut String, value: f64, spelling: Spelling) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        append_finite(out, value, spelling);
    }
}

/// Appends a whole number, exactly.
pub(super) fn append_integer(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
}

fn append_finite(out: &mut String, value: f64, spelling: Spelling) {
    let (size, mut buffer) = (value.abs(), zmij::Buffer::new());
    // The shortest digits that read back as the number: `0.5`, `10.0`, `1e+100`.
    let shortest = buffer.format_finite(size);
    if value.is_sign_negative() {
        out.push('-');
    }
    if let Some((digits, exponent)) = shortest.split_once('e') {
        out.push_str(digits);
        append_exponent(out, exponent.parse().unwrap_or(0));
    } else if size < FIRST_LARGE && (size >= LAST_SMALL || size == 0.0) {
        let short = shortest.strip_suffix(".0").filter(|_| spelling == Spelling::Short);
        out.push_str(short.unwrap_or(shortest));
    } else {
        append_scientific(out, shortest);
    }
}

/// Moves the point of a number like `1250000.5` or `0.0000125` behind its first digit.
fn append_scientific(out: &mut String, number: &str) {
    let point = number.find('.').unwrap_or(number.len());
    let first = number.find(|c| ('1'..='9').contains(&c)).unwrap_or(0);
    let digits = number[first..].trim_end_matches(['0', '.']).bytes().filter(|byte| *byte != b'.');
    for (nth, digit) in digits.enumerate() {
        if nth == 1 {
            out.push('.');
        }
        out.push(char::from(digit));
    }
    // Both are places in a text of at most 24 bytes.
    let place = |at: usize| i32::try_from(at).unwrap_or(0);
    append_exponent(out, place(point) - place(first) - i32::from(first < point));
}

/// Two digits at least: `e+06`, `e-324`.
fn append_exponent(out: &mut String, exponent: i32) {
    out.push_str(if exponent < 0 { "e-" } else { "e+" });
    if exponent.unsigned_abs() < 10 {
        out.push('0');
    }
    append_integer(out, exponent.unsigned_abs().into());
}

#[cfg(test)]
mod tests {
    use super::{Spelling, append, text};

    #[test]
    fn trap_3_numbers_are_spelled_the_way_go_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (2.5, "2.5"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (0.000_099_9, "9.99e-05"),
            (100_000.0, "100000"),
            (123_456.789, "123456.789"),
            (999_999.5, "999999.5"),
            (1_000_000.0, "1e+06"),
            (1_250_000.5, "1.2500005e+06"),
            (1e15, "1e+15"),
            (1e16, "1e+16"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (10_485_760.0, "1.048576e+07"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (-1.5e-7, "-1.5e-07"),
            (5e-324, "5e-324"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn trap_3_a_canonical_number_has_a_point_or_an_exponent() {
        let canonical = |value| {
            let mut out = String::new();
            append(&mut out, value, Spelling::Canonical);
            out
        };
        let cases = [(0.0, "0.0"), (-3.0, "-3.0"), (0.25, "0.25"), (100_000.0, "100000.0"), (1e6, "1e+06")];
        for (value, expected) in cases {
            assert_eq!(canonical(value), expected);
        }
        assert_eq!([f64::INFINITY, f64::NAN].map(canonical), ["+Inf", "NaN"]);
    }

    #[test]
    fn every_finite_number_reads_back_as_itself() {
        // A walk over bit patterns by a step that is coprime to their number.
        let mut bits = 1_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let value = f64::from_bits(bits);
            if value.is_finite() {
                assert_eq!(text(value).parse::<f64>().unwrap().to_bits(), bits);
            }
        }
    }
}
