//! Durable state as plain bytes: what a store promises, and what an epoch changes. No I/O in here.
//!
//! ```text
//! state    table "slices/…/by_model" ── row 0 ─ bytes          an epoch is everything that changed since the one before:
//!                                    └─ row 1 ─ bytes          rows that are new or different, rows and tables that are gone
//!          table "ids/…"             ── row 7 ─ bytes
//!
//! nothing ─ stage(1) ─► 1 staged ─ promote(1) ─► 1 ─ stage(2) ─► 1, and 2 staged ─┬ promote(2) ─► 2
//!                                                                                └ discard(2) ─► 1
//! ```
//! Whoever reads a state gets the last promoted epoch, all of it and nothing else, however the one who wrote it ended.

mod changes;
mod memory;

use std::fmt;
use std::io;

pub use changes::{Change, Changes};
pub use memory::MemoryState;

/// The number of an epoch. The first one is 1; 0 is the state before it, in which there is nothing.
pub type Epoch = u64;

/// Where the state of a run is kept. One holder at a time writes; the hot copy of the state is with the holder, so a store is
/// read once, when it is opened, and from then on only written.
///
/// # What a backend promises
///
/// - **Atomic.** An epoch is promoted as a whole or not at all. A holder that dies at any instant leaves the last promoted epoch
///   behind it, and the one that was staged or nothing of it.
/// - **Durable.** What [`stage`](Self::stage) and [`promote`](Self::promote) have returned from survives the death of this process. What
///   else it survives (of the machine, of a disk that lies about what it has written) is for each backend to say.
/// - **In order.** Epoch `n + 1` follows epoch `n`; at most one epoch is staged.
/// - **Fenced.** Opening a state takes it over: a holder that was there before can change nothing any more, and each of its calls
///   fails with [`StateError::Fenced`] from then on. A process that was paused and wakes up does no harm.
/// - **Never wrong.** Bytes that were damaged are told from bytes that were written. What is damaged is refused and the place named;
///   at the very end, where a death can have left half an epoch, that half counts as never begun.
///
/// After an error other than [`StateError::OutOfOrder`] nothing is known of the epoch in question: the state is to be opened
/// again, and tells which epoch it has.
pub trait State: Send {
    /// The last promoted epoch, and the one staged after it if there is one. A holder that finds one staged decides about it
    /// before it goes on.
    fn epochs(&self) -> Epochs;

    /// Hands over every row of the last promoted epoch, in ascending order of table (as bytes), then row.
    ///
    /// # Errors
    /// If a row cannot be read as it was written. Rows may have been handed over before that is noticed.
    fn load(&mut self, each: &mut dyn FnMut(Entry<'_>)) -> Result<(), StateError>;

    /// Keeps an epoch beside the promoted one.
    ///
    /// # Errors
    /// If it is not the next one or another is staged ([`StateError::OutOfOrder`]), or it cannot be kept.
    fn stage(&mut self, epoch: Epoch, changes: &Changes) -> Result<(), StateError>;

    /// Makes the staged epoch the one that is read from now on.
    ///
    /// # Errors
    /// If it is not the staged one ([`StateError::OutOfOrder`]), or that cannot be kept.
    fn promote(&mut self, epoch: Epoch) -> Result<(), StateError>;

    /// Forgets the staged epoch.
    ///
    /// # Errors
    /// If it is not the staged one ([`StateError::OutOfOrder`]), or that cannot be kept.
    fn discard(&mut self, epoch: Epoch) -> Result<(), StateError>;

    /// Stages and promotes an epoch in one step, for whoever needs nobody's consent in between.
    ///
    /// # Errors
    /// As [`stage`](Self::stage) and [`promote`](Self::promote).
    fn commit(&mut self, epoch: Epoch, changes: &Changes) -> Result<(), StateError> {
        self.stage(epoch, changes)?;
        self.promote(epoch)
    }

    /// How much is kept.
    fn size(&self) -> Size;

    /// The fencing token of this holder: higher than that of every holder before it.
    fn token(&self) -> u64;
}

/// Which epochs a state has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// The last promoted one; 0 if there is none.
    pub promoted: Epoch,
    /// The one after it, if it was staged and not decided about.
    pub staged: Option<Epoch>,
}

/// A row of a table, as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry<'a> {
    /// The name of the table.
    pub table: &'a [u8],
    /// The number of the row in its table.
    pub row: u64,
    /// What is kept in it.
    pub value: &'a [u8],
}

/// How much a state keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes that a reader would be handed: names, row numbers and values of the promoted epoch.
    pub live: u64,
    /// Bytes that it takes where it is kept.
    pub stored: u64,
    /// Rows.
    pub rows: u64,
    /// Tables.
    pub tables: u64,
}

/// Why a state cannot be opened, read or written.
#[derive(Debug)]
pub enum StateError {
    /// Another process holds it, or this one twice. Stop; the other one may be named.
    Held {
        /// Who, as far as can be known.
        by: Option<u32>,
    },
    /// Another holder has taken it over. Stop and change nothing any more.
    Fenced,
    /// A newer version has written it. Use that one, or begin another state.
    Newer {
        /// The version of its format.
        found: u32,
        /// The newest one that is read here.
        known: u32,
    },
    /// What is there is not what was written. Stop; bring the last good copy back, or begin another state.
    Damaged {
        /// Where: the file and the byte, or the key.
        place: String,
        /// What is wrong there.
        what: String,
    },
    /// The file system or the network failed. It may work later.
    Io {
        /// What was tried, and on what.
        doing: String,
        /// Why it failed.
        cause: io::Error,
    },
    /// The caller asked for an epoch that is not the next: a fault of the program.
    OutOfOrder {
        /// What was asked for.
        asked: Epoch,
        /// What there was.
        epochs: Epochs,
    },
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StateError::Held { by: Some(pid) } => write!(f, "process {pid} holds it; stop that one first"),
            StateError::Held { by: None } => write!(f, "another process holds it; stop that one first"),
            StateError::Fenced => write!(f, "another process has taken it over; this one must not go on"),
            StateError::Newer { found, known } => write!(
                f,
                "a newer version has written it (format {found}, this one reads up to {known}); go on with that version"
            ),
            StateError::Damaged { place, what } => {
                write!(f, "damaged at {place}: {what}; bring a good copy back, or begin with another state")
            }
            StateError::Io { doing, cause } => write!(f, "cannot {doing}: {cause}"),
            StateError::OutOfOrder { asked, epochs: Epochs { promoted, staged: None } } => {
                write!(f, "epoch {asked} is out of order after {promoted}")
            }
            StateError::OutOfOrder { asked, epochs: Epochs { promoted, staged: Some(staged) } } => {
                write!(f, "epoch {asked} is out of order after {promoted} and {staged}, which is staged")
            }
        }
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            StateError::Io { cause, .. } => Some(cause),
            _ => None,
        }
    }
}

impl Epochs {
    /// Makes sure that `epoch` may be staged.
    ///
    /// # Errors
    /// If it is not the next one, or another one is staged.
    pub fn may_stage(self, epoch: Epoch) -> Result<(), StateError> {
        let next = self.staged.is_none() && epoch.checked_sub(1) == Some(self.promoted);
        if next { Ok(()) } else { Err(StateError::OutOfOrder { asked: epoch, epochs: self }) }
    }

    /// Makes sure that `epoch` is staged, so that it may be promoted or discarded.
    ///
    /// # Errors
    /// If it is not.
    pub fn may_decide(self, epoch: Epoch) -> Result<(), StateError> {
        if self.staged == Some(epoch) { Ok(()) } else { Err(StateError::OutOfOrder { asked: epoch, epochs: self }) }
    }
}
