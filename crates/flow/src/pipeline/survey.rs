//! What a saved pipeline holds, for people who look at it: no settings are needed, and nothing is rebuilt.

use std::collections::BTreeMap;

use super::saved::{LAYOUT, numbers_mut, window_table};
use crate::batch::Account;
use crate::dedup::{ENTRY, generation};
use crate::encoding::{DecodeError, take_count, take_end, take_layout, take_time_if_any, take_up_to};
use crate::state::Entry;
use crate::time::EventTime;

/// What the rows that were taken in so far say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Where the watermark of the run stood.
    pub watermark: Option<EventTime>,
    /// What had happened. Rows and evictions are told by others.
    pub account: Account,
    /// By name.
    pub windows: BTreeMap<String, WindowSurvey>,
    /// Ids that are known, and some that no longer are.
    pub ids: u64,
    /// Pieces that they are kept in: one for each epoch and generation.
    pub blocks: u64,
}

/// The same of one window definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSurvey {
    /// Sessions, or keys of slices.
    pub panes: u64,
    /// The start of the first slice.
    pub first_start: Option<EventTime>,
    /// Windows that end here or before have printed all they hold.
    pub fired: Option<EventTime>,
    /// Rows with values.
    pub printed: u64,
    /// Rows without: they take an earlier one back.
    pub taken_back: u64,
}

impl Survey {
    /// Takes a row in; whether it is one of a pipeline.
    ///
    /// # Errors
    /// If it cannot be read; says why.
    pub fn take(&mut self, entry: &Entry<'_>) -> Result<bool, String> {
        self.attempt(entry).map_err(|error| error.to_string())
    }

    fn attempt(&mut self, entry: &Entry<'_>) -> Result<bool, DecodeError> {
        let Ok(table) = std::str::from_utf8(entry.table) else { return Ok(false) };
        let mut bytes = entry.value;
        match table {
            "pipeline" => self.take_pipeline(bytes)?,
            "config" | "dedup" => {}
            _ if generation(table).is_some() => {
                self.blocks += 1;
                self.ids += (bytes.len() / ENTRY) as u64;
            }
            _ => {
                let Some((what, start, name)) = window_table(table) else { return Ok(false) };
                let window = self.windows.entry(name.to_owned()).or_default();
                match what {
                    "window" => window.take_sums(bytes)?,
                    "slices" | "sessions" => {
                        take_layout(&mut bytes, LAYOUT)?;
                        window.panes += take_count(&mut bytes)?;
                        window.first_start = window.first_start.into_iter().chain(start).min();
                    }
                    _ => {}
                }
            }
        }
        Ok(true)
    }

    fn take_pipeline(&mut self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        take_layout(&mut bytes, LAYOUT)?;
        take_time_if_any(&mut bytes)?;
        self.watermark = take_time_if_any(&mut bytes)?;
        for number in numbers_mut(&mut self.account) {
            *number = take_up_to(&mut bytes, u64::MAX)?;
        }
        take_end(bytes)
    }
}

impl WindowSurvey {
    fn take_sums(&mut self, mut bytes: &[u8]) -> Result<(), DecodeError> {
        take_layout(&mut bytes, LAYOUT)?;
        self.fired = take_time_if_any(&mut bytes)?;
        self.printed = take_count(&mut bytes)?;
        self.taken_back = take_count(&mut bytes)?;
        Ok(())
    }
}
