//! The door to atomics and locks, with loom behind it; see `src/sync.rs`.

use std::ops::{Deref, DerefMut};
use std::sync::TryLockError;
use std::sync::atomic::AtomicU64 as Hidden;

use crate::check::{self, Break, Own};

#[path = "../../src/sync/step.rs"]
mod step;

pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
pub(crate) use loom::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub(crate) use std::sync::OnceLock;

pub(crate) use self::step::Step;
pub(crate) use crate::counted::{Arc, Weak};

pub(crate) const CHUNK: usize = 4;
pub(crate) const CHUNKS: usize = 1;
pub(crate) const SETS: usize = 2;
pub(crate) const RING: usize = 2;
pub(crate) const RECORD: usize = 3;

#[derive(Debug)]
pub(crate) struct Cell {
    cell: AtomicU64,
    /// What was stored last, by whichever thread.
    last: Hidden,
}

/// A lock that excludes; that it also orders is what loom's lock in it is for.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    order: loom::sync::Mutex<()>,
    value: std::sync::Mutex<T>,
}

pub(crate) struct MutexGuard<'a, T> {
    value: std::sync::MutexGuard<'a, T>,
    _order: Option<loom::sync::MutexGuard<'a, ()>>,
}

impl Cell {
    pub(crate) fn new(value: u64) -> Self {
        Self { cell: AtomicU64::new(value), last: Hidden::new(value) }
    }

    pub(crate) fn load(&self, ordering: Ordering) -> u64 {
        self.cell.load(ordering)
    }

    pub(crate) fn store(&self, value: u64, ordering: Ordering) {
        self.last.store(value, Ordering::Relaxed);
        self.cell.store(value, ordering);
    }

    /// Where cells change hands it is the question whether the last store is seen; elsewhere loom
    /// must not see the load.
    pub(crate) fn own(&self) -> u64 {
        match check::own() {
            Own::Hidden => self.last.load(Ordering::Relaxed),
            Own::Loaded => self.cell.load(Ordering::Relaxed),
        }
    }
}

/// No page: a thread of a model has a stack of eight of them.
pub(crate) struct Page;

pub(crate) fn at(step: Step, ordering: Ordering) -> Ordering {
    if check::is_broken(Break::At(step)) { Ordering::Relaxed } else { ordering }
}

pub(crate) fn fence_at(step: Step, ordering: Ordering) {
    if !check::is_broken(Break::At(step)) {
        loom::sync::atomic::fence(ordering);
    }
}

pub(crate) fn holds(step: Step, condition: bool) -> bool {
    check::is_broken(Break::At(step)) || condition
}

pub(crate) fn fence_all() {
    loom::sync::atomic::fence(Ordering::SeqCst);
}

pub(crate) fn wait(_: u32) {
    loom::thread::yield_now();
}

/// An execution is what the process is elsewhere.
pub(crate) type Forever<T> = std::sync::Arc<T>;

pub(crate) fn same<T>(thing: &Forever<T>) -> Forever<T> {
    Forever::clone(thing)
}

pub(crate) fn forever<T>(value: T) -> Forever<T> {
    Forever::new(value)
}

/// The next number, beginning at 1.
pub(crate) fn serial() -> u64 {
    static NEXT: Hidden = Hidden::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { order: loom::sync::Mutex::new(()), value: std::sync::Mutex::new(value) }
    }
}

pub(crate) fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    let order = (!check::is_broken(Break::Locks)).then(|| lock.order.lock().unwrap());
    loop {
        match lock.value.try_lock() {
            Ok(value) => return MutexGuard { value, _order: order },
            Err(TryLockError::WouldBlock) => loom::thread::yield_now(),
            Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
        }
    }
}

pub(crate) fn try_lock<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let order = if check::is_broken(Break::Locks) { None } else { Some(lock.order.try_lock().ok()?) };
    let value = lock.value.try_lock().ok()?;
    Some(MutexGuard { value, _order: order })
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap()
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap()
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}
