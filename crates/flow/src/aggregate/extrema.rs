//! The smallest and the largest number of a pane.

use super::DecodeError;
use crate::decode::Number;
use crate::encoding::{put_double, put_layout, put_signed, take_byte, take_double, take_layout, take_signed};
use crate::row::Value;

/// The outermost numbers so far, whole ones and doubles apart so that whole ones stay exact.
#[derive(Clone, Debug)]
pub(crate) struct Extrema {
    whole: Range<i64>,
    double: Range<f64>,
}

/// The smallest and the largest one; the other way round as long as there is none.
#[derive(Clone, Copy, Debug)]
struct Range<T> {
    min: T,
    max: T,
}

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Min,
    Max,
}

/// The bit of an encoded state that says that whole numbers were seen,
const WHOLES: u8 = 1;
/// and that doubles were.
const DOUBLES: u8 = 2;

impl Extrema {
    pub(super) fn new() -> Self {
        Extrema {
            whole: Range { min: i64::MAX, max: i64::MIN },
            double: Range { min: f64::INFINITY, max: f64::NEG_INFINITY },
        }
    }

    #[inline]
    pub(super) fn add(&mut self, number: Number) {
        match number {
            Number::Whole(new) => self.whole = self.whole.and(Range { min: new, max: new }),
            Number::Double(new) => self.double = self.double.and(Range { min: new, max: new }),
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.whole = self.whole.and(other.whole);
        self.double = self.double.and(other.double);
    }

    /// Null without numbers; one double among them makes the result a double.
    pub(super) fn at(&self, side: Side) -> Value {
        match (self.whole.at(side), self.unsigned_zero(side)) {
            (None, None) => Value::Null,
            (Some(whole), None) => Value::Whole(i128::from(whole)),
            (None, Some(double)) => Value::Double(double),
            (Some(whole), Some(double)) => Value::Double(match side {
                Side::Min => double.min(whole as f64),
                Side::Max => double.max(whole as f64),
            }),
        }
    }

    /// Appends one side of them.
    pub(super) fn encode(&self, side: Side, out: &mut Vec<u8>) {
        let (whole, double) = (self.whole.at(side), self.unsigned_zero(side));
        put_layout(out, 1);
        out.push(whole.map_or(0, |_| WHOLES) | double.map_or(0, |_| DOUBLES));
        if let Some(whole) = whole {
            put_signed(out, i128::from(whole));
        }
        if let Some(double) = double {
            put_double(out, double);
        }
    }

    /// Reads one side; the other one may be read after it.
    pub(super) fn decode(&mut self, side: Side, bytes: &mut &[u8]) -> Result<(), DecodeError> {
        take_layout(bytes, 1)?;
        let kinds = take_byte(bytes)?;
        if kinds > WHOLES | DOUBLES {
            return Err(DecodeError::Corrupt("an extremum of unknown kinds"));
        }
        if kinds & WHOLES != 0 {
            let narrow = i64::try_from(take_signed(bytes)?);
            self.whole.set(side, narrow.map_err(|_| DecodeError::Corrupt("a number beyond 64 bits"))?);
        }
        if kinds & DOUBLES != 0 {
            self.double.set(side, take_double(bytes)?);
        }
        Ok(())
    }

    /// Which of two zeros is the outer one is open, so they must be told apart nowhere: −0 + 0 is 0.
    fn unsigned_zero(&self, side: Side) -> Option<f64> {
        self.double.at(side).map(|double| double + 0.0)
    }
}

impl<T: Copy + PartialOrd> Range<T> {
    #[inline]
    fn and(self, other: Range<T>) -> Range<T> {
        Range {
            min: if other.min < self.min { other.min } else { self.min },
            max: if other.max > self.max { other.max } else { self.max },
        }
    }

    fn at(self, side: Side) -> Option<T> {
        let outer = if side == Side::Min { self.min } else { self.max };
        (self.min <= self.max).then_some(outer)
    }

    /// One side is known; as long as the other is not, that is the only number there is.
    fn set(&mut self, side: Side, outer: T) {
        if self.min > self.max {
            *self = Range { min: outer, max: outer };
        }
        match side {
            Side::Min => self.min = outer,
            Side::Max => self.max = outer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[Number]) -> [Value; 2] {
        let mut extrema = Extrema::new();
        for number in numbers {
            extrema.add(*number);
        }
        [Side::Min, Side::Max].map(|side| extrema.at(side))
    }

    #[test]
    fn whole_numbers_that_a_double_cannot_tell_apart_stay_exact() {
        let numbers = [9_007_199_254_740_993, 9_007_199_254_740_992].map(Number::Whole);
        assert_eq!(of(&numbers), [9_007_199_254_740_992, 9_007_199_254_740_993].map(Value::Whole));
        assert_eq!(of(&[i64::MIN, i64::MAX].map(Number::Whole)), [i64::MIN, i64::MAX].map(|n| Value::Whole(n.into())));
    }

    #[test]
    fn one_double_among_them_makes_the_result_a_double() {
        assert_eq!(of(&[Number::Whole(3), Number::Double(5.5)]), [3.0, 5.5].map(Value::Double));
        assert_eq!(of(&[Number::Whole(7), Number::Double(5.5)]), [5.5, 7.0].map(Value::Double));
        assert_eq!(of(&[]), [Value::Null; 2]);
    }

    #[test]
    fn zero_has_no_sign() {
        let zeros = [-0.0, 0.0, -0.0].map(Number::Double);
        for zeros in [&zeros[..], &zeros[..1]] {
            for extremum in of(zeros) {
                assert!(matches!(extremum, Value::Double(zero) if zero.is_sign_positive()));
            }
        }
    }
}
