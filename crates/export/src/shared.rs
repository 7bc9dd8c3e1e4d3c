//! Work that is done once for all who ask for it while it is being done.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

/// What comes of the work, once it is done. The sender is gone without it if the work panicked.
type Outcome<T> = watch::Receiver<Option<T>>;

/// Why there is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShareError {
    /// It takes longer than the deadline.
    TooSlow,
    /// It panicked.
    Panicked,
}

/// Running work, by what it is for.
#[derive(Debug)]
pub(crate) struct Shared<K, T>(Arc<Mutex<HashMap<K, Outcome<T>>>>);

impl<K: Copy + Eq + Hash, T: Clone + Send + Sync + 'static> Shared<K, T> {
    /// The outcome of the work for `key`: of work that is running, else of `work`, on a thread that may block.
    ///
    /// Nobody waits longer than `deadline`; the work goes on, and whoever comes meanwhile waits for the same.
    pub(crate) async fn get(
        &self,
        key: K,
        deadline: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ShareError> {
        let mut outcome = self.join_or_start(key, work);
        let done = match tokio::time::timeout(deadline, outcome.wait_for(Option::is_some)).await {
            Ok(Ok(done)) => done.clone().ok_or(ShareError::Panicked),
            Ok(Err(_)) => Err(ShareError::Panicked),
            Err(_) => return Err(ShareError::TooSlow),
        };
        self.forget(key, &outcome);
        done
    }

    fn join_or_start(&self, key: K, work: impl FnOnce() -> T + Send + 'static) -> Outcome<T> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = running.get(&key).filter(|outcome| is_running(outcome)) {
            return outcome.clone();
        }
        let (sender, outcome) = watch::channel(None);
        tokio::task::spawn_blocking(move || sender.send_replace(Some(work())));
        running.insert(key, outcome.clone());
        outcome
    }

    /// What is done is not kept: it may be large.
    fn forget(&self, key: K, done: &Outcome<T>) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.get(&key).is_some_and(|outcome| outcome.same_channel(done)) {
            running.remove(&key);
        }
    }
}

impl<K, T> Clone for Shared<K, T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<K, T> Default for Shared<K, T> {
    fn default() -> Self {
        Shared(Arc::default())
    }
}

fn is_running<T>(outcome: &Outcome<T>) -> bool {
    outcome.borrow().is_none() && outcome.has_changed().is_ok()
}
