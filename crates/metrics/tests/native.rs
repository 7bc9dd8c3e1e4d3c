//! Native buckets against a model that keeps every value.

#![cfg(not(feature = "noop"))]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use streamgauge_metrics::{Desc, Histogram, Metrics, Native, NativeSnapshot, Registry, record};

fn histogram(registry: &Registry, native: Native) -> Histogram {
    registry.register(Desc::of::<Histogram>("size", "Size.").with_native(native)).unwrap()
}

/// The number of the bucket of a size, by its definition: the first whose upper bound is not below.
fn bucket(size: f64, schema: i8) -> i32 {
    let upper = |index: i32| {
        // The exponent as a fraction of whole powers of two, so that the bounds are the exact ones
        // as far as they can be: a root of two, then a shift.
        let per_power = 2_f64.powi(i32::from(schema));
        let exponent = f64::from(index) / per_power;
        let (whole, rest) = (exponent.floor(), exponent - exponent.floor());
        if whole > 1023.0 { f64::INFINITY } else { rest.exp2() * whole.exp2() }
    };
    let guess = (size.min(f64::MAX).log2() * 2_f64.powi(i32::from(schema))).ceil();
    #[allow(clippy::cast_possible_truncation, reason = "at most 262,145")]
    let guess = guess as i32;
    if size.is_infinite() {
        return bucket(f64::MAX, schema) + 1;
    }
    (guess - 2..=guess + 2).find(|index| size <= upper(*index)).unwrap()
}

struct Model {
    zero: u64,
    positive: BTreeMap<i32, u64>,
    negative: BTreeMap<i32, u64>,
}

impl Model {
    fn of(values: &[f64], schema: i8, zero_threshold: f64) -> Self {
        let mut model = Self { zero: 0, positive: BTreeMap::new(), negative: BTreeMap::new() };
        for value in values.iter().filter(|value| !value.is_nan()) {
            if value.abs() <= zero_threshold {
                model.zero += 1;
            } else {
                let side = if *value < 0.0 { &mut model.negative } else { &mut model.positive };
                *side.entry(bucket(value.abs(), schema)).or_default() += 1;
            }
        }
        model
    }

    fn check(&self, native: &NativeSnapshot) {
        assert_eq!(native.zero_count(), self.zero);
        let told = |side: &[(i32, u64)]| side.iter().copied().collect::<BTreeMap<_, _>>();
        assert_eq!(told(native.positive()), self.positive);
        assert_eq!(told(native.negative()), self.negative);
        assert!(native.positive().is_sorted() && native.negative().is_sorted());
    }
}

/// Everything that was observed is in the right bucket of the schema that is told, which is the
/// declared one as long as there are few.
fn check(values: &[f64], native: Native) {
    let histogram = histogram(&Registry::new(), native);
    for value in values {
        histogram.observe(*value);
    }
    let now = histogram.get();
    let told = now.native().unwrap();
    let model = Model::of(values, told.schema(), native.zero_threshold());
    model.check(&told);
    let buckets = told.positive().len() + told.negative().len();
    assert!(told.schema() == -4 || buckets <= usize::from(native.most_buckets()), "{buckets} at {}", told.schema());
    let finest = Model::of(values, native.schema(), native.zero_threshold());
    let needed = finest.positive.len() + finest.negative.len();
    if needed <= usize::from(native.most_buckets()) / 3 {
        assert_eq!(told.schema(), native.schema(), "{needed} of {} buckets", native.most_buckets());
    }
    let numbers = values.iter().filter(|value| !value.is_nan()).count();
    assert_eq!((told.count(), now.count()), (numbers as u64, values.len() as u64));
}

fn value() -> impl Strategy<Value = f64> {
    let special = [0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, 5e-324, 2.0, -0.5, 1.0];
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits),
        4 => (-30.0..30.0_f64).prop_map(f64::exp2),
        4 => 0.1..100.0_f64,
        1 => proptest::sample::select(special.to_vec()),
    ]
}

fn native() -> impl Strategy<Value = Native> {
    let threshold = prop_oneof![Just(2_f64.powi(-128)), Just(1e-9), Just(0.5), Just(1e300)];
    (-4_i8..=8, 8_u16..=160, threshold).prop_map(|(schema, most, threshold)| {
        Native::default().with_schema(schema).with_most_buckets(most).with_zero_threshold(threshold)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn trap_38_every_observation_is_in_its_bucket_whatever_the_schema_and_the_limit(
        values in proptest::collection::vec(value(), 0..400),
        native in native(),
    ) {
        check(&values, native);
    }
}

#[test]
fn trap_38_the_resolution_falls_step_by_step_and_never_to_nothing() {
    let histogram = histogram(&Registry::new(), Native::default());
    let (mut values, mut schemas) = (Vec::new(), Vec::new());
    for power in -120..1000_i32 {
        for nth in 0..8 {
            let value = (f64::from(power) + (f64::from(nth) + 0.5) / 8.0).exp2();
            histogram.observe(value);
            values.push(value);
        }
        let told = histogram.get().native().unwrap();
        Model::of(&values, told.schema(), 2_f64.powi(-128)).check(&told);
        schemas.push(told.schema());
    }
    assert!(schemas.is_sorted_by(|before, after| before >= after), "a schema never rises");
    schemas.dedup();
    assert_eq!(schemas.first(), Some(&3));
    assert_eq!(schemas.last(), Some(&-4));
    assert!(schemas.len() >= 4, "{schemas:?}");
}

#[test]
fn trap_38_nothing_is_reset_when_the_limit_is_reached() {
    let histogram = histogram(&Registry::new(), Native::default().with_most_buckets(8));
    for n in 1..=100_000_u32 {
        histogram.observe(f64::from(n));
    }
    let told = histogram.get().native().unwrap();
    assert_eq!(told.count(), 100_000);
    assert!(told.positive().len() <= 8);
}

#[test]
fn all_threads_count_into_the_same_buckets() {
    let histogram = histogram(&Registry::new(), Native::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..20_000).for_each(|n| histogram.observe(f64::from(n % 1000))));
        }
    });
    let values: Vec<_> = (0..1000).map(f64::from).collect();
    let told = histogram.get().native().unwrap();
    let model = Model::of(&values, told.schema(), 2_f64.powi(-128));
    assert_eq!(told.count(), 80_000);
    assert_eq!(
        told.positive().iter().map(|(index, _)| *index).collect::<Vec<_>>(),
        model.positive.into_keys().collect::<Vec<_>>()
    );
    assert!(told.positive().iter().all(|(_, count)| count % 80 == 0));
}

#[test]
fn a_snapshot_taken_while_threads_observe_has_both_kinds_of_buckets_from_one_moment() {
    let registry = Registry::new();
    let histogram = histogram(&registry, Native::default());
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let observers: Vec<_> = (0..2)
            .map(|seed| {
                scope.spawn({
                    let histogram = &histogram;
                    move || {
                        (0..200_000_u32)
                            .for_each(|n| histogram.observe(f64::from(n.wrapping_mul(2_654_435_761) >> (7 + seed))));
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let snapshot = registry.snapshot();
                let now = snapshot.histogram("size", &[]).unwrap();
                assert_eq!(now.native().unwrap().count(), now.count());
            }
        });
        for observer in observers {
            observer.join().unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(histogram.get().count(), 400_000);
}

#[test]
fn a_declaration_a_group_and_the_options_switch_native_buckets_on() {
    #[derive(Clone, Metrics)]
    #[metrics(group, prefix = "http")]
    struct Requests {
        /// Time to answer.
        #[metrics(buckets = LATENCY_MS, native)]
        _duration_ms: Histogram,
        /// Size of the answer.
        #[metrics(buckets = SIZE_BYTES, native = Native::default().with_most_buckets(10))]
        _size_bytes: Histogram,
    }

    #[derive(Clone, Metrics)]
    #[metrics(group, prefix = "rpc")]
    struct Calls {
        /// Calls.
        calls_total: streamgauge_metrics::Counter,
        /// Time to answer.
        #[metrics(buckets = LATENCY_MS, native)]
        duration_ms: Histogram,
    }

    let registry = Registry::new();
    // Two of them are more than fits in one record's reach.
    assert!(Requests::register(&registry).is_err());

    let calls = Calls::register(&registry).unwrap();
    record((calls.calls_total.adding(1), calls.duration_ms.observing_n(3.0, 5), calls.duration_ms.observing(f64::NAN)));
    let now = calls.duration_ms.get();
    assert_eq!((calls.calls_total.get(), now.count(), now.native().unwrap().count()), (1, 6, 5));

    let options = streamgauge_metrics::Options {
        native: [("size".to_owned(), Native::default().with_schema(2))].into(),
        ..Default::default()
    };
    let sizes: Histogram =
        Registry::with_options(options).unwrap().register(Desc::of::<Histogram>("size", "Size.")).unwrap();
    sizes.observe(4.0);
    assert_eq!(sizes.get().native().unwrap().positive(), [(8, 1)]);
}

#[test]
fn a_series_that_is_removed_and_comes_back_begins_with_empty_native_buckets() {
    use streamgauge_metrics::Family;
    let registry = Registry::new();
    let desc = Desc::of::<Family<Histogram>>("size", "Size.").with_labels(["topic"]).with_native(Native::default());
    let sizes: Family<Histogram> = registry.register(desc).unwrap();
    sizes.get_or_create(&[("topic", "a")]).observe(3.0);
    sizes.remove(&[("topic", "a")]);
    sizes.get_or_create(&[("topic", "a")]).observe(-5.0);
    let snapshot = registry.snapshot();
    let now = snapshot.histogram("size", &[("topic", "a")]).unwrap();
    let native = now.native().unwrap();
    assert_eq!((native.positive().len(), native.negative().len(), native.count()), (0, 1, 1));
}
