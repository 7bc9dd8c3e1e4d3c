//! The one door to atomics and locks.
//!
//! Everything shared between threads comes from here, so that a model checker can take the
//! place of the standard library without touching the code it checks.

use std::sync::{PoisonError, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
pub(crate) use std::sync::{Arc, RwLock};

// A poisoned lock is entered all the same: what it guards here are maps that are changed by
// single inserts, so a panic between two of them leaves nothing half done, and metrics must not
// take a service down.

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
