//! The smallest and the largest number of a pane.

use super::encoding::{put_double, put_layout, put_signed, take_byte, take_double, take_layout, take_signed};
use super::{DecodeError, State};
use crate::decode::Number;
use crate::row::Value;

/// The outermost numbers so far, whole ones and doubles apart so that whole ones stay exact.
#[derive(Clone, Debug)]
pub(crate) struct Extremum {
    whole: Option<i64>,
    double: Option<f64>,
    side: Side,
}

/// Which end is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Min,
    Max,
}

/// The bit of an encoded state that says that whole numbers were seen,
const WHOLES: u8 = 1;
/// and that doubles were.
const DOUBLES: u8 = 2;

impl State for Extremum {
    type Asked = Side;
    type Input<'a> = Number;

    fn new(side: Side) -> Self {
        Extremum { whole: None, double: None, side }
    }

    #[inline]
    fn add(&mut self, number: Number) {
        let side = self.side;
        match number {
            Number::Whole(new) => {
                self.whole =
                    Some(self.whole.map_or(new, |old| if side == Side::Min { old.min(new) } else { old.max(new) }));
            }
            // −0 + 0 is 0: of two zeros neither is the outer one, so they must be the same.
            Number::Double(new) => self.double = Some(self.double.map_or(new, |old| side.outer(old, new)) + 0.0),
        }
    }

    fn merge(&mut self, other: &Self) {
        other.whole.into_iter().for_each(|whole| self.add(Number::Whole(whole)));
        other.double.into_iter().for_each(|double| self.add(Number::Double(double)));
    }

    /// One double among them makes the result a double.
    fn result(&self) -> Value {
        match (self.whole, self.double) {
            (None, None) => Value::Null,
            (Some(whole), None) => Value::Whole(i128::from(whole)),
            (None, Some(double)) => Value::Double(double),
            (Some(whole), Some(double)) => Value::Double(self.side.outer(whole as f64, double)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_layout(out, 1);
        out.push(self.whole.map_or(0, |_| WHOLES) | self.double.map_or(0, |_| DOUBLES));
        self.whole.into_iter().for_each(|whole| put_signed(out, i128::from(whole)));
        self.double.into_iter().for_each(|double| put_double(out, double));
    }

    fn decode(side: Side, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_layout(bytes, 1)?;
        let kinds = take_byte(bytes)?;
        if kinds > WHOLES | DOUBLES {
            return Err(DecodeError::Corrupt("an extremum of unknown kinds"));
        }
        let whole = (kinds & WHOLES != 0).then(|| take_signed(bytes)).transpose()?;
        let double = (kinds & DOUBLES != 0).then(|| take_double(bytes)).transpose()?;
        let narrow = |whole| i64::try_from(whole).map_err(|_| DecodeError::Corrupt("a number beyond 64 bits"));
        Ok(Extremum { whole: whole.map(narrow).transpose()?, double, side })
    }
}

impl Side {
    #[inline]
    fn outer(self, a: f64, b: f64) -> f64 {
        if self == Side::Min { a.min(b) } else { a.max(b) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(side: Side, numbers: &[Number]) -> Value {
        let mut extremum = Extremum::new(side);
        for number in numbers {
            extremum.add(*number);
        }
        extremum.result()
    }

    #[test]
    fn whole_numbers_that_a_double_cannot_tell_apart_stay_exact() {
        let numbers = [9_007_199_254_740_993, 9_007_199_254_740_992].map(Number::Whole);
        assert_eq!(of(Side::Max, &numbers), Value::Whole(9_007_199_254_740_993));
        assert_eq!(of(Side::Min, &numbers), Value::Whole(9_007_199_254_740_992));
    }

    #[test]
    fn one_double_among_them_makes_the_result_a_double() {
        let numbers = [Number::Whole(3), Number::Double(5.5)];
        assert_eq!(of(Side::Min, &numbers), Value::Double(3.0));
        assert_eq!(of(Side::Max, &numbers), Value::Double(5.5));
        assert_eq!(of(Side::Max, &[]), Value::Null);
    }

    #[test]
    fn zero_has_no_sign() {
        let zeros = [-0.0, 0.0, -0.0].map(Number::Double);
        for side in [Side::Min, Side::Max] {
            assert!(matches!(of(side, &zeros), Value::Double(zero) if zero.is_sign_positive()));
            assert!(matches!(of(side, &zeros[..1]), Value::Double(zero) if zero.is_sign_positive()));
        }
    }
}
