//! A state in a folder: one file that epochs are appended to, and a lock.
//!
//! ```text
//! LOCK                        pid, token, time of the holder; locked while it lives
//! 0000000000000007.epochs     base (all rows of epoch 812) ─ epoch 813 ─ epoch 814 ─ …
//! ```
//! When most of the file is out of date, the rows that are not are written as the base of the next file, which then takes its
//! place in one step. So the file stays below twice what it keeps (and a little), and reading it takes a bounded time.
//!
//! No file is ever written by two holders that may both be alive: who finds that the lock was taken away goes on with a copy.

mod frame;
mod index;
mod lock;
mod read;
mod rewrite;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use streamgauge_flow::state::{Changes, Entry, Epoch, Epochs, Size, State, StateError};

use crate::files::{Folder, Log, RealFolder};
use crate::metrics::StateMetrics;
use crate::step::Step;
pub(crate) use frame::VERSION;
use frame::{FILE_HEAD, FRAME_HEAD, Head, Kind, file_head};
use index::{Edits, Index, Spot};
pub(crate) use lock::{Lock, holder};
pub(crate) use read::{Contents, current, read, value};

/// What the name of a file of epochs ends with.
const EPOCHS: &str = ".epochs";

/// A state in a folder.
pub struct DiskState {
    folder: Box<dyn Folder>,
    lock: Lock,
    file: Current,
    index: Index,
    epochs: Epochs,
    staged: Edits,
    broken: bool, // a call failed in the middle: what is on the disk is not known before it is read again
    steps: fn(Step),
    metrics: Option<StateMetrics>,
}

/// The file that is written.
#[derive(Debug)]
pub(crate) struct Current {
    pub(crate) log: Box<dyn Log>,
    pub(crate) number: u64,
    pub(crate) length: u64,
}

impl DiskState {
    /// Opens the state in a folder, which is created if it is not there, and takes it over.
    ///
    /// ```
    /// use streamgauge_flow::state::{Changes, State};
    /// use streamgauge_state::DiskState;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let mut state = DiskState::open(folder.path())?;
    /// let mut changes = Changes::default();
    /// changes.put(b"table", 7, |to| to.extend_from_slice(b"value"));
    /// state.commit(1, &changes)?;
    /// drop(state); // or the process dies
    ///
    /// let mut state = DiskState::open(folder.path())?;
    /// assert_eq!(state.epochs().promoted, 1);
    /// state.load(&mut |entry| assert_eq!((entry.table, entry.row, entry.value), (&b"table"[..], 7, &b"value"[..])))?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If another process holds it, a newer version has written it, it is damaged, or the file system refuses.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let shown = folder.display();
        create(folder).map_err(|cause| failed(format!("create the folder {shown}"), cause))?;
        let lock = Lock::take(folder)?;
        Self::with(Box::new(RealFolder::new(folder)), lock)
    }

    /// The same on files that may fail, for tests.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(folder: Box<dyn Folder>, lock_in: &Path) -> Result<Self, StateError> {
        let lock = Lock::take(lock_in)?;
        Self::with(folder, lock)
    }

    /// How long it took to get the lock.
    pub fn waited(&self) -> Duration {
        self.lock.waited()
    }

    /// Calls `steps` between each two steps that change what is on the disk: a test dies there.
    #[must_use]
    pub fn telling(self, steps: fn(Step)) -> Self {
        DiskState { steps, ..self }
    }

    /// Counts what it does of its own accord.
    #[must_use]
    pub fn measured(self, metrics: StateMetrics) -> Self {
        DiskState { metrics: Some(metrics), ..self }
    }

    fn with(folder: Box<dyn Folder>, mut lock: Lock) -> Result<Self, StateError> {
        let number = match current(&*folder)? {
            Some(number) => number,
            None => rewrite::begin(&*folder, &mut lock)?,
        };
        let name = name(number);
        let doing = |what: &str| format!("{what} {}", folder.path_of(&name).display());
        let log = folder.open(&name).map_err(|cause| failed(doing("open"), cause))?;
        let Contents { index, epochs, staged, length, torn, token } = read(&*log, &*folder, number)?;
        lock.outbid(token)?;
        let mut file = Current { log, number, length };
        if lock.is_inherited() {
            if torn > 0 {
                file.log.cut(length).map_err(|cause| failed(doing("cut back"), cause))?;
            }
            // The one before may have died between a write and its sync. What is told from here on is to be there even if the
            // machine dies next, and the file before this one is not to go before this one's name is safe.
            file.log.sync().map_err(|cause| failed(doing("sync"), cause))?;
            rewrite::sync_name(&*folder, number)?;
        } else {
            file = rewrite::carry_over(&file, &*folder, &mut lock)?;
        }
        rewrite::remove_leftovers(&*folder, file.number);
        Ok(DiskState { folder, lock, file, index, epochs, staged, broken: false, steps: |_| {}, metrics: None })
    }

    /// Appends a frame, and returns once it is on the disk and nobody has taken the state over.
    fn append(&mut self, kind: Kind, epoch: Epoch, payload: &[u8]) -> Result<u64, StateError> {
        if self.broken {
            let cause = io::Error::other("an earlier write failed; the state is to be opened again");
            return Err(failed(self.doing("write to"), cause));
        }
        let at = self.file.length;
        let head = Head::of(kind, epoch, self.lock.token(), payload).encode(self.file.number, at);
        self.broken = true;
        self.write(&head, payload)?;
        self.lock.check()?;
        self.broken = false;
        self.file.length = at + (FRAME_HEAD + payload.len()) as u64;
        Ok(at + FRAME_HEAD as u64)
    }

    fn write(&mut self, head: &[u8], payload: &[u8]) -> Result<(), StateError> {
        let at = self.file.length;
        let log = &mut self.file.log;
        let appended = log.write_at(head, at).and_then(|()| log.write_at(payload, at + FRAME_HEAD as u64));
        if let Err(cause) = appended {
            // Half an epoch at the end is harmless: the next reader cuts it off if this fails, too.
            let _ = log.cut(at);
            return Err(failed(self.doing("write to"), cause));
        }
        (self.steps)(Step::Appended);
        log.sync().map_err(|cause| failed(self.doing("sync"), cause))?;
        (self.steps)(Step::Synced);
        Ok(())
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} {}", self.folder.path_of(&name(self.file.number)).display())
    }

    fn edits(&self, changes: &Changes, at: u64) -> Result<Edits, StateError> {
        Edits::read(changes.as_bytes(), at).map_err(|at| self.damaged(at, "no change of a state"))
    }

    fn damaged(&self, at: u64, what: &str) -> StateError {
        damaged(&*self.folder, self.file.number, at, what)
    }
}

impl State for DiskState {
    fn epochs(&self) -> Epochs {
        self.epochs
    }

    fn load(&mut self, each: &mut dyn FnMut(Entry<'_>)) -> Result<(), StateError> {
        self.lock.check()?;
        let mut bytes = Vec::new();
        for (table, row, spot) in self.index.iter() {
            value(&*self.file.log, &*self.folder, self.file.number, spot, &mut bytes)?;
            each(Entry { table, row, value: &bytes });
        }
        Ok(())
    }

    fn stage(&mut self, epoch: Epoch, changes: &Changes) -> Result<(), StateError> {
        self.lock.check()?;
        self.epochs.may_stage(epoch)?;
        let at = self.append(Kind::Staged, epoch, changes.as_bytes())?;
        self.staged = self.edits(changes, at)?;
        self.epochs.staged = Some(epoch);
        Ok(())
    }

    fn promote(&mut self, epoch: Epoch) -> Result<(), StateError> {
        self.lock.check()?;
        self.epochs.may_decide(epoch)?;
        self.append(Kind::Promoted, epoch, &[])?;
        let staged = std::mem::take(&mut self.staged);
        self.index.apply(staged);
        self.epochs = Epochs { promoted: epoch, staged: None };
        self.rewrite_if_worth_it()
    }

    fn discard(&mut self, epoch: Epoch) -> Result<(), StateError> {
        self.lock.check()?;
        self.epochs.may_decide(epoch)?;
        self.append(Kind::Discarded, epoch, &[])?;
        self.staged = Edits::default();
        self.epochs.staged = None;
        self.rewrite_if_worth_it()
    }

    fn commit(&mut self, epoch: Epoch, changes: &Changes) -> Result<(), StateError> {
        self.lock.check()?;
        self.epochs.may_stage(epoch)?;
        let at = self.append(Kind::Committed, epoch, changes.as_bytes())?;
        let edits = self.edits(changes, at)?;
        self.index.apply(edits);
        self.epochs.promoted = epoch;
        self.rewrite_if_worth_it()
    }

    fn size(&self) -> Size {
        Size { stored: self.file.length, ..self.index.size() }
    }

    fn token(&self) -> u64 {
        self.lock.token()
    }
}

impl fmt::Debug for DiskState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DiskState { folder, file, epochs, .. } = self;
        write!(f, "DiskState {{ folder: {folder:?}, file: {file:?}, epochs: {epochs:?} }}")
    }
}

/// A folder that is new, and each new one that it is in, has its name on the disk before anything is in it.
fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create(parent)?;
    fs::create_dir(folder).or_else(|error| if folder.is_dir() { Ok(()) } else { Err(error) })?;
    File::open(parent)?.sync_all()
}

/// The name of the file with this number.
pub(crate) fn name(number: u64) -> String {
    numbered(number, EPOCHS)
}

fn numbered(number: u64, end: &str) -> String {
    format!("{number:016x}{end}")
}

/// The number in a name with this end, if it is one that a state gives.
fn number_of(name: &str, end: &str) -> Option<u64> {
    let number = u64::from_str_radix(name.strip_suffix(end)?, 16).ok()?;
    (numbered(number, end) == name).then_some(number)
}

pub(crate) fn failed(doing: String, cause: io::Error) -> StateError {
    StateError::Io { doing, cause }
}

pub(crate) fn damaged(folder: &dyn Folder, number: u64, at: u64, what: &str) -> StateError {
    let place = format!("{}, byte {at}", folder.path_of(&name(number)).display());
    StateError::Damaged { place, what: what.to_owned() }
}
