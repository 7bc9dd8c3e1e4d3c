//! How many different texts there are.

mod registers;

use siphasher::sip128::SipHasher13;

use super::{DecodeError, State};
use crate::encoding::{put_layout, put_whole, take, take_byte, take_up_to};
use registers::Registers;

/// The number of different values of a text field: exact for few, estimated for many.
///
/// The state is a function of the set of values alone, whatever their order, their number and how they were merged.
#[derive(Clone, Debug)]
pub(crate) enum Distinct {
    /// The fingerprints of at most `MOST_EXACT` values, in order.
    Few(Vec<u128>),
    /// What is left of more than that.
    Many(Registers),
}

/// How many values are told apart. So many fingerprints take the 16 KB that the registers take.
const MOST_EXACT: usize = 1_000;

/// The fingerprints' key: the first digits of π and of e.
///
/// It is the same in every process, since states outlive one and are merged with those of others, and since an estimate
/// depends on it: one input must give one output. Whoever knows it can therefore choose values that lead an estimate astray.
/// Two values with the same fingerprint are still too rare to be found: hence 128 bits, where 64 would do against chance.
const KEY: (u64, u64) = (3_141_592_653_589_793_238, 2_718_281_828_459_045_235);

const FEW: u8 = 1;
const MANY: u8 = 2;

impl State for Distinct {
    type Input<'a> = &'a str;

    fn new() -> Self {
        Distinct::Few(Vec::new())
    }

    fn add(&mut self, value: &str) {
        self.add_fingerprint(SipHasher13::new_with_keys(KEY.0, KEY.1).hash(value.as_bytes()).as_u128());
    }

    fn merge(&mut self, other: &Self) {
        match (&mut *self, other) {
            (_, Distinct::Few(theirs)) => theirs.iter().for_each(|value| self.add_fingerprint(*value)),
            (Distinct::Many(mine), Distinct::Many(theirs)) => mine.merge(theirs),
            (Distinct::Few(mine), Distinct::Many(theirs)) => {
                let mut all = theirs.clone();
                all.extend(mine);
                *self = Distinct::Many(all);
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Distinct::Few(values) => {
                put_layout(out, FEW);
                put_whole(out, values.len() as u128);
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
            Distinct::Many(registers) => {
                put_layout(out, MANY);
                registers.encode(out);
            }
        }
    }

    fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        match take_byte(bytes)? {
            FEW => Self::decode_few(bytes),
            MANY => Ok(Distinct::Many(Registers::decode(bytes)?)),
            other => Err(DecodeError::UnknownLayout(other)),
        }
    }
}

impl Distinct {
    /// How many there are.
    pub(crate) fn count(&self) -> u64 {
        match self {
            Distinct::Few(values) => values.len() as u64,
            // That there are more than could be told apart is known, whatever the estimate.
            Distinct::Many(registers) => registers.estimate().max(MOST_EXACT as u64 + 1),
        }
    }

    fn add_fingerprint(&mut self, value: u128) {
        match self {
            Distinct::Few(values) => {
                let Err(at) = values.binary_search(&value) else { return };
                if values.len() < MOST_EXACT {
                    values.insert(at, value);
                    return;
                }
                let mut registers = Registers::new();
                registers.extend(values);
                registers.add(value);
                *self = Distinct::Many(registers);
            }
            Distinct::Many(registers) => registers.add(value),
        }
    }

    fn decode_few(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let count = take_up_to(bytes, MOST_EXACT as u64)?;
        let values = (0..count).map(|_| take(bytes).map(u128::from_le_bytes)).collect::<Result<Vec<_>, _>>()?;
        if !values.is_sorted_by(|a, b| a < b) {
            return Err(DecodeError::Corrupt("values that are not in order or not distinct"));
        }
        Ok(Distinct::Few(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: std::ops::Range<u32>) -> Distinct {
        let mut distinct = Distinct::new();
        values.for_each(|value| distinct.add(&value.to_string()));
        distinct
    }

    #[test]
    fn up_to_a_thousand_values_are_counted_exactly_however_often_they_come() {
        let mut distinct = of(0..1_000);
        distinct.merge(&of(200..900));
        assert_eq!(distinct.count(), 1_000);
        assert_eq!(of(0..0).count(), 0);
        assert_eq!(of(0..7).count(), 7);
        let mut empty = of(0..0);
        empty.add("");
        assert_eq!(empty.count(), 1, "the empty text is a value");
    }

    #[test]
    fn one_more_than_a_thousand_is_never_estimated_as_fewer() {
        for first in 0..200 {
            let count = of(first * 5_000..first * 5_000 + 1_001).count();
            assert!((1_001..1_050).contains(&count), "{count}");
        }
    }

    /// The relative errors of many sets of each size, where a standard error of 1.04/√16,384 = 0.81 % is expected. The worst
    /// ones are seen with `cargo test -p streamgauge-flow estimates -- --nocapture`.
    #[test]
    fn estimates_err_as_little_as_so_many_registers_can() {
        for (size, sets) in [(1_100, 60), (3_000, 60), (10_000, 60), (40_000, 40), (200_000, 20), (1_000_000, 8)] {
            let error = |set: u32| of(set * size..(set + 1) * size).count() as f64 / f64::from(size) - 1.0;
            let errors: Vec<f64> = (0..sets).map(error).collect();
            let standard = (errors.iter().map(|error| error * error).sum::<f64>() / f64::from(sets)).sqrt();
            let worst = errors.iter().fold(0.0_f64, |worst, error| worst.max(error.abs()));
            println!("{size}: standard error {:.2} %, worst {:.2} %", standard * 100.0, worst * 100.0);
            assert!(standard < 0.012, "{size}: {standard}");
            assert!(worst < 4.0 * 0.0081, "{size}: {worst}");
        }
    }
}
