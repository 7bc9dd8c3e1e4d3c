//! What an earlier run left behind.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

/// Takes the rows of an earlier run away: to cut a file that is there and to close it afterwards costs whoever writes it tens
/// of milliseconds, as the file system brings what replaces something to the disk at once.
///
/// # Errors
/// If they cannot be removed.
pub fn remove_rows(path: &Path) -> io::Result<()> {
    unless_missing(fs::remove_file(path))
}

/// The same for the folder of a state.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_state(folder: &Path) -> io::Result<()> {
    unless_missing(fs::remove_dir_all(folder))
}

fn unless_missing(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
