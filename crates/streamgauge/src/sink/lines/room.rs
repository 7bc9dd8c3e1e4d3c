//! Writes to what may block, such as a pipe that nobody reads, without becoming deaf to a stop.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::signals::Stop;

/// A pipe that is ready takes as much as this at once without blocking (`PIPE_BUF` of Linux).
pub(super) const PIECE: usize = 4096;
/// How long a reader that takes nothing is waited for after a stop was asked for.
const PATIENCE: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(50);

/// Waits until `file` takes at least a [`PIECE`]. A stop bounds the waiting; without one a slow reader is waited for.
///
/// # Errors
/// [`ErrorKind::TimedOut`] if nothing was taken for some seconds after a stop was asked for.
pub(super) fn wait_for_room(file: &File, stop: &Stop) -> io::Result<()> {
    let glance = Timespec::try_from(GLANCE).map_err(|_| ErrorKind::InvalidInput)?;
    let mut waited = Duration::ZERO; // since the stop
    while waited < PATIENCE {
        match poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&glance)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        }
        if stop.is_requested() {
            waited += GLANCE;
        }
    }
    Err(io::Error::new(ErrorKind::TimedOut, "its reader takes nothing, and the run was asked to stop"))
}
