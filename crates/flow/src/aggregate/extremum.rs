//! The smallest and the largest number of a pane.

use crate::decode::Number;
use crate::row::Value;

/// Which end is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Min,
    Max,
}

/// The outermost numbers so far, whole ones and doubles apart so that whole ones stay exact.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extremum {
    whole: Option<i64>,
    double: Option<f64>,
}

impl Extremum {
    #[inline]
    pub(crate) fn add(&mut self, side: Side, number: Number) {
        match number {
            Number::Whole(new) => {
                self.whole =
                    Some(self.whole.map_or(new, |old| if side == Side::Min { old.min(new) } else { old.max(new) }));
            }
            Number::Double(new) => self.double = Some(self.double.map_or(new, |old| side.outer(old, new))),
        }
    }

    pub(crate) fn merge(&mut self, side: Side, other: Extremum) {
        other.whole.into_iter().for_each(|whole| self.add(side, Number::Whole(whole)));
        other.double.into_iter().for_each(|double| self.add(side, Number::Double(double)));
    }

    /// One double among them makes the result a double.
    pub(crate) fn result(self, side: Side) -> Value {
        match (self.whole, self.double) {
            (None, None) => Value::Null,
            (Some(whole), None) => Value::Whole(i128::from(whole)),
            (None, Some(double)) => Value::Double(double),
            (Some(whole), Some(double)) => Value::Double(side.outer(whole as f64, double)),
        }
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
        let mut extremum = Extremum::default();
        for number in numbers {
            extremum.add(side, *number);
        }
        extremum.result(side)
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
}
