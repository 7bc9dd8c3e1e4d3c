//! Past a limit nothing panics, blocks or grows, no sum is lost, and what was refused is counted.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use streamgauge_metrics::{
    Counter, Desc, Family, Gauge, Histogram, Info, LabelSet, Limits, Options, RegisterError, Registry, Removal,
    SeriesError, Snapshot, assert_metrics,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct Switch {
    on: bool,
    hot: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByUser {
    user_id: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByUserAllTheSame {
    #[label(unbounded)]
    user_id: u32,
}

fn registry(limits: Limits) -> Registry {
    Registry::with_options(Options { limits, ..Options::default() }).unwrap()
}

fn by_n(registry: &Registry, name: &'static str) -> Family<Counter> {
    registry.register(Desc::of::<Family<Counter>>(name, "Help.").with_labels(["n"])).unwrap()
}

fn count(family: &Family<Counter>, values: std::ops::Range<u32>) {
    for n in values {
        family.get_or_create(&[("n", n.to_string().as_str())]).inc();
    }
}

fn refused(snapshot: &Snapshot, metric: &str, reason: &str) -> u64 {
    let labels = [("reason", reason), ("metric", metric)];
    snapshot.counter("metrics_registry_refused_total", &labels).unwrap_or_default()
}

#[test]
fn past_the_series_of_a_metric_all_updates_are_in_the_overflow_series() {
    let registry = registry(Limits { max_series_per_metric: 10, ..Limits::default() });
    let (full, other) = (by_n(&registry, "full_total"), by_n(&registry, "other_total"));
    count(&full, 0..25);
    count(&other, 0..10);
    count(&full, 0..25);
    let snapshot = registry.snapshot();
    assert_metrics!(snapshot, {
        r#"full_total{n="0"}"# => 2,
        r#"full_total{n="9"}"# => 2,
        r#"full_total{n="10"}"# => streamgauge_metrics::test::ABSENT,
        r#"full_total{n="__overflow__"}"# => 30,
        r#"other_total{n="9"}"# => 1,
        r#"other_total{n="__overflow__"}"# => streamgauge_metrics::test::ABSENT,
        r#"metrics_registry_refused_total{metric="full_total",reason="metric_full"}"# => 30,
        r#"metrics_registry_metric_series{metric="full_total"}"# => 11,
    });
    assert_eq!(refused(&snapshot, "other_total", "metric_full"), 0);
    let error = full.try_get_or_create(&[("n", "11")]).unwrap_err();
    assert_eq!(error, SeriesError::MetricFull { limit: 10 });
    assert!(full.try_get_or_create(&[("n", "3")]).is_ok());
}

/// What the declaration says already is no surprise for a busy day.
#[test]
fn enum_labels_that_a_metric_has_no_room_for_are_refused_when_they_are_declared() {
    let registry = registry(Limits { max_series_per_metric: 3, ..Limits::default() });
    let desc = Desc::of::<Family<Counter, Switch>>("switched_total", "Help.");
    let error = registry.register::<Family<Counter, Switch>>(desc).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`switched_total` is refused: its labels have 4 sets of values, and there is room for 3 series; take fewer \
         values, or raise the limit"
    );
}

#[test]
fn enum_labels_are_limited_by_the_registry_like_all_others() {
    let registry = registry(Limits { max_series: 2, ..Limits::default() });
    let desc = Desc::of::<Family<Counter, Switch>>("switched_total", "Help.");
    let family: Family<Counter, Switch> = registry.register(desc).unwrap();
    let all = [(false, false), (false, true), (true, false), (true, true)].map(|(on, hot)| Switch { on, hot });
    (0..3).for_each(|_| all.iter().for_each(|labels| family.get_or_create(labels).inc()));
    assert_eq!(family.try_get_or_create(&all[3]).unwrap_err(), SeriesError::RegistryFull { limit: 2 });
    assert_metrics!(registry, {
        r#"switched_total{on="false",hot="true"}"# => 3,
        r#"switched_total{on="__overflow__",hot="__overflow__"}"# => 6,
        r#"metrics_registry_refused_total{metric="switched_total",reason="registry_full"}"# => 6,
    });
    // One that goes makes room for another.
    assert_eq!(family.remove(&all[0]), Removal::Removed);
    assert!(family.try_get_or_create(&all[3]).is_ok());
    assert!(family.try_get_or_create(&all[0]).is_err());
    family.retain(|_| false);
    assert!(all[..2].iter().all(|labels| family.try_get_or_create(labels).is_ok()));
    assert!(all[2..].iter().all(|labels| family.try_get_or_create(labels).is_err()));
}

#[test]
fn past_the_series_of_the_registry_every_metric_has_its_own_overflow_series() {
    let registry = registry(Limits { max_series: 10, ..Limits::default() });
    let (one, two) = (by_n(&registry, "one_total"), by_n(&registry, "two_total"));
    // Metrics without labels count for nothing: whoever writes a declaration knows how many.
    let alone: Counter = registry.register(Desc::of::<Counter>("alone_total", "Help.")).unwrap();
    alone.inc();
    count(&one, 0..7);
    count(&two, 0..7);
    assert_eq!(two.try_get_or_create(&[("n", "6")]).unwrap_err(), SeriesError::RegistryFull { limit: 10 });
    assert_metrics!(registry, {
        "alone_total" => 1,
        r#"one_total{n="6"}"# => 1,
        r#"two_total{n="2"}"# => 1,
        r#"two_total{n="__overflow__"}"# => 4,
        r#"metrics_registry_refused_total{metric="two_total",reason="registry_full"}"# => 4,
    });
    // What goes leaves room, however it goes.
    assert_eq!(one.remove(&[("n", "0")]), Removal::Removed);
    assert_eq!(one.remove_matching(&[("n", "1")]), 1);
    one.retain(|labels| labels.get("n").as_deref() != Some("2"));
    count(&two, 10..14);
    assert_eq!(two.len(), 3 + 3 + 1);
    drop(two);
    assert!(registry.unregister("two_total"));
    count(&one, 20..26);
    assert!(one.try_get_or_create(&[("n", "26")]).is_err());
    assert_eq!(one.len(), 4 + 6);
}

/// Each round took one of the places there are for all series and gave none back.
#[test]
fn a_series_that_counts_towards_no_limit_takes_no_place_when_it_is_named() {
    let registry = registry(Limits { max_series: 3, ..Limits::default() });
    let family = by_n(&registry, "one_total");
    let desc = Desc::of::<Family<Gauge>>("bare", "Help.");
    let bare: Family<Gauge> = registry.register(desc).unwrap();
    for _ in 0..10 {
        family.get_or_create(&[("n", "__overflow__")]).inc();
        bare.get_or_create(&[]).inc();
        family.retain(|_| false);
        bare.retain(|_| false);
    }
    count(&family, 0..3);
    assert_eq!(refused(&registry.snapshot(), "one_total", "registry_full"), 0);
    assert!(family.try_get_or_create(&[("n", "3")]).is_err());
}

#[test]
fn the_overflow_series_comes_back_after_it_was_removed() {
    let registry = registry(Limits { max_series_per_metric: 1, ..Limits::default() });
    let family = by_n(&registry, "one_total");
    let overflow = || registry.snapshot().counter("one_total", &[("n", "__overflow__")]);
    for round in 0..3 {
        count(&family, 0..6);
        assert_eq!(overflow(), Some(5), "round {round}");
        family.retain(|labels| labels.get("n").as_deref() != Some("__overflow__"));
        assert_eq!(overflow(), None, "round {round}");
    }
    assert_eq!(refused(&registry.snapshot(), "one_total", "metric_full"), 15);
}

#[test]
fn a_value_is_as_long_as_it_has_characters() {
    let registry = Registry::new();
    let family = by_n(&registry, "one_total");
    for fits in ["x".repeat(256), "ß".repeat(256), "日".repeat(256), "🦀".repeat(256), "\"".repeat(256)] {
        assert!(family.try_get_or_create(&[("n", fits.as_str())]).is_ok(), "{} bytes", fits.len());
    }
    for character in ["x", "ß", "日", "🦀"] {
        let long = character.repeat(257);
        let error = family.try_get_or_create(&[("n", long.as_str())]).unwrap_err();
        assert_eq!(error, SeriesError::ValueTooLong { label: "n".to_owned(), limit: 256 });
        family.get_or_create(&[("n", long.as_str())]).inc();
        assert_eq!(family.remove(&[("n", long.as_str())]), Removal::Absent);
    }
    let snapshot = registry.snapshot();
    assert_eq!(refused(&snapshot, "one_total", "value_too_long"), 4);
    assert_eq!(snapshot.counter("one_total", &[("n", "__overflow__")]), Some(4));
}

#[test]
fn other_labels_than_the_declared_ones_are_refused_and_counted() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Counter>>("one_total", "Help.").with_labels(["a", "b"]);
    let family: Family<Counter> = registry.register(desc).unwrap();
    let wrong: [&[(&str, &str)]; 6] = [
        &[],
        &[("a", "1")],
        &[("a", "1"), ("c", "2")],
        &[("a", "1"), ("a", "2")],
        &[("a", "1"), ("b", "2"), ("c", "3")],
        &[("a", "1"), ("b", "2"), ("a", "1")],
    ];
    for labels in wrong {
        let error = family.try_get_or_create(labels).unwrap_err();
        assert_eq!(error, SeriesError::OtherLabels { declared: vec!["a".to_owned(), "b".to_owned()] });
        family.get_or_create(labels).inc();
        assert_eq!(family.remove(labels), Removal::Absent);
    }
    assert_metrics!(registry, {
        r#"one_total{a="__overflow__",b="__overflow__"}"# => 6,
        r#"metrics_registry_refused_total{metric="one_total",reason="other_labels"}"# => 6,
    });
}

#[test]
fn a_metric_with_too_many_labels_is_refused_constant_ones_included() {
    let registry = registry(Limits { max_labels: 3, ..Limits::default() });
    let desc = |name: &'static str, labels: &[&'static str]| {
        Desc::of::<Family<Counter>>(name, "Help.").with_labels(labels.iter().copied())
    };
    assert!(registry.register::<Family<Counter>>(desc("three_total", &["a", "b", "c"])).is_ok());
    let error = registry.register::<Family<Counter>>(desc("four_total", &["a", "b", "c", "d"])).unwrap_err();
    assert!(matches!(error, RegisterError::TooManyLabels { labels: 4, limit: 3, .. }), "{error}");
    let scoped = registry.scoped("", &[("x", "1"), ("y", "2")]).unwrap();
    assert!(scoped.register::<Family<Counter>>(desc("one_total", &["a"])).is_ok());
    let error = scoped.register::<Family<Counter>>(desc("two_total", &["a", "b"])).unwrap_err();
    assert!(matches!(error, RegisterError::TooManyLabels { labels: 4, limit: 3, .. }), "{error}");
}

type Insisting = Family<Counter, ByUserAllTheSame>;

#[test]
fn label_names_without_end_are_refused_unless_the_declaration_insists() {
    let registry = Registry::new();
    for label in ["user_id", "session_id", "request_id", "trace_id", "timestamp", "ip_address"] {
        let desc = Desc::of::<Family<Counter>>("one_total", "Help.").with_labels([label]);
        let error = registry.register::<Family<Counter>>(desc).unwrap_err();
        assert!(matches!(&error, RegisterError::DeniedLabel { label: denied, .. } if denied == label), "{error}");
    }
    let error = registry.register::<Family<Counter, ByUser>>(Desc::of::<Family<Counter, ByUser>>("u_total", "Help."));
    assert!(matches!(error, Err(RegisterError::DeniedLabel { .. })));
    let insisting: Insisting = registry.register(Desc::of::<Insisting>("u_total", "Help.")).unwrap();
    insisting.get_or_create(&ByUserAllTheSame { user_id: 7 }).inc();
    assert_metrics!(registry, { r#"u_total{user_id="7"}"# => 1 });
    // The list is the registry's, and a constant label has one value only.
    let other = self::registry(Limits { denied_labels: vec!["on".to_owned()], ..Limits::default() });
    assert!(other.register::<Family<Counter, ByUser>>(Desc::of::<Family<Counter, ByUser>>("u_total", "Help.")).is_ok());
    let desc = Desc::of::<Family<Gauge, Switch>>("s", "Help.");
    assert!(matches!(other.register::<Family<Gauge, Switch>>(desc), Err(RegisterError::DeniedLabel { .. })));
    assert!(registry.scoped("", &[("user_id", "1")]).is_ok());
}

#[test]
fn a_limit_of_nothing_leaves_the_overflow_series() {
    let registry =
        registry(Limits { max_series: 0, max_series_per_metric: 0, max_value_chars: 0, ..Limits::default() });
    let family = by_n(&registry, "one_total");
    count(&family, 0..5);
    assert_metrics!(registry, { r#"one_total{n="__overflow__"}"# => 5 });
    let alone: Histogram = registry.register(Desc::of::<Histogram>("alone", "Help.")).unwrap();
    alone.observe(1.0);
    assert_metrics!(registry, { "alone_count" => 1 });
}

#[test]
fn threads_that_all_make_series_stay_within_the_limit_together() {
    let registry = registry(Limits { max_series: 50, max_series_per_metric: 30, ..Limits::default() });
    let families = [by_n(&registry, "one_total"), by_n(&registry, "two_total")];
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let families = &families;
            scope.spawn(move || families.iter().for_each(|family| count(family, thread * 10..thread * 10 + 100)));
        }
    });
    let snapshot = registry.snapshot();
    let series = |name: &str| snapshot.family(name).unwrap().len();
    assert_eq!((series("one_total") + series("two_total")).min(52), 52, "50 and two for the overflow");
    for name in ["one_total", "two_total"] {
        assert!(series(name) <= 31);
        let counted = snapshot.family(name).unwrap().series().map(|series| match series.value() {
            streamgauge_metrics::snapshot::Value::Counter(count) => *count,
            other => panic!("{other:?}"),
        });
        assert_eq!(counted.sum::<u64>(), 400, "{name}: nothing is lost");
    }
}

/// An info whose value was too long removed the one before, and itself.
#[test]
fn an_info_that_is_refused_is_still_told() {
    #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    struct Build {
        version: String,
    }
    let registry = Registry::new();
    let info: Info<Build> = registry.register(Desc::of::<Info<Build>>("build_info", "Help.")).unwrap();
    info.set(&Build { version: "1".to_owned() });
    info.set(&Build { version: "x".repeat(300) });
    assert_metrics!(registry, { r#"build_info{version="__overflow__"}"# => 1 });
    info.set(&Build { version: "2".to_owned() });
    assert_metrics!(registry, {
        r#"build_info{version="__overflow__"}"# => streamgauge_metrics::test::ABSENT,
        r#"build_info{version="2"}"# => 1,
    });
}
