//! The one door through which async tasks are spawned, so that they are counted.

use std::future::Future;

use streamgauge_metrics::{Counter, Gauge};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Spawns tasks and counts them: how many were spawned, how many there are.
///
/// A task stops counting when it is gone, whether it returned, panicked or was aborted. A clone
/// counts into the same two metrics.
///
/// ```
/// use streamgauge_export::Tasks;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// let tasks = Tasks::default();
/// let answer = runtime.block_on(async { tasks.spawn(async { 42 }).await })?;
/// assert_eq!((answer, tasks.spawned()), (42, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    spawned: Counter,
    active: Gauge,
}

impl Tasks {
    /// Counts into these metrics.
    pub fn new(spawned: Counter, active: Gauge) -> Self {
        Self { spawned, active }
    }

    /// Spawns on the runtime this is called from.
    ///
    /// # Panics
    ///
    /// Like [`tokio::spawn`], outside of a runtime.
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_on(&Handle::current(), future)
    }

    /// Spawns on this runtime.
    pub fn spawn_on<F>(&self, runtime: &Handle, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawned.inc();
        // Made out here and moved in: a task that is dropped before its first poll counts too.
        let active = self.active.track();
        runtime.spawn(async move {
            let _active = active;
            future.await
        })
    }

    /// Tasks spawned so far.
    pub fn spawned(&self) -> u64 {
        self.spawned.get()
    }

    /// Tasks there are now.
    pub fn active(&self) -> f64 {
        self.active.get()
    }
}

#[cfg(test)]
mod tests {
    use super::Tasks;

    fn active(tasks: &Tasks) -> u64 {
        // Small whole numbers: the cast is exact.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let active = tasks.active() as u64;
        active
    }

    #[tokio::test]
    async fn a_task_counts_while_it_lives() {
        let tasks = Tasks::default();
        let (finish, wait) = tokio::sync::oneshot::channel::<()>();
        let task = tasks.spawn(wait);
        assert_eq!((tasks.spawned(), active(&tasks)), (1, 1));
        finish.send(()).unwrap();
        task.await.unwrap().unwrap();
        assert_eq!((tasks.spawned(), active(&tasks)), (1, 0));
    }

    #[tokio::test]
    async fn a_task_that_panics_is_no_longer_active() {
        let tasks = Tasks::default();
        let task = tasks.spawn(async { panic!("on purpose") });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!((tasks.spawned(), active(&tasks)), (1, 0));
    }

    #[tokio::test]
    async fn a_task_aborted_before_it_ran_is_no_longer_active() {
        let tasks = Tasks::default();
        let task = tasks.spawn(std::future::pending::<()>());
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(active(&tasks), 0);
    }
}
