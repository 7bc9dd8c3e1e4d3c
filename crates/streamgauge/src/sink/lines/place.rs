//! How far an output has been written, and how it is gone on with after a restart: what was never committed is cut off.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Lines, OpenError, Role, Written, name};
use crate::config::{Existing, Output};
use crate::log::escape_controls;

/// How far a file has been written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutputPlace {
    pub(crate) path: PathBuf,
    /// Its length; what comes behind was never committed.
    pub(crate) length: u64,
}

/// An output that cannot be gone on with.
#[derive(Debug)]
pub(crate) enum ResumeError {
    /// It cannot be opened.
    Open(OpenError),
    /// Committed rows are gone.
    Lost { role: Role, path: PathBuf, length: u64, committed: u64 },
    /// What was written cannot be taken back.
    NoFile { role: Role, name: String },
}

impl OutputPlace {
    /// Where an output that nothing is known of begins; nothing is created yet. None if it is no file.
    ///
    /// # Errors
    /// If it is there already and must not be.
    pub(crate) fn of(output: &Output, role: Role) -> Result<Option<Self>, OpenError> {
        let Output::File { path, existing } = output else { return Ok(None) };
        let failed = |cause| OpenError { role, name: name(output), cause };
        let length = match path.metadata() {
            Ok(metadata) if !metadata.is_file() => return Ok(None),
            Ok(_) if *existing == Existing::Refuse => return Err(failed(ErrorKind::AlreadyExists.into())),
            Ok(metadata) if *existing == Existing::Append => metadata.len(),
            Ok(_) => 0,
            Err(e) if e.kind() == ErrorKind::NotFound => 0,
            Err(e) => return Err(failed(e)),
        };
        Ok(Some(OutputPlace { path: path.clone(), length }))
    }

    /// Takes back what was written behind the committed length into a file that is not gone on with. One that is gone or
    /// shorter is left as it is.
    pub(crate) fn cut_off(&self) -> io::Result<()> {
        let there = self.path.metadata().is_ok_and(|there| there.is_file() && there.len() > self.length);
        if there { OpenOptions::new().write(true).open(&self.path)?.set_len(self.length) } else { Ok(()) }
    }
}

impl Lines {
    /// Counts on from what was written before a restart.
    pub(crate) fn counting_from(&mut self, written: Written) {
        self.written = written;
    }

    /// Opens a file that is to be gone on with, without changing what is in it yet.
    ///
    /// # Errors
    /// If it cannot be written, or is shorter than it was.
    pub(crate) fn resume(place: &OutputPlace, role: Role) -> Result<Self, ResumeError> {
        let OutputPlace { path, length: committed } = place;
        let shown = escape_controls(&path.to_string_lossy());
        let failed = |cause| ResumeError::Open(OpenError { role, name: shown.clone(), cause });
        let length = match path.metadata() {
            Ok(metadata) => metadata.len(),
            Err(e) if e.kind() == ErrorKind::NotFound => 0,
            Err(e) => return Err(failed(e)),
        };
        if length < *committed {
            return Err(ResumeError::Lost { role, path: path.clone(), length, committed: *committed });
        }
        let was_there = path.try_exists().map_err(failed)?;
        let file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(failed)?;
        if !was_there {
            sync_name(path).map_err(failed)?;
        }
        let amid_a_line = ends_amid_a_line(&file, *committed).map_err(failed)?;
        let mut lines = Self::new(file, shown);
        lines.created = (!was_there).then(|| path.clone());
        lines.cut_to = Some(*committed);
        (lines.length, lines.handed) = (*committed, *committed);
        if amid_a_line {
            lines.buffer.push(b'\n');
        }
        Ok(lines)
    }

    /// How long the file is, without what is buffered.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The file, for whoever is to see to it that what was written is on the disk; none if that is known already.
    ///
    /// # Errors
    /// If the process has too many files open.
    pub(crate) fn unsynced(&mut self) -> io::Result<Option<File>> {
        if self.handed == self.length || self.may_block {
            return Ok(None);
        }
        self.handed = self.length;
        self.file.try_clone().map(Some)
    }
}

/// Brings the name of a new file to the disk: rows that are there are nothing to a machine that has died if nobody knows the file.
fn sync_name(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Whether the first `length` bytes do not end with a line.
fn ends_amid_a_line(file: &File, length: u64) -> io::Result<bool> {
    let mut last = [0];
    match length.checked_sub(1) {
        Some(at) => file.read_exact_at(&mut last, at).map(|()| last != *b"\n"),
        None => Ok(false),
    }
}

impl fmt::Display for ResumeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ResumeError::Open(error) => error.fmt(f),
            ResumeError::Lost { role, path, length, committed } => {
                let (key, path) = (role.key(), escape_controls(&path.to_string_lossy()));
                write!(f, "{key}: {path} has {length} bytes, but {committed} were committed before the restart; ")?;
                write!(f, "bring the file back, or begin with another state")
            }
            ResumeError::NoFile { role, name } => {
                let key = role.key();
                write!(f, "{key}: {name} is no regular file, and exactly_once may have to take rows back; ")?;
                write!(f, "expected a file, or delivery: at_least_once")
            }
        }
    }
}
