//! Numbers as text.
//!
//! The spelling of `le` is part of a series' identity in older Prometheus servers, so numbers are
//! spelled the way most exporters do it, which is Go's `%g`: the shortest digits that come back
//! as the same number, with an exponent below 0.0001 and from a million on.

use std::fmt::Write;

/// Exponents from here on are written as such: `1e+06`, but `100000`.
const FIRST_LARGE_EXPONENT: i32 = 6;
/// Exponents below this are written as such: `1e-05`, but `0.0001`.
const LAST_SMALL_EXPONENT: i32 = -4;

/// Appends a number.
pub(super) fn append(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else {
        write_finite(out, value);
    }
}

/// Appends a whole number, exactly.
pub(super) fn append_integer(out: &mut String, value: u64) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

fn write_finite(out: &mut String, value: f64) {
    if value.is_sign_negative() {
        out.push('-');
    }
    // `{:e}` gives the shortest digits that read back as the same number: "1.048576e7".
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (LAST_SMALL_EXPONENT..FIRST_LARGE_EXPONENT).contains(&exponent) {
        // Display never writes an exponent, and its digits are the shortest as well.
        out.push_str(&value.abs().to_string());
    } else {
        out.push_str(mantissa);
        // Writing to a String cannot fail.
        let _ = write!(out, "e{exponent:+03}");
    }
}

#[cfg(test)]
mod tests {
    use super::append;

    fn text(value: f64) -> String {
        let mut out = String::new();
        append(&mut out, value);
        out
    }

    #[test]
    fn numbers_are_spelled_the_way_go_does() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (0.5, "0.5"),
            (2.5, "2.5"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (100_000.0, "100000"),
            (123_456.789, "123456.789"),
            (1_000_000.0, "1e+06"),
            (10_485_760.0, "1.048576e+07"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (-1.5e-7, "-1.5e-07"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(value), expected);
        }
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
