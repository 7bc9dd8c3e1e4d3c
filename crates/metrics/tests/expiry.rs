//! Series that nobody moves leave, and nothing that was recorded leaves with them.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use streamgauge_metrics::snapshot::{Series, Value};
use streamgauge_metrics::{
    Clock, Counter, Desc, Family, FloatCounter, Found, Gauge, Histogram, Info, LabelSet, Limits, Options, Registry,
    Removal, Snapshot, Summary, UpDownCounter, assert_metrics,
};

const IDLE: Duration = Duration::from_mins(5);
const MINUTE: Duration = Duration::from_mins(1);

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Peer {
    peer: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct Switch {
    on: bool,
}

fn peer(n: u64) -> Peer {
    Peer { peer: format!("10.0.0.{n}") }
}

/// A registry whose time goes as the test says.
fn registry() -> (Registry, Clock) {
    let clock = Clock::manual();
    clock.advance(MINUTE);
    let limits = Limits { max_series: 100_000, max_series_per_metric: 100_000, ..Limits::default() };
    let options = Options { expire_after: Some(IDLE), clock: clock.clone(), limits, ..Options::default() };
    (Registry::with_options(options).unwrap(), clock)
}

fn sent(registry: &Registry) -> Family<Counter, Peer> {
    registry.register(Desc::of::<Family<Counter, Peer>>("sent_total", "Sent.")).unwrap()
}

fn took(registry: &Registry) -> Family<Summary, Peer> {
    registry.register(Desc::of::<Family<Summary, Peer>>("took_ms", "Time taken.")).unwrap()
}

/// Lets time pass until what is idle is told no more.
fn let_go(registry: &Registry, clock: &Clock) -> Snapshot {
    registry.snapshot();
    clock.advance(IDLE);
    registry.snapshot();
    registry.snapshot()
}

fn counter(snapshot: &Snapshot, n: u64) -> Option<u64> {
    snapshot.counter("sent_total", &[("peer", &peer(n).peer)])
}

#[test]
fn a_series_that_nobody_moves_leaves_and_begins_at_0_and_at_another_time_when_it_comes_back() {
    let (registry, clock) = registry();
    let sent = sent(&registry);
    let started = |snapshot: &Snapshot, n: u64| {
        let is_it = |series: &Series<'_>| series.has(&[("peer", &peer(n).peer)]);
        snapshot.family("sent_total").unwrap().series().find(is_it).unwrap().started_at().unwrap()
    };
    sent.get_or_create(&peer(1)).inc_by(5);
    sent.get_or_create(&peer(2)).inc_by(7);
    assert_eq!(started(&registry.snapshot(), 1), MINUTE);
    for _ in 0..4 {
        clock.advance(MINUTE);
        sent.get_or_create(&peer(2)).inc();
        assert_eq!(counter(&registry.snapshot(), 1), Some(5));
    }
    clock.advance(MINUTE);
    sent.get_or_create(&peer(2)).inc();
    // It is told for the last time.
    assert_eq!(counter(&registry.snapshot(), 1), Some(5));
    let without = registry.snapshot();
    assert_eq!((counter(&without, 1), counter(&without, 2)), (None, Some(12)));
    assert_metrics!(registry, { r#"metrics_registry_expired_total{metric="sent_total"}"# => 1 });
    sent.get_or_create(&peer(1)).inc();
    let back = registry.snapshot();
    assert_eq!((counter(&back, 1), started(&back, 1), started(&back, 2)), (Some(1), 6 * MINUTE, MINUTE));
}

#[test]
fn what_someone_holds_stays_however_long_nobody_moves_it() {
    let (registry, clock) = registry();
    let sent = sent(&registry);
    let held = sent.handle(&peer(1));
    assert_eq!(counter(&let_go(&registry, &clock), 1), Some(0));
    drop(held);
    assert_eq!(counter(&let_go(&registry, &clock), 1), None);
}

#[test]
fn what_was_looked_up_before_brings_its_series_back_with_just_what_has_come_since() {
    let (registry, clock) = registry();
    let sent = sent(&registry);
    let found = sent.get_or_create(&peer(1));
    found.inc_by(5);
    assert_eq!(counter(&let_go(&registry, &clock), 1), None);
    found.inc_by(2);
    assert_eq!(counter(&registry.snapshot(), 1), Some(2));
    assert_eq!(counter(&let_go(&registry, &clock), 1), None);
    found.inc_by(3);
    // To hold it is to bring it back, too, and what has come before that is not forgotten.
    let held = Counter::clone(&found);
    held.inc();
    assert_eq!((counter(&registry.snapshot(), 1), held.get()), (Some(4), 4));
}

#[test]
fn what_comes_after_another_series_has_taken_the_place_is_added_to_that_one() {
    let (registry, clock) = registry();
    let desc = Desc::of::<Family<Histogram, Peer>>("size_bytes", "Sizes.");
    let sizes: Family<Histogram, Peer> = registry.register(desc).unwrap();
    let sent = sent(&registry);
    let (old_sent, old_size) = (sent.get_or_create(&peer(1)), sizes.get_or_create(&peer(1)));
    old_sent.inc_by(5);
    old_size.observe(7.5);
    let_go(&registry, &clock);
    sent.get_or_create(&peer(1)).inc_by(10);
    sizes.get_or_create(&peer(1)).observe(0.5);
    for round in 1..=3_u32 {
        old_sent.inc();
        old_size.observe(0.25);
        let snapshot = registry.snapshot();
        assert_eq!(counter(&snapshot, 1), Some(10 + u64::from(round)));
        let size = snapshot.histogram("size_bytes", &[("peer", "10.0.0.1")]).unwrap();
        assert_eq!((size.count(), size.sum()), (1 + u64::from(round), 0.5 + 0.25 * f64::from(round)));
    }
    assert_eq!(sent.get_or_create(&peer(1)).get(), 13);
    // And when that one is let go in turn, its own sums are what is told.
    let_go(&registry, &clock);
    old_sent.inc();
    assert_eq!(counter(&registry.snapshot(), 1), Some(1));
}

#[test]
fn gauges_leave_only_if_they_were_declared_so_and_closed_sets_and_infos_never_do() {
    let (registry, clock) = registry();
    let desc = Desc::of::<Family<Gauge, Peer>>("depth", "Depth.");
    let stays: Family<Gauge, Peer> = registry.register(desc).unwrap();
    let desc = Desc::of::<Family<Gauge, Peer>>("lag", "Lag.").expiring_after(MINUTE);
    let leaves: Family<Gauge, Peer> = registry.register(desc).unwrap();
    let desc = Desc::of::<Family<UpDownCounter, Peer>>("open", "Open.").expiring_after(MINUTE);
    let open: Family<UpDownCounter, Peer> = registry.register(desc).unwrap();
    let closed: Family<Counter, Switch> =
        registry.register(Desc::of::<Family<Counter, Switch>>("switched_total", "Help.")).unwrap();
    let info: Info<Peer> =
        registry.register(Desc::of::<Info<Peer>>("peer_info", "Peer.").expiring_after(MINUTE)).unwrap();
    let late = leaves.get_or_create(&peer(1));
    late.set(4.0);
    stays.get_or_create(&peer(1)).set(4.0);
    open.get_or_create(&peer(1)).inc();
    closed.get_or_create(&Switch { on: true }).inc();
    info.set(&peer(1));
    let snapshot = let_go(&registry, &clock);
    let of = |name: &str| snapshot.family(name).unwrap().len();
    assert_eq!(["depth", "lag", "open", "switched_total", "peer_info"].map(of), [1, 0, 0, 1, 1]);
    // What is set while it is gone is there.
    let lag = || registry.snapshot().gauge("lag", &[("peer", "10.0.0.1")]);
    late.set(5.0);
    assert_eq!(lag(), Some(5.0));
    let_go(&registry, &clock);
    late.set(0.0);
    assert_eq!(lag(), Some(0.0));
    // And there is one gauge of these labels only.
    let_go(&registry, &clock);
    leaves.get_or_create(&peer(1)).set(6.0);
    late.set(7.0);
    assert_eq!((lag(), leaves.get_or_create(&peer(1)).get()), (Some(7.0), 7.0));
}

/// A summary was never let go: nobody knew how to tell what came to it late from what had been told.
#[test]
fn summaries_leave_and_come_back_as_the_others_do() {
    let (registry, clock) = registry();
    let took = took(&registry);
    let now = |snapshot: &Snapshot| {
        let value = snapshot.value("took_ms", &[("peer", "10.0.0.1")])?;
        let Value::Summary(summary) = value else { panic!("{value:?}") };
        Some((summary.count(), summary.sum(), summary.quantile(0.5).unwrap()))
    };
    let old = took.get_or_create(&peer(1));
    for value in [9.0, f64::NAN, 1.0] {
        old.observe(value);
    }
    assert_eq!(now(&let_go(&registry, &clock)), None);
    // It comes back with just what has come since.
    old.observe(2.0);
    old.observe(3.0);
    assert_eq!(now(&registry.snapshot()), Some((2, 5.0, 2.5)));
    old.observe(0.5);
    assert_eq!(now(&registry.snapshot()), Some((3, 5.5, 2.0)));
    assert_eq!(now(&let_go(&registry, &clock)), None);
    // Where another one has taken its place that one has it.
    took.get_or_create(&peer(1)).observe(4.0);
    old.observe(f64::NAN);
    old.observe(8.0);
    assert_eq!(now(&registry.snapshot()), Some((3, 12.0, 4.0)));
    let held = took.handle(&peer(1));
    assert_eq!(now(&let_go(&registry, &clock)).map(|(count, ..)| count), Some(3));
    drop(held);
    assert_eq!(now(&let_go(&registry, &clock)), None);
}

#[test]
fn room_of_what_was_let_go_is_there_for_others() {
    let clock = Clock::manual();
    let limits = Limits { max_series_per_metric: 10, ..Limits::default() };
    let options = Options { expire_after: Some(IDLE), clock: clock.clone(), limits, ..Options::default() };
    let registry = Registry::with_options(options).unwrap();
    let sent = sent(&registry);
    for round in 0..50 {
        (0..10).for_each(|n| sent.get_or_create(&peer(round * 10 + n)).inc());
        let snapshot = registry.snapshot();
        assert!((0..10).all(|n| counter(&snapshot, round * 10 + n) == Some(1)), "round {round}");
        let_go(&registry, &clock);
    }
    assert_metrics!(registry, { r#"metrics_registry_expired_total{metric="sent_total"}"# => 500 });
    assert_eq!(sent.remove(&peer(499)), Removal::Absent);
}

/// Adds up what scrapes told of series, each of its lives by its last value.
#[derive(Default)]
struct Told(HashMap<(String, Duration), u64>);

impl Told {
    /// No series ever goes backwards within one life.
    fn note(&mut self, snapshot: &Snapshot, name: &str) {
        for series in snapshot.family(name).unwrap().series() {
            let value = match series.value() {
                Value::Counter(value) => *value,
                // Whole numbers, exactly.
                Value::FloatCounter(value) => value.to_string().parse().unwrap(),
                Value::Histogram(histogram) => histogram.count(),
                Value::Summary(summary) => {
                    // Whole numbers again, so nothing is rounded.
                    assert_eq!(summary.sum().to_bits(), (3.0 * summary.count() as f64).to_bits());
                    summary.count()
                }
                Value::Gauge(_) => continue,
            };
            let life = (series.text().to_owned(), series.started_at().unwrap());
            let before = self.0.insert(life.clone(), value).unwrap_or_default();
            assert!(value >= before, "{life:?} was {before} and is {value}");
        }
    }

    fn all(&self) -> u64 {
        self.0.values().sum()
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What is known of a peer.
struct Talk<C, F, H, S> {
    sent: C,
    cost: F,
    size: H,
    took: S,
}

type Looked<'a, M> = Found<'a, M, Peer>;
type Talks = Talk<Family<Counter, Peer>, Family<FloatCounter, Peer>, Family<Histogram, Peer>, Family<Summary, Peer>>;
type LookedUp<'a> = Talk<Looked<'a, Counter>, Looked<'a, FloatCounter>, Looked<'a, Histogram>, Looked<'a, Summary>>;

const TALK: [&str; 4] = ["sent_total", "cost_total", "size_bytes", "took_ms"];

impl Talks {
    fn new(registry: &Registry) -> Self {
        let cost = Desc::of::<Family<FloatCounter, Peer>>("cost_total", "Cost.");
        let size = Desc::of::<Family<Histogram, Peer>>("size_bytes", "Sizes.");
        Self {
            sent: sent(registry),
            cost: registry.register(cost).unwrap(),
            size: registry.register(size).unwrap(),
            took: took(registry),
        }
    }

    fn look_up(&self, peer: &Peer) -> LookedUp<'_> {
        Talk {
            sent: self.sent.get_or_create(peer),
            cost: self.cost.get_or_create(peer),
            size: self.size.get_or_create(peer),
            took: self.took.get_or_create(peer),
        }
    }
}

impl<C, F, H, S> Talk<C, F, H, S>
where
    C: Deref<Target = Counter>,
    F: Deref<Target = FloatCounter>,
    H: Deref<Target = Histogram>,
    S: Deref<Target = Summary>,
{
    fn count(&self) {
        self.sent.inc();
        self.cost.inc_by(1.0);
        self.size.observe(3.0);
        self.took.observe(3.0);
    }
}

/// Peers come, talk for a while and are never heard of again, some are looked up long before they are counted;
/// a scrape every fifteen seconds.
#[test]
fn after_a_day_of_churn_there_are_no_more_series_and_all_that_was_recorded_was_told() {
    let (registry, clock) = registry();
    let talks = Talks::new(&registry);
    let (mut told, mut random, mut recorded) = ([(); 4].map(|()| Told::default()), Random(7), 0_u64);
    let mut looked_up = Vec::new();
    let hours = if cfg!(debug_assertions) { 4 } else { 24 };
    for tick in 0..hours * 240_u64 {
        // A new peer in about each tick, and the last 40 talk.
        (0..20).for_each(|_| talks.look_up(&peer(tick + random.below(40))).count());
        recorded += 20;
        if random.below(4) == 0 {
            looked_up.push(talks.look_up(&peer(tick)));
        }
        if looked_up.len() > 60 {
            looked_up.swap_remove(usize::try_from(random.below(61)).unwrap()).count();
            recorded += 1;
        }
        clock.advance(Duration::from_secs(15));
        let snapshot = registry.snapshot();
        told.iter_mut().zip(TALK).for_each(|(told, name)| told.note(&snapshot, name));
        let series = snapshot.family("sent_total").unwrap().len();
        assert!(series < 200, "{series} at {tick}");
    }
    let snapshot = registry.snapshot();
    told.iter_mut().zip(TALK).for_each(|(told, name)| told.note(&snapshot, name));
    let expired = snapshot.counter("metrics_registry_expired_total", &[("metric", "sent_total")]).unwrap();
    println!("{recorded} recorded, {expired} expired");
    assert!(told.iter().all(|told| told.all() == recorded), "{recorded}, and told {:?}", told.map(|told| told.all()));
    assert!(expired > hours * 200, "{expired}");
}

/// Threads look up and count at random while another one lets go of everything all the time.
///
/// A snapshot asked the series for its start time when it was read, and the series had come back meanwhile: so the
/// last value of one life was told as one of the next, which then went backwards. It took ten runs to be seen.
#[test]
fn threads_that_count_while_all_is_let_go_lose_nothing() {
    let turns: u64 = if cfg!(debug_assertions) { 400_000 } else { 25_000_000 };
    let clock = Clock::manual();
    clock.advance(MINUTE);
    let options = Options { expire_after: Some(Duration::from_nanos(1)), clock: clock.clone(), ..Options::default() };
    let registry = Registry::with_options(options).unwrap();
    let (sent, took) = (sent(&registry), took(&registry));
    let (done, observed) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut told = [Told::default(), Told::default()];
    let mut scrape = || {
        // Each life is told by a start time of its own.
        clock.advance(Duration::from_millis(1));
        let snapshot = registry.snapshot();
        told.iter_mut().zip(["sent_total", "took_ms"]).for_each(|(told, name)| told.note(&snapshot, name));
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (1..=4_u64)
            .map(|seed| {
                let (sent, took, observed) = (&sent, &took, &observed);
                scope.spawn(move || {
                    let peers: Vec<_> = (0..32).map(peer).collect();
                    let (mut random, mut labels) = (Random(seed), &peers[0]);
                    for turn in 0..turns {
                        // For a while the others are idle.
                        if turn % 1_000 == 0 {
                            labels = &peers[usize::try_from(random.below(32)).unwrap()];
                        }
                        match random.below(64) {
                            0 => sent.handle(labels).inc(),
                            1 => {
                                sent.get_or_create(labels).inc();
                                took.get_or_create(labels).observe(3.0);
                                observed.fetch_add(1, Ordering::Relaxed);
                            }
                            _ => sent.get_or_create(labels).inc(),
                        }
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            for thread in threads {
                thread.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        while !done.load(Ordering::Relaxed) {
            scrape();
        }
    });
    (0..3).for_each(|_| scrape());
    let snapshot = registry.snapshot();
    let expired = |name| snapshot.counter("metrics_registry_expired_total", &[("metric", name)]).unwrap();
    let observed = observed.into_inner();
    println!("{} expired of {} updates, {} of {observed}", expired("sent_total"), 4 * turns, expired("took_ms"));
    assert_eq!(told.map(|told| told.all()), [4 * turns, observed]);
}
