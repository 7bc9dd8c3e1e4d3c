//! How time is cut.

use std::time::Duration;

use crate::clock::Clock;

/// Slices of equal length, as many of which are seen at once.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    clock: Clock,
    slice_nanos: u64,
    slices: u64,
}

impl Times {
    /// A window in some slices.
    pub(super) fn new(clock: Clock, window: Duration, slices: u32) -> Self {
        let nanos = window.as_nanos() / u128::from(slices.max(1));
        Self { clock, slice_nanos: u64::try_from(nanos).unwrap_or(u64::MAX).max(1), slices: slices.into() }
    }

    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    /// The number of the slice at a time.
    pub(super) const fn slice(&self, now: u64) -> u64 {
        now / self.slice_nanos
    }

    /// How long a slice is.
    pub(super) const fn slice_nanos(&self) -> u64 {
        self.slice_nanos
    }

    /// How many are seen.
    pub(super) const fn slices(&self) -> u64 {
        self.slices
    }

    /// Whether the clock is one that costs nothing.
    pub(super) const fn is_manual(&self) -> bool {
        self.clock.is_manual()
    }
}
