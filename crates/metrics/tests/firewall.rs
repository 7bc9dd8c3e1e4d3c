//! A label that explodes is folded, and nothing else: totals stay exact, the other labels what they are, and
//! the report says who did it.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use streamgauge_metrics::snapshot::Series;
use streamgauge_metrics::{
    CardinalityLevel, Counter, Desc, Family, LabelCardinality, LabelSet, Limits, MetricCardinality, Options, Registry,
    Removal, Snapshot, assert_metrics,
};

/// How many values take part in the flood: ten million if it is optimised.
const FLOOD: u64 = if cfg!(debug_assertions) { 300_000 } else { 10_000_000 };

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Request {
    route: &'static str,
    user: String,
    status: u16,
}

const ROUTES: [&str; 4] = ["/", "/login", "/search", "/cart"];
const STATUSES: [u16; 3] = [200, 404, 500];

fn registry(limits: Limits) -> Registry {
    Registry::with_options(Options { limits, ..Options::default() }).unwrap()
}

fn requests(registry: &Registry) -> Family<Counter, Request> {
    registry.register(Desc::of::<Family<Counter, Request>>("requests_total", "Requests.")).unwrap()
}

fn request(n: u64, user: u64) -> Request {
    let pick = |of: usize| usize::try_from(n).unwrap() % of;
    Request { route: ROUTES[pick(4)], user: format!("user-{user}"), status: STATUSES[pick(12) / 4] }
}

fn total(snapshot: &Snapshot, name: &str, is_wanted: impl Fn(&Series<'_>) -> bool) -> u64 {
    let family = snapshot.family(name).unwrap();
    family.series().filter(is_wanted).map(|series| snapshot.counter(name, &pairs(&series)).unwrap()).sum()
}

fn has(series: &Series<'_>, name: &str, value: &str) -> bool {
    series.labels().get(name).as_deref() == Some(value)
}

fn pairs<'a>(series: &Series<'a>) -> Vec<(&'a str, &'a str)> {
    // No value here has an escape in it.
    let of = |part: &'a str| part.split_once('=').map(|(name, value)| (name, value.trim_matches('"'))).unwrap();
    series.text().split(',').map(of).collect()
}

fn metric(registry: &Registry, name: &str) -> MetricCardinality {
    registry.report().metrics.into_iter().find(|metric| metric.name == name).unwrap()
}

fn label<'a>(metric: &'a MetricCardinality, name: &str) -> &'a LabelCardinality {
    metric.labels.iter().find(|label| label.name == name).unwrap()
}

#[test]
fn a_label_that_takes_millions_of_values_is_folded_while_all_others_count_as_before() {
    let registry = registry(Limits::default());
    let (requests, done) = (requests(&registry), AtomicBool::new(false));
    let by_topic = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
    let sent: Family<Counter> = registry.register(by_topic).unwrap();
    let calm = thread::scope(|scope| {
        let calm = scope.spawn(|| {
            let topics: Vec<_> = (0..50).map(|n| format!("topic-{n}")).collect();
            let mut turns = 0_u64;
            while !done.load(Ordering::Relaxed) || turns == 0 {
                for topic in &topics {
                    sent.get_or_create(&[("topic", topic.as_str())]).inc();
                }
                turns += 1;
            }
            turns
        });
        for n in 0..FLOOD {
            requests.get_or_create(&request(n, n)).inc();
        }
        done.store(true, Ordering::Relaxed);
        calm.join().unwrap()
    });
    let snapshot = registry.snapshot();
    assert_eq!(total(&snapshot, "requests_total", |_| true), FLOOD);
    for (nth, status) in STATUSES.iter().enumerate() {
        let of_status = |n: &u64| usize::try_from(n % 12).unwrap() / 4 == nth;
        let expected = (0..FLOOD).filter(of_status).count() as u64;
        let status = status.to_string();
        assert_eq!(total(&snapshot, "requests_total", |series| has(series, "status", &status)), expected);
    }
    // Nobody else was folded.
    assert_eq!(total(&snapshot, "sent_total", |_| true), 50 * calm);
    assert_eq!(snapshot.family("sent_total").unwrap().len(), 50);
    let folded = snapshot.family("requests_total").unwrap().series().filter(|series| series.text().contains("__over"));
    assert_eq!(folded.map(|series| assert!(has(&series, "user", "__overflow__"))).count(), 12);
    check_report(&registry);
}

fn check_report(registry: &Registry) {
    let metric = metric(registry, "requests_total");
    println!("{}", registry.report());
    assert_eq!((metric.series, metric.folded, metric.level), (1_000, 12, CardinalityLevel::Full));
    assert!(metric.refused >= FLOOD - 1_012, "{metric:?}");
    let user = label(&metric, "user");
    let off = user.values.abs_diff(FLOOD) as f64 / FLOOD as f64;
    assert!(user.is_folded && off < 0.03, "{user:?}");
    assert!(user.samples.len() == 5 && user.samples.iter().all(|sample| sample.starts_with("user-1")), "{user:?}");
    for (name, values) in [("route", 4), ("status", 3)] {
        let other = label(&metric, name);
        assert!(!other.is_folded && other.values == values && other.samples.is_empty(), "{other:?}");
    }
    let here = |place: &str| place.contains("tests/firewall.rs:");
    assert!(here(&metric.declared_at) && metric.looked_up_at.as_deref().is_some_and(here), "{metric:?}");
    assert_eq!(self::metric(registry, "sent_total").level, CardinalityLevel::Fine);
}

/// A label with many values that are all known is not the one that explodes, though it has had more.
#[test]
fn the_label_that_grows_is_folded_and_not_the_one_that_has_most_values() {
    let registry = registry(Limits { max_series_per_metric: 400, ..Limits::default() });
    let desc = Desc::of::<Family<Counter>>("calls_total", "Calls.").with_labels(["host", "session"]);
    let calls: Family<Counter> = registry.register(desc).unwrap();
    let call = |host: u64, session: u64| {
        let (host, session) = (format!("host-{host}"), format!("session-{session}"));
        calls.get_or_create(&[("host", host.as_str()), ("session", session.as_str())]).inc();
    };
    (0..80).for_each(|host| call(host, 0));
    (0..4_000).for_each(|n| call(n % 80, n / 80));
    let metric = metric(&registry, "calls_total");
    assert!(label(&metric, "session").is_folded && !label(&metric, "host").is_folded, "{metric:?}");
    let snapshot = registry.snapshot();
    assert_eq!(total(&snapshot, "calls_total", |_| true), 4_080);
    for host in 0..80 {
        assert_eq!(total(&snapshot, "calls_total", |s| has(s, "host", &format!("host-{host}"))), 51);
    }
}

/// Two labels that explode together would fill the room of what is folded, too.
#[test]
fn when_what_is_folded_grows_by_itself_the_next_label_is_folded_too() {
    let registry = registry(Limits { max_series_per_metric: 100, ..Limits::default() });
    let requests = requests(&registry);
    for n in 0..20_000_u64 {
        let mut labels = request(n, n / 7);
        labels.route = ROUTES[usize::try_from(n % 4).unwrap()];
        labels.status = u16::try_from(n).unwrap();
        requests.get_or_create(&labels).inc();
    }
    let snapshot = registry.snapshot();
    let metric = metric(&registry, "requests_total");
    assert!(label(&metric, "user").is_folded && label(&metric, "status").is_folded, "{metric:?}");
    assert!(!label(&metric, "route").is_folded, "{metric:?}");
    assert!(metric.series == 100 && metric.folded < 50, "{metric:?}");
    assert_eq!(total(&snapshot, "requests_total", |_| true), 20_000);
    for route in ROUTES {
        let both = [("route", route), ("user", "__overflow__"), ("status", "__overflow__")];
        assert!(snapshot.counter("requests_total", &both).unwrap() > 4_000);
        assert_eq!(total(&snapshot, "requests_total", |series| has(series, "route", route)), 5_000);
    }
}

#[test]
fn a_value_that_is_too_long_folds_its_own_label_alone() {
    let registry = Registry::new();
    let requests = requests(&registry);
    let long = Request { user: "x".repeat(257), ..request(5, 0) };
    requests.get_or_create(&long).inc();
    assert_metrics!(registry, {
        r#"requests_total{route="/login",user="__overflow__",status="404"}"# => 1,
        r#"metrics_registry_refused_total{metric="requests_total",reason="value_too_long"}"# => 1,
    });
}

#[test]
fn what_is_known_keeps_its_series_in_the_middle_of_a_flood_also_for_a_thread_that_never_saw_it() {
    let registry = registry(Limits { max_series_per_metric: 200, ..Limits::default() });
    let requests = requests(&registry);
    (0..5_000).for_each(|n| requests.get_or_create(&request(n, n)).inc());
    thread::scope(|scope| {
        scope.spawn(|| (0..200).for_each(|n| requests.get_or_create(&request(n, n)).inc()));
    });
    let snapshot = registry.snapshot();
    let of_user = |n: u64| total(&snapshot, "requests_total", |s| has(s, "user", &format!("user-{n}")));
    assert!((0..200).all(|n| of_user(n) == 2));
    assert_eq!(total(&snapshot, "requests_total", |_| true), 5_200);
}

#[test]
fn room_that_is_given_back_is_taken_by_the_next_label_set() {
    let registry = registry(Limits { max_series_per_metric: 100, ..Limits::default() });
    let requests = requests(&registry);
    // So many come and go that what is known without a lock has to be made anew several times.
    for round in 0..10 {
        let users = round * 1_000..round * 1_000 + 300;
        users.clone().for_each(|n| requests.get_or_create(&request(n, n)).inc());
        let own = |n: u64| requests.try_get_or_create(&request(n, n)).is_ok();
        assert!(users.clone().take(100).all(own) && !users.clone().skip(100).any(own), "round {round}");
        for n in users.take(100) {
            assert_eq!(requests.remove(&request(n, n)), Removal::Removed);
        }
    }
    // Those with a folded label are what is left: one for each route and status.
    assert_eq!(requests.len(), 12);
}

#[test]
fn a_folded_series_that_was_removed_comes_back_at_0() {
    let registry = registry(Limits { max_series_per_metric: 10, ..Limits::default() });
    let requests = requests(&registry);
    (0..100).for_each(|n| requests.get_or_create(&request(0, n)).inc());
    assert_eq!(requests.remove_matching(&[("user", "__overflow__")]), 1);
    requests.get_or_create(&request(0, 7_000)).inc_by(3);
    assert_metrics!(registry, { r#"requests_total{route="/",user="__overflow__",status="200"}"# => 3 });
}

#[test]
fn a_registry_that_is_full_folds_what_still_comes_and_lets_in_what_it_has_room_for() {
    let registry = registry(Limits { max_series: 60, ..Limits::default() });
    let (requests, desc) = (requests(&registry), Desc::of::<Family<Counter>>("sent_total", "Help."));
    let sent: Family<Counter> = registry.register(desc.with_labels(["topic", "to"])).unwrap();
    (0..10).for_each(|n| sent.get_or_create(&[("topic", n.to_string().as_str()), ("to", "eu")]).inc());
    (0..1_000).for_each(|n| requests.get_or_create(&request(n, n)).inc());
    assert_eq!(registry.report().level, CardinalityLevel::Full);
    let snapshot = registry.snapshot();
    // No room for a folded series either: it is the one that always has room.
    let all = [("route", "__overflow__"), ("user", "__overflow__"), ("status", "__overflow__")];
    assert_eq!(snapshot.counter("requests_total", &all), Some(950));
    sent.get_or_create(&[("topic", "new"), ("to", "us")]).inc();
    assert_eq!(sent.remove(&[("topic", "0"), ("to", "eu")]), Removal::Removed);
    sent.get_or_create(&[("topic", "newer"), ("to", "us")]).inc();
    assert_eq!(registry.snapshot().counter("sent_total", &[("topic", "newer"), ("to", "us")]), Some(1));
}

#[test]
fn levels_are_told_once_each_on_the_way_up_and_again_after_a_way_down() {
    let registry = registry(Limits { max_series: 200, max_series_per_metric: 100, ..Limits::default() });
    let told = Arc::new(Mutex::new(Vec::new()));
    let tell = Arc::clone(&told);
    registry.on_cardinality(move |alert| {
        tell.lock().unwrap().push((alert.metric.map(str::to_owned), alert.level, alert.series));
    });
    let family = |name| {
        let desc = Desc::of::<Family<Counter>>(name, "Help.").with_labels(["n"]);
        registry.register::<Family<Counter>>(desc).unwrap()
    };
    let (one, two) = (family("one_total"), family("two_total"));
    let fill = |family: &Family<Counter>, n: u64| {
        (0..n).for_each(|n| family.get_or_create(&[("n", n.to_string().as_str())]).inc());
    };
    let name = |name: &str| Some(name.to_owned());
    let taken = || std::mem::take(&mut *told.lock().unwrap());
    fill(&one, 79);
    assert_eq!(taken(), []);
    fill(&one, 100);
    let expected =
        [(name("one_total"), CardinalityLevel::Warning, 80), (name("one_total"), CardinalityLevel::Critical, 95)];
    assert_eq!(taken(), expected);
    fill(&one, 150);
    assert_eq!(taken(), [(name("one_total"), CardinalityLevel::Full, 100)]);
    assert_metrics!(registry, {
        r#"metrics_registry_metric_cardinality_level{metric="one_total"}"# => 3,
        r#"metrics_registry_metric_cardinality_level{metric="two_total"}"# => 0,
        "metrics_registry_cardinality_level" => 0,
    });
    fill(&two, 70);
    assert_eq!(taken(), [(None, CardinalityLevel::Warning, 160)]);
    one.retain(|_| false);
    fill(&one, 80);
    let again = [(name("one_total"), CardinalityLevel::Warning, 80)];
    assert_eq!(taken(), again);
}

#[test]
fn a_callback_that_panics_harms_nobody_and_one_that_looks_up_is_no_trouble() {
    let registry = registry(Limits { max_series_per_metric: 10, ..Limits::default() });
    let requests = requests(&registry);
    let inside = requests.clone();
    registry.on_cardinality(move |_| inside.get_or_create(&request(1, 1)).inc());
    registry.on_cardinality(|_| panic!("a fault of the caller"));
    (0..20).for_each(|n| requests.get_or_create(&request(n, n)).inc());
    let snapshot = registry.snapshot();
    let panics = snapshot.counter("metrics_registry_hook_panics_total", &[]);
    // Warning, critical, full.
    assert_eq!(panics, Some(3));
    assert_eq!(total(&snapshot, "requests_total", |_| true), 23);
}

#[test]
fn thresholds_that_are_none_are_refused() {
    for (warning, critical) in [(-0.1, 0.9), (0.9, 0.8), (0.5, 1.1), (f64::NAN, 0.9), (0.5, f64::NAN)] {
        let limits = Limits { warning, critical, ..Limits::default() };
        let error = Registry::with_options(Options { limits, ..Options::default() }).unwrap_err();
        assert!(error.to_string().starts_with("the limits are refused: "), "{error}");
    }
}
