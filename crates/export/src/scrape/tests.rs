//! What scrapes share, and what they do not wait for.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue};
use streamgauge_metrics::{Desc, Gauge, Metrics, Registry};

use super::{Collecting, CollectorMetrics, Collectors, Scrape, ScrapeError, ScrapeMetrics, Writing};

const LONG: Duration = Duration::from_secs(20);

/// A registry whose gathers wait for leave and number themselves.
struct Gated {
    registry: Registry,
    go: Sender<()>,
    entered: Receiver<()>,
}

impl Gated {
    fn new() -> Self {
        let registry = Registry::new();
        let gathers: Gauge = registry.register(Desc::of::<Gauge>("gathers", "Gathers so far.")).unwrap();
        let (go, leave) = mpsc::channel();
        let (enter, entered) = mpsc::channel();
        let leave = Mutex::new(leave);
        registry.on_scrape(move || {
            gathers.inc();
            let _ = enter.send(());
            // Nobody left to give leave is leave, too.
            let _ = leave.lock().unwrap().recv();
        });
        Self { registry, go, entered }
    }

    fn scrape(&self, deadline: Duration) -> Scrape {
        Scrape::new(self.registry.clone(), Collectors::default(), deadline).unwrap()
    }
}

async fn ask(scrape: &Scrape, accept: &'static str, query: &str) -> Result<Bytes, ScrapeError> {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static(accept));
    scrape.page(Writing::of(&headers), &headers, query).await
}

fn start(scrape: &Scrape, accept: &'static str) -> tokio::task::JoinHandle<Bytes> {
    let scrape = scrape.clone();
    tokio::spawn(async move { ask(&scrape, accept, "").await.unwrap() })
}

fn gathers(page: &[u8]) -> &str {
    let page = std::str::from_utf8(page).unwrap();
    page.lines().find_map(|line| line.strip_prefix("gathers ")).unwrap()
}

const OPEN_METRICS: &str = "application/openmetrics-text;version=1.0.0";

#[tokio::test]
async fn scrapes_that_overlap_share_one_gather_and_a_page_a_format_and_the_next_one_is_fresh() {
    let gated = Gated::new();
    let scrape = gated.scrape(LONG);
    let all = [start(&scrape, ""), start(&scrape, OPEN_METRICS), start(&scrape, ""), start(&scrape, OPEN_METRICS)];
    // Both formats are waited for before there is anything to write.
    while scrape.metrics.requests_in_flight.get() < 4 {
        tokio::task::yield_now().await;
    }
    gated.go.send(()).unwrap();
    let mut pages = Vec::new();
    for one in all {
        pages.push(one.await.unwrap());
    }
    assert_eq!([gathers(&pages[0]), gathers(&pages[1])], ["1", "1.0"]);
    // The same bytes in memory, not only equal ones.
    assert_eq!([pages[0].as_ptr(), pages[1].as_ptr()], [pages[2].as_ptr(), pages[3].as_ptr()]);
    gated.go.send(()).unwrap();
    assert_eq!(gathers(&ask(&scrape, "", "").await.unwrap()), "2");
}

/// Else its snapshot would grow old, and whoever came next would get it.
#[tokio::test]
async fn a_round_that_everyone_left_comes_to_its_end() {
    let gated = Gated::new();
    let scrape = gated.scrape(LONG);
    let gone = start(&scrape, "");
    while gated.entered.try_recv().is_err() {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.is_err());
    gated.go.send(()).unwrap();
    gated.go.send(()).unwrap();
    // Either the page of the first gather was not there yet, or this is a gather of its own; the
    // third is in any case.
    let second = ask(&scrape, "", "").await.unwrap();
    drop(gated.go);
    let third = ask(&scrape, "", "").await.unwrap();
    let number = |page: &[u8]| gathers(page).parse::<u32>().unwrap();
    assert!(number(&second) < number(&third));
}

#[tokio::test]
async fn a_gather_that_is_stuck_costs_the_deadline_and_one_thread() {
    let gated = Gated::new();
    let scrape = gated.scrape(Duration::from_millis(30));
    for _ in 0..3 {
        assert_eq!(ask(&scrape, "", "").await, Err(ScrapeError::TooSlow));
    }
    assert_eq!(gated.entered.try_iter().count(), 1);
}

#[tokio::test]
async fn gathers_that_are_stuck_for_ever_new_names_are_a_few_and_the_rest_is_told_to_come_back() {
    let gated = Gated::new();
    let scrape = gated.scrape(Duration::from_millis(30));
    let mut answers = Vec::new();
    for name in 0..8 {
        answers.push(ask(&scrape, "", &format!("name[]={name}")).await.unwrap_err());
    }
    let slow = answers.iter().take_while(|error| **error == ScrapeError::TooSlow).count();
    assert_eq!(slow, 4);
    assert!(answers[slow..].iter().all(|error| *error == ScrapeError::Busy), "{answers:?}");
}

#[tokio::test]
async fn a_client_that_waits_for_less_is_answered_before_it_goes() {
    let gated = Gated::new();
    let scrape = gated.scrape(LONG);
    let mut headers = HeaderMap::new();
    headers.insert("x-prometheus-scrape-timeout-seconds", HeaderValue::from_static("0.05"));
    assert_eq!(scrape.page(Writing::default(), &headers, "").await, Err(ScrapeError::TooSlow));
}

/// Once who came right after the panic joined the round that had just broken off, and was told 500, too.
#[tokio::test]
async fn a_gather_that_panics_does_not_spoil_the_next_one() {
    let registry = Registry::new();
    let metrics = ScrapeMetrics::new(&registry).unwrap();
    let collecting =
        Collecting { collectors: Collectors::default(), metrics: CollectorMetrics::register(&registry).unwrap() };
    let first = AtomicBool::new(true);
    let gather = move |_: &_| {
        assert!(!first.swap(false, Ordering::SeqCst), "on purpose");
        registry.snapshot()
    };
    let scrape = Scrape::with(Arc::new(gather), collecting, metrics, LONG);
    assert_eq!(ask(&scrape, "", "").await, Err(ScrapeError::Broken));
    assert!(ask(&scrape, "", "").await.is_ok());
}

#[tokio::test]
async fn what_is_not_asked_for_is_not_read() {
    let registry = Registry::new();
    let reads = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&reads);
    let read = move || counted.fetch_add(1, Ordering::SeqCst) as f64;
    registry.register_fn(Desc::of::<Gauge>("costly", "A costly level."), read).unwrap();
    let _: Gauge = registry.register(Desc::of::<Gauge>("cheap", "A cheap level.")).unwrap();
    let scrape = Scrape::new(registry, Collectors::default(), LONG).unwrap();
    let page = ask(&scrape, "", "name[]=cheap").await.unwrap();
    assert_eq!(page, "# HELP cheap A cheap level.\n# TYPE cheap gauge\ncheap 0\n");
    assert_eq!(ask(&scrape, OPEN_METRICS, "name[]=nothing").await.unwrap(), "# EOF\n");
    assert_eq!(reads.load(Ordering::SeqCst), 0);
    ask(&scrape, "", "").await.unwrap();
    assert_eq!(reads.load(Ordering::SeqCst), 1);
}
