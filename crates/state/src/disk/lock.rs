//! One holder at a time: a lock for those who ask, and a token for those who do not.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamgauge_flow::state::StateError;

use super::failed;

const NAME: &str = "LOCK";

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
    stamp: String, // pid, token, and the time, which no other holder shares
}

impl Lock {
    /// Locks a folder, without waiting.
    pub(crate) fn take(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join(NAME);
        let doing = |what: &str| format!("{what} {}; the folder must be writable", path.display());
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|cause| failed(doing("open"), cause))?;
        let since = Instant::now();
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Held { by: holder(folder) }),
            Err(TryLockError::Error(cause)) => return Err(failed(doing("lock"), cause)),
        }
        let before = stamp(&path).and_then(|stamp| token_of(&stamp)).unwrap_or(0);
        let mut lock = Lock { path, file, token: 0, waited: since.elapsed(), stamp: String::new() };
        lock.outbid(before)?;
        Ok(lock)
    }

    /// Makes sure that the token is higher than one that was met.
    pub(crate) fn outbid(&mut self, other: u64) -> Result<(), StateError> {
        if self.token > other {
            return Ok(());
        }
        self.token = other + 1;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        self.stamp = format!("{} {} {now}\n", std::process::id(), self.token);
        self.write().map_err(|cause| failed(format!("write to {}", self.path.display()), cause))
    }

    pub(crate) fn waited(&self) -> Duration {
        self.waited
    }

    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    /// Makes sure that nobody has taken the folder over.
    pub(crate) fn check(&self) -> Result<(), StateError> {
        if stamp(&self.path).as_deref() == Some(&*self.stamp) { Ok(()) } else { Err(StateError::Fenced) }
    }

    fn write(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.set_len(0)?;
        self.file.write_all(self.stamp.as_bytes())?;
        self.file.sync_data()
    }
}

/// The process that holds a folder, if one does and it can be known.
pub(crate) fn holder(folder: &Path) -> Option<u32> {
    let path = folder.join(NAME);
    let file = File::open(&path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => stamp(&path)?.split(' ').next()?.parse().ok(),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn stamp(path: &Path) -> Option<String> {
    let mut text = String::new();
    fs::File::open(path).ok()?.take(200).read_to_string(&mut text).ok()?;
    Some(text)
}

fn token_of(stamp: &str) -> Option<u64> {
    stamp.split(' ').nth(1)?.parse().ok()
}
