//! One holder at a time: a lock for those who ask, and a token for those who do not.
//!
//! ```text
//! LOCK        pid ─ token ─ time ─ "takes over", until the state is in a file that no earlier holder can have open
//! ```
//! The system keeps the lock for as long as a holder lives, so whoever gets a lock that the last holder has signed knows that one
//! to be dead. A lock that nobody has signed says nothing: someone may have taken away the file that a living holder has locked.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamgauge_flow::state::StateError;

use super::failed;

const NAME: &str = "LOCK";
const TAKES_OVER: &str = "takes over";
/// A holder holds a folder for longer. Who only looks whether there is one has the lock for a moment, and so has a process that is
/// just ending.
const PATIENCE: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(1);

/// A locked folder.
///
/// The lock goes with the process. What is written in it is read again before anything is called done: if somebody took the file
/// away and another process has locked its own, this holder notices.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    file: File,
    token: u64,
    waited: Duration,
    inherited: bool, // from a holder that is dead for certain
    stamp: String,   // what is written in the file; because of the time, no other holder's
}

impl Lock {
    /// Locks a folder.
    pub(crate) fn take(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(NAME);
        let doing = |what: &str| format!("{what} {}; the folder must be writable", path.display());
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|cause| failed(doing("open"), cause))?;
        let since = Instant::now();
        while let Err(error) = file.try_lock() {
            match error {
                TryLockError::WouldBlock if since.elapsed() < PATIENCE => thread::sleep(PAUSE),
                TryLockError::WouldBlock => return Err(StateError::Held { by: holder(folder) }),
                TryLockError::Error(cause) => return Err(failed(doing("lock"), cause)),
            }
        }
        let before = stamp(&path).map_err(|cause| failed(doing("read"), cause))?;
        let token = token_of(&before);
        let inherited = token.is_some() && !before.contains(TAKES_OVER);
        let mut lock = Lock { path, file, token: 0, waited: since.elapsed(), inherited, stamp: String::new() };
        lock.outbid(token.unwrap_or(0))?;
        Ok(lock)
    }

    /// Makes sure that the token is higher than one that was met.
    pub(crate) fn outbid(&mut self, other: u64) -> Result<(), StateError> {
        if self.token > other {
            return Ok(());
        }
        self.token = other.saturating_add(1);
        self.sign()
    }

    /// Whether the holder before is dead. If not, it may write to any file that it can know of, even now.
    pub(crate) fn is_inherited(&self) -> bool {
        self.inherited
    }

    /// Notes that no earlier holder can know of the file that counts.
    pub(crate) fn settle(&mut self) -> Result<(), StateError> {
        self.inherited = true;
        self.sign()
    }

    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }

    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    /// Makes sure that nobody has taken the folder over.
    pub(crate) fn check(&self) -> Result<(), StateError> {
        match stamp(&self.path) {
            Ok(stamp) if stamp == self.stamp => Ok(()),
            Ok(_) => Err(StateError::Fenced),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Err(StateError::Fenced),
            Err(cause) => Err(failed(format!("read {}", self.path.display()), cause)),
        }
    }

    fn sign(&mut self) -> Result<(), StateError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let note = if self.inherited { String::new() } else { format!(" {TAKES_OVER}") };
        self.stamp = format!("{} {} {now}{note}\n", std::process::id(), self.token);
        self.write().map_err(|cause| failed(format!("write to {}", self.path.display()), cause))
    }

    /// At no moment the file is empty: whoever comes after a death is to find a token.
    fn write(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(self.stamp.as_bytes())?;
        self.file.set_len(self.stamp.len() as u64)?;
        self.file.sync_data()
    }
}

/// The process that holds a folder, if one does and it can be known.
pub(crate) fn holder(folder: &Path) -> Option<u32> {
    let path = folder.join(NAME);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => stamp(&path).ok()?.split(' ').next()?.parse().ok(),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn stamp(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(200).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn token_of(stamp: &str) -> Option<u64> {
    stamp.split_whitespace().nth(1)?.parse().ok()
}
