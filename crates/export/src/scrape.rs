//! One gather at a time, shared by all who wait for one.
//!
//! Hooks are other people's code and may be slow or stuck. So a gather runs on a thread of its
//! own, never on the one that serves sockets; whoever asks meanwhile waits for the same gather; and
//! nobody waits longer than a deadline. A gather that never ends costs one thread, not one a scrape.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use streamgauge_metrics::Registry;
use tokio::sync::watch;
use tracing::error;

/// The page, once there is one. The sender is gone without a page if the gather panicked.
type Gather = watch::Receiver<Option<Bytes>>;

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScrapeError {
    /// It takes longer than the deadline.
    TooSlow,
    /// It panicked.
    Panicked,
}

#[derive(Clone)]
pub(crate) struct Scrape {
    render: Arc<dyn Fn() -> String + Send + Sync>,
    running: Arc<Mutex<Option<Gather>>>,
    deadline: Duration,
}

impl Scrape {
    pub(crate) fn new(registry: Registry, deadline: Duration) -> Self {
        Self::with(move || registry.render_prometheus(), deadline)
    }

    fn with(render: impl Fn() -> String + Send + Sync + 'static, deadline: Duration) -> Self {
        Self { render: Arc::new(render), running: Arc::default(), deadline }
    }

    pub(crate) async fn page(&self) -> Result<Bytes, ScrapeError> {
        let mut gather = self.join_or_start();
        let page = gather.wait_for(Option::is_some);
        match tokio::time::timeout(self.deadline, page).await {
            Ok(Ok(page)) => page.clone().ok_or(ScrapeError::Panicked),
            Ok(Err(_)) => Err(ScrapeError::Panicked),
            Err(_) => {
                error!("gathering metrics takes longer than {:?}", self.deadline);
                Err(ScrapeError::TooSlow)
            }
        }
    }

    fn join_or_start(&self) -> Gather {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gather) = running.as_ref().filter(|gather| is_running(gather)) {
            return gather.clone();
        }
        let gather = self.start();
        *running = Some(gather.clone());
        gather
    }

    fn start(&self) -> Gather {
        let (sender, gather) = watch::channel(None);
        let render = Arc::clone(&self.render);
        tokio::task::spawn_blocking(move || sender.send_replace(Some(render().into())));
        gather
    }
}

fn is_running(gather: &Gather) -> bool {
    gather.borrow().is_none() && gather.has_changed().is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::{Scrape, ScrapeError};

    const LONG: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn scrapes_that_overlap_share_one_gather_and_the_next_one_is_fresh() {
        let gathers = Arc::new(AtomicU32::new(0));
        let (go, wait) = mpsc::channel::<()>();
        let (count, wait) = (Arc::clone(&gathers), std::sync::Mutex::new(wait));
        let render = move || {
            wait.lock().unwrap().recv().unwrap();
            (count.fetch_add(1, Ordering::SeqCst) + 1).to_string()
        };
        let scrape = Scrape::with(render, LONG);
        let (one, two) = (scrape.clone(), scrape.clone());
        let one = tokio::spawn(async move { one.page().await });
        let two = tokio::spawn(async move { two.page().await });
        tokio::task::yield_now().await;
        go.send(()).unwrap();
        assert_eq!(one.await.unwrap().unwrap(), "1");
        assert_eq!(two.await.unwrap().unwrap(), "1");
        go.send(()).unwrap();
        assert_eq!(scrape.page().await.unwrap(), "2");
    }

    #[tokio::test]
    async fn a_gather_that_is_stuck_costs_the_deadline_and_one_thread() {
        let gathers = Arc::new(AtomicU32::new(0));
        let (go, wait) = mpsc::channel::<()>();
        let (count, wait) = (Arc::clone(&gathers), std::sync::Mutex::new(wait));
        let render = move || {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = wait.lock().unwrap().recv();
            String::new()
        };
        let scrape = Scrape::with(render, Duration::from_millis(30));
        for _ in 0..3 {
            assert_eq!(scrape.page().await, Err(ScrapeError::TooSlow));
        }
        assert_eq!(gathers.load(Ordering::SeqCst), 1);
        drop(go);
    }

    #[tokio::test]
    async fn a_gather_that_panics_does_not_spoil_the_next_one() {
        let first = std::sync::atomic::AtomicBool::new(true);
        let render = move || {
            assert!(!first.swap(false, Ordering::SeqCst), "on purpose");
            "fine".to_owned()
        };
        let scrape = Scrape::with(render, LONG);
        assert_eq!(scrape.page().await, Err(ScrapeError::Panicked));
        assert_eq!(scrape.page().await.unwrap(), "fine");
    }
}
