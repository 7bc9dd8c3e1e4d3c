//! What collectors do to a page: bring values to it, and never keep it from coming.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use streamgauge_metrics::{Counter, Desc, Gauge, Metrics, Registry};

use super::{Collecting, Collector, CollectorError, CollectorMetrics, Collectors, Failure, Job, lock};
use crate::scrape::{Scrape, Writing};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(30);

/// A registry, its collectors and what scrapes both.
struct Scraped {
    registry: Registry,
    collectors: Collectors,
    scrape: Scrape,
}

impl Scraped {
    fn new() -> Self {
        Self::with(LONG)
    }

    fn with(deadline: Duration) -> Self {
        let (registry, collectors) = (Registry::new(), Collectors::default());
        let scrape = Scrape::new(registry.clone(), collectors.clone(), deadline).unwrap();
        Self { registry, collectors, scrape }
    }

    fn gauge(&self, name: &'static str) -> Gauge {
        self.registry.register(Desc::of::<Gauge>(name, "A level.")).unwrap()
    }

    fn add(&self, collector: Collector) {
        self.collectors.add(collector).unwrap();
    }

    /// A collector that counts its runs in a gauge of the same name.
    fn add_good(&self) {
        let (good, runs) = (self.gauge("good"), AtomicU32::new(0));
        let count = move || Ok::<_, &str>(runs.fetch_add(1, Ordering::SeqCst) + 1);
        self.add(Collector::blocking("good", count, move |runs| good.set(runs.into())).within(LONG));
    }

    async fn page(&self) -> Page {
        self.page_of(HeaderMap::new(), "").await
    }

    async fn page_of(&self, headers: HeaderMap, query: &str) -> Page {
        let page = self.scrape.page(Writing::default(), &headers, query).await.unwrap();
        Page(String::from_utf8(page.to_vec()).unwrap())
    }

    /// Comes back when nobody fetches for this collector any more.
    async fn rests(&self, name: &str) {
        let member = self.collectors.members().into_iter().find(|member| member.collector.name == name).unwrap();
        while !lock(&member.state).run.as_ref().is_some_and(|run| run.is_over()) {
            tokio::task::yield_now().await;
        }
    }
}

struct Page(String);

impl Page {
    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        let line = self.0.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {}", self.0)).parse().unwrap()
    }

    #[track_caller]
    fn age(&self, collector: &str) -> f64 {
        self.value(&format!("metrics_collector_age_seconds{{collector=\"{collector}\"}}"))
    }

    /// How often the collector was late, failed, panicked, was stuck.
    #[track_caller]
    fn failures(&self, collector: &str) -> [u32; 4] {
        ["deadline", "error", "panic", "stuck"].map(|reason| {
            let labels = format!("collector=\"{collector}\",reason=\"{reason}\"");
            format!("{}", self.value(&format!("metrics_collector_failures_total{{{labels}}}"))).parse().unwrap()
        })
    }

    #[track_caller]
    fn is(&self, series: &str, value: u32) {
        assert_eq!(self.value(series).to_string(), value.to_string(), "{series}");
    }
}

/// Code that waits for leave, and the way to give it.
fn gate() -> (Sender<()>, impl Fn() + Send + Sync) {
    let (go, leave) = mpsc::channel();
    let leave = Mutex::new(leave);
    let wait = move || {
        let _ = leave.lock().unwrap().recv();
    };
    (go, wait)
}

#[tokio::test]
async fn what_is_late_fails_or_panics_is_counted_beside_a_good_one_and_the_page_is_whole() {
    let scraped = Scraped::new();
    scraped.add_good();
    let (go, wait) = gate();
    let never = |name: &'static str| move |()| panic!("{name} has nothing to apply");
    scraped.add(
        Collector::new("late", async || std::future::pending::<Result<(), &str>>().await, never("late")).within(SHORT),
    );
    scraped.add(Collector::new("failing", async || Err::<(), _>("no route"), never("failing")).within(LONG));
    scraped.add(
        Collector::new("panicking", async || -> Result<(), &str> { panic!("on purpose") }, never("panicking"))
            .within(LONG),
    );
    let stuck = move || {
        wait();
        Err::<(), _>("too late to matter")
    };
    scraped.add(Collector::blocking("stuck", stuck, never("stuck")).within(SHORT));
    scraped.page().await;
    scraped.rests("late").await;
    let page = scraped.page().await;
    page.is("good", 2);
    assert!(page.age("good") >= 0.0);
    for bad in ["late", "failing", "panicking", "stuck"] {
        assert!(page.age(bad).is_nan(), "{bad}");
    }
    let failures = ["good", "late", "failing", "panicking", "stuck"].map(|name| page.failures(name));
    assert_eq!(failures[..4], [[0; 4], [2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]]);
    // Stuck the second time, unless it had not even begun when the first was over.
    assert!([[1, 0, 0, 1], [2, 0, 0, 0]].contains(&failures[4]), "{failures:?}");
    assert!(!page.0.contains("no route"), "what an error says is for the log");
    drop(go);
}

#[tokio::test]
async fn a_collector_that_fails_leaves_its_last_value_there_and_the_age_of_it_grows() {
    let scraped = Scraped::new();
    let (depth, runs) = (scraped.gauge("depth"), AtomicU32::new(0));
    let collect = move || match runs.fetch_add(1, Ordering::SeqCst) {
        0 | 3 => Ok(7),
        1 => Err("gone"),
        _ => panic!("on purpose"),
    };
    scraped.add(Collector::blocking("depth", collect, move |value| depth.add(value.into())).within(LONG));
    let mut ages = Vec::new();
    for _ in 0..3 {
        let page = scraped.page().await;
        page.is("depth", 7);
        ages.push(page.age("depth"));
    }
    assert!(ages[0] < ages[1] && ages[1] < ages[2], "{ages:?}");
    let page = scraped.page().await;
    page.is("depth", 14);
    assert_eq!(page.failures("depth"), [0, 1, 1, 0]);
}

/// Says that it is gone.
struct Gone(Sender<()>);

impl Drop for Gone {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[tokio::test]
async fn an_async_collector_is_dropped_at_its_deadline_and_gets_another_chance() {
    let scraped = Scraped::new();
    let (gone, dropped) = mpsc::channel();
    let (value, runs) = (scraped.gauge("value"), AtomicU32::new(0));
    let collect = async move || {
        let gone = Gone(gone.clone());
        if runs.fetch_add(1, Ordering::SeqCst) == 0 {
            std::future::pending::<()>().await;
        }
        drop(gone);
        Ok::<_, &str>(5)
    };
    scraped.add(Collector::new("value", collect, move |five| value.set(five.into())).within(SHORT));
    scraped.page().await.is("value", 0);
    // However slow the machine is today: once it gets its time.
    let page = loop {
        scraped.rests("value").await;
        let page = scraped.page().await;
        if page.value("value") > 0.0 {
            break page;
        }
    };
    assert!(dropped.try_recv().is_ok());
    page.is("value", 5);
    let [late, error, panic, stuck] = page.failures("value");
    assert!(late > 0 && [error, panic, stuck] == [0; 3], "{}", page.0);
}

#[tokio::test]
async fn a_blocking_collector_that_is_stuck_is_not_called_again_and_its_late_value_is_not_shown() {
    let scraped = Scraped::new();
    let (go, wait) = gate();
    let (value, runs) = (scraped.gauge("value"), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&runs);
    let collect = move || {
        let run = counted.fetch_add(1, Ordering::SeqCst) + 1;
        wait();
        Ok::<_, &str>(run)
    };
    scraped.add(Collector::blocking("value", collect, move |run| value.set(run.into())).within(SHORT));
    while runs.load(Ordering::SeqCst) == 0 {
        scraped.page().await;
    }
    let before = scraped.page().await.failures("value");
    for scrapes in 1..3 {
        let page = scraped.page().await;
        page.is("value", 0);
        let [late, .., stuck] = page.failures("value");
        assert_eq!((late, stuck), (before[0], before[3] + scrapes));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    drop(go);
    scraped.rests("value").await;
    assert!(lock(&scraped.collectors.members()[0].state).good.is_none());
    while scraped.page().await.value("value") < 2.0 {
        scraped.rests("value").await;
    }
}

/// Else a client library that blocks where it should wait would take the endpoint with it.
#[tokio::test]
async fn an_async_collector_that_blocks_costs_a_thread_of_its_own() {
    let scraped = Scraped::new();
    scraped.add_good();
    let (go, wait) = gate();
    let collect = async move || {
        wait();
        Ok::<_, &str>(())
    };
    scraped.add(Collector::new("blocks", collect, |()| {}).within(SHORT));
    let page = scraped.page().await;
    page.is("good", 1);
    assert_eq!((page.failures("blocks"), page.failures("good")), ([1, 0, 0, 0], [0; 4]));
    drop(go);
}

#[tokio::test]
async fn applying_may_panic_or_get_stuck_and_the_page_comes_all_the_same() {
    let scraped = Scraped::with(Duration::from_secs(2));
    scraped.add_good();
    let (go, wait) = gate();
    scraped.add(Collector::blocking("panics", || Ok::<_, &str>(()), |()| panic!("on purpose")).within(LONG));
    scraped.add(Collector::blocking("sticks", || Ok::<_, &str>(()), move |()| wait()).within(LONG));
    let page = scraped.page().await;
    page.is("good", 1);
    assert_eq!((page.failures("panics"), page.failures("sticks")), ([0, 0, 1, 0], [1, 0, 0, 0]));
    let page = scraped.page().await;
    page.is("good", 2);
    assert_eq!((page.failures("panics"), page.failures("sticks")), ([0, 0, 2, 0], [1, 0, 0, 1]));
    assert!(page.age("panics").is_nan() && page.age("sticks").is_nan());
    drop(go);
}

#[tokio::test]
async fn trap_36_a_collector_may_register_metrics_and_take_its_time() {
    let scraped = Scraped::new();
    let registry = scraped.registry.clone();
    let register = move |name: &'static str| -> Counter {
        registry.register(Desc::of::<Counter>(name, "Registered by a collector.")).unwrap()
    };
    let collects = register.clone();
    let collect = async move || {
        collects("collected_total").inc();
        // The timers of the endpoint's runtime work for collectors.
        tokio::time::sleep(SHORT).await;
        Ok::<_, &str>(())
    };
    scraped.add(Collector::new("registers", collect, move |()| register("applied_total").inc()).within(LONG));
    let page = scraped.page().await;
    page.is("collected_total", 1);
    page.is("applied_total", 1);
    assert_eq!(page.failures("registers"), [0; 4]);
}

#[tokio::test]
async fn rounds_for_different_names_share_a_run() {
    let scraped = Arc::new(Scraped::new());
    let (go, wait) = gate();
    let (value, runs) = (scraped.gauge("value"), AtomicU32::new(0));
    let collect = move || {
        wait();
        Ok::<_, &str>(runs.fetch_add(1, Ordering::SeqCst) + 1)
    };
    scraped.add(Collector::blocking("value", collect, move |run| value.set(run.into())).within(LONG));
    let rounds: Vec<_> = (0..4)
        .map(|round| {
            let scraped = Arc::clone(&scraped);
            let query = format!("name[]=value&name[]={round}");
            tokio::spawn(async move { scraped.page_of(HeaderMap::new(), &query).await })
        })
        .collect();
    // All rounds, the job and the collector itself hold the run.
    let holders = || lock(&scraped.collectors.members()[0].state).run.as_ref().map_or(0, Arc::strong_count);
    while holders() < 6 {
        tokio::task::yield_now().await;
    }
    go.send(()).unwrap();
    for round in rounds {
        round.await.unwrap().is("value", 1);
    }
}

#[tokio::test]
async fn a_scrape_in_a_hurry_does_not_wait_for_a_collector_that_others_wait_for() {
    let scraped = Arc::new(Scraped::new());
    let (go, wait) = gate();
    let value = scraped.gauge("value");
    let collect = move || {
        wait();
        Ok::<_, &str>(1)
    };
    scraped.add(Collector::blocking("value", collect, move |one| value.set(one.into())).within(LONG));
    let patient = Arc::clone(&scraped);
    let patient = tokio::spawn(async move { patient.page().await });
    while lock(&scraped.collectors.members()[0].state).run.is_none() {
        tokio::task::yield_now().await;
    }
    let mut headers = HeaderMap::new();
    headers.insert("x-prometheus-scrape-timeout-seconds", HeaderValue::from_static("2"));
    let hurried = scraped.page_of(headers, "").await;
    hurried.is("value", 0);
    assert!(hurried.age("value").is_nan());
    go.send(()).unwrap();
    let page = patient.await.unwrap();
    page.is("value", 1);
    assert_eq!(page.failures("value"), [0; 4]);
}

#[test]
fn a_collector_whose_run_went_down_with_its_runtime_is_free_for_the_next_endpoint() {
    let collectors = Collectors::default();
    collectors.add(Collector::blocking("value", || Ok::<_, &str>(()), |()| {})).unwrap();
    let member = Arc::clone(&collectors.members()[0]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle().clone();
    drop(runtime);
    let run = Arc::new(super::Run::new(std::time::Instant::now() + LONG, LONG));
    let _inside = handle.enter();
    Job::start(member, Arc::clone(&run), tokio::sync::watch::channel(()).1);
    assert!(run.is_over());
}

#[test]
fn a_collector_needs_a_name_of_its_own_and_there_is_an_end_to_them() {
    let collectors = Collectors::default();
    let add = |name: &str| collectors.add(Collector::blocking(name, || Ok::<_, &str>(()), |()| {}));
    assert_eq!(add("x0"), Ok(()));
    assert_eq!(add("x0"), Err(CollectorError::Taken { name: "x0".to_owned() }));
    for name in ["", &"x".repeat(129)] {
        assert_eq!(add(name), Err(CollectorError::Name { name: name.to_owned() }));
    }
    for number in 1..64 {
        add(&format!("x{number}")).unwrap();
    }
    assert_eq!(add("x64"), Err(CollectorError::TooMany { name: "x64".to_owned() }));
}

/// Counts the lines of a log by level.
#[derive(Clone, Default)]
struct Lines([Arc<AtomicU32>; 2]);

impl tracing::Subscriber for Lines {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let level = usize::from(*event.metadata().level() != tracing::Level::WARN);
        self.0[level].fetch_add(1, Ordering::SeqCst);
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn the_log_tells_when_a_collector_fares_otherwise_than_before_and_is_silent_while_it_does_not() {
    let collectors = Collectors::default();
    collectors.add(Collector::blocking("value", || Ok::<_, &str>(()), |()| {})).unwrap();
    let member = Arc::clone(&collectors.members()[0]);
    let collecting = Collecting { collectors, metrics: CollectorMetrics::register(&Registry::new()).unwrap() };
    let lines = Lines::default();
    let error = |text: &str| Err(Failure::Error(text.to_owned()));
    let mut seen = Vec::new();
    tracing::subscriber::with_default(lines.clone(), || {
        for outcome in [Ok(()), error("a"), error("b"), Err(Failure::Late), Err(Failure::Stuck), Ok(()), Ok(())] {
            collecting.note(&member, &super::Ended { outcome, took: Duration::ZERO });
            seen.push(lines.0.each_ref().map(|level| level.load(Ordering::SeqCst)));
        }
    });
    assert_eq!(seen, [[0, 0], [1, 0], [1, 0], [2, 0], [3, 0], [3, 1], [3, 1]]);
}
