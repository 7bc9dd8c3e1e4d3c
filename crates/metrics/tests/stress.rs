//! A hundred million updates from threads that start and stop at random, with scrapes all the
//! while: exact totals, nothing torn, nothing that runs backwards.
//!
//! `STRESS_UPDATES` sets another number; without optimisation it is a tenth, see `updates`.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::LocalKey;

use streamgauge_metrics::snapshot::HistogramSnapshot;
use streamgauge_metrics::{
    Buckets, Counter, Desc, Family, Histogram, LabelSet, LabelValue, Metrics, Registry, Snapshot, UpDownCounter,
    encode, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
enum Status {
    Ok,
    Failed,
    Late,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct ByStatus {
    status: Status,
}

const STATUSES: [Status; 3] = [Status::Ok, Status::Failed, Status::Late];
const TOPICS: [&str; 4] = ["orders", "returns", "visits", "logins"];
/// One whole value for each bucket of [1, 2, 4]: sums are exact, and the buckets tell the sum.
const VALUES: [f64; 4] = [1.0, 2.0, 3.0, 5.0];
/// Threads at a time.
const THREADS: usize = 8;
/// What a turn of a thread's loop updates: a counter, a histogram, a group, two families.
const UPDATES_A_TURN: u64 = 5;

#[derive(Clone, Metrics)]
#[metrics(group, prefix = "http")]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// Requests that failed.
    errors_total: Counter,
    /// Time to answer in milliseconds.
    #[metrics(buckets = [1.0, 2.0, 4.0])]
    duration_ms: Histogram,
}

struct Everything {
    registry: Registry,
    events: Counter,
    sizes: Histogram,
    http: Requests,
    by_status: Family<Counter, ByStatus>,
    by_topic: Family<Counter>,
    in_flight: UpDownCounter,
}

impl Everything {
    fn new() -> Self {
        let registry = Registry::new();
        let buckets = Buckets::Custom(vec![1.0, 2.0, 4.0].into());
        let by_topic = Desc::of::<Family<Counter>>("by_topic_total", "Help.").with_labels(["topic"]);
        Self {
            events: registry.register(Desc::of::<Counter>("events_total", "Help.")).unwrap(),
            sizes: registry.register(Desc::of::<Histogram>("size", "Help.").with_buckets(buckets)).unwrap(),
            http: Requests::register(&registry).unwrap(),
            by_status: registry.register(Desc::of::<Family<Counter, ByStatus>>("by_status_total", "Help.")).unwrap(),
            by_topic: registry.register(by_topic).unwrap(),
            in_flight: registry.register(Desc::of::<UpDownCounter>("in_flight", "Help.")).unwrap(),
            registry,
        }
    }

    fn turn(&self, i: usize) {
        self.events.inc();
        self.sizes.observe(VALUES[i % 4]);
        let failed = u64::from(i.is_multiple_of(4));
        let http = &self.http;
        let counts = (http.requests_total.adding(1), http.errors_total.adding(failed));
        record((counts, http.duration_ms.observing(VALUES[i / 4 % 4])));
        self.by_status.get_or_create(&ByStatus { status: STATUSES[i % 3] }).inc();
        self.by_topic.get_or_create(&[("topic", TOPICS[i % 4])]).inc();
    }

    /// Everything a scrape promises of itself and of the one before.
    fn check(&self, last: &mut BTreeMap<String, u64>) -> Snapshot {
        let snapshot = self.registry.snapshot();
        let (requests, errors) = (counter(&snapshot, "http_requests_total"), counter(&snapshot, "http_errors_total"));
        assert!(errors <= requests, "{errors} errors of {requests} requests");
        let durations = snapshot.histogram("http_duration_ms", &[]).unwrap();
        assert_eq!(durations.count(), requests);
        for histogram in [durations, snapshot.histogram("size", &[]).unwrap()] {
            assert_eq!(histogram.sum().to_bits(), sum_by_buckets(&histogram).to_bits(), "{histogram:?}");
        }
        assert!(snapshot.gauge("in_flight", &[]).unwrap() >= 0.0);
        for (series, now) in counts(&snapshot) {
            let before = last.insert(series.clone(), now).unwrap_or_default();
            assert!(now >= before, "{series} was {before} and is {now}");
        }
        snapshot
    }
}

fn counter(snapshot: &Snapshot, name: &str) -> u64 {
    snapshot.counter(name, &[]).unwrap()
}

fn sum_by_buckets(histogram: &HistogramSnapshot<'_>) -> f64 {
    histogram.buckets().iter().zip(VALUES).map(|(count, value)| *count as f64 * value).sum()
}

/// Every number of the snapshot that only grows.
fn counts(snapshot: &Snapshot) -> BTreeMap<String, u64> {
    let page = encode::encode(snapshot, encode::Format::default()).body;
    let page = String::from_utf8(page).unwrap();
    let lines =
        page.lines().filter(|line| line.contains("_total{") || line.contains("_total ") || line.contains("_bucket"));
    let counts = lines.filter_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        Some((series.to_owned(), value.parse().ok()?))
    });
    counts.filter(|(series, _): &(String, u64)| !series.contains("metrics_registry_")).collect()
}

/// Numbers that look random and are the same on every run.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// 10^8, in a build that is not optimised 10^7: there it is the same code ten times slower.
fn updates() -> u64 {
    let from_outside = std::env::var("STRESS_UPDATES").ok().and_then(|text| text.parse().ok());
    from_outside.unwrap_or(if cfg!(debug_assertions) { 10_000_000 } else { 100_000_000 })
}

#[test]
fn a_hundred_million_updates_of_threads_that_come_and_go_are_all_there() {
    let everything = Everything::new();
    let turns = updates() / UPDATES_A_TURN;
    let (started, scrapes, done) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let masters: Vec<_> = (0..THREADS as u64)
            .map(|master| {
                let (everything, started) = (&everything, &started);
                scope.spawn(move || {
                    let mut random = Xorshift(0x9e37_79b9_7f4a_7c15 ^ (master + 1));
                    let mut left = turns / THREADS as u64 + u64::from(master < turns % THREADS as u64);
                    while left > 0 {
                        // Most threads are short, some do nothing at all.
                        let longest = [1, 100, 10_000, 40_000][usize::try_from(random.below(4)).unwrap()];
                        let mine = random.below(longest).min(left);
                        left -= mine;
                        started.fetch_add(1, Ordering::Relaxed);
                        let in_flight = everything.in_flight.track();
                        let work = move || {
                            (0..usize::try_from(mine).unwrap()).for_each(|i| everything.turn(i));
                            // Begun on one thread, ended on another.
                            drop(in_flight);
                        };
                        std::thread::scope(|scope| drop(scope.spawn(work)));
                    }
                })
            })
            .collect();
        let reader = scope.spawn(|| {
            let mut last = BTreeMap::new();
            while !done.load(Ordering::Relaxed) {
                everything.check(&mut last);
                scrapes.fetch_add(1, Ordering::Relaxed);
            }
        });
        let outcomes: Vec<_> = masters.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
        for outcome in outcomes {
            outcome.unwrap();
        }
    });
    let end = everything.check(&mut BTreeMap::new());
    for name in ["events_total", "http_requests_total"] {
        assert_eq!(counter(&end, name), turns, "{name}");
    }
    for name in ["size", "http_duration_ms"] {
        assert_eq!(end.histogram(name, &[]).unwrap().count(), turns, "{name}");
    }
    let all = |name: &str| {
        let series = end.family(name).unwrap().series();
        series.map(|series| end.counter(name, &pairs(&series)).unwrap()).sum::<u64>()
    };
    assert_eq!((all("by_status_total"), all("by_topic_total")), (turns, turns));
    assert_eq!(end.gauge("in_flight", &[]), Some(0.0));
    let (started, scrapes) = (started.into_inner(), scrapes.into_inner());
    println!("{} updates by {started} threads during {scrapes} scrapes", turns * UPDATES_A_TURN);
    assert!(started > 100 && scrapes > 10, "too little happened");
}

/// The labels of a series, all of whose values are texts of this file.
fn pairs(series: &streamgauge_metrics::snapshot::Series<'_>) -> Vec<(&'static str, &'static str)> {
    let known = |name: &str, value: &str| match name {
        "topic" => ("topic", *TOPICS.iter().find(|topic| **topic == value).unwrap()),
        _ => ("status", *Status::VALUES.unwrap().iter().find(|status| **status == value).unwrap()),
    };
    series.labels().map(|(name, value)| known(name, &value)).collect()
}

/// Counts when it is dropped, with what it holds, and looks up with what it does not.
struct Parting {
    last: &'static LocalKey<RefCell<Option<Last>>>,
    counter: Counter,
    family: Family<Counter>,
    closed: Family<Counter, ByStatus>,
    histogram: Histogram,
    http: Requests,
}

impl Parting {
    fn new(everything: &Everything, last: &'static LocalKey<RefCell<Option<Last>>>) -> Self {
        Self {
            last,
            counter: everything.events.clone(),
            family: everything.by_topic.clone(),
            closed: everything.by_status.clone(),
            histogram: everything.sizes.clone(),
            http: everything.http.clone(),
        }
    }

    fn count(&self) {
        self.counter.inc();
        self.histogram.observe(2.0);
        self.family.get_or_create(&[("topic", "orders")]).inc();
        self.closed.get_or_create(&ByStatus { status: Status::Late }).inc();
        record((
            self.http.requests_total.adding(1),
            self.http.errors_total.adding(1),
            self.http.duration_ms.observing(1.0),
        ));
    }
}

impl Drop for Parting {
    fn drop(&mut self) {
        self.count();
        // Another thread-local begins its life while this thread ends.
        self.last.set(Some(Last { counter: self.counter.clone(), family: self.family.clone() }));
        self.count();
    }
}

struct Last {
    counter: Counter,
    family: Family<Counter>,
}

impl Drop for Last {
    fn drop(&mut self) {
        self.counter.inc();
        self.family.handle(&[("topic", "visits")]).inc();
    }
}

thread_local! {
    static BEFORE: RefCell<Option<Parting>> = const { RefCell::new(None) };
    static AFTER: RefCell<Option<Parting>> = const { RefCell::new(None) };
    static LAST_BEFORE: RefCell<Option<Last>> = const { RefCell::new(None) };
    static LAST_AFTER: RefCell<Option<Last>> = const { RefCell::new(None) };
}

#[test]
fn thread_locals_that_still_count_when_their_thread_ends_lose_nothing() {
    const ROUNDS: u64 = 500;
    let everything = Everything::new();
    let mut last = BTreeMap::new();
    for _ in 0..ROUNDS {
        std::thread::scope(|scope| {
            // One that is there before the first update of its thread, and one after; destructors
            // run in one order or the other, so one of the two finds the arena gone.
            let counting = scope.spawn(|| {
                BEFORE.set(Some(Parting::new(&everything, &LAST_BEFORE)));
                everything.events.inc();
                AFTER.set(Some(Parting::new(&everything, &LAST_AFTER)));
            });
            // One that never counted while it lived.
            let silent = scope.spawn(|| BEFORE.set(Some(Parting::new(&everything, &LAST_BEFORE))));
            // To join is to wait for the destructors, which the end of the scope does not.
            for thread in [counting, silent] {
                thread.join().unwrap();
            }
        });
        everything.check(&mut last);
    }
    let end = everything.check(&mut last);
    // Each round has three partings that count twice, their lasts, and one count of a thread.
    let (partings, lasts) = (3 * 2 * ROUNDS, 3 * ROUNDS);
    assert_eq!(counter(&end, "events_total"), partings + lasts + ROUNDS);
    assert_eq!(counter(&end, "http_requests_total"), partings);
    assert_eq!(counter(&end, "http_errors_total"), partings);
    assert_eq!(end.histogram("size", &[]).unwrap().count(), partings);
    assert_eq!(end.counter("by_topic_total", &[("topic", "orders")]), Some(partings));
    assert_eq!(end.counter("by_status_total", &[("status", "late")]), Some(partings));
    assert_eq!(end.counter("by_topic_total", &[("topic", "visits")]), Some(lasts));
}

/// The last handle to a series, dropped when its thread is all but gone.
struct Holding {
    family: Family<Histogram>,
    held: Histogram,
    alone: Histogram,
}

impl Drop for Holding {
    fn drop(&mut self) {
        self.held.observe(1.0);
        self.alone.observe(1.0);
        let copy = self.family.handle(&[("n", "late")]);
        copy.observe(2.0);
    }
}

thread_local! {
    static HOLDING: RefCell<Vec<Holding>> = const { RefCell::new(Vec::new()) };
}

#[test]
fn handles_that_are_dropped_with_their_thread_let_their_series_go() {
    let registry = Registry::new();
    let desc = Desc::of::<Family<Histogram>>("h", "Help.").with_labels(["n"]);
    let family: Family<Histogram> = registry.register(desc).unwrap();
    for round in 1..=1_000 {
        std::thread::scope(|scope| {
            let ending = scope.spawn(|| {
                let held = family.handle(&[("n", "held")]);
                let holding = Holding { family: family.clone(), held, alone: Histogram::default() };
                HOLDING.with_borrow_mut(|all| all.push(holding));
            });
            ending.join().unwrap();
        });
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.histogram("h", &[("n", "held")]).unwrap().count(), round);
        assert_eq!(snapshot.histogram("h", &[("n", "late")]).unwrap().count(), round);
        assert_eq!(family.len(), 2);
    }
    family.retain(|_| false);
    assert!(family.is_empty(), "nobody holds them any more");
}
