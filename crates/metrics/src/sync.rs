//! The one door to atomics and locks.
//!
//! Everything shared between threads comes from here. The models in `tests/loom` compile the cells
//! against another door, behind which a model checker stands; what has to be there differently
//! (how large things are, which orderings hold) is therefore named here and not in the code itself.

use std::sync::{LockResult, PoisonError, RwLockReadGuard, RwLockWriteGuard, TryLockError};

mod step;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use std::sync::{Arc, Mutex, MutexGuard, OnceLock, RwLock, Weak};

pub(crate) use self::step::Step;

/// Cells of a chunk: what one copy takes, and so what one record can span.
pub(crate) const CHUNK: usize = 512;
/// Chunks an arena has room for.
pub(crate) const CHUNKS: usize = 1152;
/// Label sets of a closed set that are found by a bit.
pub(crate) const SETS: usize = 1024;
/// Values that a thread keeps of a summary before it puts them to the others.
pub(crate) const RING: usize = 128;
/// Cells that one record may write.
pub(crate) const RECORD: usize = 32;

/// A number with one writer at a time and any number of readers.
#[derive(Debug)]
pub(crate) struct Cell(AtomicU64);

impl Cell {
    pub(crate) const fn new(value: u64) -> Self {
        Self(AtomicU64::new(value))
    }

    #[inline]
    pub(crate) fn load(&self, ordering: Ordering) -> u64 {
        self.0.load(ordering)
    }

    #[inline]
    pub(crate) fn store(&self, value: u64, ordering: Ordering) {
        self.0.store(value, ordering);
    }

    /// The last store, as its own thread sees it.
    #[inline]
    pub(crate) fn own(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What has this in it begins at a page of memory.
#[derive(Debug)]
#[repr(align(4096))]
pub(crate) struct Page;

/// The ordering at a step of the protocol.
#[inline]
pub(crate) const fn at(_: Step, ordering: Ordering) -> Ordering {
    ordering
}

/// The fence at a step of the protocol.
#[inline]
pub(crate) fn fence_at(_: Step, ordering: Ordering) {
    std::sync::atomic::fence(ordering);
}

/// Whether a condition of the protocol holds.
#[inline]
pub(crate) const fn holds(_: Step, condition: bool) -> bool {
    condition
}

/// A full barrier.
pub(crate) fn fence_all() {
    std::sync::atomic::fence(Ordering::SeqCst);
}

/// Lets others run, while waiting for them for the `turn`th time.
pub(crate) fn wait(turn: u32) {
    if turn % 64 == 63 {
        std::thread::yield_now();
    } else {
        std::hint::spin_loop();
    }
}

/// What lives as long as the process.
pub(crate) type Forever<T> = &'static T;

/// The same thing once more.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "behind the other door it is a counted reference")]
pub(crate) const fn same<T>(thing: &Forever<T>) -> Forever<T> {
    thing
}

/// Gives something to the process for good.
pub(crate) fn forever<T>(value: T) -> Forever<T> {
    Box::leak(Box::new(value))
}

/// A number that no other call gets.
pub(crate) fn serial() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

// A poisoned lock is entered all the same: what it guards here is changed by single inserts and
// removals, so a panic between two of them leaves nothing half done, and metrics must not take a
// service down.

pub(crate) fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    enter(lock.lock())
}

/// The lock, unless someone has it.
pub(crate) fn try_lock<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match lock.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    enter(lock.read())
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    enter(lock.write())
}

fn enter<G>(result: LockResult<G>) -> G {
    result.unwrap_or_else(PoisonError::into_inner)
}
