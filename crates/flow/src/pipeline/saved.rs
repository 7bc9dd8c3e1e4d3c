//! What of a pipeline outlives its process, and how it is rebuilt.
//!
//! ```text
//! config     row 0    what the state depends on in the configuration
//! dedup, ids/…        the ids that are known              (dedup/saved.rs)
//! pipeline   row 0    watermark and account
//! revisions/…, sessions/…, slices/…, window/…   the open windows   (window/saved.rs)
//! ```
//! Rows are read in this order, the order of their names.

use std::fmt;

use super::Pipeline;
use crate::batch::Account;
use crate::dedup::{Seen, generation};
use crate::encoding::{
    DecodeError, put_count, put_layout, put_time_if_any, take_end, take_layout, take_time_if_any, take_up_to, time_of,
};
use crate::plan::{Plan, Refusal};
use crate::state::{Changes, Entry, Epoch};

pub(super) const LAYOUT: u8 = 1;

/// Why a pipeline cannot be rebuilt from what was saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// The configuration has changed in something that the state depends on.
    Changed(Refusal),
    /// A row is not what this version writes: another one wrote it, or it was damaged.
    Row {
        /// Its table.
        table: String,
        /// Its number.
        row: u64,
        /// What is wrong with it.
        what: String,
    },
}

impl Pipeline {
    /// The same, told that it will be [saved](Self::save): from now on it remembers what has to be.
    #[must_use]
    pub fn durable(mut self) -> Self {
        if let Some(seen) = &mut self.stages.seen {
            seen.durable();
        }
        self
    }

    /// Appends everything that has changed since the last call; the first time, everything there is. To be called between two
    /// steps; what it costs depends on what has changed.
    pub fn save(&mut self, epoch: Epoch, to: &mut Changes) {
        if !std::mem::replace(&mut self.plan_saved, true) {
            to.put(b"config", 0, |out| self.plan.encode(out));
        }
        let account = self.account();
        let stages = &mut self.stages;
        let mark = *stages.watermarks.combined();
        if let Some(seen) = &mut stages.seen {
            seen.save(epoch, &mark, to);
        }
        let highest = stages.watermarks.highest();
        to.put(b"pipeline", 0, |out| {
            put_layout(out, LAYOUT);
            put_time_if_any(out, highest);
            put_time_if_any(out, mark.get());
            for number in numbers(&account) {
                put_count(out, number);
            }
        });
        stages.windows.iter_mut().for_each(|window| window.save(to));
    }

    /// About how many bytes wait to be saved that grow with every event: who cannot save is to wait rather than let them grow.
    pub fn unsaved_bytes(&self) -> usize {
        self.stages.seen.as_ref().map_or(0, Seen::unsaved_bytes)
    }

    /// Takes in a row that was saved, before the first step; rows come in ascending order. False: the row is not the
    /// pipeline's.
    ///
    /// # Errors
    /// If it cannot be gone on with.
    pub fn restore(&mut self, entry: &Entry<'_>) -> Result<bool, RestoreError> {
        let Ok(table) = std::str::from_utf8(entry.table) else { return Ok(false) };
        let wrong = |what: String| RestoreError::Row { table: table.to_owned(), row: entry.row, what };
        let undecoded = |error: DecodeError| wrong(error.to_string());
        if table == "config" {
            let before = Plan::decode(entry.value).map_err(undecoded)?;
            before.allows(&self.plan).map_err(RestoreError::Changed)?;
            self.plan_saved = before == self.plan;
            return Ok(true);
        }
        if table == "pipeline" {
            return self.restore_row(entry.value).map(|()| true).map_err(undecoded);
        }
        if let Some(seen) = self.stages.seen.as_mut().filter(|_| table == "dedup") {
            return seen.restore_head(entry.value).map(|()| true).map_err(undecoded);
        }
        if let (Some(seen), Some(end)) = (&mut self.stages.seen, generation(table)) {
            return seen.restore(end, entry.row, entry.value).map(|()| true).map_err(undecoded);
        }
        let Some((what, start, name)) = window_table(table) else { return Ok(false) };
        let window = self.stages.windows.iter_mut().find(|window| window.name() == name);
        let window = window.ok_or_else(|| wrong("no window of that name was saved".to_owned()))?;
        let mark = self.stages.watermarks.combined();
        window.restore(what, start, entry.row, entry.value, mark).map(|()| true).map_err(undecoded)
    }

    /// After the last row was taken in: what follows from them.
    pub fn restored(&mut self) {
        let stages = &mut self.stages;
        if let Some(seen) = &mut stages.seen {
            seen.restored(stages.watermarks.combined());
        }
        stages.windows.iter_mut().for_each(crate::window::Window::restored);
        stages.tally.begin_at(&stages.windows, stages.seen.as_ref());
    }

    fn restore_row(&mut self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        take_layout(&mut bytes, LAYOUT)?;
        let (highest, mark) = (take_time_if_any(&mut bytes)?, take_time_if_any(&mut bytes)?);
        self.stages.watermarks.restore(highest, mark);
        let account = &mut self.stages.account;
        for number in numbers_mut(account) {
            *number = take_up_to(&mut bytes, u64::MAX)?;
        }
        take_end(bytes)
    }
}

/// The numbers of the account that nothing else is known to add up to.
fn numbers(account: &Account) -> [u64; 8] {
    let Account { received, processed, duplicates, late, dead_letters, filtered, revisions, folded, .. } = *account;
    [received, processed, duplicates, late, dead_letters, filtered, revisions, folded]
}

pub(super) fn numbers_mut(account: &mut Account) -> [&mut u64; 8] {
    let Account { received, processed, duplicates, late, dead_letters, filtered, revisions, folded, .. } = account;
    [received, processed, duplicates, late, dead_letters, filtered, revisions, folded]
}

/// What a window's table holds, where that begins, and the window's name.
pub(super) fn window_table(table: &str) -> Option<(&str, Option<crate::time::EventTime>, &str)> {
    let (what, rest) = table.split_once('/')?;
    match what {
        "window" | "sessions" => Some((what, None, rest)),
        "slices" | "revisions" => {
            let (start, name) = rest.split_once('/')?;
            Some((what, Some(time_of(start)?), name))
        }
        _ => None,
    }
}

impl fmt::Display for RestoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RestoreError::Changed(refusal) => refusal.fmt(f),
            RestoreError::Row { table, row, what } => {
                write!(f, "table {table:?}, row {row}: {what}; bring a good copy back, or begin with another state")
            }
        }
    }
}

impl std::error::Error for RestoreError {}
