//! Where rows, late events and dead letters go, and that they can.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use streamgauge_yaml::Faults;

use super::super::Reported;
use super::super::value::Value;
use super::super::{Config, Existing, Input, Output, Pattern};
use super::{source, state};

/// What was proven about the three outputs.
pub(super) struct Outputs {
    pub(super) sink: Option<Output>,
    pub(super) late: Result<Option<Output>, Reported>,
    pub(super) dead_letter: Result<Option<Output>, Reported>,
}

/// Who uses what, to find out about what is used twice.
struct Uses<'a> {
    inputs: Vec<PathBuf>,
    followed: &'a [Pattern],
    outputs: Vec<(PathBuf, &'a str)>,
    stdout: Option<&'a str>,
    goes_on: bool, // with a state that has its files already
}

pub(super) fn prove(root: &Value, source: &source::Proven, faults: &mut Faults) -> Outputs {
    let inputs = source.files.iter().filter_map(|p| identity(p)).collect();
    let mut uses =
        Uses { inputs, followed: &source.followed, outputs: Vec::new(), stdout: None, goes_on: state::is_there(root) };
    let sink = root.get("sink").and_then(|v| output(v, &mut uses, faults));
    let mut optional = |name| match root.get(name) {
        None => Ok(None),
        Some(value) => output(value, &mut uses, faults).map(Some).ok_or(Reported),
    };
    Outputs { sink, late: optional("late"), dead_letter: optional("dead_letter") }
}

fn output<'a>(value: &'a Value, uses: &mut Uses<'a>, faults: &mut Faults) -> Option<Output> {
    if let Some(stdout) = value.get("stdout") {
        if let Some(other) = uses.stdout.replace(&value.path) {
            faults.push(stdout.fault(format!("standard output is already used by {other}; expected a file")));
        }
        return Some(Output::Stdout);
    }
    let file = value.get("file")?;
    let at = file.get("path")?;
    let path = PathBuf::from(at.text()?);
    let existing = existing(file, &path)?;
    if let Err(what) = uses.take(&path, &value.path).and_then(|()| writable(&path, existing, uses.goes_on)) {
        faults.push(at.fault(what));
    }
    Some(Output::File { path, existing })
}

fn existing(file: &Value, path: &Path) -> Option<Existing> {
    let given = file.get("existing")?.text()?;
    // A device or a pipe is always there, and there is nothing in it to protect.
    if path.exists() && !path.is_file() {
        return Some(Existing::Append);
    }
    match given {
        "append" => Some(Existing::Append),
        "truncate" => Some(Existing::Truncate),
        _ => Some(Existing::Refuse),
    }
}

/// What already reads or writes the file at `path`, if anything does.
pub(crate) fn user_of(config: &Config, path: &Path) -> Option<&'static str> {
    let path = identity(path)?;
    let is = |other: &Path| identity(other).as_ref() == Some(&path);
    let followed = config.source.follow.iter().flatten().any(|pattern| pattern.covers(&path));
    if followed || config.source.inputs.iter().filter_map(Input::file).any(is) {
        return Some("source.file");
    }
    let outputs =
        [("sink", Some(&config.sink)), ("late", config.late.as_ref()), ("dead_letter", config.dead_letter.as_ref())];
    let used = outputs.into_iter().find(|(_, output)| matches!(output, Some(Output::File { path, .. }) if is(path)));
    used.map(|(name, _)| name)
}

impl<'a> Uses<'a> {
    fn take(&mut self, path: &Path, by: &'a str) -> Result<(), String> {
        let Some(identity) = identity(path) else {
            return Ok(());
        };
        if self.inputs.contains(&identity) {
            return Err(format!("\"{}\" is also read by source.file; expected another file", path.display()));
        }
        // Once it is there, the program would read what it writes.
        if self.followed.iter().any(|pattern| pattern.covers(path)) {
            let path = path.display();
            return Err(format!(
                "\"{path}\" would also be followed by source.file; expected a file that no path matches"
            ));
        }
        if let Some((_, other)) = self.outputs.iter().find(|(p, _)| *p == identity) {
            return Err(format!("\"{}\" is also written by {other}; expected another file", path.display()));
        }
        self.outputs.push((identity, by));
        Ok(())
    }
}

/// The one path that all ways of writing it have in common; devices such as `/dev/null` may be shared.
fn identity(path: &Path) -> Option<PathBuf> {
    if path.exists() {
        return path.canonicalize().ok().filter(|p| p.is_file());
    }
    let folder = folder(path).canonicalize().ok()?;
    Some(folder.join(path.file_name().map_or_else(OsString::new, OsString::from)))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file can be begun or gone on with at this path. Nothing is created to find out.
fn writable(path: &Path, existing: Existing, goes_on: bool) -> Result<(), String> {
    let shown = path.display();
    if path.as_os_str() == "-" {
        return Err("\"-\" is not a file; expected stdout: {} for standard output".to_owned());
    }
    if path.is_dir() {
        return Err(format!("\"{shown}\" is a folder; expected a file in it"));
    }
    if !path.exists() {
        return enterable(path);
    }
    if existing == Existing::Refuse && path.is_file() && !goes_on {
        return Err(format!("\"{shown}\" is there already; remove it, or set existing: append or existing: truncate"));
    }
    access(path, Access::WRITE_OK).map_err(|e| {
        format!("\"{shown}\" cannot be written: {}; give write permission or choose another path", reason(e))
    })
}

/// Whether a file or folder can be created at this path.
pub(super) fn enterable(path: &Path) -> Result<(), String> {
    let folder = folder(path);
    let (shown, of) = (path.display(), folder.display());
    if !folder.exists() {
        return Err(format!(
            "\"{shown}\" cannot be created: there is no folder \"{of}\"; create it with mkdir -p {of}"
        ));
    }
    if !folder.is_dir() {
        return Err(format!("\"{shown}\" cannot be created: \"{of}\" is not a folder; choose another path"));
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK).map_err(|e| {
        format!(
            "\"{shown}\" cannot be created: {}; give write permission for \"{of}\" or choose another path",
            reason(e)
        )
    })
}

fn reason(error: rustix::io::Errno) -> String {
    std::io::Error::from(error).kind().to_string()
}
