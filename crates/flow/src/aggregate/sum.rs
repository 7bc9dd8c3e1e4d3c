//! Sums: exact for whole numbers, compensated for doubles.

use crate::decode::Number;
use crate::row::Value;

/// The sum of the numbers of a pane.
///
/// Whole numbers are added exactly: 2⁶³ of them fit into 128 bits. Doubles are added with the compensation of A. Neumaier
/// ("Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974), which keeps what a plain addition
/// would round away.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sum {
    whole: i128,
    wholes: u64,
    double: f64,
    compensation: f64,
    doubles: u64,
}

impl Sum {
    #[inline]
    pub(crate) fn add(&mut self, number: Number) {
        match number {
            Number::Whole(whole) => {
                self.whole += i128::from(whole);
                self.wholes += 1;
            }
            Number::Double(double) => {
                self.add_double(double);
                self.doubles += 1;
            }
        }
    }

    #[inline]
    fn add_double(&mut self, double: f64) {
        let sum = self.double + double;
        self.compensation +=
            if self.double.abs() >= double.abs() { (self.double - sum) + double } else { (double - sum) + self.double };
        self.double = sum;
    }

    pub(crate) fn merge(&mut self, other: &Sum) {
        self.whole += other.whole;
        self.wholes += other.wholes;
        self.add_double(other.double);
        self.compensation += other.compensation;
        self.doubles += other.doubles;
    }

    /// Null without numbers; a whole number if all of them were; a double otherwise.
    pub(crate) fn total(&self) -> Value {
        match (self.wholes, self.doubles) {
            (0, 0) => Value::Null,
            (_, 0) => Value::Whole(self.whole),
            _ => finite(self.as_double()),
        }
    }

    /// The arithmetic mean, always a double.
    pub(crate) fn mean(&self) -> Value {
        match self.wholes + self.doubles {
            0 => Value::Null,
            count => finite(self.as_double() / count as f64),
        }
    }

    fn as_double(&self) -> f64 {
        if self.doubles == 0 {
            return self.whole as f64;
        }
        let mut all = self.clone();
        all.add_double(self.whole as f64);
        // An infinite sum has no meaningful compensation: it would be NaN.
        if all.double.is_finite() { all.double + all.compensation } else { all.double }
    }
}

/// JSON has no infinity: a sum beyond the range of a double is the largest double.
fn finite(value: f64) -> Value {
    Value::Double(value.clamp(f64::MIN, f64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(numbers: &[Number]) -> Sum {
        let mut sum = Sum::default();
        for number in numbers {
            sum.add(*number);
        }
        sum
    }

    #[test]
    fn whole_numbers_add_up_exactly_beyond_64_bits() {
        let total = sum(&[Number::Whole(i64::MAX); 3]).total();
        assert_eq!(total, Value::Whole(3 * i128::from(i64::MAX)));
    }

    #[test]
    fn one_double_makes_the_sum_a_double() {
        assert_eq!(sum(&[Number::Whole(1), Number::Double(0.5)]).total(), Value::Double(1.5));
    }

    #[test]
    fn what_a_plain_addition_rounds_away_is_kept() {
        let numbers = [1e16, 1.0, -1e16, 1.0].map(Number::Double);
        assert_eq!(sum(&numbers).total(), Value::Double(2.0));
    }

    #[test]
    fn a_sum_beyond_the_range_of_a_double_is_the_largest_double() {
        assert_eq!(sum(&[Number::Double(f64::MAX); 2]).total(), Value::Double(f64::MAX));
        let mixed = [f64::MAX, f64::MAX, -f64::MAX].map(Number::Double);
        assert!(matches!(sum(&mixed).total(), Value::Double(v) if v.is_finite()));
    }

    #[test]
    fn no_numbers_have_neither_sum_nor_mean() {
        assert_eq!((sum(&[]).total(), sum(&[]).mean()), (Value::Null, Value::Null));
    }
}
