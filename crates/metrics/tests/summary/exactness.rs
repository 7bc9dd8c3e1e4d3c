//! Quantiles beside those of all values, sorted.

use std::thread;

use streamgauge_metrics::Summary;

use super::{SLICE, observe, summary};

const PARTS: [f64; 11] = [0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0];
const MANY: usize = 100_000;

/// What the documentation promises: how far the rank of a quantile is off, as a part of all.
fn promised(part: f64) -> f64 {
    0.07 * (part * (1.0 - part)).sqrt()
}

/// How far the rank of a value is from the part it should be at; nothing if it is one of equal
/// values that are there.
fn off(sorted: &[f64], value: f64, part: f64) -> f64 {
    let rank = |count: usize| count as f64 / sorted.len() as f64;
    let below = rank(sorted.partition_point(|other| *other < value));
    let up_to = rank(sorted.partition_point(|other| *other <= value));
    (below - part).max(part - up_to).max(0.0)
}

/// The largest part of the promise that was needed.
fn check(name: &str, summary: &Summary, mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let told = summary.get();
    assert_eq!(told.count(), values.len() as u64, "{name}");
    let mut worst = 0.0_f64;
    for (part, value) in told.quantiles() {
        let off = off(&values, *value, *part);
        let one = 1.0 / values.len() as f64;
        worst = worst.max(off / (promised(*part) + one));
        assert!(worst <= 0.5, "{name}: {part} is {value}, whose rank is off by {off}");
    }
    assert_eq!([told.quantile(0.0), told.quantile(1.0)], [values.first().copied(), values.last().copied()], "{name}");
    worst
}

/// Numbers from 0 to 1, the same in each run.
fn random(mut state: u64) -> impl FnMut() -> f64 {
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// By the sum of twelve, which is near enough to the bell curve.
fn normal(next: &mut impl FnMut() -> f64) -> f64 {
    (0..12).map(|_| next()).sum::<f64>() - 6.0
}

type Draw = Box<dyn FnMut(usize) -> f64>;

fn distributions() -> Vec<(&'static str, Draw)> {
    let [mut uniform, mut logarithm, mut tail, mut mode, mut whole] = [1, 2, 3, 4, 5].map(random);
    vec![
        ("uniform", Box::new(move |_| uniform())),
        ("log-normal", Box::new(move |_| (2.0 * normal(&mut logarithm)).exp())),
        ("Pareto", Box::new(move |_| (1.0 - tail()).powf(-1.0 / 1.1))),
        ("rising", Box::new(|nth| nth as f64)),
        ("falling", Box::new(|nth| -(nth as f64))),
        ("constant", Box::new(|_| 0.1)),
        ("bimodal", Box::new(move |nth| if nth % 10 < 3 { 1000.0 } else { 1.0 } + normal(&mut mode))),
        ("two values", Box::new(|nth| if nth % 10 < 3 { 7.0 } else { -7.0 })),
        ("whole numbers", Box::new(move |_| (whole() * 20.0).floor())),
    ]
}

#[test]
fn quantiles_are_as_exact_as_is_promised() {
    for (name, mut draw) in distributions() {
        for count in [1, 2, 3, 10, 127, 128, 129, 1000, MANY] {
            let (summary, _) = summary(PARTS);
            let values: Vec<_> = (0..count).map(&mut draw).collect();
            observe(&summary, &values);
            let worst = check(name, &summary, values);
            println!("{name}, {count}: {:.0} % of what is promised", worst * 100.0);
        }
    }
}

#[test]
fn quantiles_over_many_threads_are_as_exact() {
    for (name, mut draw) in distributions() {
        let (summary, _) = summary(PARTS);
        let values: Vec<_> = (0..MANY).map(&mut draw).collect();
        thread::scope(|scope| {
            for own in values.chunks(MANY / 7) {
                let summary = &summary;
                scope.spawn(move || observe(summary, own));
            }
        });
        check(name, &summary, values);
    }
}

#[test]
fn quantiles_over_slices_and_threads_are_as_exact() {
    for (name, mut draw) in distributions() {
        let (summary, clock) = summary(PARTS);
        let values: Vec<_> = (0..MANY).map(&mut draw).collect();
        for slice in values.chunks(MANY / 5) {
            thread::scope(|scope| {
                for own in slice.chunks(MANY / 15) {
                    let summary = &summary;
                    scope.spawn(move || observe(summary, own));
                }
            });
            if slice.as_ptr_range().end != values.as_ptr_range().end {
                clock.advance(SLICE);
            }
        }
        check(name, &summary, values);
    }
}

#[test]
fn numbers_of_any_size_and_sign_have_their_place() {
    let (summary, _) = summary(PARTS);
    let values = [f64::MIN, -1.0, -0.0, 0.0, f64::MIN_POSITIVE, 5e-324, 1.0, f64::MAX];
    let values: Vec<_> = values.into_iter().cycle().take(8_000).collect();
    observe(&summary, &values);
    check("extreme", &summary, values);
}
