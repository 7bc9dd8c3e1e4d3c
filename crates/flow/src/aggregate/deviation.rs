//! How far numbers lie from their mean.

use super::{DecodeError, State};
use crate::decode::Number;
use crate::encoding::{put_count, put_double, put_flag, put_layout, take_count, take_double, take_flag, take_layout};
use crate::row::Value;

/// The sample standard deviation of the numbers of a pane.
///
/// One pass after B. P. Welford ("Note on a method for calculating corrected sums of squares and products", 1962), merged
/// after T. F. Chan, G. H. Golub and R. J. LeVeque ("Updating formulae and a pairwise algorithm for computing sample
/// variances", 1979). Everything is measured from the first number: numbers that lie close together far from zero then
/// keep the digits in which they differ, and the mean of a constant is exact.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deviation {
    count: u64,
    origin: f64,  // the first number
    mean: f64,    // from the origin
    squares: f64, // the sum of the squared distances from the mean; infinite when it left the range of a double
}

impl State for Deviation {
    type Input<'a> = Number;

    fn new() -> Self {
        Deviation::default()
    }

    fn add(&mut self, number: Number) {
        let number = match number {
            Number::Whole(whole) => whole as f64,
            Number::Double(double) => double + 0.0, // −0 is 0
        };
        if self.count == 0 {
            self.origin = number;
        }
        self.count += 1;
        let from_origin = number - self.origin;
        let distance = from_origin - self.mean;
        self.mean += distance / self.count as f64;
        self.squares += distance * (from_origin - self.mean);
        self.keep_overflow();
    }

    fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.count == 0 {
            return *self = other.clone();
        }
        let distance = (other.origin - self.origin) + (other.mean - self.mean);
        let (mine, theirs) = (self.count as f64, other.count as f64);
        self.count += other.count;
        let share = theirs / (mine + theirs);
        self.mean += distance * share;
        self.squares += other.squares + distance * distance * (mine * share);
        self.keep_overflow();
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_layout(out, 1);
        put_count(out, self.count);
        if self.count > 0 {
            put_flag(out, self.squares.is_finite());
        }
        if self.count > 0 && self.squares.is_finite() {
            for double in [self.origin, self.mean, self.squares] {
                put_double(out, double);
            }
        }
    }

    fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        take_layout(bytes, 1)?;
        let count = take_count(bytes)?;
        if count == 0 {
            return Ok(Deviation::default());
        }
        let mut read = Deviation { count, squares: f64::INFINITY, ..Deviation::default() };
        if take_flag(bytes)? {
            (read.origin, read.mean, read.squares) = (take_double(bytes)?, take_double(bytes)?, take_double(bytes)?);
        }
        let alone = read.mean == 0.0 && read.squares == 0.0;
        if read.squares < 0.0 || count == 1 && !alone {
            return Err(DecodeError::Corrupt("a deviation that no numbers have"));
        }
        Ok(read)
    }
}

impl Deviation {
    /// Null below two numbers. Squares beyond the range of a double make it the largest one, squares too small for one 0.
    pub(super) fn result(&self) -> Value {
        match self.count {
            0 | 1 => Value::Null,
            count => Value::Double((self.squares / (count - 1) as f64).sqrt().min(f64::MAX)),
        }
    }

    /// Beyond the range of a double nothing is known any more but that it was left: from there on the state stays the same,
    /// whatever order led there.
    fn keep_overflow(&mut self) {
        if !self.squares.is_finite() {
            (self.origin, self.mean, self.squares) = (0.0, 0.0, f64::INFINITY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: impl IntoIterator<Item = f64>) -> Deviation {
        let mut deviation = Deviation::new();
        numbers.into_iter().for_each(|number| deviation.add(Number::Double(number)));
        deviation
    }

    fn value(deviation: &Deviation) -> f64 {
        if let Value::Double(value) = deviation.result() { value } else { f64::NAN }
    }

    #[test]
    fn it_divides_by_one_less_than_the_count() {
        let want = (32.0_f64 / 7.0).sqrt();
        assert!((value(&of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0])) / want - 1.0).abs() < 1e-15);
    }

    #[test]
    fn trap_37_fewer_than_two_numbers_have_none() {
        assert_eq!((of([]).result(), of([7.0]).result()), (Value::Null, Value::Null));
    }

    #[test]
    fn that_of_a_constant_is_exactly_zero_in_any_pieces() {
        let mut all = of(vec![0.1; 1_000]);
        assert_eq!(all.result(), Value::Double(0.0));
        all.merge(&of([0.1; 7]));
        assert_eq!(all.result(), Value::Double(0.0));
    }

    #[test]
    fn trap_36_what_numbers_far_from_zero_differ_by_is_not_lost() {
        // Exact as doubles: 10⁹ + n/1024. The deviation of 0, 1, …, 999 is √(1000 · 1001 / 12).
        let numbers = |range: std::ops::Range<u32>| range.map(|n| 1e9 + f64::from(n) / 1024.0);
        let want = (1000.0_f64 * 1001.0 / 12.0).sqrt() / 1024.0;
        assert!((value(&of(numbers(0..1000))) / want - 1.0).abs() < 1e-13);
        let mut merged = of(numbers(300..1000));
        merged.merge(&of(numbers(0..300)));
        assert!((value(&merged) / want - 1.0).abs() < 1e-13);
    }

    #[test]
    fn squares_beyond_the_range_of_a_double_make_it_the_largest_one() {
        let huge = [f64::MAX, -f64::MAX, 1.0];
        assert_eq!(of(huge).result(), Value::Double(f64::MAX));
        let mut merged = of([1.0, 2.0]);
        merged.merge(&of(huge));
        merged.merge(&of([-1e300, 5.0]));
        assert_eq!(merged.result(), Value::Double(f64::MAX));
    }
}
