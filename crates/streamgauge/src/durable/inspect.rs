//! `state inspect` and `state verify`: what is in a state, and whether all of it can be read. Neither takes it over.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde_json::{Value, json};
use streamgauge_flow::state::{Entry, StateError};
use streamgauge_flow::{EventTime, Pipeline, Survey};
use streamgauge_metrics::Registry;
use streamgauge_state::Inspection;

use super::{Ended, INPUTS, InputRow, RUN, RunRecord};
use crate::config::Config;
use crate::log::escape_controls;

/// Everything that a state says.
#[derive(Debug)]
pub(crate) struct Report {
    inspection: Inspection,
    record: Option<RunRecord>,
    inputs: Vec<(u64, InputRow)>,
    survey: Survey,
    unknown: Vec<String>, // tables
}

/// A state that cannot be looked at.
#[derive(Debug)]
pub(crate) enum InspectError {
    /// There is none.
    Missing(String),
    /// It is damaged, or cannot be read.
    Wrong(String),
}

/// Reads all of a state.
///
/// # Errors
/// If it cannot be read, or something in it is not what was written.
pub(crate) fn inspect(folder: &Path) -> Result<Report, InspectError> {
    let mut rows = Rows::default();
    let mut result = Ok(());
    let inspection = streamgauge_state::inspect(folder, &mut |entry| {
        if result.is_ok() {
            result = rows.take(&entry);
        }
    });
    let inspection = inspection.map_err(|error| told(folder, &error))?;
    result.map_err(|what| InspectError::Wrong(format!("{}: {what}", shown(folder))))?;
    let Rows { record, inputs, survey, unknown } = rows;
    Ok(Report { inspection, record, inputs, survey, unknown })
}

/// Reads all of a state, and rebuilds a pipeline from it where the configuration is known.
///
/// # Errors
/// If something in it is not what was written, or does not belong to the configuration.
pub(crate) fn verify(folder: &Path, config: Option<&Config>) -> Result<Report, InspectError> {
    let report = inspect(folder)?;
    let Some(config) = config else { return Ok(report) };
    let wrong = |what: String| InspectError::Wrong(format!("{}: {what}", shown(folder)));
    let pipeline = Pipeline::new(config.pipeline.clone(), &Registry::new());
    let mut pipeline = pipeline.map_err(|error| wrong(error.to_string()))?;
    let mut result = Ok(());
    let read = streamgauge_state::inspect(folder, &mut |entry| {
        if result.is_ok() {
            result = pipeline.restore(&entry).map(drop);
        }
    });
    read.map_err(|error| told(folder, &error))?;
    result.map_err(|error| wrong(error.to_string()))?;
    Ok(report)
}

#[derive(Default)]
struct Rows {
    record: Option<RunRecord>,
    inputs: Vec<(u64, InputRow)>,
    survey: Survey,
    unknown: Vec<String>,
}

impl Rows {
    fn take(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let table = String::from_utf8_lossy(entry.table);
        let at = |what: String| format!("table {table:?}, row {}: {what}", entry.row);
        match entry.table {
            RUN => self.record = Some(RunRecord::decode(entry.value).map_err(|error| at(error.to_string()))?),
            INPUTS => {
                let row = InputRow::decode(entry.value).map_err(|error| at(error.to_string()))?;
                self.inputs.push((entry.row, row));
            }
            _ if self.survey.take(entry).map_err(at)? => {}
            _ if self.unknown.last().is_none_or(|last| *last != table) => self.unknown.push(table.into_owned()),
            _ => {}
        }
        Ok(())
    }
}

impl Report {
    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let Report { inspection: Inspection { size, epochs, .. }, survey, .. } = self;
        let time = |time: Option<EventTime>| time.map(|time| time.to_string());
        let windows = survey.windows.iter().map(|(name, window)| {
            json!({"name": name, "panes": window.panes, "first_start": time(window.first_start),
                "fired": time(window.fired), "rows": window.printed + window.taken_back})
        });
        let inputs = self.inputs.iter().map(|(_, InputRow { place, .. })| {
            json!({"name": place.name, "offset": place.offset, "ended": place.ended.is_some()})
        });
        json!({
            "file": self.inspection.file, "format": self.inspection.version, "token": self.inspection.token,
            "holder": self.inspection.holder, "epoch": epochs.promoted, "staged": epochs.staged,
            "bytes": size.stored, "live_bytes": size.live, "torn_bytes": self.inspection.torn,
            "rows": size.rows, "tables": size.tables, "unknown_tables": self.unknown,
            "watermark": time(survey.watermark), "ids": survey.ids, "account": self.account(),
            "ended": self.record.as_ref().and_then(|record| record.ended),
            "windows": windows.collect::<Vec<_>>(), "inputs": inputs.collect::<Vec<_>>(),
            "outputs": self.record.as_ref().map(|record| &record.outputs),
        })
    }

    fn account(&self) -> Value {
        let account = &self.survey.account;
        let record = self.record.clone().unwrap_or_default();
        json!({
            "received": account.received, "processed": account.processed, "duplicates": account.duplicates,
            "late": account.late, "dead_letters": account.dead_letters, "filtered": account.filtered,
            "rows": record.written.rows, "revisions": record.written.revisions,
            "bytes_in": record.bytes_in, "elapsed_ms": record.elapsed_ms,
        })
    }

    /// In one line, for who only wants to know whether all is well.
    pub(crate) fn verdict(&self) -> String {
        let Inspection { size, epochs, torn, .. } = &self.inspection;
        let mut text = format!(
            "ok: epoch {}, {} rows in {} tables, {} bytes read",
            epochs.promoted, size.rows, size.tables, size.stored
        );
        if *torn > 0 {
            let _ = write!(text, "; {torn} bytes at the end are of a write that was not finished, and do not count");
        }
        text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inspection { file, version, holder, token, epochs, size, torn } = &self.inspection;
        let mut line = |name: &str, what: String| writeln!(f, "{name:<12} {what}");
        let held = holder.map_or("held by nobody".to_owned(), |pid| format!("held by process {pid}"));
        line(
            "file",
            format!("{} (format {version}, token {token}, {held})", escape_controls(&file.to_string_lossy())),
        )?;
        let staged = epochs.staged.map_or(String::new(), |staged| format!(", and {staged} staged"));
        line("epoch", format!("{}{staged}", epochs.promoted))?;
        let torn = if *torn > 0 { format!(", {torn} of them not finished") } else { String::new() };
        line(
            "size",
            format!("{} bytes{torn}; {} live in {} rows of {} tables", size.stored, size.live, size.rows, size.tables),
        )?;
        let survey = &self.survey;
        line("watermark", survey.watermark.map_or("none yet".to_owned(), |time| time.to_string()))?;
        let record = self.record.clone().unwrap_or_default();
        let a = &survey.account;
        line(
            "events",
            format!(
                "{} received: {} processed, {} duplicates, {} late, {} dead letters, {} filtered",
                a.received, a.processed, a.duplicates, a.late, a.dead_letters, a.filtered
            ),
        )?;
        line("rows", format!("{}, {} of them revisions", record.written.rows, record.written.revisions))?;
        line("ids", format!("{} in {} pieces", survey.ids, survey.blocks))?;
        for (name, window) in &survey.windows {
            let first = window.first_start.map_or(String::new(), |start| format!(" from {start} on"));
            let fired = window.fired.map_or(String::new(), |fired| format!("; printed up to {fired}"));
            line("window", format!("{}: {} panes{first}{fired}", escape_controls(name), window.panes))?;
        }
        for (_, InputRow { place, .. }) in &self.inputs {
            let ended = if place.ended.is_some() { ", its end" } else { "" };
            line("input", format!("{}: byte {}{ended}", escape_controls(&place.name), place.offset))?;
        }
        let outputs = &record.outputs;
        for (name, place) in [("sink", &outputs.sink), ("late", &outputs.late), ("dead_letter", &outputs.dead_letter)] {
            if let Some(place) = place {
                line(name, format!("{}: {} bytes", escape_controls(&place.path.to_string_lossy()), place.length))?;
            }
        }
        match record.ended {
            Some(Ended::Input) => line("ended", "the input was read to its end".to_owned())?,
            Some(Ended::Drained) => line("ended", "its windows were closed by --drain".to_owned())?,
            None => {}
        }
        self.unknown.iter().try_for_each(|table| line("unknown", format!("table {table:?}")))
    }
}

impl fmt::Display for InspectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InspectError::Missing(what) | InspectError::Wrong(what) => f.write_str(what),
        }
    }
}

fn told(folder: &Path, error: &StateError) -> InspectError {
    match error {
        StateError::Io { cause, .. } if cause.kind() == std::io::ErrorKind::NotFound => {
            InspectError::Missing(format!("there is no state in {}", shown(folder)))
        }
        error => InspectError::Wrong(error.to_string()),
    }
}

fn shown(folder: &Path) -> String {
    escape_controls(&folder.to_string_lossy())
}
