//! When an epoch is due, and what goes into it.
//!
//! 1. Rows are written to the outputs. From here on they are there even if this process dies.
//! 2. What has changed is noted: windows, ids, inputs, and how long the outputs are now.
//! 3. On another thread the outputs are brought to the disk, then the epoch. From here on all of it is there even if the machine
//!    dies.
//!
//! A death before the end of 3 takes the run back to the epoch before: its outputs are cut to the length that that one knows, and
//! its inputs are read from where it stood.

use std::fs::File;
use std::io;
use std::time::Duration;

use streamgauge_flow::Pipeline;
use streamgauge_flow::state::{Changes, Epoch};
use streamgauge_state::{Backend, CommitError, Committer, Done, StateMetrics, Step};

use super::{Durable, Ended, Ledger, RUN, RunRecord};
use crate::sink::{Outputs, Written};

/// Ids that wait to be saved do not grow beyond this: then the run waits for its state.
const MOST_UNSAVED: usize = 10 << 20;

/// The epochs of a run.
#[derive(Debug)]
pub(crate) struct Commits {
    committer: Committer,
    pub(crate) ledger: Ledger,
    record: RunRecord,
    next: Epoch,
    interval: Duration,
    began: Duration,               // when the last epoch began, since the start
    waits_since: Option<Duration>, // when the first change came that is in no epoch
    spare: Option<Changes>,
    metrics: StateMetrics,
    steps: fn(Step),
}

/// How a run stands at the end of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// Since the start.
    pub(crate) now: Duration,
    /// Since the first start.
    pub(crate) elapsed: Duration,
    pub(crate) written: Written,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_stored: u64,
    pub(crate) unsettled: Option<u64>,
    pub(crate) ended: Option<Ended>,
}

impl Commits {
    /// Goes on with the epochs of a state.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(
        durable: Durable,
        interval: Duration,
        metrics: StateMetrics,
        steps: fn(Step),
    ) -> io::Result<Self> {
        let (next, ledger) = (durable.next(), Ledger::new(&durable.inputs));
        let Durable { state, record, .. } = durable;
        Ok(Commits {
            committer: Committer::start(state, Backend::Disk, metrics.clone(), steps)?,
            ledger,
            record,
            next,
            interval,
            began: Duration::ZERO,
            waits_since: None,
            spare: Some(Changes::default()),
            metrics,
            steps,
        })
    }

    /// How the run stood when it was gone on with, or in the last epoch.
    pub(crate) fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Something has changed.
    pub(crate) fn touch(&mut self, now: Duration) {
        self.waits_since.get_or_insert(now);
    }

    /// Whether the next epoch is to begin. One that is on its way is waited for only where memory would grow.
    ///
    /// # Errors
    /// If the one on its way has failed.
    pub(crate) fn is_due(&mut self, now: Duration, pipeline: &Pipeline) -> Result<bool, CommitError> {
        let arrived = self.committer.poll()?;
        self.take_back(arrived);
        let crowded = pipeline.unsaved_bytes() > MOST_UNSAVED;
        if crowded {
            self.settle()?;
        }
        let due = crowded || now.saturating_sub(self.began) >= self.interval;
        Ok(due && self.waits_since.is_some() && !self.committer.is_busy())
    }

    /// Begins an epoch. Everything printed so far has been written.
    ///
    /// # Errors
    /// If the thread that commits is gone, or an output cannot be handed to it.
    pub(crate) fn begin(
        &mut self,
        standing: &Standing,
        pipeline: &mut Pipeline,
        outputs: &mut Outputs,
    ) -> Result<(), CommitError> {
        (self.steps)(Step::RowsWritten);
        let mut changes = self.spare.take().unwrap_or_default();
        pipeline.save(self.next, &mut changes);
        self.ledger.save(pipeline, &mut changes);
        self.note(standing, outputs);
        changes.put(RUN, 0, |out| self.record.encode(out));
        (self.steps)(Step::ChangesNoted);
        let files: Vec<File> = outputs.unsynced().map_err(CommitError::Output)?;
        self.committer.begin(self.next, changes, files)?;
        self.next += 1;
        self.began = standing.now;
        self.waits_since = None;
        Ok(())
    }

    /// Waits for the epoch that is on its way.
    ///
    /// # Errors
    /// If it has failed.
    pub(crate) fn settle(&mut self) -> Result<(), CommitError> {
        while self.committer.is_busy() {
            let arrived = self.committer.wait(Duration::from_secs(1))?;
            self.take_back(arrived);
        }
        Ok(())
    }

    /// Whether something is in no epoch yet.
    pub(crate) fn is_behind(&self) -> bool {
        self.waits_since.is_some()
    }

    /// Tells how long the oldest change waits. Now and then.
    pub(crate) fn tell(&self, now: Duration) {
        let waits = self.waits_since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        self.metrics.waits(Backend::Disk, waits);
    }

    fn note(&mut self, standing: &Standing, outputs: &mut Outputs) {
        let record = &mut self.record;
        outputs.measure(&mut record.outputs);
        record.written = standing.written;
        record.bytes_in = standing.bytes_in;
        record.bytes_stored = standing.bytes_stored;
        record.elapsed_ms = u64::try_from(standing.elapsed.as_millis()).unwrap_or(u64::MAX);
        record.unsettled = standing.unsettled;
        record.ended = standing.ended;
    }

    fn take_back(&mut self, arrived: Option<Done>) {
        if let Some(Done { changes, .. }) = arrived {
            self.spare = Some(changes);
        }
    }
}
