//! The state of a run that outlives it: what is kept beside the pipeline's own tables, and how a run goes on with it.
//!
//! ```text
//! table "run"     row 0            how the run stands: lengths of the outputs, rows, bytes, whether it has ended
//! table "inputs"  row = number     how far each input was judged, and how far event time was in its partition
//! other tables                     the pipeline's
//! ```
//! All of it is one epoch: inputs, windows, ids and outputs are as they were after the same event.

mod commits;
mod inspect;
mod ledger;
mod record;
mod usage;

use std::fmt;
use std::path::Path;
use std::time::Instant;

use streamgauge_flow::state::{Changes, Entry, Epoch, State, StateError};
use streamgauge_flow::{Pipeline, RestoreError};
use streamgauge_state::{Backend, DiskState, LockType, Operation, StateMetrics, Step};

use crate::config::Config;
use crate::log::escape_controls;
use crate::sink::Places;
use crate::source::Known;
pub(crate) use commits::{Commits, Standing};
pub(crate) use inspect::{InspectError, inspect, verify};
pub(crate) use ledger::{Ledger, Reached};
pub(crate) use record::{Ended, InputRow, RunRecord};
pub(crate) use usage::Usage;

const RUN: &[u8] = b"run";
const INPUTS: &[u8] = b"inputs";

/// A state that was opened, and what it knows.
pub(crate) struct Durable {
    path: String,
    state: Box<dyn State>,
    pub(crate) record: RunRecord,
    inputs: Vec<(u64, InputRow)>,
}

/// A state that a run cannot go on with.
#[derive(Debug)]
pub(crate) struct DurableError {
    path: String,
    what: What,
}

#[derive(Debug)]
enum What {
    State(StateError),
    Restore(RestoreError),
    /// A row of our own.
    Row(String),
    /// Of the source.
    Changed(&'static str),
    Drained,
}

impl Durable {
    /// Opens the state of a run and rebuilds the pipeline from it.
    ///
    /// # Errors
    /// If another process has it, it is damaged, or it belongs to another configuration.
    pub(crate) fn open(
        path: &Path,
        config: &Config,
        pipeline: &mut Pipeline,
        metrics: &StateMetrics,
        steps: fn(Step),
    ) -> Result<Self, DurableError> {
        let since = Instant::now();
        let shown = escape_controls(&path.to_string_lossy());
        let opened = DiskState::open(path).map(|state| {
            metrics.locked(LockType::Folder, state.waited());
            state.telling(steps).measured(metrics.clone())
        });
        let opened = opened.map_err(What::State);
        let loaded = opened.and_then(|state| Self::load(Box::new(state), config, pipeline, metrics));
        let (state, Rows { record, inputs }) = loaded.map_err(|what| DurableError { path: shown.clone(), what })?;
        metrics.recovered(Backend::Disk, since.elapsed(), state.size());
        Ok(Durable { path: shown, state, record, inputs })
    }

    fn load(
        mut state: Box<dyn State>,
        config: &Config,
        pipeline: &mut Pipeline,
        metrics: &StateMetrics,
    ) -> Result<(Box<dyn State>, Rows), What> {
        // Files are cut back to what was promoted: nobody else knows of an epoch that was only staged.
        if let Some(staged) = state.epochs().staged {
            state.discard(staged).map_err(What::State)?;
        }
        let mut rows = Rows { record: RunRecord::new(config), inputs: Vec::new() };
        let mut result = Ok(());
        let since = Instant::now();
        let read = state.load(&mut |entry| {
            if result.is_ok() {
                result = rows.take(&entry, pipeline);
            }
        });
        metrics.note(Backend::Disk, Operation::Load, since.elapsed(), read).map_err(What::State)?;
        result?;
        pipeline.restored();
        match rows.record.difference(config) {
            Some(what) => Err(What::Changed(what)),
            None if rows.record.ended == Some(Ended::Drained) => Err(What::Drained),
            None => Ok((state, rows)),
        }
    }

    /// What is known of the inputs.
    pub(crate) fn known(&self) -> Known {
        let places = self.inputs.iter().map(|(number, row)| (*number, row.place.clone())).collect();
        Known { places, finished: self.record.ended.is_some() }
    }

    /// Whether nothing was there.
    pub(crate) fn is_new(&self) -> bool {
        self.state.epochs().promoted == 0
    }

    /// Notes where the outputs begin before any of them is created: a death in between leaves nothing that cannot be told
    /// from what was there before.
    ///
    /// # Errors
    /// If the state does not take it.
    pub(crate) fn begin(&mut self, outputs: Places, pipeline: &mut Pipeline) -> Result<(), DurableError> {
        if !self.is_new() && self.record.outputs == outputs {
            return Ok(());
        }
        self.record.outputs = outputs;
        let mut changes = Changes::default();
        let epoch = self.next();
        pipeline.save(epoch, &mut changes);
        changes.put(RUN, 0, |out| self.record.encode(out));
        let failed = |error| DurableError { path: self.path.clone(), what: What::State(error) };
        self.state.commit(epoch, &changes).map_err(failed)
    }

    /// The next epoch.
    fn next(&self) -> Epoch {
        self.state.epochs().promoted + 1
    }
}

/// Rows as they are read.
struct Rows {
    record: RunRecord,
    inputs: Vec<(u64, InputRow)>,
}

impl Rows {
    fn take(&mut self, entry: &Entry<'_>, pipeline: &mut Pipeline) -> Result<(), What> {
        let own = |error: record::RowError| {
            What::Row(format!("table {:?}, row {}: {error}", String::from_utf8_lossy(entry.table), entry.row))
        };
        match entry.table {
            RUN => self.record = RunRecord::decode(entry.value).map_err(own)?,
            INPUTS => self.inputs.push((entry.row, InputRow::decode(entry.value).map_err(own)?)),
            _ if pipeline.restore(entry).map_err(What::Restore)? => {}
            table => {
                let table = String::from_utf8_lossy(table);
                return Err(What::Row(format!(
                    "table {table:?} is not known here: a newer version may have written it"
                )));
            }
        }
        Ok(())
    }
}

impl fmt::Display for DurableError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state.path: {}: ", self.path)?;
        match &self.what {
            What::State(error) => error.fmt(f),
            What::Restore(error) => error.fmt(f),
            What::Row(what) => write!(f, "{what}; bring a good copy back, or begin with another state"),
            What::Changed(what) => write!(f, "{what}; put it back as it was, or begin with another state"),
            What::Drained => f.write_str(
                "its windows were closed by --drain, so what comes now would be counted in windows that were printed; \
                 begin with another state",
            ),
        }
    }
}
