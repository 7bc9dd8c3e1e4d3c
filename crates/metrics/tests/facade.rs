//! Programs that count through the macros of the `metrics` crate.

#![cfg(not(feature = "noop"))]
// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]

use std::thread;
use std::time::Duration;

use metrics::{
    Recorder, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use streamgauge_metrics::encode::{self, Escaping, Format, Protocol};
use streamgauge_metrics::{
    Buckets, Clock, Counter, Desc, Facade, Limits, Options, Registry, assert_metrics, test::ABSENT,
};

fn facade() -> (Registry, Facade) {
    let registry = Registry::new();
    let facade = Facade::new(&registry).unwrap();
    (registry, facade)
}

/// What the recorder is asked for is made, or found, by name and labels.
#[test]
fn every_kind_of_update_arrives_with_its_labels() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || {
        for _ in 0..3 {
            counter!("sent_total", "topic" => "orders", "to" => "eu").increment(2);
            counter!("sent_total", "to" => "eu", "topic" => "orders").increment(1);
            counter!("sent_total", "topic" => "returns", "to" => String::from("us")).increment(1);
            gauge!("depth").increment(2.5);
            gauge!("depth").decrement(0.5);
            histogram!("wait_seconds", "queue" => "a").record(0.3);
        }
        gauge!("level", "of" => "tank").set(-1.5);
        histogram!("wait_seconds", "queue" => "a").record_many(7.0, 4);
        counter!("known").absolute(40);
        counter!("known").absolute(30);
        counter!("known").absolute(42);
    });
    assert_metrics!(registry, {
        r#"sent_total{topic="orders",to="eu"}"# => 9,
        r#"sent_total{topic="returns",to="us"}"# => 3,
        "depth" => 6,
        r#"level{of="tank"}"# => -1.5,
        r#"wait_seconds_bucket{queue="a",le="0.5"}"# => 3,
        r#"wait_seconds_count{queue="a"}"# => 7,
        "known_total" => 42,
        r#"metrics_facade_refused_total{metric="known"}"# => ABSENT,
    });
    assert!(facade.refused().is_empty());
}

#[test]
fn labels_of_one_name_can_differ_and_make_one_family() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || {
        counter!("jobs_total").increment(1);
        counter!("jobs_total", "queue" => "a").increment(2);
        counter!("jobs_total", "queue" => "a", "host.name" => "x").increment(3);
        counter!("jobs_total", "queue" => "", "host.name" => "x").increment(4);
        counter!("jobs_total", "queue" => "").increment(10);
        counter!("jobs_total", "queue" => "b", "queue" => "a").increment(20);
    });
    let page = registry.render_prometheus();
    assert_eq!(page.matches("# TYPE jobs_total counter\n").count(), 1);
    for line in [
        "jobs_total 11\n",
        "jobs_total{queue=\"a\"} 22\n",
        "jobs_total{host_name=\"x\",queue=\"a\"} 3\n",
        "jobs_total{host_name=\"x\"} 4\n",
    ] {
        assert!(page.contains(line), "{line} is not in {page}");
    }
    assert!(facade.refused().is_empty(), "{:?}", facade.refused());
}

#[test]
fn what_is_described_is_told_whether_before_the_first_use_or_after() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || {
        describe_counter!("sent_bytes_total", Unit::Bytes, "Bytes sent.");
        counter!("sent_bytes_total").increment(1);
        counter!("later").increment(1);
        assert!(registry.render_prometheus().contains("# HELP later_total Recorded through the metrics facade"));
        describe_counter!("later", "Later.");
        gauge!("temperature").set(20.0);
        describe_gauge!("temperature", Unit::Percent, "Of what is bearable.");
        describe_histogram!("wait_seconds", Unit::Seconds, "Waiting.");
        histogram!("wait_seconds").record(1.0);
        describe_gauge!("never_used", "Never.");
        gauge!("nothing_said").set(1.0);
        describe_gauge!("nothing_said", Unit::Count, "");
    });
    let snapshot = registry.snapshot();
    let told = |name| {
        let desc = snapshot.family(name).unwrap().desc();
        (desc.help().to_owned(), desc.unit().map(str::to_owned))
    };
    let with = |help: &str, unit: Option<&str>| (help.to_owned(), unit.map(str::to_owned));
    assert_eq!(told("sent_bytes_total"), with("Bytes sent.", Some("bytes")));
    assert_eq!(told("later_total"), with("Later.", None));
    assert_eq!(told("temperature"), with("Of what is bearable. (percent)", None));
    assert_eq!(told("wait_seconds"), with("Waiting.", Some("seconds")));
    assert!(snapshot.family("never_used").is_none());
    assert_eq!(told("nothing_said").1, None);
}

#[test]
fn histograms_have_the_buckets_that_were_chosen() {
    let registry = Registry::with_options(Options {
        per_metric: [("from.outside".to_owned(), vec![9.0])].into(),
        ..Options::default()
    });
    let registry = registry.unwrap();
    let facade = Facade::new(&registry).unwrap();
    let facade = facade.with_buckets(Buckets::LatencyMs).with_buckets_of("size", Buckets::Custom(vec![3.0].into()));
    with_local_recorder(&facade, || {
        histogram!("wait").record(1.0);
        histogram!("size").record(1.0);
        histogram!("from.outside").record(1.0);
    });
    let bounds = |name| {
        let snapshot = registry.snapshot();
        snapshot.histogram(name, &[]).unwrap().bounds().as_slice().to_vec()
    };
    assert_eq!(bounds("wait"), Buckets::LatencyMs.standard_bounds());
    assert_eq!((bounds("size"), bounds("from.outside")), (vec![3.0], vec![9.0]));
}

#[test]
fn a_name_that_changes_its_type_is_reported_and_its_updates_are_counted() {
    let (registry, facade) = facade();
    let own: Counter = registry.register(Desc::of::<Counter>("own_total", "Ours.")).unwrap();
    own.inc();
    with_local_recorder(&facade, || {
        gauge!("depth", "of" => "a").set(1.0);
        for _ in 0..5 {
            histogram!("depth", "of" => "a").record(1.0);
        }
        histogram!("depth").record_many(1.0, 3);
        counter!("own_total").increment(7);
        gauge!("depth_total").set(1.0);
        gauge!("wait_bucket").increment(1.0);
        counter!("by_user_total", "user_id" => "17").increment(1);
        counter!("by_bound_total", "le" => "1").increment(1);
        counter!("quoted\"").increment(1);
        gauge!("depth", "of" => "a").increment(1.0);
    });
    assert_metrics!(registry, {
        r#"depth{of="a"}"# => 2,
        "own_total" => 1,
        r#"metrics_facade_refused_total{metric="depth"}"# => 8,
        r#"metrics_facade_refused_total{metric="own_total"}"# => 1,
        r#"metrics_facade_refused_total{metric="by_user_total"}"# => 1,
    });
    let refused: Vec<_> = facade.refused().into_iter().map(|refused| refused.name).collect();
    let expected = ["depth", "own_total", "depth_total", "wait_bucket", "by_user_total", "by_bound_total", "quoted\""];
    assert_eq!(refused, expected);
    let why = facade.refused()[0].why.to_string();
    assert!(why.contains("its name is taken by [gauge depth{of}"), "{why}");
}

#[test]
fn what_a_program_makes_up_without_end_is_bounded() {
    let limits = Limits { max_series_per_metric: 100, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let facade = Facade::new(&registry).unwrap();
    with_local_recorder(&facade, || {
        for n in 0..5_000 {
            counter!("sent_total", "topic" => n.to_string(), "to" => "eu").increment(1);
            gauge!(format!("refused_{n}_total")).set(1.0);
        }
    });
    let snapshot = registry.snapshot();
    let sent = snapshot.family("sent_total").unwrap();
    assert!(sent.len() <= 101, "{} series", sent.len());
    let total: u64 = sent.series().map(|one| snapshot.counter("sent_total", &labels_of(&one)).unwrap()).sum();
    assert_eq!(total, 5_000);
    assert_eq!(facade.refused().len(), 100);
    assert!(snapshot.family("metrics_facade_refused_total").unwrap().len() <= 101);
}

#[test]
fn names_that_a_program_makes_up_without_end_are_bounded() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || (0..10_500).for_each(|n| gauge!(format!("level_{n}")).set(1.0)));
    let levels = registry.describe().iter().filter(|desc| desc.name().starts_with("level_")).count();
    assert_eq!((levels, facade.refused().len()), (10_000, 100));
    assert!(facade.refused()[0].why.to_string().contains("say in labels what the names say"));
}

fn labels_of<'a>(series: &streamgauge_metrics::snapshot::Series<'a>) -> Vec<(&'a str, &'a str)> {
    // None of these needs an escape, so the text can be cut.
    let pairs = series.text().split(',').map(|pair| pair.split_once('=').unwrap());
    pairs.map(|(name, value)| (name, value.trim_matches('"'))).collect()
}

#[test]
fn nothing_is_lost_over_threads_and_more_series_than_a_thread_remembers() {
    let (registry, facade) = facade();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                with_local_recorder(&facade, || {
                    for n in 0..20_000_u32 {
                        counter!("all_total", "n" => (n % 900).to_string()).increment(1);
                        counter!("few_total", "n" => (n % 3).to_string(), "more" => "yes").increment(1);
                        gauge!("level", "n" => (n % 900).to_string()).increment(1.0);
                    }
                });
            });
        }
    });
    let snapshot = registry.snapshot();
    for (name, series) in [("all_total", 900), ("few_total", 3)] {
        let family = snapshot.family(name).unwrap();
        let total: u64 = family.series().map(|one| snapshot.counter(name, &labels_of(&one)).unwrap()).sum();
        assert_eq!((family.len(), total), (series, 80_000), "{name}");
    }
    let level: f64 = (0..900).map(|n| snapshot.gauge("level", &[("n", &n.to_string())]).unwrap()).sum();
    assert!((level - 80_000.0).abs() < 1e-6);
}

#[test]
fn two_facades_on_one_thread_do_not_take_each_other_s_series() {
    let ((one, first), (other, second)) = (facade(), facade());
    for _ in 0..3 {
        with_local_recorder(&first, || counter!("jobs_total", "queue" => "a").increment(1));
        with_local_recorder(&second, || counter!("jobs_total", "queue" => "a").increment(10));
    }
    assert_metrics!(one, { r#"jobs_total{queue="a"}"# => 3 });
    assert_metrics!(other, { r#"jobs_total{queue="a"}"# => 30 });
}

/// The registry tells of a metric that has many series on the thread that made the last one; a facade that held a lock
/// then waited for itself.
#[test]
fn who_is_told_of_many_series_may_count_through_the_facade() {
    let (registry, facade) = facade();
    let same = facade.clone();
    registry.on_cardinality(move |_| {
        with_local_recorder(&same, || counter!("alerts_total", "of" => "series").increment(1));
    });
    with_local_recorder(&facade, || {
        (0..1_000).for_each(|n| counter!("sent_total", "topic" => n.to_string()).increment(1));
    });
    let alerts = registry.snapshot().counter("alerts_total", &[("of", "series")]);
    assert!(alerts.is_some_and(|alerts| alerts >= 2), "{alerts:?}");
}

#[test]
fn what_a_facade_kept_is_told_in_every_format() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || {
        counter!("http.requests", "http.method" => "GET").increment(1);
        counter!("http.requests", "plain" => "x").increment(1);
        histogram!("http.wait", "größe" => "klein").record(0.1);
    });
    for protocol in Protocol::ALL {
        for escaping in Escaping::ALL {
            let page = encode::encode(&registry.snapshot(), Format::new(protocol, escaping));
            assert!(page.dropped.is_empty(), "{:?}", page.dropped);
        }
    }
    let page = registry.render_prometheus();
    assert!(
        page.contains("http_requests_total{http_method=\"GET\"} 1\nhttp_requests_total{plain=\"x\"} 1\n"),
        "{page}"
    );
}

#[test]
fn a_recorder_can_be_asked_without_macros() {
    let (registry, facade) = facade();
    let key = metrics::Key::from_parts("jobs_total", vec![metrics::Label::new("queue", "a")]);
    let metadata = metrics::Metadata::new("here", metrics::Level::INFO, None);
    let held = facade.register_counter(&key, &metadata);
    held.increment(1);
    facade.register_counter(&key, &metadata).increment(1);
    assert_metrics!(registry, { r#"jobs_total{queue="a"}"# => 2 });
}

/// The facade held what threads remember, so that none of its series ever left.
#[test]
fn idle_series_leave_and_come_back_with_what_came_through_a_handle_that_was_kept() {
    let clock = Clock::manual();
    let expire_after = Some(Duration::from_mins(5));
    let options = Options { expire_after, clock: clock.clone(), ..Options::default() };
    let registry = Registry::with_options(options).unwrap();
    let facade = Facade::new(&registry).unwrap();
    with_local_recorder(&facade, || {
        let kept = counter!("sent_total", "peer" => "a");
        kept.increment(5);
        histogram!("wait_seconds", "peer" => "a").record(1.0);
        let gone = [r#"sent_total{peer="a"}"#, r#"wait_seconds_count{peer="a"}"#];
        registry.snapshot();
        clock.advance(Duration::from_mins(5));
        registry.snapshot();
        assert_metrics!(registry, { gone[0] => ABSENT, gone[1] => ABSENT });
        kept.increment(2);
        counter!("sent_total", "peer" => "a").increment(1);
        histogram!("wait_seconds", "peer" => "a").record(2.0);
        assert_metrics!(registry, { gone[0] => 3, gone[1] => 1, r#"wait_seconds_sum{peer="a"}"# => 2 });
    });
}

#[test]
fn of_a_look_up_that_was_refused_the_report_knows_the_module() {
    let limits = Limits { max_series_per_metric: 10, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let facade = Facade::new(&registry).unwrap();
    with_local_recorder(&facade, || {
        (0..20).for_each(|peer| counter!("sent_total", "peer" => peer.to_string()).increment(1));
    });
    let report = registry.report();
    assert_eq!(report.metrics[0].looked_up_at.as_deref(), Some(module_path!()));
}

/// Of the families of one name, which differ in their labels, only the first one was taken out.
#[test]
fn a_metric_is_taken_out_with_all_the_labels_it_was_used_with() {
    let (registry, facade) = facade();
    with_local_recorder(&facade, || {
        counter!("jobs_total").increment(1);
        counter!("jobs_total", "queue" => "a").increment(2);
        counter!("runs_total").increment(3);
    });
    assert!(registry.unregister("jobs_total"));
    assert!(!registry.unregister("jobs_total"));
    let page = registry.render_prometheus();
    assert!(!page.contains("jobs_total") && page.contains("runs_total 3\n"), "{page}");
}
