//! References that are counted; what the last one has behind it, loom knows.

use std::ops::Deref;
use std::sync as std_sync;

use loom::sync::atomic::{AtomicUsize, Ordering, fence};

use crate::check::{self, Break};

#[derive(Debug)]
pub(crate) struct Arc<T>(std_sync::Arc<Counted<T>>);

#[derive(Debug)]
pub(crate) struct Weak<T>(std_sync::Weak<Counted<T>>);

#[derive(Debug)]
struct Counted<T> {
    value: T,
    dropped: AtomicUsize,
}

impl<T> Counted<T> {
    fn new(value: T) -> Self {
        Self { value, dropped: AtomicUsize::new(0) }
    }
}

impl<T> Arc<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(std_sync::Arc::new(Counted::new(value)))
    }

    pub(crate) fn new_cyclic(make: impl FnOnce(&Weak<T>) -> T) -> Self {
        Self(std_sync::Arc::new_cyclic(|this| Counted::new(make(&Weak(this.clone())))))
    }

    pub(crate) fn get_mut(this: &mut Self) -> Option<&mut T> {
        if std_sync::Arc::strong_count(&this.0) > 1 {
            return None;
        }
        // What reads the newest of a number is a change of it.
        this.0.dropped.fetch_add(0, Ordering::Acquire);
        std_sync::Arc::get_mut(&mut this.0).map(|counted| &mut counted.value)
    }

    pub(crate) fn ptr_eq(this: &Self, other: &Self) -> bool {
        std_sync::Arc::ptr_eq(&this.0, &other.0)
    }
}

impl<T> Weak<T> {
    pub(crate) fn new() -> Self {
        Self(std_sync::Weak::new())
    }

    pub(crate) fn upgrade(&self) -> Option<Arc<T>> {
        self.0.upgrade().map(Arc)
    }
}

impl<T> Drop for Arc<T> {
    fn drop(&mut self) {
        let broken = check::is_broken(Break::References);
        self.0.dropped.fetch_add(1, if broken { Ordering::Relaxed } else { Ordering::Release });
        // No other thread runs between this and the end of the reference itself.
        if std_sync::Arc::strong_count(&self.0) == 1 && !broken {
            fence(Ordering::Acquire);
        }
    }
}

impl<T> Clone for Arc<T> {
    fn clone(&self) -> Self {
        Self(std_sync::Arc::clone(&self.0))
    }
}

impl<T> Clone for Weak<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Arc<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.value
    }
}
