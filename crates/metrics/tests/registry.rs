//! What a registry promises: one metric a name, and snapshots that hold whatever happens.

#![allow(clippy::float_cmp, reason = "small whole numbers")]

use std::collections::BTreeMap;

use streamgauge_metrics::{Counter, Desc, Family, Gauge, Histogram, LabelSet, Options, RegisterError, Registry};

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByTopic {
    topic: String,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct AlsoByTopic {
    topic: String,
}

fn jobs() -> Desc {
    Desc::of::<Counter>("jobs_total", "Jobs done.")
}

#[test]
fn a_different_declaration_under_one_name_is_an_error_that_names_both() {
    let registry = Registry::new();
    let _: Counter = registry.register(jobs()).unwrap();
    let other = Desc::of::<Family<Counter, ByTopic>>("jobs_total", "Jobs by topic.");
    let error = registry.register::<Family<Counter, ByTopic>>(other.clone()).unwrap_err();
    let text = error.to_string();
    assert_eq!(text.matches("tests/registry.rs:").count(), 2, "both places: {text}");
    let RegisterError::Different { existing, refused, .. } = error else { panic!("{text}") };
    assert_eq!((*existing, *refused), (jobs(), other));
    assert!(text.contains("counter jobs_total \"Jobs done.\""), "{text}");
    assert!(text.contains("counter jobs_total{topic} \"Jobs by topic.\""), "{text}");
}

#[test]
fn families_that_would_write_one_sample_name_are_refused() {
    let registry = Registry::new();
    let _: Histogram = registry.register(Desc::of::<Histogram>("wait_ms", "Waiting.")).unwrap();
    let error = registry.register::<Gauge>(Desc::of::<Gauge>("wait_ms_count", "Waiters.")).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("`wait_ms_count`") && text.contains("`wait_ms`"), "{text}");
    assert_eq!(text.matches("tests/registry.rs:").count(), 2, "both places: {text}");
    assert!(registry.snapshot().family("wait_ms_count").is_none());
}

#[test]
fn a_declaration_is_only_good_for_the_type_it_was_made_for() {
    let registry = Registry::new();
    let error = registry.register::<Gauge>(jobs()).unwrap_err();
    assert!(matches!(error, RegisterError::OtherType { .. }));
    let error = registry.register::<Family<Counter, ByTopic>>(jobs()).unwrap_err();
    assert!(matches!(error, RegisterError::OtherType { .. }));

    let topics = Desc::of::<Family<Counter, ByTopic>>("sent_total", "Sent.");
    let _: Family<Counter, ByTopic> = registry.register(topics.clone()).unwrap();
    let error = registry.register::<Family<Counter, AlsoByTopic>>(topics).unwrap_err();
    assert!(matches!(error, RegisterError::OtherType { .. }));
}

#[test]
fn the_names_of_the_registry_itself_are_taken() {
    let mine = Desc::of::<Gauge>("metrics_registry_total_series", "Mine.");
    assert!(Registry::new().register::<Gauge>(mine).is_err());
}

#[test]
fn the_registry_counts_its_series_in_every_snapshot() {
    let registry = Registry::new();
    let total = || registry.snapshot().gauge("metrics_registry_total_series", &[]).unwrap();
    let topics = Desc::of::<Family<Counter, ByTopic>>("sent_total", "Sent.");
    let sent: Family<Counter, ByTopic> = registry.register(topics).unwrap();
    let empty = total();
    for topic in ["a", "b", "a"] {
        sent.get_or_create(&ByTopic { topic: topic.to_owned() }).inc();
    }
    assert_eq!(total() - empty, 2.0);
    let page = registry.render_prometheus();
    assert_eq!(total(), page.lines().filter(|line| !line.starts_with('#')).count() as f64);
}

#[test]
fn a_hook_that_panics_costs_nothing_but_its_own_refresh() {
    let registry = Registry::new();
    let gauge: Gauge = registry.register(Desc::of::<Gauge>("level", "Level.")).unwrap();
    registry.on_scrape(|| panic!("on purpose"));
    registry.on_scrape(move || gauge.inc());
    registry.snapshot();
    let snapshot = registry.snapshot();
    assert_eq!(snapshot.gauge("level", &[]), Some(2.0));
    assert_eq!(snapshot.counter("metrics_registry_hook_panics_total", &[]), Some(2));
}

#[test]
fn a_hook_may_create_series_because_no_lock_is_held() {
    let registry = Registry::new();
    let topics = Desc::of::<Family<Gauge, ByTopic>>("lag", "Lag.");
    let lag: Family<Gauge, ByTopic> = registry.register(topics).unwrap();
    registry.on_scrape(move || {
        let topic = format!("t{}", lag.len());
        lag.get_or_create(&ByTopic { topic }).set(1.0);
    });
    assert_eq!(registry.snapshot().family("lag").unwrap().len(), 1);
    assert_eq!(registry.snapshot().family("lag").unwrap().len(), 2);
}

#[test]
fn bounds_from_outside_replace_a_set_and_a_single_metric_before_it() {
    let registry = Registry::with_options(Options {
        latency_ms: Some(vec![7.0]),
        per_metric: BTreeMap::from([("b_ms".to_owned(), vec![1.0, 2.0])]),
        ..Options::default()
    })
    .unwrap();
    let register = |name: &'static str| {
        let histogram: Histogram = registry.register(Desc::of::<Histogram>(name, "h")).unwrap();
        histogram.bounds().as_slice().to_vec()
    };
    assert_eq!(register("a_ms"), [7.0]);
    assert_eq!(register("b_ms"), [1.0, 2.0]);
}

#[test]
fn bounds_from_outside_that_are_wrong_say_whose_they_are() {
    let wrong = Options { throughput: Some(vec![2.0, 1.0]), ..Options::default() };
    let text = Registry::with_options(wrong).unwrap_err().to_string();
    assert!(text.contains("THROUGHPUT"), "{text}");
}

#[test]
fn threads_that_register_the_same_metric_at_once_share_it() {
    let registry = Registry::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| registry.register::<Counter>(jobs()).unwrap().inc_by(3));
        }
    });
    assert_eq!(registry.snapshot().counter("jobs_total", &[]), Some(24));
}
