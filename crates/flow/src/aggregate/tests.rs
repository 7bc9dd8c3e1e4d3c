//! What must hold of every aggregate alike.

mod damage;
mod fixtures;
mod merging;

use std::sync::Arc;

use super::*;
use crate::settings::{Function, Rank};
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

/// The states of one pane, for one function.
#[derive(Clone, Debug)]
struct Alone(States);

impl Alone {
    fn new(function: Function) -> Self {
        let mut states = States::new(&Arc::new(Layout::new([function])));
        states.open();
        Alone(states)
    }

    fn decode(function: Function, bytes: &mut &[u8]) -> Result<Self, DecodeError> {
        States::decode(&Arc::new(Layout::new([function])), bytes).map(Alone)
    }

    fn result(&self) -> Value {
        self.0.clone().results(0).next().unwrap()
    }
}

fn state(function: Function, inputs: &[Input]) -> Alone {
    let mut state = Alone::new(function);
    for input in inputs {
        state.0.take(0, |_| Some(input.number), |_| &input.text);
    }
    state
}

fn merged(mut state: Alone, other: &Alone) -> Alone {
    state.0.merge(0, &other.0, 0);
    state
}

fn bytes(state: &Alone) -> Vec<u8> {
    let mut out = Vec::new();
    state.0.encode(0, &mut out);
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
fn a_pane_of_a_count_and_of_five_functions_of_one_field_takes_112_bytes() {
    let rank = Rank::new(0.5).unwrap();
    let functions =
        [Function::Sum(3), Function::Avg(3), Function::Min(3), Function::Max(3), Function::Percentile(3, rank)];
    let layout = Layout::new([Function::Count].into_iter().chain(functions));
    assert_eq!(States::pane_bytes(&layout), 8 + 40 + 32 + 32);
}

/// Sum and mean once were two states and are saved as such.
#[test]
fn functions_that_share_a_state_are_saved_each_and_must_fit_each_other() {
    let functions = || [Function::Avg(0), Function::Max(0), Function::Sum(0), Function::Min(0), Function::Sum(1)];
    let (layout, numbers) = (Arc::new(Layout::new(functions())), [7, -2].map(Number::Whole));
    let mut states = States::new(&layout);
    states.open();
    for number in numbers {
        states.take(0, |_| Some(number), |_| "");
    }
    let mut encoded = Vec::new();
    states.encode(0, &mut encoded);
    let inputs = numbers.map(|number| Input { number, text: String::new() });
    let each: Vec<u8> = functions().into_iter().flat_map(|function| bytes(&state(function, &inputs))).collect();
    assert_eq!(encoded, each);
    let mut read = States::decode(&layout, &mut encoded.as_slice()).unwrap();
    let results = [Value::Double(2.5), Value::Whole(7), Value::Whole(5), Value::Whole(-2), Value::Whole(5)];
    assert_eq!(read.results(0).collect::<Vec<_>>(), results);
    encoded[2] ^= 2; // the sum within the mean
    let read = States::decode(&layout, &mut encoded.as_slice());
    assert!(matches!(read, Err(DecodeError::Corrupt(_))), "{read:?}");
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
            let read = Alone::decode(function, &mut rest).unwrap();
            prop_assert_eq!(rest, [1, 2, 3]);
            prop_assert_eq!(read.result(), written.result(), "{:?}", function);
            prop_assert_eq!(&bytes(&read)[..], &encoded[..length]);
        }
    }
}
