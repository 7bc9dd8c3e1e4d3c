//! The smallest and the largest number of a pane.

use super::{DecodeError, State};
use crate::decode::Number;
use crate::encoding::{put_double, put_layout, put_signed, take_byte, take_double, take_layout, take_signed};
use crate::row::Value;

/// The outermost numbers so far, whole ones and doubles apart so that whole ones stay exact.
#[derive(Clone, Debug)]
pub(crate) struct Extremum<const LARGEST: bool> {
    whole: Option<i64>,
    double: Option<f64>,
}

/// The smallest number.
pub(crate) type Min = Extremum<false>;

/// The largest number.
pub(crate) type Max = Extremum<true>;

/// The bit of an encoded state that says that whole numbers were seen,
const WHOLES: u8 = 1;
/// and that doubles were.
const DOUBLES: u8 = 2;

impl<const LARGEST: bool> State for Extremum<LARGEST> {
    type Asked = ();
    type Input<'a> = Number;

    fn new((): ()) -> Self {
        Extremum { whole: None, double: None }
    }

    #[inline]
    fn add(&mut self, number: Number) {
        match number {
            Number::Whole(new) => {
                self.whole = Some(self.whole.map_or(new, |old| if LARGEST { old.max(new) } else { old.min(new) }));
            }
            Number::Double(new) => self.double = Some(self.double.map_or(new, |old| Self::outer(old, new))),
        }
    }

    fn merge(&mut self, other: &Self) {
        other.whole.into_iter().for_each(|whole| self.add(Number::Whole(whole)));
        other.double.into_iter().for_each(|double| self.add(Number::Double(double)));
    }

    /// One double among them makes the result a double.
    fn result(&self) -> Value {
        match (self.whole, self.unsigned_zero()) {
            (None, None) => Value::Null,
            (Some(whole), None) => Value::Whole(i128::from(whole)),
            (None, Some(double)) => Value::Double(double),
            (Some(whole), Some(double)) => Value::Double(Self::outer(whole as f64, double)),
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_layout(out, 1);
        out.push(self.whole.map_or(0, |_| WHOLES) | self.double.map_or(0, |_| DOUBLES));
        self.whole.into_iter().for_each(|whole| put_signed(out, i128::from(whole)));
        self.unsigned_zero().into_iter().for_each(|double| put_double(out, double));
    }

    fn decode((): (), bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_layout(bytes, 1)?;
        let kinds = take_byte(bytes)?;
        if kinds > WHOLES | DOUBLES {
            return Err(DecodeError::Corrupt("an extremum of unknown kinds"));
        }
        let whole = (kinds & WHOLES != 0).then(|| take_signed(bytes)).transpose()?;
        let double = (kinds & DOUBLES != 0).then(|| take_double(bytes)).transpose()?;
        let narrow = |whole| i64::try_from(whole).map_err(|_| DecodeError::Corrupt("a number beyond 64 bits"));
        Ok(Extremum { whole: whole.map(narrow).transpose()?, double })
    }
}

impl<const LARGEST: bool> Extremum<LARGEST> {
    /// Which of two zeros is the outer one is open, so they must be told apart nowhere: −0 + 0 is 0.
    fn unsigned_zero(&self) -> Option<f64> {
        self.double.map(|double| double + 0.0)
    }

    #[inline]
    fn outer(a: f64, b: f64) -> f64 {
        if LARGEST { a.max(b) } else { a.min(b) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<const LARGEST: bool>(numbers: &[Number]) -> Value {
        let mut extremum = Extremum::<LARGEST>::new(());
        for number in numbers {
            extremum.add(*number);
        }
        extremum.result()
    }

    #[test]
    fn whole_numbers_that_a_double_cannot_tell_apart_stay_exact() {
        let numbers = [9_007_199_254_740_993, 9_007_199_254_740_992].map(Number::Whole);
        assert_eq!(of::<true>(&numbers), Value::Whole(9_007_199_254_740_993));
        assert_eq!(of::<false>(&numbers), Value::Whole(9_007_199_254_740_992));
    }

    #[test]
    fn one_double_among_them_makes_the_result_a_double() {
        let numbers = [Number::Whole(3), Number::Double(5.5)];
        assert_eq!(of::<false>(&numbers), Value::Double(3.0));
        assert_eq!(of::<true>(&numbers), Value::Double(5.5));
        assert_eq!(of::<true>(&[]), Value::Null);
    }

    #[test]
    fn zero_has_no_sign() {
        let zeros = [-0.0, 0.0, -0.0].map(Number::Double);
        for zeros in [&zeros[..], &zeros[..1]] {
            for extremum in [of::<false>(zeros), of::<true>(zeros)] {
                assert!(matches!(extremum, Value::Double(zero) if zero.is_sign_positive()));
            }
        }
    }
}
