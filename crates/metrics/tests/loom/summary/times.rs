//! Time that stands still, or goes on with each look; loom does not see it.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Times {
    looks: AtomicU64,
    by: u64,
}

impl Times {
    pub(super) fn stopped() -> Self {
        Self { looks: AtomicU64::new(0), by: 0 }
    }

    pub(super) fn hasty() -> Self {
        Self { looks: AtomicU64::new(0), by: 1 }
    }

    pub(super) fn now(&self) -> u64 {
        self.looks.fetch_add(self.by, Ordering::Relaxed)
    }

    pub(super) const fn slice(&self, now: u64) -> u64 {
        now
    }

    pub(super) const fn slice_nanos(&self) -> u64 {
        u64::MAX
    }

    /// Enough for all looks of a model.
    pub(super) const fn slices(&self) -> u64 {
        100
    }

    pub(super) const fn is_manual(&self) -> bool {
        self.by > 0
    }
}
