//! One gather and what is written from it, shared by all who come in time.
//!
//! Hooks are other people's code and may be slow or stuck. So a gather runs on a thread of its
//! own, never on the one that serves sockets; whoever asks meanwhile waits for the same gather. A
//! gather that never ends costs one thread, not one a scrape. What can be late has its turn before
//! it, see `collect.rs`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use streamgauge_metrics::{Snapshot, encode};
use tokio::sync::watch;
use tracing::error;

use super::ScrapeError;
use super::ask::{Names, Writing};
use super::metrics::ScrapeMetrics;
use crate::collect::Collecting;

/// Rounds at a time: each has a thread, and there are as many as clients ask for different names.
const MOST_ROUNDS: usize = 4;

/// Takes a snapshot of what is wanted.
pub(super) type Gather = dyn Fn(&Names) -> Snapshot + Send + Sync;

/// What is under way: there is a value once it is done. The sender is gone without one if it broke
/// off.
type Pending<T> = watch::Receiver<Option<T>>;

/// Those that take in whoever comes.
pub(super) struct Rounds {
    open: Mutex<Vec<Arc<Round>>>,
    collecting: Collecting,
    /// Gone with the endpoint: so collectors that are under way do not outlive its runtime.
    endpoint: watch::Sender<()>,
    gather: Arc<Gather>,
    metrics: ScrapeMetrics,
}

/// A snapshot, and its pages.
struct Round {
    names: Names,
    /// When the gather begins at the latest.
    collects_until: Instant,
    snapshot: Pending<Arc<Snapshot>>,
    pages: Mutex<HashMap<Writing, Pending<Bytes>>>,
}

impl Rounds {
    pub(super) fn new(gather: Arc<Gather>, collecting: Collecting, metrics: ScrapeMetrics) -> Self {
        Self { open: Mutex::default(), collecting, endpoint: watch::Sender::new(()), gather, metrics }
    }

    /// A page of a snapshot that is taken for this call, or for another that still waits; collectors
    /// get `time` at most.
    pub(super) async fn page(&self, names: &Names, writing: Writing, time: Duration) -> Result<Bytes, ScrapeError> {
        let round = self.join_or_start(names, writing, time)?;
        let snapshot = outcome(round.snapshot.clone()).await?;
        let page = lock(&round.pages).entry(writing).or_insert_with(|| self.start_page(writing, snapshot)).clone();
        let page = outcome(page).await;
        self.forget_what_is_done();
        page
    }

    /// A snapshot and its pages may be large, and the next scrape may be long in coming.
    fn forget_what_is_done(&self) {
        lock(&self.open).retain(|round| round.is_open());
    }

    fn join_or_start(&self, names: &Names, writing: Writing, time: Duration) -> Result<Arc<Round>, ScrapeError> {
        let until = self.collecting.until(time);
        let mut open = lock(&self.open);
        open.retain(|round| round.is_open());
        // Who is in a hurry does not wait for collectors that others have time for.
        if let Some(round) = open.iter().find(|round| round.names == *names && round.collects_until <= until) {
            return Ok(Arc::clone(round));
        }
        if open.len() >= MOST_ROUNDS {
            return Err(ScrapeError::Busy);
        }
        let round = Arc::new(self.start(names.clone(), writing, until));
        open.push(Arc::clone(&round));
        Ok(round)
    }

    /// Collects, gathers and writes the first page in one go: so a round comes to its end though all
    /// who wait for it have gone.
    fn start(&self, names: Names, writing: Writing, collects_until: Instant) -> Round {
        let (taken, snapshot) = watch::channel(None);
        let (written, page) = watch::channel(None);
        let (gather, metrics, wanted) = (Arc::clone(&self.gather), self.metrics.clone(), names.clone());
        let (collecting, endpoint) = (self.collecting.clone(), self.endpoint.subscribe());
        tokio::task::spawn_blocking(move || {
            collecting.refresh(collects_until, &endpoint);
            let snapshot = Arc::new(gather(&wanted));
            taken.send_replace(Some(Arc::clone(&snapshot)));
            written.send_replace(write(&snapshot, writing, &metrics));
        });
        Round { names, collects_until, snapshot, pages: Mutex::new(HashMap::from([(writing, page)])) }
    }

    fn start_page(&self, writing: Writing, snapshot: Arc<Snapshot>) -> Pending<Bytes> {
        let (written, page) = watch::channel(None);
        let metrics = self.metrics.clone();
        tokio::task::spawn_blocking(move || written.send_replace(write(&snapshot, writing, &metrics)));
        page
    }
}

impl Round {
    /// Until the first page is there: who comes later wants to know what happened since. A gather
    /// that broke off lets go of the snapshot before it does of the page.
    fn is_open(&self) -> bool {
        !has_broken_off(&self.snapshot) && lock(&self.pages).values().all(is_running)
    }
}

/// `None` if it cannot be compressed.
fn write(snapshot: &Snapshot, writing: Writing, metrics: &ScrapeMetrics) -> Option<Bytes> {
    let begun = Instant::now();
    let page = encode::encode(snapshot, writing.format);
    let body = writing.compression.apply(page.body).inspect_err(|e| error!("a page could not be compressed: {e}"));
    metrics.note_page(writing.format.protocol(), begun.elapsed(), &page.dropped);
    body.ok().map(Bytes::from)
}

async fn outcome<T: Clone>(mut pending: Pending<T>) -> Result<T, ScrapeError> {
    let done = pending.wait_for(Option::is_some).await;
    done.ok().and_then(|done| done.clone()).ok_or(ScrapeError::Broken)
}

fn has_broken_off<T>(pending: &Pending<T>) -> bool {
    pending.borrow().is_none() && pending.has_changed().is_err()
}

fn is_running<T>(pending: &Pending<T>) -> bool {
    pending.borrow().is_none() && pending.has_changed().is_ok()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
