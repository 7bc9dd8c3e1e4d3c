//! Where running state is kept, and that it can be.

use std::fs;
use std::path::{Path, PathBuf};

use streamgauge_yaml::Faults;

use super::super::State;
use super::super::value::Value;
use super::{duration, output};

pub(super) fn prove(root: &Value, faults: &mut Faults) -> Option<State> {
    let state = root.get("state")?;
    match state.get("backend")?.text()? {
        "disk" => {
            let at = state.get("path")?;
            let path = PathBuf::from(at.text()?);
            if let Err(what) = usable(&path) {
                faults.push(at.fault(what));
            }
            Some(State::Disk { path, commit_interval: duration(root.span("state.commit_interval")?)? })
        }
        _ => Some(State::Memory),
    }
}

/// Whether there is a state that a run would go on with: it has its outputs' files already.
pub(super) fn is_there(root: &Value) -> bool {
    let folder = root.at("state.path").and_then(Value::text).filter(|_| root.says("state.backend", "disk"));
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    entries.is_some_and(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| entry.path().extension().is_some_and(|e| e == "epochs")))
    })
}

fn usable(path: &Path) -> Result<(), String> {
    if path.is_dir() {
        return output::enterable(&path.join("state"));
    }
    if path.exists() {
        return Err(format!("\"{}\" is there and is not a folder; choose another path", path.display()));
    }
    output::enterable(path)
}
