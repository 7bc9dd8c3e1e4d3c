//! Numbers as a page has them: whole ones exactly, whatever their size.

use std::fmt;

use crate::encode;

/// The value of a sample.
///
/// ```
/// use streamgauge_metrics::test::Number;
///
/// assert_eq!(Number::from(2.0), Number::from(2_u64));
/// assert_ne!(Number::from(u64::MAX), Number::from(u64::MAX - 1));
/// assert_eq!(f64::from(Number::from(3)), 3.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number(Value);

/// A whole number has one form: what an `f64` holds exactly is never a fraction here.
#[derive(Clone, Copy, Debug)]
enum Value {
    Whole(i128),
    Fraction(f64),
}

/// Fractions that differ by no more than this part of them came about by adding in another order.
const ROUNDING: f64 = 1e-9;
/// From here on not every whole number is an `f64`.
const INEXACT: f64 = 9_007_199_254_740_992.0;

impl Number {
    pub(super) fn read(text: &str) -> Option<Self> {
        let whole = text.parse().ok().map(|whole| Self(Value::Whole(whole)));
        whole.or_else(|| text.parse::<f64>().ok().map(Self::from))
    }

    pub(super) fn minus(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Value::Whole(a), Value::Whole(b)) => Self(Value::Whole(a - b)),
            _ => Self::from(f64::from(self) - f64::from(other)),
        }
    }

    /// Whether the two are the same, but for a rounding if they are fractions.
    pub(super) fn is_near(self, other: Self) -> bool {
        if let (Value::Fraction(_), _) | (_, Value::Fraction(_)) = (self.0, other.0) {
            let (a, b) = (f64::from(self), f64::from(other));
            return self == other || (a - b).abs() <= a.abs().max(b.abs()) * ROUNDING && a.is_finite() && b.is_finite();
        }
        self == other
    }
}

/// `NaN` is the same as `NaN`, so that it can be expected.
impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Whole(a), Self::Whole(b)) => a == b,
            (Self::Fraction(a), Self::Fraction(b)) => a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(),
            _ => false,
        }
    }
}

impl From<f64> for Number {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and less than 2^53")]
    fn from(number: f64) -> Self {
        let whole = number.fract() == 0.0 && number.abs() < INEXACT;
        Self(if whole { Value::Whole(number as i128) } else { Value::Fraction(number) })
    }
}

impl From<f32> for Number {
    fn from(number: f32) -> Self {
        f64::from(number).into()
    }
}

macro_rules! whole {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Number {
            fn from(number: $integer) -> Self {
                Self(Value::Whole(number.into()))
            }
        }
    )*};
}

whole!(u8, u16, u32, u64, i8, i16, i32, i64);

impl From<usize> for Number {
    fn from(number: usize) -> Self {
        (number as u64).into()
    }
}

impl From<Number> for f64 {
    fn from(number: Number) -> Self {
        match number.0 {
            Value::Whole(whole) => whole as f64,
            Value::Fraction(fraction) => fraction,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Whole(whole) => whole.fmt(f),
            Value::Fraction(fraction) => f.write_str(&encode::number::text(fraction)),
        }
    }
}
