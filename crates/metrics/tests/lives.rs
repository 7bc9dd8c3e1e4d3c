//! The lives of series, threads and callers' code: traps 33, 34, 35 and 36.

// The lint lets tests unwrap, but not the functions they share.
#![allow(clippy::unwrap_used)]
#![cfg(not(feature = "noop"))]

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{OnceLock, mpsc};
use std::time::Duration;

use streamgauge_metrics::snapshot::Value;
use streamgauge_metrics::{
    Counter, Desc, Family, FloatCounter, Gauge, Group, Histogram, Label, LabelSet, LabelValue, Limits, Metrics,
    Options, Registry, Removal, UpDownCounter, record,
};

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct Dense {
    on: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Sparse {
    on: String,
}

/// A label set that is `on`, of either sort.
trait On: LabelSet {
    fn on() -> Self;
}

impl On for Dense {
    fn on() -> Self {
        Self { on: true }
    }
}

impl On for Sparse {
    fn on() -> Self {
        Self { on: "true".to_owned() }
    }
}

const ON: [(&str, &str); 1] = [("on", "true")];

#[derive(Clone, Metrics)]
#[metrics(group, prefix = "http")]
struct Requests {
    /// Requests.
    requests_total: Counter,
    /// What they cost.
    spent_total: FloatCounter,
    /// Time to answer in milliseconds.
    #[metrics(buckets = [1.0, 10.0])]
    duration_ms: Histogram,
}

fn family<M, L: LabelSet>(registry: &Registry) -> Family<M, L>
where
    Family<M, L>: streamgauge_metrics::Declared,
{
    let name = match <Family<M, L> as streamgauge_metrics::Declared>::KIND {
        streamgauge_metrics::Kind::Counter => "m_total",
        _ => "m",
    };
    registry.register(Desc::of::<Family<M, L>>(name, "Help.")).unwrap()
}

/// Fails instead of hanging.
fn in_time<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(Duration::from_mins(1)).unwrap_or_else(|_| panic!("{what} does not come to an end"))
}

#[test]
fn trap_33_what_is_held_stays_and_what_was_only_looked_up_does_not() {
    fn check<L: On>() {
        let registry = Registry::new();
        let family: Family<Counter, L> = family(&registry);
        assert_eq!(family.remove(&L::on()), Removal::Absent);
        family.get_or_create(&L::on()).inc();
        let held = family.handle(&L::on());
        assert_eq!(family.remove(&L::on()), Removal::Held);
        family.retain(|_| false);
        assert_eq!(family.remove_matching(&ON), 0);
        held.inc();
        assert_eq!(registry.snapshot().counter("m_total", &ON), Some(2));
        let second = held.clone();
        drop(held);
        assert_eq!(family.remove(&L::on()), Removal::Held);
        drop(second);
        assert_eq!(family.remove(&L::on()), Removal::Removed);
        assert_eq!(registry.snapshot().counter("m_total", &ON), None);
        assert!(family.is_empty());
    }
    check::<Dense>();
    check::<Sparse>();
}

#[test]
fn trap_33_a_timer_and_a_guard_hold_their_series() {
    let times: Family<Histogram, Dense> = Family::default();
    let running = times.get_or_create(&Dense::on()).start_timer();
    assert_eq!(times.remove(&Dense::on()), Removal::Held);
    drop(running);
    assert_eq!(times.remove(&Dense::on()), Removal::Removed);
    let in_flight: Family<UpDownCounter, Sparse> = Family::default();
    let guard = in_flight.get_or_create(&Sparse::on()).track();
    assert_eq!(in_flight.remove(&Sparse::on()), Removal::Held);
    drop(guard);
    assert_eq!(in_flight.remove(&Sparse::on()), Removal::Removed);
}

#[test]
fn trap_33_to_hold_what_was_removed_meanwhile_brings_it_back_or_takes_its_successor() {
    fn check<L: On>() {
        let registry = Registry::new();
        let family: Family<Counter, L> = family(&registry);
        let looked_up = family.get_or_create(&L::on());
        looked_up.inc_by(7);
        assert_eq!(family.remove(&L::on()), Removal::Removed);
        let held = Counter::clone(&looked_up);
        held.inc();
        assert_eq!(registry.snapshot().counter("m_total", &ON), Some(1));
        assert_eq!(family.remove(&L::on()), Removal::Held);
        drop(held);

        assert_eq!(family.remove(&L::on()), Removal::Removed);
        family.get_or_create(&L::on()).inc_by(10);
        let held = Counter::clone(&looked_up);
        held.inc();
        assert_eq!(registry.snapshot().counter("m_total", &ON), Some(11));
        drop((looked_up, held));
        assert_eq!(family.remove(&L::on()), Removal::Removed);
        assert!(family.is_empty());
    }
    check::<Dense>();
    check::<Sparse>();
}

/// While a handle lives, what went through it is in every scrape, whoever removes what he likes.
#[test]
fn trap_33_nothing_that_goes_through_a_live_handle_is_ever_missing() {
    fn check<L: On>() {
        let registry = Registry::new();
        let family: Family<Counter, L> = family(&registry);
        let (done, removed) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let holder = scope.spawn(|| {
                for _ in 0..3_000 {
                    let held = family.handle(&L::on());
                    let before = held.get();
                    held.inc();
                    let scraped = registry.snapshot().counter("m_total", &ON).unwrap_or_default();
                    assert!(scraped > before, "{scraped} after {before} and one more");
                    drop(held);
                    if family.remove(&L::on()) == Removal::Absent {
                        removed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
            for by_retain in [false, true] {
                let (family, done) = (&family, &done);
                scope.spawn(move || {
                    while !done.load(Ordering::Relaxed) {
                        if by_retain {
                            family.retain(|_| false);
                        } else {
                            family.remove(&L::on());
                        }
                    }
                });
            }
            let outcome = holder.join();
            done.store(true, Ordering::Relaxed);
            outcome.unwrap();
        });
        assert!(removed.into_inner() > 0, "nobody else ever removed it, so this shows nothing");
        assert_eq!(family.len(), registry.snapshot().family("m_total").unwrap().len());
        assert_ne!(family.remove(&L::on()), Removal::Held, "a hold was left behind");
    }
    check::<Dense>();
    check::<Sparse>();
}

/// The other threads remember the series that is removed; they must not go on with it.
#[test]
fn trap_34_every_thread_notices_that_a_series_was_removed() {
    fn check<L: On>() {
        let registry = Registry::new();
        let family: Family<Counter, L> = family(&registry);
        let (family, registry, barrier) = (&family, &registry, &std::sync::Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(move || {
                (0..5).for_each(|_| family.get_or_create(&L::on()).inc());
                barrier.wait();
                barrier.wait();
                family.get_or_create(&L::on()).inc();
                barrier.wait();
            });
            barrier.wait();
            assert_eq!(family.remove(&L::on()), Removal::Removed);
            barrier.wait();
            barrier.wait();
            assert_eq!(registry.snapshot().counter("m_total", &ON), Some(1));
        });
    }
    check::<Dense>();
    check::<Sparse>();
}

/// Fills a series, removes it, and looks whether its successor begins at 0 and counts exactly.
fn begins_anew<M, L: On>(fill: impl Fn(&M) + Sync, one_more: impl Fn(&M), fresh: &Value<'_>, after: &Value<'_>)
where
    M: streamgauge_metrics::Member,
    Family<M, L>: streamgauge_metrics::Declared,
{
    let what = std::any::type_name::<(M, L)>();
    let registry = Registry::new();
    let family: Family<M, L> = family(&registry);
    let name =
        registry.describe().iter().map(|desc| desc.name().to_owned()).find(|name| name.starts_with('m')).unwrap();
    let now = || registry.snapshot().value(&name, &ON).map(|value| format!("{value:?}"));
    for round in 0..3 {
        std::thread::scope(|scope| {
            scope.spawn(|| fill(&family.get_or_create(&L::on())));
        });
        fill(&family.get_or_create(&L::on()));
        assert_eq!(family.remove(&L::on()), Removal::Removed);
        assert_eq!(now(), None, "{what}, round {round}");
        drop(family.get_or_create(&L::on()));
        assert_eq!(now(), Some(format!("{fresh:?}")), "{what}, round {round}");
        one_more(&family.get_or_create(&L::on()));
        assert_eq!(now(), Some(format!("{after:?}")), "{what}, round {round}");
    }
}

/// A gauge with enum labels kept its level when it was removed, and came back with it.
#[test]
fn trap_34_a_series_that_is_made_again_begins_at_0_whatever_it_is() {
    fn check<L: On>() {
        let counter = |value| Value::Counter(value);
        begins_anew::<Counter, L>(|c| c.inc_by(5), Counter::inc, &counter(0), &counter(1));
        let float = |value| Value::FloatCounter(value);
        begins_anew::<FloatCounter, L>(|c| c.inc_by(0.25), |c| c.inc_by(0.5), &float(0.0), &float(0.5));
        let gauge = |value| Value::Gauge(value);
        begins_anew::<Gauge, L>(|g| g.set(5.0), Gauge::inc, &gauge(0.0), &gauge(1.0));
        begins_anew::<UpDownCounter, L>(|c| c.add(-5), UpDownCounter::inc, &gauge(0.0), &gauge(1.0));
        let (empty, one) = (Histogram::default(), Histogram::default());
        one.observe(2.0);
        let histogram = |h: &Histogram| Value::Histogram(h.get());
        begins_anew::<Histogram, L>(|h| h.observe(3.0), |h| h.observe(2.0), &histogram(&empty), &histogram(&one));
    }
    check::<Dense>();
    check::<Sparse>();
}

#[test]
fn trap_34_a_group_that_is_made_again_begins_at_0_with_all_its_members() {
    #[derive(Metrics)]
    struct Both {
        #[metrics(flatten)]
        dense: Family<Requests, Dense>,
    }
    let registry = Registry::new();
    let both = Both::register(&registry).unwrap();
    for _ in 0..3 {
        let found = both.dense.get_or_create(&Dense::on());
        record((found.requests_total.adding(2), found.spent_total.adding(0.5), found.duration_ms.observing(3.0)));
        drop(found);
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.counter("http_requests_total", &ON), Some(2));
        assert_eq!(snapshot.value("http_spent_total", &ON), Some(Value::FloatCounter(0.5)));
        let durations = snapshot.histogram("http_duration_ms", &ON).unwrap();
        assert_eq!((durations.buckets(), durations.sum().to_bits()), (&[0, 1, 0][..], 3.0_f64.to_bits()));
        assert_eq!(both.dense.remove(&Dense::on()), Removal::Removed);
        assert!(registry.snapshot().family("http_spent_total").unwrap().is_empty());
    }
}

/// What takes the place of a series that is gone in memory has nothing of it.
#[test]
fn trap_34_the_next_series_in_the_same_place_begins_at_0() {
    let family: Family<FloatCounter> = Family::with_labels(["n"]);
    for n in 0..2_000 {
        let n = n.to_string();
        let labels = [("n", n.as_str())];
        std::thread::scope(|scope| {
            scope.spawn(|| family.get_or_create(&labels).inc_by(1e300));
        });
        let looked_up = family.get_or_create(&labels);
        looked_up.inc_by(0.25);
        assert_eq!(looked_up.get().to_bits(), 1e300_f64.to_bits());
        drop(looked_up);
        assert_eq!(family.remove(&labels), Removal::Removed);
        let new: Family<FloatCounter, Dense> = Family::default();
        new.get_or_create(&Dense::on()).inc_by(0.25);
        assert_eq!(new.get_or_create(&Dense::on()).get().to_bits(), 0.25_f64.to_bits());
    }
}

#[test]
fn trap_34_a_metric_that_is_registered_again_begins_at_0_and_old_handles_are_apart() {
    let registry = Registry::new();
    let register = || registry.register::<Counter>(Desc::of::<Counter>("m_total", "Help.")).unwrap();
    let old = register();
    old.inc_by(5);
    assert!(registry.unregister("m_total"));
    let new = register();
    new.inc();
    old.inc();
    assert_eq!((old.get(), registry.snapshot().counter("m_total", &[])), (6, Some(1)));
}

/// A service named a label `__overflow__` itself. The series for what has no room and this one
/// have the same labels but were two, and once the first was removed its updates went nowhere.
#[test]
fn trap_34_the_overflow_series_is_one_series_by_whatever_way_it_is_found() {
    let limits = Limits { max_series_per_metric: 1, ..Limits::default() };
    let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
    let desc = Desc::of::<Family<Counter>>("m_total", "Help.").with_labels(["n"]);
    let family: Family<Counter> = registry.register(desc).unwrap();
    let overflow = [("n", "__overflow__")];
    for round in 1..=3 {
        for n in ["1", "2", "3"] {
            family.get_or_create(&[("n", n)]).inc();
        }
        family.get_or_create(&overflow).inc();
        assert_eq!(registry.snapshot().counter("m_total", &overflow), Some(3), "round {round}");
        assert_eq!(family.remove(&overflow), Removal::Removed);
        family.get_or_create(&overflow).inc();
        family.get_or_create(&[("n", "4")]).inc();
        assert_eq!(registry.snapshot().counter("m_total", &overflow), Some(2), "round {round}");
        let held = family.handle(&[("n", "5")]);
        assert_eq!(family.remove(&overflow), Removal::Held);
        drop(held);
        assert_eq!(family.remove(&overflow), Removal::Removed);
        assert_eq!(family.remove(&[("n", "1")]), Removal::Removed);
        assert!(family.is_empty());
    }
}

#[test]
fn trap_35_what_a_thread_counted_is_there_when_it_is_gone() {
    let registry = Registry::new();
    let http = Requests::register(&registry).unwrap();
    let gauge: Family<UpDownCounter, Sparse> = family(&registry);
    for round in 1..=20 {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                let (http, gauge) = (http.clone(), gauge.clone());
                std::thread::spawn(move || {
                    let changes = (http.requests_total.adding(1), http.spent_total.adding(0.25));
                    record((changes, http.duration_ms.observing(2.0)));
                    gauge.get_or_create(&Sparse::on()).add(3);
                    gauge.get_or_create(&Sparse::on()).dec();
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        let snapshot = registry.snapshot();
        assert_eq!(snapshot.counter("http_requests_total", &[]), Some(10 * round));
        assert_eq!(snapshot.value("http_spent_total", &[]), Some(Value::FloatCounter(2.5 * round as f64)));
        assert_eq!(snapshot.histogram("http_duration_ms", &[]).unwrap().count(), 10 * round);
        assert_eq!(snapshot.gauge("m", &ON), Some(20.0 * round as f64));
    }
}

/// A label set that asks the same family for another series whenever it is asked for anything.
#[derive(Debug)]
struct Nosy(u32);

static NOSY: OnceLock<Family<Counter, Nosy>> = OnceLock::new();

fn look_up(n: u32) {
    if n > 0
        && let Some(family) = NOSY.get()
    {
        family.get_or_create(&Nosy(n - 1)).inc();
        family.handle(&Nosy(n - 1)).inc();
        let _ = family.len();
    }
}

impl Clone for Nosy {
    fn clone(&self) -> Self {
        look_up(self.0);
        Self(self.0)
    }
}

impl PartialEq for Nosy {
    fn eq(&self, other: &Self) -> bool {
        look_up(self.0);
        self.0 == other.0
    }
}

impl Eq for Nosy {}

impl Hash for Nosy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        look_up(self.0);
        self.0.hash(state);
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        if self.0 < 3 {
            look_up(self.0.min(1));
        }
    }
}

impl LabelSet for Nosy {
    const LABELS: &'static [Label] = &[Label::new("n")];

    fn values(&self) -> Vec<std::borrow::Cow<'_, str>> {
        look_up(self.0);
        vec![self.0.to_string().into()]
    }
}

#[test]
fn trap_36_a_label_set_may_look_up_series_of_its_own_family() {
    let registry = Registry::new();
    let family = NOSY.get_or_init(|| family(&registry));
    in_time("a look-up in a look-up", || {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                std::thread::spawn(|| {
                    for _ in 0..3 {
                        for n in 0..3 {
                            family.get_or_create(&Nosy(n)).inc();
                            family.try_get_or_create(&Nosy(n)).unwrap().inc();
                        }
                        family.retain(|labels| labels.get("n").as_deref() != Some("2"));
                        family.remove(&Nosy(1));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    assert!(registry.snapshot().counter("m_total", &[("n", "0")]).unwrap() > 0);
}

#[test]
fn trap_36_hooks_callbacks_and_closures_run_with_no_lock_held() {
    let registry = Registry::new();
    let sparse: Family<Gauge, Sparse> = family(&registry);
    let everything = {
        let (registry, sparse, calls) = (registry.clone(), sparse.clone(), AtomicUsize::new(0));
        move || {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            let name = format!("made_{call}_total");
            let counter: Counter = registry.register(Desc::of::<Counter>(name.clone(), "Help.")).unwrap();
            counter.inc();
            let _ = (registry.describe(), format!("{registry:?}"), registry.scoped("x", &[("a", "b")]).unwrap());
            assert!(registry.unregister(&name));
            let on = call.to_string();
            sparse.get_or_create(&Sparse { on: on.clone() }).inc();
            sparse.remove(&Sparse { on });
            let read = Desc::of::<Gauge>("read", "Help.");
            let _ = registry.register_fn(read, || 1.0);
            registry.unregister("read");
            if call == 0 {
                registry.on_scrape(|| {});
            }
        }
    };
    let everything = std::sync::Arc::new(everything);
    let (in_hook, in_read) = (everything.clone(), everything.clone());
    registry.on_scrape(move || in_hook());
    let read = move || {
        in_read();
        7.0
    };
    registry.register_fn(Desc::of::<Gauge>("seven", "Help."), read).unwrap();
    let scraped = registry.clone();
    let snapshot = in_time("a scrape", move || {
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let registry = scraped.clone();
                std::thread::spawn(move || (0..10).for_each(|_| drop(registry.snapshot())))
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        scraped.snapshot()
    });
    assert_eq!(snapshot.gauge("seven", &[]), Some(7.0));
    assert_eq!(snapshot.counter("metrics_registry_hook_panics_total", &[]), Some(0));
    in_time("a `retain`", move || {
        sparse.get_or_create(&Sparse::on()).inc();
        let (one, scraped) = (sparse.clone(), registry.clone());
        sparse.retain(|labels| {
            everything();
            one.get_or_create(&Sparse { on: "more".to_owned() }).inc();
            one.remove(&Sparse::on());
            drop(scraped.snapshot());
            labels.get("on") == Some(Cow::Borrowed("more"))
        });
        assert!(one.len() == 1);
    });
}

/// Says what it knows of the registry when it is dropped.
struct Parting(Registry);

impl Drop for Parting {
    fn drop(&mut self) {
        let _ = (self.0.describe(), self.0.register::<Counter>(Desc::of::<Counter>("parting_total", "Help.")));
    }
}

#[test]
fn trap_36_what_a_callback_owns_is_dropped_with_no_lock_held() {
    let registry = Registry::new();
    in_time("taking out a callback", move || {
        for refused in [false, true] {
            let parting = Parting(registry.clone());
            let read = move || {
                let _ = &parting;
                1.0
            };
            let desc = Desc::of::<Gauge>(if refused { "no name" } else { "name" }, "Help.");
            assert_eq!(registry.register_fn(desc, read).is_err(), refused);
        }
        let twice = Parting(registry.clone());
        let read = move || {
            let _ = &twice;
            2.0
        };
        assert!(registry.register_fn(Desc::of::<Gauge>("name", "Help."), read).is_err());
        assert!(registry.unregister("name"));
        assert!(registry.unregister("parting_total"));
    });
}

/// A group may be cloned by code of its own, which was called with the lock of the registry held:
/// a look at the registry from there hung for good.
#[test]
fn trap_36_a_group_is_cloned_with_no_lock_held() {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    #[derive(Metrics)]
    #[metrics(group)]
    struct Curious {
        /// Ones.
        ones_total: Counter,
    }
    impl Clone for Curious {
        fn clone(&self) -> Self {
            assert!(REGISTRY.get().unwrap().describe().len() > 1);
            Self { ones_total: self.ones_total.clone() }
        }
    }
    in_time("registering a group", || {
        let registry = REGISTRY.get_or_init(Registry::new);
        for _ in 0..2 {
            Curious::register(registry).unwrap().ones_total.inc();
        }
        assert_eq!(registry.snapshot().counter("ones_total", &[]), Some(2));
        assert_eq!(Curious::declare(&[]).len(), 1);
    });
}

#[test]
fn trap_36_a_label_value_may_look_up_and_panic_and_the_family_goes_on() {
    #[derive(Clone, PartialEq, Eq, Hash)]
    struct Moody(u32);
    impl LabelValue for Moody {
        fn text(&self) -> Cow<'_, str> {
            assert!(self.0 != 13, "on purpose");
            self.0.to_string().into()
        }
    }
    #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    struct By {
        mood: Moody,
    }
    let family: Family<Counter, By> = Family::default();
    let of = |n| By { mood: Moody(n) };
    family.get_or_create(&of(1)).inc();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| family.get_or_create(&of(13)).inc()));
    assert!(outcome.is_err());
    for _ in 0..3 {
        family.get_or_create(&of(1)).inc();
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| family.retain(|_| panic!("on purpose"))));
    assert!(outcome.is_err());
    assert_eq!((family.len(), family.get_or_create(&of(1)).get()), (1, 4));
}
