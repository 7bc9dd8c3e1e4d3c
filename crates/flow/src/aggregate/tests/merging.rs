//! Merging in any grouping and order says what adding everything says.

use super::*;

/// Sums of doubles are equal up to rounding, relative to their value and, where numbers cancel out, to what was added.
fn near(one: Value, other: Value, relative: f64, absolute: f64) -> bool {
    match (one, other) {
        (Value::Double(one), Value::Double(other)) => {
            (one - other).abs() <= relative * one.abs().max(other.abs()) + absolute
        }
        (one, other) => one == other,
    }
}

/// Whether the states must be the same to the last bit.
fn is_exact(function: Function, inputs: &[Input]) -> bool {
    let whole = || inputs.iter().all(|input| matches!(input.number, Number::Whole(_)));
    match function {
        Function::Sum(_) | Function::Avg(_) => whole(),
        Function::Stddev(_) => false,
        _ => true,
    }
}

fn must_agree(function: Function, inputs: &[Input], one: &Alone, other: &Alone) {
    let sizes = inputs.iter().map(|input| match input.number {
        Number::Whole(whole) => (whole as f64).abs(),
        Number::Double(double) => double.abs(),
    });
    let (relative, absolute) = match function {
        Function::Stddev(_) => (1e-9, sizes.fold(0.0, f64::max) * 1e-12),
        _ => (1e-12, sizes.sum::<f64>() * 1e-24),
    };
    if is_exact(function, inputs) {
        assert_eq!(bytes(one), bytes(other), "{function:?}");
    }
    let (one, other) = (one.result(), other.result());
    assert!(near(one, other, relative, absolute), "{function:?}: {one:?} and {other:?}");
}

/// Numbers whose sums and squares stay within the range of a double: beyond it there is nothing to compare.
fn moderate() -> impl Strategy<Value = Number> {
    let double = prop_oneof![-1e9..1e9, -1e-3..1e-3, 1e9..1.000_001e9, prop::sample::select(vec![0.0, -0.0, 5e-324])];
    prop_oneof![
        any::<i64>().prop_map(Number::Whole),
        (-9_i64..9).prop_map(Number::Whole),
        double.prop_map(Number::Double)
    ]
}

/// Also inputs that are all whole, whose sums are exact.
fn wholes() -> impl Strategy<Value = Number> {
    any::<i64>().prop_map(Number::Whole)
}

fn check(inputs: &[Input], first: prop::sample::Index, second: prop::sample::Index) {
    let (first, second) = (first.index(inputs.len() + 1), second.index(inputs.len() + 1));
    let (first, second) = (first.min(second), first.max(second));
    for function in every_function() {
        let [a, b, c] = [&inputs[..first], &inputs[first..second], &inputs[second..]].map(|part| state(function, part));
        let all = state(function, inputs);
        let groupings = [
            merged(merged(a.clone(), &b), &c),
            merged(a.clone(), &merged(b.clone(), &c)),
            merged(merged(c.clone(), &b), &a),
            merged(merged(b.clone(), &a), &c),
            merged(merged(Alone::new(function), &all), &Alone::new(function)),
        ];
        for merged in &groupings {
            must_agree(function, inputs, merged, &all);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_grouping_of_any_split_says_what_all_together_says(
        inputs in inputs(moderate()),
        first: prop::sample::Index,
        second: prop::sample::Index,
    ) {
        check(&inputs, first, second);
    }

    #[test]
    fn whole_numbers_merge_without_any_difference(
        inputs in inputs(wholes()),
        first: prop::sample::Index,
        second: prop::sample::Index,
    ) {
        check(&inputs, first, second);
    }

    /// The numbers are n/1024 away from a base, exactly, so that integers say what their deviation is.
    #[test]
    fn a_deviation_is_within_1e_9_of_exact_arithmetic(
        base in prop::sample::select(vec![0.0, 1.0, 1e9, -1e12]),
        steps in prop::collection::vec(-1_000_000_i64..1_000_000, 2..400),
        cut: prop::sample::Index,
    ) {
        let number = |step: &i64| Input { number: Number::Double(base + *step as f64 / 1024.0), text: String::new() };
        let inputs: Vec<Input> = steps.iter().map(number).collect();
        let (count, sum) = (steps.len() as i128, steps.iter().map(|step| i128::from(*step)).sum::<i128>());
        let squares: i128 = steps.iter().map(|step| i128::from(*step).pow(2)).sum();
        let want = ((count * squares - sum * sum) as f64 / (count * (count - 1)) as f64).sqrt() / 1024.0;
        let (a, b) = inputs.split_at(cut.index(inputs.len()));
        let function = Function::Stddev(0);
        for got in [state(function, &inputs), merged(state(function, a), &state(function, b))] {
            prop_assert!(near(got.result(), Value::Double(want), 1e-9, 0.0), "{:?}, not {}", got.result(), want);
        }
    }
}
