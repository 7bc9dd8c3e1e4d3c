//! One gather at a time, and one body for each form it is asked for in, shared by all who wait for one.
//!
//! ```text
//! scrape ─ wants OpenMetrics, gzip ─┐            ┌─ body: OpenMetrics, gzip ─► two answers
//! scrape ─ wants OpenMetrics, gzip ─┼─ snapshot ─┤
//! scrape ─ wants text ──────────────┘            └─ body: text ──────────────► one answer
//! ```
//! Hooks are other people's code and may be slow or stuck. So a gather runs on a thread of its
//! own, never on the one that serves sockets; whoever asks meanwhile waits for the same gather; and
//! nobody waits longer than a deadline. A gather that never ends costs one thread, not one a scrape.

mod metrics;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use streamgauge_metrics::encode::Format;
use streamgauge_metrics::snapshot::Snapshot;
use streamgauge_metrics::{Metrics, RegisterError, Registry, UpDownCounter};
use tracing::error;

pub use metrics::{ByAnswer, ByFormat, Code, FormatName, ScrapeMetrics};

use crate::coding::Coding;
use crate::shared::{ShareError, Shared};

/// How a reader wants its answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Form {
    pub(crate) format: Format,
    pub(crate) coding: Coding,
}

#[derive(Clone)]
pub(crate) struct Scrape {
    gather: Arc<dyn Fn() -> Snapshot + Send + Sync>,
    snapshots: Shared<(), Arc<Snapshot>>,
    bodies: Shared<(Form, usize), Bytes>, // by form, and where the snapshot is
    deadline: Duration,
    metrics: ScrapeMetrics,
}

impl Scrape {
    /// Registers its own metrics, too.
    pub(crate) fn new(registry: Registry, deadline: Duration) -> Result<Self, RegisterError> {
        let metrics = ScrapeMetrics::register(&registry)?;
        Ok(Self::with(move || registry.snapshot(), deadline, metrics))
    }

    fn with(gather: impl Fn() -> Snapshot + Send + Sync + 'static, deadline: Duration, metrics: ScrapeMetrics) -> Self {
        let (snapshots, bodies) = (Shared::default(), Shared::default());
        Self { gather: Arc::new(gather), snapshots, bodies, deadline, metrics }
    }

    /// The whole body, before anything is answered. Nobody waits longer than the deadline, or than `patience` if that is shorter.
    pub(crate) async fn page(&self, form: Form, patience: Option<Duration>) -> Result<Bytes, ShareError> {
        let deadline = patience.map_or(self.deadline, |patience| patience.min(self.deadline));
        let (since, _waits) = (Instant::now(), Waits::new(&self.metrics.requests_in_flight));
        let page = self.attempt(form, deadline).await;
        self.metrics.note(form.format, since.elapsed(), page.as_ref().map(Bytes::len).map_err(|error| *error));
        if page == Err(ShareError::TooSlow) {
            error!("gathering metrics takes longer than {deadline:?}");
        }
        page
    }

    async fn attempt(&self, form: Form, deadline: Duration) -> Result<Bytes, ShareError> {
        let since = Instant::now();
        let gather = Arc::clone(&self.gather);
        let snapshot = self.snapshots.get((), deadline, move || Arc::new(gather())).await?;
        let key = (form, Arc::as_ptr(&snapshot).addr());
        let left = deadline.saturating_sub(since.elapsed());
        // The snapshot is held by the work, so that no other one can have its place meanwhile.
        self.bodies.get(key, left, move || form.coding.encode(form.format.encode(&snapshot)).into()).await
    }
}

/// Counts a scrape as long as it waits, however that ends: a reader may hang up.
struct Waits(UpDownCounter);

impl Waits {
    fn new(in_flight: &UpDownCounter) -> Self {
        in_flight.inc();
        Waits(in_flight.clone())
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        self.0.add(-1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::sync::{Arc, Mutex, mpsc};
    use std::time::Duration;

    use streamgauge_metrics::{Counter, Desc, Metrics, Registry};

    use super::{Form, Scrape, ScrapeMetrics, ShareError};

    const LONG: Duration = Duration::from_secs(20);

    /// A registry whose counter says how often it was gathered.
    fn counting() -> (Registry, Counter) {
        let registry = Registry::new();
        let gathers = registry.register(Desc::of::<Counter>("gathers_total", "Gathers.")).unwrap();
        (registry, gathers)
    }

    fn unseen() -> ScrapeMetrics {
        ScrapeMetrics::register(&Registry::new()).unwrap()
    }

    fn count(page: &[u8]) -> String {
        let text = String::from_utf8(page.to_vec()).unwrap();
        text.lines().find_map(|line| line.strip_prefix("gathers_total ")).unwrap().to_owned()
    }

    #[tokio::test]
    async fn scrapes_that_overlap_share_one_gather_and_the_next_one_is_fresh() {
        let (registry, gathers) = counting();
        let (go, wait) = mpsc::channel::<()>();
        let wait = Mutex::new(wait);
        let gather = move || {
            wait.lock().unwrap().recv().unwrap();
            gathers.inc();
            registry.snapshot()
        };
        let scrape = Scrape::with(gather, LONG, unseen());
        let page = |scrape: &Scrape| {
            let scrape = scrape.clone();
            tokio::spawn(async move { scrape.page(Form::default(), None).await.map(|page| count(&page)) })
        };
        let (one, two) = (page(&scrape), page(&scrape));
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        assert_eq!((one.await.unwrap().unwrap(), two.await.unwrap().unwrap()), ("1".into(), "1".into()));
        go.send(()).unwrap();
        assert_eq!(page(&scrape).await.unwrap().unwrap(), "2");
    }

    #[tokio::test]
    async fn a_gather_that_is_stuck_costs_the_deadline_and_one_thread() {
        let gathers = Arc::new(AtomicU64::new(0));
        let (go, wait) = mpsc::channel::<()>();
        let (counted, wait) = (Arc::clone(&gathers), Mutex::new(wait));
        let gather = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let _ = wait.lock().unwrap().recv();
            Registry::new().snapshot()
        };
        let scrape = Scrape::with(gather, LONG, unseen());
        for _ in 0..3 {
            let patience = Some(Duration::from_millis(30));
            assert_eq!(scrape.page(Form::default(), patience).await, Err(ShareError::TooSlow));
        }
        assert_eq!(gathers.load(Ordering::SeqCst), 1);
        drop(go);
    }

    #[tokio::test]
    async fn trap_37_a_gather_that_panics_does_not_spoil_the_next_one() {
        let (registry, _) = counting();
        let first = AtomicBool::new(true);
        let gather = move || {
            assert!(!first.swap(false, Ordering::SeqCst), "on purpose");
            registry.snapshot()
        };
        let scrape = Scrape::with(gather, LONG, unseen());
        assert_eq!(scrape.page(Form::default(), None).await, Err(ShareError::Panicked));
        assert_eq!(count(&scrape.page(Form::default(), None).await.unwrap()), "0");
    }
}
