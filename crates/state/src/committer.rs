//! Commits epochs on a thread of its own, one at a time, so that whoever judges events never waits for a disk.
//!
//! ```text
//! judging   ─ begin(3, changes, files) ────────────────────────────────── poll ─► Done 3 ─ begin(4, …)
//! "state"      └─► sync the files ─► commit epoch 3 (append, sync) ─────────┘
//! ```
//! The rows that an epoch counts are on the disk before the epoch is: the other way round a machine that dies in between would
//! leave an epoch that counts rows which are gone.

use std::fmt;
use std::fs::File;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use streamgauge_flow::state::{Changes, Epoch, State, StateError};

use crate::metrics::{Backend, Operation, StateMetrics};
use crate::step::Step;

/// Hands epochs to the thread that commits them.
#[derive(Debug)]
pub struct Committer {
    jobs: Option<SyncSender<Job>>,
    done: Receiver<Result<Done, CommitError>>,
    thread: Option<JoinHandle<()>>,
    in_flight: bool,
}

/// An epoch that was committed.
#[derive(Debug)]
pub struct Done {
    /// Its number.
    pub epoch: Epoch,
    /// The memory of its changes, empty, for the next one.
    pub changes: Changes,
}

/// Why an epoch was not committed. Nothing is known of it until the state is opened again.
#[derive(Debug)]
pub enum CommitError {
    /// An output did not get its rows onto the disk.
    Output(io::Error),
    /// The state did not take it.
    State(StateError),
    /// The thread that commits has ended.
    Vanished,
}

#[derive(Debug)]
struct Job {
    epoch: Epoch,
    changes: Changes,
    outputs: Vec<File>,
}

/// What the thread works with.
struct Desk {
    state: Box<dyn State>,
    backend: Backend,
    metrics: StateMetrics,
    steps: fn(Step),
}

impl Committer {
    /// Starts the thread. `steps` is called between each two steps of an epoch that change what is on the disk.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(state: Box<dyn State>, backend: Backend, metrics: StateMetrics, steps: fn(Step)) -> io::Result<Self> {
        let (jobs, to_do) = sync_channel(1);
        let (report, done) = sync_channel(1);
        let mut desk = Desk { state, backend, metrics, steps };
        let work = move || {
            for job in to_do {
                if report.send(desk.commit(job)).is_err() {
                    break;
                }
            }
        };
        let thread = thread::Builder::new().name("state".into()).spawn(work)?;
        Ok(Committer { jobs: Some(jobs), done, thread: Some(thread), in_flight: false })
    }

    /// Whether an epoch is on its way.
    pub fn is_busy(&self) -> bool {
        self.in_flight
    }

    /// Sends an epoch on its way; what was written to `outputs` is on the disk before it counts.
    ///
    /// # Errors
    /// If the thread has ended.
    ///
    /// # Panics
    /// If another one is on its way: [`is_busy`](Self::is_busy) says so.
    pub fn begin(&mut self, epoch: Epoch, changes: Changes, outputs: Vec<File>) -> Result<(), CommitError> {
        assert!(!self.in_flight, "an epoch is on its way");
        let jobs = self.jobs.as_ref().ok_or(CommitError::Vanished)?;
        jobs.send(Job { epoch, changes, outputs }).map_err(|_| CommitError::Vanished)?;
        self.in_flight = true;
        Ok(())
    }

    /// The epoch that was on its way, if it has arrived.
    ///
    /// # Errors
    /// If it did not.
    pub fn poll(&mut self) -> Result<Option<Done>, CommitError> {
        if !self.in_flight {
            return Ok(None);
        }
        match self.done.try_recv() {
            Ok(result) => self.arrived(result).map(Some),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(CommitError::Vanished),
        }
    }

    /// The same, waiting for it at most so long.
    ///
    /// # Errors
    /// If it did not arrive.
    pub fn wait(&mut self, most: Duration) -> Result<Option<Done>, CommitError> {
        if !self.in_flight {
            return Ok(None);
        }
        match self.done.recv_timeout(most) {
            Ok(result) => self.arrived(result).map(Some),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(CommitError::Vanished),
        }
    }

    fn arrived(&mut self, result: Result<Done, CommitError>) -> Result<Done, CommitError> {
        self.in_flight = false;
        result
    }
}

impl Drop for Committer {
    /// Waits for the epoch that is on its way: the state is to be free when its holder is gone.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn commit(&mut self, Job { epoch, mut changes, outputs }: Job) -> Result<Done, CommitError> {
        let since = Instant::now();
        if !outputs.is_empty() {
            self.sync(&outputs).map_err(CommitError::Output)?;
        }
        (self.steps)(Step::OutputsSynced);
        let committing = Instant::now();
        let result = self.state.commit(epoch, &changes);
        self.metrics.note(self.backend, Operation::Commit, committing.elapsed(), result).map_err(CommitError::State)?;
        self.metrics.committed(self.backend, since.elapsed(), changes.as_bytes().len(), self.state.size());
        changes.clear();
        Ok(Done { epoch, changes })
    }

    fn sync(&self, outputs: &[File]) -> io::Result<()> {
        let since = Instant::now();
        let result = outputs.iter().try_for_each(File::sync_data);
        let told = result
            .as_ref()
            .map_err(|cause| StateError::Io { doing: "sync an output".to_owned(), cause: cause.kind().into() });
        let _ = self.metrics.note(self.backend, Operation::SyncOutputs, since.elapsed(), told.map(drop));
        result
    }
}

impl fmt::Display for CommitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitError::Output(cause) => write!(f, "the rows of an output cannot be brought to the disk: {cause}"),
            CommitError::State(error) => error.fmt(f),
            CommitError::Vanished => f.write_str("the thread that commits has ended unexpectedly"),
        }
    }
}

impl std::error::Error for CommitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CommitError::Output(cause) => Some(cause),
            CommitError::State(error) => Some(error),
            CommitError::Vanished => None,
        }
    }
}
