//! The thread that commits epochs: in which order it does what, and what it says when something fails.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::time::Duration;

use streamgauge_flow::state::{Changes, Entry, Epoch, Epochs, MemoryState, Size, State, StateError};
use streamgauge_metrics::{Metrics, Registry};
use streamgauge_state::{Backend, ByBackend, ByOperation, CommitError, Committer, DiskState, Done};
use streamgauge_state::{Operation, StateMetrics, Step};
use tempfile::TempDir;

const LONG: Duration = Duration::from_mins(1);

fn put(value: &[u8]) -> Changes {
    let mut changes = Changes::default();
    changes.put(b"t", 1, |to| to.extend_from_slice(value));
    changes
}

fn start(state: impl State + 'static, steps: fn(Step)) -> (Committer, StateMetrics) {
    let metrics = StateMetrics::register(&Registry::new()).unwrap();
    (Committer::start(Box::new(state), Backend::Memory, metrics.clone(), steps).unwrap(), metrics)
}

/// A state of which only commits are asked.
struct Commits(fn(Epoch) -> Result<(), StateError>);

impl State for Commits {
    fn epochs(&self) -> Epochs {
        unreachable!("a committer only commits")
    }

    fn load(&mut self, _: &mut dyn FnMut(Entry<'_>)) -> Result<(), StateError> {
        unreachable!("a committer only commits")
    }

    fn stage(&mut self, _: Epoch, _: &Changes) -> Result<(), StateError> {
        unreachable!("a committer only commits")
    }

    fn promote(&mut self, _: Epoch) -> Result<(), StateError> {
        unreachable!("a committer only commits")
    }

    fn discard(&mut self, _: Epoch) -> Result<(), StateError> {
        unreachable!("a committer only commits")
    }

    fn commit(&mut self, epoch: Epoch, _: &Changes) -> Result<(), StateError> {
        self.0(epoch)
    }

    fn size(&self) -> Size {
        Size::default()
    }

    fn token(&self) -> u64 {
        unreachable!("a committer only commits")
    }
}

#[test]
fn an_epoch_is_committed_counted_and_its_memory_comes_back_empty() {
    let kept = MemoryState::new();
    let (mut committer, metrics) = start(kept.clone(), |_| {});
    assert!(!committer.is_busy() && committer.poll().unwrap().is_none());
    assert!(committer.wait(LONG).unwrap().is_none(), "there is nothing to wait for");
    committer.begin(1, put(b"one"), Vec::new()).unwrap();
    assert!(committer.is_busy());
    let Done { epoch, changes } = committer.wait(LONG).unwrap().unwrap();
    assert!(epoch == 1 && changes.is_empty() && !committer.is_busy());
    committer.begin(2, put(b"two"), Vec::new()).unwrap();
    committer.wait(LONG).unwrap().unwrap();
    drop(committer);
    let mut values = Vec::new();
    kept.open().load(&mut |entry| values.push(entry.value.to_vec())).unwrap();
    assert_eq!(values, [b"two"]);
    let backend = Backend::Memory;
    assert_eq!(metrics.epochs_total.handle(&ByBackend { backend }).get(), 2);
    assert_eq!(metrics.operations_total.handle(&ByOperation { backend, operation: Operation::Commit }).get(), 2);
}

#[test]
fn outputs_are_on_the_disk_before_the_epoch_that_counts_their_rows() {
    static SEEN: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let state = Commits(|epoch| {
        SEEN.lock().unwrap().push(format!("commit {epoch}"));
        Ok(())
    });
    let (mut committer, metrics) = start(state, |step| SEEN.lock().unwrap().push(format!("{step:?}")));
    let mut output = tempfile::tempfile().unwrap();
    output.write_all(b"a row\n").unwrap();
    committer.begin(1, put(b"one"), vec![output.try_clone().unwrap(), output]).unwrap();
    committer.wait(LONG).unwrap().unwrap();
    assert_eq!(*SEEN.lock().unwrap(), ["OutputsSynced", "commit 1"]);
    let by = ByOperation { backend: Backend::Memory, operation: Operation::SyncOutputs };
    assert_eq!(metrics.operations_total.handle(&by).get(), 1);
}

#[test]
fn an_epoch_whose_rows_do_not_get_to_the_disk_is_not_committed() {
    let kept = MemoryState::new();
    let (mut committer, metrics) = start(kept.clone(), |_| {});
    let device = File::open("/dev/null").unwrap(); // it has no disk to sync to
    committer.begin(1, put(b"one"), vec![device]).unwrap();
    let error = committer.wait(LONG).expect_err("it fails");
    assert!(matches!(error, CommitError::Output(_)), "{error:?}");
    assert_eq!(kept.epochs().promoted, 0);
    let by = |operation| ByOperation { backend: Backend::Memory, operation };
    assert_eq!(metrics.failures_total.handle(&by(Operation::SyncOutputs)).get(), 1);
    assert_eq!(metrics.operations_total.handle(&by(Operation::Commit)).get(), 0);
}

#[test]
fn a_state_that_takes_no_epoch_says_why() {
    let (mut committer, metrics) = start(Commits(|_| Err(StateError::Fenced)), |_| {});
    committer.begin(1, put(b"one"), Vec::new()).unwrap();
    let error = committer.wait(LONG).expect_err("it fails");
    assert!(matches!(error, CommitError::State(StateError::Fenced)), "{error:?}");
    let backend = Backend::Memory;
    assert_eq!(metrics.failures_total.handle(&ByOperation { backend, operation: Operation::Commit }).get(), 1);
    assert_eq!(metrics.epochs_total.handle(&ByBackend { backend }).get(), 0);
}

#[test]
fn a_thread_that_panics_is_an_error_and_no_wait_for_ever() {
    let (mut committer, _) = start(Commits(|epoch| panic!("epoch {epoch} is too much")), |_| {});
    committer.begin(1, put(b"one"), Vec::new()).unwrap();
    assert!(matches!(committer.wait(LONG), Err(CommitError::Vanished)));
    assert!(matches!(committer.poll(), Err(CommitError::Vanished)));
}

#[test]
fn whoever_lets_a_committer_go_finds_the_state_free_and_its_last_epoch_in_it() {
    let folder = TempDir::new().unwrap();
    for epoch in 1..=20 {
        let (mut committer, _) = start(DiskState::open(folder.path()).unwrap(), |_| {});
        committer.begin(epoch, put(b"value"), Vec::new()).unwrap();
        drop(committer);
        assert_eq!(DiskState::open(folder.path()).unwrap().epochs().promoted, epoch);
    }
}
