//! `streamgauge state`: looks at a durable state.

use std::path::PathBuf;

use super::args::{StateArgs, StateCommand, StateFormat};
use super::{FAILED, WRONG, complain, print};
use crate::config::{self, Config, State};
use crate::durable::{self, InspectError};

pub(super) fn run(command: StateCommand) -> u8 {
    match command {
        StateCommand::Inspect { of, format } => with(&of, |folder, _| {
            let report = durable::inspect(&folder)?;
            Ok(match format {
                StateFormat::Text => report.to_string(),
                StateFormat::Json => format!("{:#}\n", report.to_json()),
            })
        }),
        StateCommand::Verify { of } => with(&of, |folder, config| {
            let report = durable::verify(&folder, config)?;
            Ok(format!("{}\n", report.verdict()))
        }),
    }
}

fn with(of: &StateArgs, look: impl FnOnce(PathBuf, Option<&Config>) -> Result<String, InspectError>) -> u8 {
    let loaded = match &of.config {
        Some(file) => match config::load(file, &of.set) {
            Ok(loaded) => Some(loaded.config),
            Err(faults) => return complain(faults),
        },
        None => None,
    };
    let folder = match (&of.path, loaded.as_ref().map(|config| &config.state)) {
        (Some(path), _) | (None, Some(State::Disk { path, .. })) => path.clone(),
        (None, _) => return complain("state.backend is memory: there is nothing to look at"),
    };
    match look(folder, loaded.as_ref()) {
        Ok(text) => print(&text),
        Err(error) => {
            let code = if matches!(error, InspectError::Missing(_)) { WRONG } else { FAILED };
            complain(error);
            code
        }
    }
}
