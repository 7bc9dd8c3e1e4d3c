//! What must hold of every aggregate alike.

mod damage;
mod fixtures;
mod merging;

use super::*;
use crate::settings::Rank;
use proptest::prelude::*;

/// What an event gives to whatever is computed of it.
#[derive(Clone, Debug)]
struct Input {
    number: Number,
    text: String,
}

fn every_function() -> Vec<Function> {
    let rank = |share| Rank::new(share).unwrap();
    let percentiles = [0.01, 0.5, 0.99, 1.0].map(|share| Function::Percentile(0, rank(share)));
    let others = [
        Function::Count,
        Function::Sum(0),
        Function::Avg(0),
        Function::Min(0),
        Function::Max(0),
        Function::Stddev(0),
        Function::Distinct(0),
    ];
    others.into_iter().chain(percentiles).collect()
}

fn state(function: Function, inputs: &[Input]) -> Accumulator {
    let mut state = Accumulator::new(function);
    for input in inputs {
        match &mut state {
            Accumulator::Count(count) => count.add(()),
            Accumulator::Distinct(distinct) => distinct.add(&input.text),
            Accumulator::Sum(sum) => sum.add(input.number),
            Accumulator::Avg(mean) => mean.add(input.number),
            Accumulator::Min(min) => min.add(input.number),
            Accumulator::Max(max) => max.add(input.number),
            Accumulator::Stddev(deviation) => deviation.add(input.number),
            Accumulator::Percentile(percentile) => percentile.add(input.number),
        }
    }
    state
}

fn merged(mut state: Accumulator, other: &Accumulator) -> Accumulator {
    state.merge(other);
    state
}

fn bytes(state: &Accumulator) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

/// Numbers as traffic has them, and those at the edges of what a number can be.
fn numbers() -> impl Strategy<Value = Number> {
    prop_oneof![
        4 => (-1_000_i64..1_000_000).prop_map(Number::Whole),
        4 => (-1e3..1e6).prop_map(Number::Double),
        1 => any::<i64>().prop_map(Number::Whole),
        1 => prop::num::f64::NORMAL.prop_map(Number::Double),
        1 => (prop::num::f64::SUBNORMAL | prop::num::f64::ZERO).prop_map(Number::Double),
        1 => prop::sample::select(vec![f64::MAX, f64::MIN, 5e-324, -5e-324, -0.0]).prop_map(Number::Double),
    ]
}

/// Inputs of which the distinct values may be few or more than are told apart.
fn inputs(number: impl Strategy<Value = Number>) -> impl Strategy<Value = Vec<Input>> {
    let (few, many) = (prop::collection::vec(number, 0..150), prop_oneof![4 => 0_i64..40, 1 => 900_i64..1_200]);
    (few, many, 0_u32..1_000).prop_map(|(numbers, more, first)| {
        let whole = (0..more).map(Number::Whole);
        let text = |n: usize| (first as usize + n).to_string();
        numbers.into_iter().chain(whole).enumerate().map(|(n, number)| Input { number, text: text(n) }).collect()
    })
}

#[test]
fn a_state_takes_48_bytes_in_a_pane() {
    assert_eq!(size_of::<Accumulator>(), 48);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_encoded_is_read_back_and_no_byte_more(inputs in inputs(numbers())) {
        for function in every_function() {
            let written = state(function, &inputs);
            let mut encoded = bytes(&written);
            let length = encoded.len();
            encoded.extend([1, 2, 3]);
            let mut rest = encoded.as_slice();
            let read = Accumulator::decode(function, &mut rest).unwrap();
            prop_assert_eq!(rest, [1, 2, 3]);
            prop_assert_eq!(read.result(), written.result(), "{:?}", function);
            prop_assert_eq!(&bytes(&read)[..], &encoded[..length]);
        }
    }
}
