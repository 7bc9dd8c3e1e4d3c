//! Encoded states that every later version must read: `tests/states.txt`, a function, a result and the bytes on each line.

use super::*;
use std::fmt::Write;

const FIXTURES: &str = include_str!("../../../tests/states.txt");

fn function(name: &str) -> Function {
    if let Some(share) = name.strip_prefix("percentile ") {
        return Function::Percentile(0, Rank::new(share.parse().unwrap()).unwrap());
    }
    every_function().into_iter().find(|function| function.name() == name).unwrap()
}

fn number(result: &str) -> Value {
    match result.parse::<i128>() {
        _ if result == "null" => Value::Null,
        Ok(whole) => Value::Whole(whole),
        Err(_) => Value::Double(result.parse().unwrap()),
    }
}

fn octets(hex: &str) -> Vec<u8> {
    let octet = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(octet).collect()
}

fn line(name: &str, state: &Alone) -> String {
    let result = match state.result() {
        Value::Null => "null".to_owned(),
        Value::Whole(whole) => whole.to_string(),
        Value::Double(double) => format!("{double:?}"),
    };
    let mut line = format!("{name}\t{result}\t");
    for byte in bytes(state) {
        write!(line, "{byte:02x}").unwrap();
    }
    line
}

#[test]
fn states_of_earlier_versions_give_their_results() {
    for line in FIXTURES.lines() {
        let [name, result, hex] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let encoded = octets(hex);
        let mut rest = encoded.as_slice();
        let read = Alone::decode(function(name), &mut rest).unwrap();
        assert_eq!((read.result(), rest.len()), (number(result), 0), "{name}");
    }
}

/// A line that is missing is to be appended; one that is there must never be changed or taken out.
#[test]
fn every_layout_that_is_written_now_has_a_fixture() {
    let input = |number: Number| Input { number, text: format!("{number:?}") };
    let few = [Number::Whole(-7), Number::Whole(40), Number::Double(0.5)].map(input);
    let many: Vec<Input> = (-100..1_400).map(|n| input(Number::Double(f64::from(n) * 0.75))).collect();
    let [above, below] = [f64::MAX, f64::MIN].map(|most| [Number::Double(most); 2].map(input));
    let beyond = [above.clone(), below.clone()].concat();
    let names = ["count", "sum", "avg", "min", "max", "stddev", "percentile 0.5", "percentile 0.99", "distinct"];
    let mut states: Vec<(&str, &[Input])> =
        vec![("sum", &above), ("sum", &below), ("avg", &above), ("stddev", &beyond)];
    for name in names {
        states.extend([&[], &few[..2], &few, &many].map(|inputs| (name, inputs)));
    }
    let lines = states.into_iter().map(|(name, inputs)| line(name, &state(function(name), inputs)));
    let missing: Vec<String> = lines.filter(|line| FIXTURES.lines().all(|fixture| fixture != line)).collect();
    assert!(missing.is_empty(), "missing in tests/states.txt:\n{}", missing.join("\n"));
}
