//! What a worker does for a state that outlives it.

use streamgauge_flow::PartitionMark;

use super::{Failure, Parts, Worker};
use crate::durable::{Commits, Ended, Standing};
use crate::stage::State;

impl Worker {
    /// Whether what is not printed is kept for the next start.
    pub(crate) fn is_durable(&self) -> bool {
        self.parts.commits.is_some()
    }

    /// Event time in a partition goes on where it was before a restart.
    pub(super) fn go_on(&mut self, partition: usize, mark: Option<PartitionMark>) {
        if let Some(mark) = mark {
            self.parts.pipeline.set_mark(partition, mark);
        }
    }

    /// Something has changed that the next epoch is to say.
    pub(super) fn change(&mut self, note: impl FnOnce(&mut Commits)) {
        if let Some(commits) = &mut self.parts.commits {
            note(commits);
            commits.touch(self.started.elapsed());
        }
    }

    /// Begins an epoch if it is time.
    pub(super) fn commit_if_due(&mut self) -> Result<(), Failure> {
        let Some(commits) = &mut self.parts.commits else { return Ok(()) };
        let due = commits.is_due(self.started.elapsed(), &self.parts.pipeline).map_err(Failure::State)?;
        if due { self.commit(None) } else { Ok(()) }
    }

    /// Commits whatever has changed, and waits for it.
    pub(super) fn commit_last(&mut self, ended: Option<Ended>) -> Result<(), Failure> {
        let flushed = self.flush();
        let Some(commits) = &mut self.parts.commits else { return flushed };
        commits.settle().map_err(Failure::State)?;
        flushed?;
        if commits.is_behind() {
            self.commit(ended)?;
        }
        self.parts.commits.as_mut().map_or(Ok(()), Commits::settle).map_err(Failure::State)
    }

    /// Begins an epoch: rows into the files first, then what has changed; the rest happens on another thread.
    pub(super) fn commit(&mut self, ended: Option<Ended>) -> Result<(), Failure> {
        self.flush()?;
        let now = self.started.elapsed();
        let standing = Standing {
            now,
            elapsed: self.before + now,
            written: self.parts.outputs.written(),
            bytes_in: self.bytes.read + self.partitions.judged_bytes(),
            bytes_stored: self.bytes.stored,
            unsettled: self.unsettled.and_then(|partition| Some(self.parts.origins.get(partition)?.number)),
            ended,
        };
        let Parts { commits, pipeline, outputs, .. } = &mut self.parts;
        let Some(commits) = commits else { return Ok(()) };
        for (partition, head) in self.partitions.heads() {
            commits.ledger.reach(head.reached(partition));
        }
        commits.begin(&standing, pipeline, outputs).map_err(Failure::State)?;
        self.parts.judging.lap(State::Busy);
        Ok(())
    }
}
