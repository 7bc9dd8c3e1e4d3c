//! Of when the quantiles are.

use std::time::Duration;

use streamgauge_metrics::Quantiles;

use super::{SLICE, observe, quantile, summary};

#[test]
fn trap_6_quantiles_of_nothing_are_no_numbers_before_and_after() {
    let (summary, clock) = summary(Quantiles::default());
    let all_are_none = || summary.get().quantiles().iter().all(|(_, value)| value.is_nan());
    assert!(all_are_none());
    summary.observe(1.0);
    assert!(!all_are_none());
    clock.advance(5 * SLICE);
    assert!(all_are_none());
    assert_eq!((summary.get().count(), summary.get().sum().to_bits()), (1, 1.0_f64.to_bits()));
}

#[test]
fn a_value_is_seen_for_as_long_as_its_slice_is() {
    let (summary, clock) = summary([1.0]);
    let moment = Duration::from_nanos(1);
    clock.advance(SLICE.saturating_sub(moment));
    summary.observe(7.0);
    clock.advance(4 * SLICE);
    assert!((quantile(&summary, 1.0) - 7.0).abs() < 1e-9);
    clock.advance(moment);
    assert!(quantile(&summary, 1.0).is_nan());
}

#[test]
fn the_window_slides_by_a_slice_at_a_time() {
    let (summary, clock) = summary([0.0, 1.0]);
    for slice in 0..20_u32 {
        (0..1000).for_each(|_| summary.observe(slice.into()));
        let now = summary.get();
        assert_eq!(now.quantiles(), [(0.0, slice.saturating_sub(4).into()), (1.0, slice.into())]);
        assert_eq!(now.count(), 1000 * u64::from(slice + 1));
        clock.advance(SLICE);
    }
}

#[test]
fn a_window_in_one_slice_begins_anew_each_time() {
    let (summary, clock) = summary(Quantiles::from([0.5]).with_window(Duration::from_secs(1), 1));
    summary.observe(1.0);
    clock.advance(Duration::from_secs(1));
    summary.observe(2.0);
    assert!((quantile(&summary, 0.5) - 2.0).abs() < 1e-9);
}

#[test]
fn values_that_wait_are_of_the_time_they_came_in() {
    let (summary, clock) = summary([0.0, 1.0]);
    summary.observe(1.0);
    clock.advance(SLICE);
    summary.observe(2.0);
    clock.advance(4 * SLICE);
    assert_eq!(summary.get().quantiles(), [(0.0, 2.0), (1.0, 2.0)]);
    clock.advance(SLICE);
    assert!(quantile(&summary, 0.0).is_nan());
}

#[test]
fn numbers_that_are_none_and_infinite_ones_are_told_apart() {
    let (summary, _) = summary([0.0, 0.5, 1.0]);
    observe(&summary, &[f64::NAN, -f64::NAN, 1.0, 2.0, 3.0]);
    assert_eq!(summary.get().quantiles(), [(0.0, 1.0), (0.5, 2.0), (1.0, 3.0)]);
    assert_eq!((summary.get().count(), summary.get().sum().to_bits()), (5, 6.0_f64.to_bits()));
    observe(&summary, &[f64::INFINITY, f64::NEG_INFINITY]);
    let infinite = [(0.0, f64::NEG_INFINITY), (0.5, 2.0), (1.0, f64::INFINITY)];
    assert_eq!(summary.get().quantiles(), infinite);
    (0..1000).for_each(|_| summary.observe(2.0));
    assert_eq!(summary.get().quantiles(), infinite);
    assert!(summary.get().sum().is_infinite());
}
