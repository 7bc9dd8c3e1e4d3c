//! HyperLogLog: how many there are, seen from how rare the rarest of them is.

use crate::aggregate::DecodeError;
use crate::encoding::{put_whole, take_byte, take_up_to};

/// The registers of a HyperLogLog sketch (P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, 2007): each keeps the longest run of
/// zeros, plus one, that a fingerprint of its share began with.
///
/// 2¹⁴ of them have a standard error of 1.04/2⁷ = 0.81 % and take 16 KiB, a byte each.
#[derive(Clone, Debug)]
pub(crate) struct Registers(Box<[u8]>);

const INDEX_BITS: u32 = 14;
const COUNT: usize = 1 << INDEX_BITS;

/// The longest run that a register tells from longer ones; Ertl's q. The half of a fingerprint that the index is not from.
const LONGEST: u8 = 64;

impl Registers {
    pub(super) fn new() -> Self {
        Registers(vec![0; COUNT].into())
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a fingerprint has two halves; zeros in one of them are at most 64"
    )]
    pub(super) fn add(&mut self, fingerprint: u128) {
        let (high, low) = ((fingerprint >> 64) as u64, fingerprint as u64);
        let register = &mut self.0[(high >> (u64::BITS - INDEX_BITS)) as usize];
        *register = (*register).max(low.leading_zeros() as u8 + 1);
    }

    pub(super) fn extend(&mut self, fingerprints: &[u128]) {
        for fingerprint in fingerprints {
            self.add(*fingerprint);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = (*mine).max(*theirs);
        }
    }

    /// The improved estimator of O. Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6):
    /// unbiased over the whole range, without tables of corrections.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; beyond 64 bits is the most"
    )]
    pub(super) fn estimate(&self) -> u64 {
        let mut histogram = [0_u32; LONGEST as usize + 2];
        self.0.iter().for_each(|register| histogram[usize::from(*register)] += 1);
        let [none, runs @ .., beyond] = histogram.map(f64::from);
        let registers = COUNT as f64;
        let mut sum = registers * tau(1.0 - beyond / registers);
        for run in runs.iter().rev() {
            sum = 0.5 * (sum + run);
        }
        sum += registers * sigma(none / registers);
        (registers * registers / (2.0 * std::f64::consts::LN_2 * sum)).round() as u64
    }

    /// A register as its byte; registers of zero, of which there are many while values are few, as one zero and their number.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        for run in self.0.chunk_by(|a, b| *a == 0 && *b == 0) {
            out.push(run[0]);
            if run[0] == 0 {
                put_whole(out, run.len() as u128);
            }
        }
    }

    pub(super) fn decode(bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        let (mut registers, mut at, mut after_zeros) = (Registers::new(), 0, false);
        while at < COUNT {
            let register = take_byte(bytes)?;
            if register > LONGEST + 1 || register == 0 && after_zeros {
                return Err(DecodeError::Corrupt("a register that no value leaves"));
            }
            after_zeros = register == 0;
            if after_zeros {
                at += take_zeros(bytes, COUNT - at)?;
            } else {
                registers.0[at] = register;
                at += 1;
            }
        }
        if registers.0.iter().all(|register| *register == 0) {
            return Err(DecodeError::Corrupt("registers of no value"));
        }
        Ok(registers)
    }
}

fn take_zeros(bytes: &mut &[u8], most: usize) -> Result<usize, DecodeError> {
    let zeros = usize::try_from(take_up_to(bytes, most as u64)?).unwrap_or(0);
    if zeros == 0 { Err(DecodeError::Corrupt("a run of no registers")) } else { Ok(zeros) }
}

/// x + Σ x^(2^k) · 2^(k−1) for k from 1: what the registers that saw nothing add. Of all of them: infinite.
fn sigma(mut x: f64) -> f64 {
    let (mut sum, mut weight) = (x, 1.0);
    loop {
        let before = sum;
        x *= x;
        sum += x * weight;
        weight *= 2.0;
        // It grows until it is too large to change; with x = 1 until it is infinite.
        if sum <= before {
            return sum;
        }
    }
}

/// (1 − x − Σ (1 − x^(2^−k))² · 2^−k) / 3 for k from 1: what the registers that are full add.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut sum, mut weight) = (1.0 - x, 1.0);
    loop {
        let before = sum;
        x = x.sqrt();
        weight *= 0.5;
        sum -= (1.0 - x) * (1.0 - x) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}
