//! Sums: exact for whole numbers, compensated for doubles.

use super::{DecodeError, State};
use crate::decode::Number;
use crate::encoding::{
    put_count, put_double, put_layout, put_signed, take_byte, take_count, take_double, take_layout, take_signed,
};
use crate::row::Value;

/// The sum of the numbers of a pane.
///
/// Whole numbers are added exactly: 2⁶³ of them fit into 128 bits. Doubles are added with the compensation of A. Neumaier
/// ("Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974), which keeps what a plain addition
/// would round away.
#[derive(Clone, Debug)]
pub(crate) struct Sum {
    whole: Whole,
    count: u64,  // of all numbers
    double: f64, // −0 until a double comes: what is added to it, it becomes, and no sum of others is −0
    compensation: f64,
}

/// 128 bits that stand where 64 may stand: a state then is 8 bytes smaller, and so is every pane.
#[derive(Clone, Copy, Debug)]
#[repr(Rust, packed(8))]
struct Whole(i128);

/// What an encoded state says of its doubles: there are none,
const WHOLE: u8 = 0;
/// their sum is finite,
const FINITE: u8 = 1;
/// it left the range of a double upwards,
const ABOVE: u8 = 2;
/// or downwards.
const BELOW: u8 = 3;

impl State for Sum {
    type Input<'a> = Number;

    fn new() -> Self {
        Sum { whole: Whole(0), count: 0, double: -0.0, compensation: 0.0 }
    }

    #[inline]
    fn add(&mut self, number: Number) {
        self.count += 1;
        match number {
            Number::Whole(whole) => self.whole.0 += i128::from(whole),
            Number::Double(double) => self.add_double(double + 0.0), // −0 is 0
        }
    }

    fn merge(&mut self, other: &Self) {
        self.whole.0 += other.whole.0;
        self.count += other.count;
        self.add_double(other.double);
        self.compensation += other.compensation;
        // One overflowed upwards, the other downwards: any answer is as good, but it must not depend on the order.
        if self.double.is_nan() {
            self.double = f64::INFINITY;
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_layout(out, 1);
        put_count(out, self.count);
        put_signed(out, self.whole.0);
        if self.is_whole() {
            out.push(WHOLE);
        } else if self.double.is_finite() {
            out.push(FINITE);
            put_double(out, self.double);
            put_double(out, self.compensation);
        } else {
            out.push(if self.double > 0.0 { ABOVE } else { BELOW });
        }
    }

    fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_layout(bytes, 1)?;
        let mut sum = Sum { count: take_count(bytes)?, whole: Whole(take_signed(bytes)?), ..Sum::new() };
        if sum.whole.0.unsigned_abs() > u128::from(sum.count) << 63 {
            return Err(DecodeError::Corrupt("a sum that its numbers cannot make"));
        }
        match take_byte(bytes)? {
            WHOLE => {}
            FINITE => (sum.double, sum.compensation) = (take_double(bytes)?, take_double(bytes)?),
            ABOVE => sum.double = f64::INFINITY,
            BELOW => sum.double = f64::NEG_INFINITY,
            _ => return Err(DecodeError::Corrupt("a sum of an unknown kind")),
        }
        if sum.count == 0 && !sum.is_whole() {
            return Err(DecodeError::Corrupt("a sum of no numbers"));
        }
        Ok(sum)
    }
}

impl Sum {
    /// The total: null without numbers, a whole number if all of them were, else a double.
    pub(super) fn total(&self) -> Value {
        match self.count {
            0 => Value::Null,
            _ if self.is_whole() => Value::Whole(self.whole.0),
            _ => finite(self.as_double()),
        }
    }

    /// The arithmetic mean: null without numbers, else a double.
    pub(super) fn mean(&self) -> Value {
        match self.count {
            0 => Value::Null,
            count => finite(self.as_double() / count as f64),
        }
    }

    /// Whether no double was among the numbers.
    fn is_whole(&self) -> bool {
        self.double == 0.0 && self.double.is_sign_negative()
    }

    #[inline]
    fn add_double(&mut self, double: f64) {
        let sum = self.double + double;
        self.compensation +=
            if self.double.abs() >= double.abs() { (self.double - sum) + double } else { (double - sum) + self.double };
        self.double = sum;
    }

    #[expect(clippy::cast_possible_truncation, reason = "the double is a rounded 128-bit number")]
    fn as_double(&self) -> f64 {
        let (mut all, exact) = (self.clone(), self.whole.0);
        if exact != 0 {
            let whole = exact as f64;
            all.add_double(whole);
            all.add_double((exact - whole as i128) as f64); // what one double cannot hold of it
        }
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
        let mut sum = Sum::new();
        for number in numbers {
            sum.add(*number);
        }
        sum
    }

    fn total(numbers: &[Number]) -> Value {
        sum(numbers).total()
    }

    #[test]
    fn whole_numbers_add_up_exactly_beyond_64_bits() {
        assert_eq!(total(&[Number::Whole(i64::MAX); 3]), Value::Whole(3 * i128::from(i64::MAX)));
    }

    #[test]
    fn one_double_makes_the_sum_a_double() {
        assert_eq!(total(&[Number::Whole(1), Number::Double(0.5)]), Value::Double(1.5));
    }

    #[test]
    fn trap_36_what_a_plain_addition_rounds_away_is_kept() {
        assert_eq!(total(&[1e16, 1.0, -1e16, 1.0].map(Number::Double)), Value::Double(2.0));
        let mixed = [Number::Whole(i64::MAX), Number::Double(-9_223_372_036_854_775_808.0)];
        assert_eq!(total(&mixed), Value::Double(-1.0), "the last digit of a whole number that no double holds");
    }

    #[test]
    fn a_sum_beyond_the_range_of_a_double_is_the_largest_double() {
        assert_eq!(total(&[Number::Double(f64::MAX); 2]), Value::Double(f64::MAX));
        let mixed = [f64::MAX, f64::MAX, -f64::MAX].map(Number::Double);
        assert!(matches!(total(&mixed), Value::Double(v) if v.is_finite()));
    }

    /// Two slices of a window, one beyond the range upwards and one downwards, once merged into NaN, which JSON cannot say.
    #[test]
    fn sums_that_overflowed_in_opposite_directions_merge_into_a_number() {
        let [above, below] = [f64::MAX, -f64::MAX].map(|most| sum(&[Number::Double(most); 2]));
        for (mut one, other) in [(above.clone(), &below), (below.clone(), &above)] {
            one.merge(other);
            assert_eq!(one.total(), Value::Double(f64::MAX));
        }
    }

    #[test]
    fn trap_37_no_numbers_have_neither_sum_nor_mean() {
        assert_eq!((total(&[]), sum(&[]).mean()), (Value::Null, Value::Null));
    }
}
