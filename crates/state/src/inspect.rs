//! Looks at a state without taking it over: its holder may go on meanwhile.

use std::path::{Path, PathBuf};

use streamgauge_flow::state::{Entry, Epochs, Size, StateError};

use crate::disk::{self, VERSION, failed};
use crate::files::{Folder, RealFolder};

/// What a state is found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The file that counts.
    pub file: PathBuf,
    /// The format that it is written in.
    pub version: u32,
    /// The process that holds it, if one does.
    pub holder: Option<u32>,
    /// The token of the last one who wrote to it.
    pub token: u64,
    /// Its epochs.
    pub epochs: Epochs,
    /// How much it keeps.
    pub size: Size,
    /// Bytes at the end that a death in the middle of a write has left, or that are being written.
    pub torn: u64,
}

/// A file may be replaced while it is looked for: then the next one counts.
const TRIES: usize = 5;

/// Reads the whole state in a folder, checks all of it, and hands over its rows in ascending order of table, then row.
///
/// Nothing is changed, no lock is taken. A holder that commits meanwhile is no harm: what is read is one of its epochs.
///
/// # Errors
/// If there is no state, or it cannot be read, is damaged, or a newer version has written it.
pub fn inspect(folder: &Path, each: &mut dyn FnMut(Entry<'_>)) -> Result<Inspection, StateError> {
    let files = RealFolder::new(folder);
    for _ in 0..TRIES {
        if let Some(found) = attempt(folder, &files, each)? {
            return Ok(found);
        }
    }
    let cause = std::io::Error::other("its file is replaced again and again");
    Err(failed(format!("read the state in {}", folder.display()), cause))
}

fn attempt(
    folder: &Path,
    files: &RealFolder,
    each: &mut dyn FnMut(Entry<'_>),
) -> Result<Option<Inspection>, StateError> {
    let Some(number) = disk::current(files)? else {
        let cause = std::io::Error::new(std::io::ErrorKind::NotFound, "there is none");
        return Err(failed(format!("read the state in {}", folder.display()), cause));
    };
    let name = disk::name(number);
    let log = match files.open_to_read(&name) {
        Ok(log) => log,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(format!("open {}", files.path_of(&name).display()), cause)),
    };
    let contents = disk::read(&log, files, number)?;
    let mut value = Vec::new();
    for (table, row, spot) in contents.index.iter() {
        disk::value(&log, files, number, spot, &mut value)?;
        each(Entry { table, row, value: &value });
    }
    Ok(Some(Inspection {
        file: files.path_of(&name),
        version: VERSION,
        holder: disk::holder(folder),
        token: contents.token,
        epochs: contents.epochs,
        size: Size { stored: contents.length + contents.torn, ..contents.index.size() },
        torn: contents.torn,
    }))
}
