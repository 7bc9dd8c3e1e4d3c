//! Durable state behind [`streamgauge_flow::state::State`]: epochs in a folder, and the thread that commits them.
//!
//! ```text
//! Pipeline::save ─ Changes ─► Committer ─ outputs synced ─ DiskState::commit ─► 0000000000000007.epochs
//!                             (own thread)                                      base ─ epoch ─ epoch ─ …
//! ```
//!
//! What survives what:
//!
//! | what dies | what is there afterwards |
//! |---|---|
//! | the process, at any instant | every epoch whose commit had returned |
//! | the machine | the same: a commit returns once its bytes are on the disk, and the rows that it counts are there before it |
//! | bytes of the last epoch, by a disk that lies about what it has written | the epoch before it |
//! | bytes of an earlier one | nothing is read: the damage is told, with its place |
//!
//! A process that was paused, or whose lock was taken away, changes nothing once another one has opened the state.

mod committer;
mod disk;
mod files;
mod inspect;
mod metrics;
mod step;

pub use committer::{CommitError, Committer, Done};
pub use disk::DiskState;
pub use files::{Folder, Log, RealFolder};
pub use inspect::{Inspection, inspect};
pub use metrics::{Backend, ByBackend, ByLock, ByOperation, ByTier, LockType, Operation, StateMetrics, Tier};
pub use step::Step;
