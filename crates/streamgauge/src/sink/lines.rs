//! Whole lines into a file, or as many of them as fit.

mod place;
mod room;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{Existing, Output};
use crate::log::escape_controls;
use crate::signals::Stop;
pub(crate) use place::{OutputPlace, ResumeError};

/// Enough to make a write worth its call.
const ENOUGH: usize = 64 * 1024;
const NON_BLOCKING_RETRY: Duration = Duration::from_millis(5);

/// Lines on their way into a file or to stdout, in one reused buffer.
///
/// When a write fails, the file is cut back to the end of its last whole row, and [`written`](Self::written)
/// says how many rows are really there.
#[derive(Debug)]
pub(crate) struct Lines {
    file: File,
    name: String,
    created: Option<PathBuf>, // the file was not there before
    cut_to: Option<u64>,      // still to be cut to this length, before the first row
    buffer: Vec<u8>,
    ends: Vec<RowEnd>, // of the rows in the buffer
    written: Written,
    stop: Stop,
    may_block: bool, // it is no regular file
    length: u64,     // of the file as we wrote it, if we go on with it after a restart
    handed: u64,     // the length when the file was last handed out to be synced
}

/// How many rows have reached the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    pub(crate) rows: u64,
    pub(crate) revisions: u64,
}

/// Which of the configured outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Sink,
    Late,
    DeadLetter,
}

/// An output that cannot be opened: the start is off.
#[derive(Debug)]
pub(crate) struct OpenError {
    role: Role,
    name: String,
    cause: io::Error,
}

/// An output that takes no more: the run is over.
#[derive(Debug)]
pub(crate) struct WriteError {
    name: String,
    rows: u64,
    cause: io::Error,
}

#[derive(Clone, Copy, Debug)]
struct RowEnd {
    at: usize,
    revised: bool,
}

impl Role {
    /// The key in the configuration.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Role::Sink => "sink",
            Role::Late => "late",
            Role::DeadLetter => "dead_letter",
        }
    }
}

impl Lines {
    /// Opens an output without changing what is in it yet.
    ///
    /// # Errors
    /// If it cannot be written, or is there already and must not be.
    pub(crate) fn open(output: &Output, role: Role) -> Result<Self, OpenError> {
        let opened = match output {
            Output::Stdout => Self::stdout(),
            Output::File { path, existing } => Self::at(path, *existing),
        };
        opened.map_err(|cause| OpenError { role, name: name(output), cause })
    }

    fn stdout() -> io::Result<Self> {
        // An own handle: the standard one would buffer by lines and hide where an error struck.
        let file = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        Ok(Self::new(file, "stdout".into()))
    }

    fn at(path: &Path, existing: Existing) -> io::Result<Self> {
        let was_there = path.try_exists()?;
        let mut options = OpenOptions::new();
        match existing {
            Existing::Refuse => options.write(true).create_new(true),
            Existing::Append => options.append(true).create(true),
            Existing::Truncate => options.write(true).create(true).truncate(false),
        };
        let mut lines = Self::new(options.open(path)?, escape_controls(&path.to_string_lossy()));
        lines.created = (!was_there).then(|| path.to_owned());
        lines.cut_to = (existing == Existing::Truncate).then_some(0);
        if existing == Existing::Append && ends_amid_a_line(path)? {
            lines.buffer.push(b'\n');
        }
        Ok(lines)
    }

    fn new(file: File, name: String) -> Self {
        let may_block = !file.metadata().is_ok_and(|m| m.is_file());
        Lines {
            file,
            name,
            created: None,
            cut_to: None,
            buffer: Vec::with_capacity(2 * ENOUGH),
            ends: Vec::new(),
            written: Written::default(),
            stop: Stop::default(),
            may_block,
            length: 0,
            handed: 0,
        }
    }

    /// Makes the output ready for its first row, now that everything else is open: cuts it to where it is to begin.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) fn begin(&mut self) -> Result<(), WriteError> {
        match self.cut_to.take().filter(|_| !self.may_block) {
            Some(length) => self.file.set_len(length).map_err(|cause| self.failed(cause)),
            None => Ok(()),
        }
    }

    /// From now on a stop is not kept waiting by a reader that takes nothing.
    pub(crate) fn heed(&mut self, stop: &Stop) {
        self.stop = stop.clone();
    }

    /// Takes a file away again that this start has created and that nothing was written to.
    pub(crate) fn abandon(self) {
        if let Some(path) = self.created.filter(|_| self.written.rows == 0)
            && let Err(cause) = fs::remove_file(&path)
        {
            tracing::warn!("cannot remove the empty file {}: {cause}", path.display());
        }
    }

    /// Appends a row: `encode` adds its text, which may have several lines, without the last line end.
    ///
    /// # Errors
    /// If the buffer was full and could not be written.
    pub(crate) fn push(&mut self, revised: bool, encode: impl FnOnce(&mut Vec<u8>)) -> Result<(), WriteError> {
        encode(&mut self.buffer);
        self.buffer.push(b'\n');
        self.ends.push(RowEnd { at: self.buffer.len(), revised });
        if self.buffer.len() >= ENOUGH { self.flush() } else { Ok(()) }
    }

    /// Writes whatever is buffered.
    ///
    /// # Errors
    /// If not all of it could be written; what could be is whole rows.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        let (file, stop) = (&self.file, &self.stop);
        let (done, result) = if self.may_block {
            write_all(&mut &*file, &self.buffer, room::PIECE, || room::wait_for_room(file, stop))
        } else {
            write_all(&mut &*file, &self.buffer, usize::MAX, || Ok(()))
        };
        let whole = self.ends.iter().take_while(|end| end.at <= done);
        let mut kept = 0;
        for end in whole {
            kept = end.at;
            self.written.rows += 1;
            self.written.revisions += u64::from(end.revised);
        }
        self.length += kept.max(if result.is_ok() { done } else { 0 }) as u64;
        self.buffer.clear();
        self.ends.clear();
        result.map_err(|cause| {
            if let Err(e) = self.cut_back(done - kept) {
                tracing::warn!("cannot cut {} back to its last whole row: {e}", self.name);
            }
            self.failed(cause)
        })
    }

    /// How many rows are in the output.
    pub(crate) fn written(&self) -> Written {
        self.written
    }

    /// The file behind it.
    pub(crate) fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }

    /// Removes the last `surplus` bytes, the beginning of a row that did not fit.
    ///
    /// Only where they are certainly ours: in a regular file that ends where we stopped writing.
    fn cut_back(&mut self, surplus: usize) -> io::Result<()> {
        if surplus == 0 || self.may_block {
            return Ok(());
        }
        let position = self.file.stream_position()?;
        if position != self.file.metadata()?.len() {
            return Ok(());
        }
        let whole = position.saturating_sub(surplus as u64);
        self.file.set_len(whole)?;
        self.file.seek(SeekFrom::Start(whole)).map(drop) // whoever shares the position goes on there
    }

    fn failed(&self, cause: io::Error) -> WriteError {
        WriteError { name: self.name.clone(), rows: self.written.rows, cause }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenError { role, name, cause } = self;
        let key = role.key();
        write!(f, "{key}: cannot open {name}: ")?;
        match cause.kind() {
            ErrorKind::AlreadyExists => {
                write!(f, "it is there already; remove it, or set {key}.file.existing to append or truncate")
            }
            ErrorKind::NotFound => {
                write!(f, "its folder is not there; create it, or change {key}.file.path")
            }
            ErrorKind::PermissionDenied => {
                write!(f, "permission denied; allow writing there, or change {key}.file.path")
            }
            _ => write!(f, "{cause}; change {key}.file.path"),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WriteError { name, rows, cause } = self;
        match cause.kind() {
            ErrorKind::BrokenPipe => write!(f, "{name} was closed by its reader")?,
            ErrorKind::StorageFull => write!(f, "no space is left for {name}; free some")?,
            ErrorKind::FileTooLarge => write!(f, "{name} may not grow further: {cause}")?,
            _ => write!(f, "cannot write to {name}: {cause}")?,
        }
        write!(f, "; {rows} whole rows of this run are in it")
    }
}

fn name(output: &Output) -> String {
    match output {
        Output::Stdout => "stdout".into(),
        Output::File { path, .. } => escape_controls(&path.to_string_lossy()),
    }
}

/// Whether an earlier writer stopped in the middle of a line, so that the next row would be glued to it.
fn ends_amid_a_line(path: &Path) -> io::Result<bool> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(false);
    }
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// Writes as much as it can, piece by piece when there is room, and says how much that was.
fn write_all(
    file: &mut impl Write,
    bytes: &[u8],
    piece: usize,
    wait_for_room: impl Fn() -> io::Result<()>,
) -> (usize, io::Result<()>) {
    let mut done = 0;
    while done < bytes.len() {
        if let Err(gave_up) = wait_for_room() {
            return (done, Err(gave_up));
        }
        match file.write(&bytes[done..bytes.len().min(done.saturating_add(piece))]) {
            Ok(0) => return (done, Err(ErrorKind::WriteZero.into())),
            Ok(count) => done += count,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            // A pipe that somebody else has made non-blocking is full: its reader is slow, not gone.
            Err(e) if e.kind() == ErrorKind::WouldBlock => thread::sleep(NON_BLOCKING_RETRY),
            Err(e) => return (done, Err(e)),
        }
    }
    (done, Ok(()))
}

#[cfg(test)]
mod tests;
