//! Traps of arithmetic.

use streamgauge_flow::{AggregateSettings, Function, Rank, Settings};

use crate::harness::{NEW_YEAR, Run, settings};

/// Ten-second windows of all events, with these functions.
fn of(functions: &[Function]) -> Settings {
    let mut settings = settings();
    let aggregate = |function: &Function| AggregateSettings { name: function.name().to_owned(), function: *function };
    settings.windows[0].key = vec![];
    settings.windows[0].aggregates = functions.iter().map(aggregate).collect();
    settings
}

fn values(functions: &[Function], numbers: &[&str]) -> String {
    let mut run = Run::new(of(functions));
    for (id, number) in numbers.iter().enumerate() {
        run.feed(format!(r#"{{"id":"{id}","time":{NEW_YEAR},"n":{number}}}"#).as_bytes());
    }
    run.pipeline.finish(&mut run.effects);
    let row = run.rows().concat();
    row.split_once(" = ").unwrap().1.trim_end_matches(" #0").to_owned()
}

/// The textbook formula for a deviation takes one large number from another and finds noise, or the root of less than 0; a
/// plain sum depends on who came first.
#[test]
fn trap_36_sums_do_not_depend_on_the_order_and_deviations_not_on_the_mean() {
    let numbers = ["1e16", "1.5", "-1e16", "0.1", "1e-9", "3"];
    let sums = (0..numbers.len()).map(|turn| {
        let mut turned = numbers;
        turned.rotate_left(turn);
        values(&[Function::Sum(0), Function::Avg(0)], &turned)
    });
    let sums: Vec<String> = sums.collect();
    assert!(sums.iter().all(|sum| *sum == sums[0]), "{sums:?}");
    assert_eq!(sums[0].split(' ').next(), Some("4.600000001"));
    let deviation = |numbers: &[&str]| values(&[Function::Stddev(0)], numbers);
    assert_eq!(deviation(&["0.1"; 1000]), "0");
    assert_eq!(deviation(&["1000000000.1"; 1000]), "0");
    assert_eq!(deviation(&["1000000000.25", "1000000000.75"]), (0.125_f64.sqrt()).to_string());
    assert_eq!(deviation(&["9007199254740991", "9007199254740989"]), 2_f64.sqrt().to_string());
}

#[test]
fn trap_37_what_nothing_or_one_number_cannot_have_is_null_and_never_nan() {
    let p99 = Function::Percentile(0, Rank::new(0.99).unwrap());
    let all = [
        Function::Count,
        Function::Sum(0),
        Function::Avg(0),
        Function::Min(0),
        Function::Max(0),
        Function::Stddev(0),
        p99,
        Function::Distinct(0),
    ];
    assert_eq!(values(&all, &["null"]), "1 null null null null null null 1");
    assert_eq!(values(&all, &["7"]), "1 7 7 7 7 null 7 1");
    assert_eq!(values(&all, &["7", "null"]), "2 7 7 7 7 null 7 1");
    assert_eq!(values(&all, &["-0.5", "0.5"]), format!("2 0 0 -0.5 0.5 {} 0.5 1", 0.5_f64.sqrt()));
}
