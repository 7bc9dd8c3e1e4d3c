//! What costs no memory: every hot path after its first time, and a flood of label values.

use std::fmt::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use allocation_counter::{AllocationInfo, measure};
use streamgauge_metrics::{
    Clock, Counter, Desc, Family, FloatCounter, Gauge, Group, Histogram, Info, LabelSet, LabelValue, Limits, Member,
    Metrics, Options, Registry, StateSet, Summary, UpDownCounter, encode, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Status {
    Ok,
    Failed,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByStatus {
    status: Status,
    cached: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByTopic {
    topic: &'static str,
    partition: u32,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct ByOwner {
    owner: String,
}

#[derive(Clone, Metrics)]
#[metrics(group)]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// What they cost.
    spent_total: FloatCounter,
    /// Time to answer in milliseconds.
    #[metrics(buckets = LATENCY_MS)]
    duration_ms: Histogram,
}

/// Does it a few times for what it costs once, then counts.
fn allocations(mut work: impl FnMut()) -> AllocationInfo {
    (0..12).for_each(|_| work());
    measure(|| (0..1_000).for_each(|_| work()))
}

/// Nothing allocated, nothing freed.
#[track_caller]
fn assert_free(work: impl FnMut()) {
    assert_eq!(allocations(work), AllocationInfo::default());
}

#[test]
fn the_counter_of_this_test_does_count() {
    assert_eq!(allocations(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1_000);
}

#[test]
fn counting_allocates_nothing() {
    let (counter, float, both) = (Counter::default(), FloatCounter::default(), UpDownCounter::default());
    assert_free(|| counter.inc());
    assert_free(|| counter.inc_by(3));
    assert_free(|| float.inc_by(0.5));
    // What is refused, too.
    assert_free(|| float.inc_by(-0.5));
    assert_free(|| both.inc());
    assert_free(|| both.add(-3));
    assert_free(|| drop(both.track()));
    assert_free(|| drop(counter.clone()));
}

#[test]
fn setting_allocates_nothing() {
    let (gauge, state) = (Gauge::default(), StateSet::<Status>::default());
    assert_free(|| gauge.set(1.0));
    assert_free(|| gauge.add(2.0));
    assert_free(|| gauge.set_max(2.0));
    assert_free(|| gauge.set_min(2.0));
    assert_free(|| drop(gauge.track()));
    assert_free(|| assert!(gauge.get() <= 3_000_000.0));
    assert_free(|| state.set(&Status::Failed));
}

#[test]
fn observing_allocates_nothing() {
    let histogram = Histogram::default();
    assert_free(|| histogram.observe(7.0));
    assert_free(|| histogram.observe(f64::NAN));
    assert_free(|| histogram.observe_n(7.0, 100));
    assert_free(|| drop(histogram.start_timer()));
    assert_free(|| drop(histogram.start_timer().in_seconds()));
    assert_free(|| histogram.start_timer().discard());
}

#[test]
fn recording_a_group_allocates_nothing() {
    let registry = Registry::new();
    let group = Requests::register(&registry).unwrap();
    assert_eq!(Requests::declare(&[]).len(), 3);
    assert_free(|| {
        let changes = (group.requests_total.adding(1), group.spent_total.adding(0.5));
        record((changes, group.duration_ms.observing(3.0)));
    });
    let family: Family<Requests, ByStatus> = Family::default();
    assert_free(|| {
        let found = family.get_or_create(&ByStatus { status: Status::Ok, cached: true });
        record((found.requests_total.adding(1), found.duration_ms.observing(3.0)));
    });
}

#[test]
fn looking_up_by_enums_allocates_nothing() {
    let family: Family<Counter, ByStatus> = Family::default();
    let mut n = 0;
    assert_free(|| {
        n += 1;
        let status = if n % 2 == 0 { Status::Ok } else { Status::Failed };
        let labels = ByStatus { status, cached: n % 3 == 0 };
        family.get_or_create(&labels).inc();
        assert!(family.try_get_or_create(&labels).is_ok());
        drop(family.handle(&labels));
    });
}

#[test]
fn looking_up_by_strings_allocates_nothing_from_the_second_time_on() {
    let family: Family<Histogram, ByTopic> = Family::default();
    assert_free(|| {
        let labels = ByTopic { topic: "orders", partition: 3 };
        family.get_or_create(&labels).observe(1.0);
        assert!(family.try_get_or_create(&labels).is_ok());
        drop(family.handle(&labels));
    });
    let family: Family<Counter, ByOwner> = Family::default();
    let labels = ByOwner { owner: "someone".to_owned() };
    assert_free(|| family.get_or_create(&labels).inc());
}

#[test]
fn looking_up_by_pairs_allocates_nothing_from_the_second_time_on() {
    let family: Family<Counter> = Family::with_labels(["topic", "partition"]);
    let owned = String::from("orders");
    assert_free(|| {
        let labels = [("topic", owned.as_str()), ("partition", "3")];
        family.get_or_create(&labels).inc();
        family.get_or_create(&labels[..]).inc();
        assert!(family.try_get_or_create(&labels).is_ok());
    });
}

/// So many series that they are more than a thread remembers at first.
#[test]
fn a_few_hundred_series_are_all_remembered() {
    let family: Family<Counter, ByTopic> = Family::default();
    let all = || (0..300).map(|partition| ByTopic { topic: "orders", partition });
    (0..5).for_each(|_| all().for_each(|labels| family.get_or_create(&labels).inc()));
    let again = measure(|| all().for_each(|labels| family.get_or_create(&labels).inc()));
    // Where three of them want the two places of one hash, one is looked up the long way.
    println!("{} allocations in 300 look-ups", again.count_total);
    assert!(again.count_total < 30 * 12, "{again:?}");
    assert_eq!(family.len(), if cfg!(feature = "noop") { family.len() } else { 300 });
}

#[test]
fn a_flood_of_label_values_takes_no_memory_past_the_limit() {
    let limits = Limits { max_series_per_metric: 100, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Histogram>>("flooded", "Help.").with_labels(["by"]);
    let flooded: Family<Histogram> = registry.register(desc).unwrap();
    let typed = Desc::of::<Family<Histogram, ByOwner>>("typed", "Help.");
    let typed: Family<Histogram, ByOwner> = registry.register(typed).unwrap();
    let mut text = String::with_capacity(300);
    let mut flood = |values: std::ops::Range<u32>| {
        for n in values {
            text.clear();
            write!(text, "value {n}").unwrap();
            flooded.get_or_create(&[("by", text.as_str())]).observe(1.0);
            typed.get_or_create(&ByOwner { owner: text.clone() }).observe(1.0);
            assert!(n < 100 || cfg!(feature = "noop") || flooded.try_get_or_create(&[("by", text.as_str())]).is_err());
        }
    };
    flood(0..200);
    let info = measure(|| flood(200..100_200));
    assert_eq!((info.count_current, info.bytes_current), (0, 0), "{info:?}");
    assert!(info.bytes_max < 2_000, "{info:?}");
    #[cfg(not(feature = "noop"))]
    {
        let snapshot = registry.snapshot();
        for (name, label) in [("flooded", "by"), ("typed", "owner")] {
            assert_eq!(snapshot.histogram(name, &[(label, "__overflow__")]).unwrap().count(), 100_100, "{name}");
            assert_eq!(snapshot.histogram(name, &[(label, "value 99")]).unwrap().count(), 1, "{name}");
            assert_eq!(snapshot.family(name).unwrap().len(), 101, "{name}");
        }
    }
}

/// Makes series one after the other, observes something and removes them again.
#[cfg(not(feature = "noop"))]
fn come_and_go<M: Member>(family: &Family<M>, n: &mut u32, times: u32, observe: impl Fn(&M)) {
    for _ in 0..times {
        *n += 1;
        let text = n.to_string();
        let labels = [("connection", text.as_str())];
        observe(&family.get_or_create(&labels));
        assert_eq!(family.remove(&labels), streamgauge_metrics::Removal::Removed);
    }
}

/// A series that comes and goes with what it measures: its cells are used again.
#[test]
#[cfg(not(feature = "noop"))]
fn series_that_come_and_go_take_no_more_memory_than_those_that_are_there() {
    let family: Family<Histogram> = Family::with_labels(["connection"]);
    let mut n = 0;
    let mut come_and_go = |times| come_and_go(&family, &mut n, times, |sizes| sizes.observe(1.0));
    // What the thread remembers comes to its full size.
    come_and_go(50_000);
    let info = measure(|| come_and_go(50_000));
    println!("{info:?}");
    assert!(info.bytes_current.abs() < 100_000, "{info:?}");
}

#[test]
#[cfg(not(feature = "noop"))]
fn summaries_that_come_and_go_take_no_more_memory_either() {
    let family: Family<Summary> = Family::with_labels(["connection"]);
    let mut n = 0;
    let mut come_and_go = |times| come_and_go(&family, &mut n, times, |sizes| sizes.observe(1.0));
    come_and_go(5_000);
    let info = measure(|| come_and_go(50_000));
    assert!(info.bytes_current.abs() < 100_000, "{info:?}");
}

#[test]
#[cfg(not(feature = "noop"))]
fn an_info_that_is_set_again_and_again_takes_no_more_memory() {
    let info: Info<ByOwner> = Info::default();
    let mut n = 0_u32;
    let mut set = |times: u32| {
        for _ in 0..times {
            n += 1;
            info.set(&ByOwner { owner: n.to_string() });
        }
    };
    set(50_000);
    let grown = measure(|| set(20_000));
    assert!(grown.bytes_current.abs() < 100_000, "{grown:?}");
}

/// The labels of a series are there, and so is the room for its lines: a thread keeps what it needed besides.
#[test]
#[cfg(not(feature = "noop"))]
fn a_page_allocates_itself_and_nothing_else_however_many_series_there_are() {
    for series in [10, 900] {
        let registry = Registry::new();
        let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
        let sent: Family<Counter> = registry.register(desc).unwrap();
        let desc = Desc::of::<Family<Histogram>>("size_bytes", "Sizes.").with_labels(["topic"]);
        let sizes: Family<Histogram> = registry.register(desc).unwrap();
        let desc = Desc::of::<Family<Gauge>>("level", "Levels.").with_labels(["topic"]);
        let levels: Family<Gauge> = registry.register(desc).unwrap();
        let desc = Desc::of::<Family<Summary>>("latest", "Latest.").with_labels(["topic"]);
        let latest: Family<Summary> = registry.register(desc).unwrap();
        for i in 0..series {
            let topic = format!("topic-{i}");
            sent.get_or_create(&[("topic", topic.as_str())]).inc_by(i as u64);
            sizes.get_or_create(&[("topic", topic.as_str())]).observe(i as f64 / 8.0);
            levels.get_or_create(&[("topic", topic.as_str())]).set(i as f64 / 8.0);
            latest.get_or_create(&[("topic", topic.as_str())]).observe(i as f64 / 8.0);
        }
        let snapshot = registry.snapshot();
        for accept in ["text/plain;version=0.0.4", "application/openmetrics-text;version=1.0.0"] {
            let format = encode::Format::negotiate(accept);
            let mut page = encode::encode(&snapshot, format);
            let info = measure(|| page = encode::encode(&snapshot, format));
            assert!(page.body.len() > 500 * series);
            assert_eq!(info.count_total, 1, "{accept}: {info:?}");
        }
    }
}

#[test]
#[cfg(not(feature = "noop"))]
fn an_observation_for_a_summary_allocates_nothing_but_a_bit_for_each_slice() {
    let summary = Summary::default();
    let mut n = 0.0;
    let mut observe = |times: u32| {
        for _ in 0..times {
            n = (n * 7.0 + 3.0) % 1009.0;
            summary.observe(n);
        }
    };
    observe(100_000);
    let info = measure(|| observe(100_000));
    assert!(info.count_total <= 1, "another slice may have begun: {info:?}");
}

/// Two threads, each with something in every slice.
#[test]
#[cfg(not(feature = "noop"))]
fn a_summary_with_a_full_window_takes_8_kib_for_two_threads() {
    let clock = Clock::manual();
    let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Summary>>("latest", "Latest.").with_labels(["topic"]);
    let family: Family<Summary> = registry.register(desc).unwrap();
    // What the thread remembers is there before.
    family.get_or_create(&[("topic", "a")]).observe(0.0);
    let (begin, end) = (Barrier::new(2), Barrier::new(2));
    let fill = |topic| {
        let info = measure(|| {
            let summary = family.handle(&[("topic", topic)]);
            for slice in 0..10_u32 {
                begin.wait();
                (0..2000_u32).for_each(|n| summary.observe(f64::from(n * (7 + slice) % 2003)));
                end.wait();
                clock.advance(Duration::from_secs(6));
            }
        });
        info.bytes_current
    };
    let bytes = thread::scope(|scope| {
        let other = scope.spawn(|| {
            // Of this thread, for all series.
            family.get_or_create(&[("topic", "a")]).observe(0.0);
            fill("b")
        });
        fill("b") + other.join().unwrap()
    });
    println!("{bytes} bytes");
    assert!(bytes < 8 << 10, "{bytes} bytes");
}
