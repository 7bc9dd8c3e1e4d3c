//! The number that a share of all numbers does not exceed.

mod bucket;
mod sketch;

use std::cmp::Ordering;

use super::{DecodeError, State};
use crate::decode::Number;
use crate::encoding::{put_flag, put_layout, put_whole, take_byte, take_double, take_flag, take_up_to};
use crate::row::Value;
use crate::settings::Rank;
use sketch::Sketch;

/// The numbers that percentiles are taken of, by nearest rank: exact for few numbers, within 1 % for many.
///
/// The state is a function of the numbers alone, whatever their order and however they were merged.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// At most `MOST_EXACT`, in any order until they are [put in order](Numbers::settle).
    Few { numbers: Vec<f64>, whole: bool },
    /// More than that. Boxed: there may be millions of panes.
    Many(Box<Sketch>),
}

/// How many numbers are kept as they are.
///
/// 64 of them take 512 bytes, less than the sketch of numbers that span one octave (576): up to here exactness is free.
const MOST_EXACT: usize = 64;

/// Whole numbers up to here are exact as doubles.
const MOST_WHOLE: i64 = 1 << 53;

const FEW: u8 = 1;
const MANY: u8 = 2;

impl State for Numbers {
    type Input<'a> = Number;

    fn new() -> Self {
        Numbers::Few { numbers: Vec::new(), whole: true }
    }

    #[inline]
    fn add(&mut self, number: Number) {
        match number {
            Number::Whole(n) => self.put(n as f64, (-MOST_WHOLE..=MOST_WHOLE).contains(&n)),
            Number::Double(double) => self.put(double + 0.0, false), // −0 is 0
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (mine, Numbers::Few { numbers, whole }) => numbers.iter().for_each(|number| mine.put(*number, *whole)),
            (Numbers::Many(mine), Numbers::Many(theirs)) => mine.merge(theirs),
            (Numbers::Few { numbers, .. }, Numbers::Many(theirs)) => {
                let mut all = theirs.clone();
                all.extend(numbers);
                *self = Numbers::Many(all);
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Numbers::Few { numbers, whole } => {
                put_layout(out, FEW);
                put_whole(out, numbers.len() as u128);
                put_flag(out, *whole);
                let mut numbers = numbers.clone();
                numbers.sort_unstable_by(f64::total_cmp);
                out.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
            }
            Numbers::Many(sketch) => {
                put_layout(out, MANY);
                sketch.encode(out);
            }
        }
    }

    fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        match take_byte(bytes)? {
            FEW => Numbers::decode_few(bytes),
            MANY => Ok(Numbers::Many(Box::new(Sketch::decode(bytes, MOST_EXACT as u64)?))),
            other => Err(DecodeError::UnknownLayout(other)),
        }
    }
}

impl Numbers {
    /// Puts few numbers in order, so that any number of ranks can be asked for.
    pub(super) fn settle(&mut self) {
        if let Numbers::Few { numbers, .. } = self {
            // They are finite, and 0 has no sign: this is their total order, found with fewer steps.
            numbers.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(Ordering::Equal));
        }
    }

    /// The number at a rank, once they are in order: null without numbers, a whole number if all were whole and it is exact,
    /// else a double.
    #[expect(clippy::cast_possible_truncation, reason = "a rank among few numbers is small, and the number is whole")]
    pub(super) fn at(&self, rank: Rank) -> Value {
        match self {
            Numbers::Few { numbers, whole } => {
                match numbers.get((rank.of(numbers.len() as u64) as usize).wrapping_sub(1)) {
                    None => Value::Null,
                    Some(number) if *whole => Value::Whole(*number as i128),
                    Some(number) => Value::Double(*number),
                }
            }
            Numbers::Many(sketch) => Value::Double(sketch.at(rank)),
        }
    }

    #[inline]
    fn put(&mut self, number: f64, is_whole: bool) {
        match self {
            Numbers::Few { numbers, whole } if numbers.len() < numbers.capacity().min(MOST_EXACT) => {
                numbers.push(number);
                *whole &= is_whole;
            }
            _ => self.put_further(number, is_whole),
        }
    }

    /// The same where there is no room, or a sketch: a function of its own, so that the usual case is a few steps.
    #[inline(never)]
    fn put_further(&mut self, number: f64, is_whole: bool) {
        match self {
            Numbers::Few { numbers, whole } if numbers.len() < MOST_EXACT => {
                // To 16 and 64 numbers: a pane of some asks for memory once, one of many twice.
                numbers.reserve_exact((numbers.len() * 3).max(16));
                numbers.push(number);
                *whole &= is_whole;
            }
            Numbers::Few { numbers, .. } => {
                let mut sketch = Sketch::new();
                sketch.extend(numbers);
                sketch.add(number);
                *self = Numbers::Many(Box::new(sketch));
            }
            Numbers::Many(sketch) => sketch.add(number),
        }
    }

    fn decode_few(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let (count, whole) = (take_up_to(bytes, MOST_EXACT as u64)?, take_flag(bytes)?);
        let numbers: Vec<f64> = (0..count).map(|_| take_double(bytes)).collect::<Result<_, _>>()?;
        let most = MOST_WHOLE as f64;
        let fits = |number: &f64| number.fract() == 0.0 && (-most..=most).contains(number);
        if !numbers.is_sorted() || !(if whole { numbers.iter().all(fits) } else { count > 0 }) {
            return Err(DecodeError::Corrupt("numbers that are not in order or not what they are said to be"));
        }
        Ok(Numbers::Few { numbers, whole })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(numbers: impl IntoIterator<Item = Number>) -> Numbers {
        let mut all = Numbers::new();
        numbers.into_iter().for_each(|number| all.add(number));
        all.settle();
        all
    }

    fn of(share: f64, numbers: impl IntoIterator<Item = Number>) -> Value {
        all(numbers).at(Rank::new(share).unwrap())
    }

    #[test]
    fn few_whole_numbers_have_a_whole_one() {
        let numbers = || (1..=64).rev().map(Number::Whole);
        assert_eq!(of(0.5, numbers()), Value::Whole(32));
        assert_eq!(of(0.501, numbers()), Value::Whole(33));
        assert_eq!(of(1.0, numbers()), Value::Whole(64));
        assert_eq!(of(1e-9, numbers()), Value::Whole(1));
        assert_eq!(of(0.5, []), Value::Null);
    }

    #[test]
    fn a_double_among_them_or_a_number_that_no_double_holds_makes_it_a_double() {
        assert_eq!(of(0.5, [Number::Whole(1), Number::Double(7.5)]), Value::Double(1.0));
        assert_eq!(of(0.5, [Number::Whole(MOST_WHOLE)]), Value::Whole(1 << 53));
        assert_eq!(of(0.5, [Number::Whole(MOST_WHOLE + 1)]), Value::Double(9_007_199_254_740_992.0));
    }

    #[test]
    fn the_outermost_of_many_are_exact() {
        let numbers = || (1..=1_000_i32).map(|n| Number::Double(f64::from(n) * 1.001));
        assert_eq!(of(1.0, numbers()), Value::Double(1_000.0 * 1.001));
        assert_eq!(of(0.001, numbers()), Value::Double(1.001));
        assert_eq!(of(0.7, [Number::Double(0.1); 65]), Value::Double(0.1));
    }

    /// A number between 0 and 1 from each call.
    fn uniform(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
        }
    }

    #[test]
    fn trap_36_many_numbers_of_any_distribution_are_within_1_percent_of_their_nearest_rank() {
        type Distribution = (&'static str, fn(f64) -> f64);
        let distributions: [Distribution; 9] = [
            ("uniform", |u| u * 1_000.0),
            ("exponential", |u| -u.ln() * 300.0),
            ("log-normal", |u| (u / (1.0 - u)).ln().mul_add(1.5, 6.0).exp()),
            ("heavy-tailed", |u| u.powi(-3)),
            ("two humps on either side of zero", |u| if u < 0.4 { -50.0 - u } else { 900.0 + u }),
            ("symmetric", |u| (u - 0.5).powi(5)),
            ("mostly zero", |u| if u < 0.7 { 0.0 } else { u - 0.8 }),
            ("subnormal", |u| 5e-324 * (u * 3_000.0).round()),
            ("of every magnitude", |u| (u - 0.5).signum() * 10_f64.powf(((u * 2.0) % 1.0).mul_add(600.0, -300.0))),
        ];
        for (distribution, of_uniform) in distributions {
            for count in [65, 1_000, 30_000] {
                let mut draw = uniform(count);
                let mut numbers: Vec<f64> = (0..count).map(|_| of_uniform(draw())).collect();
                let all = all(numbers.iter().copied().map(Number::Double));
                numbers.sort_unstable_by(f64::total_cmp);
                for thousandths in [1, 10, 50, 250, 500, 750, 900, 950, 990, 999] {
                    let rank = Rank::new(thousandths as f64 / 1_000.0).unwrap();
                    let want = numbers[(thousandths * numbers.len()).div_ceil(1_000) - 1];
                    let Value::Double(got) = all.at(rank) else { panic!("{distribution} has no percentile") };
                    assert!(
                        (got - want).abs() <= 0.01 * want.abs(),
                        "{thousandths}/1000 of {count} {distribution}: {got}, not {want}"
                    );
                }
            }
        }
    }
}
