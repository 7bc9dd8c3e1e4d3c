//! The room of all metrics of a registry together.

use super::alert::{self, Callback, CardinalityAlert, CardinalityLevel, Thresholds};
use crate::cardinality::{Limits, SeriesError};
use crate::sync::{self, AtomicU8, AtomicUsize, Ordering, RwLock};

/// The series of a registry, how many there may be, and who wants to know of it.
pub(crate) struct Budget {
    limit: usize,
    thresholds: Thresholds,
    used: AtomicUsize,
    /// What was told of last.
    level: AtomicU8,
    callbacks: RwLock<Vec<Callback>>,
}

impl Budget {
    pub(crate) fn new(limits: &Limits) -> Self {
        let limit = limits.max_series;
        Self {
            limit,
            thresholds: Thresholds::of(limits, limit),
            used: AtomicUsize::new(0),
            level: AtomicU8::new(0),
            callbacks: RwLock::default(),
        }
    }

    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.used() >= self.limit
    }

    /// Takes one, if there is one left.
    pub(crate) fn take(&self) -> Result<(), SeriesError> {
        let one_more = |used: usize| (used < self.limit).then_some(used + 1);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more) {
            Ok(_) => Ok(()),
            Err(_) => Err(SeriesError::RegistryFull { limit: self.limit }),
        }
    }

    /// Takes some for what was there before, beyond the limit if need be.
    pub(crate) fn take_anyway(&self, series: usize) {
        self.used.fetch_add(series, Ordering::Relaxed);
    }

    pub(crate) fn give_back(&self, series: usize) {
        self.used.fetch_sub(series, Ordering::Relaxed);
        self.level.fetch_min(self.now() as u8, Ordering::Relaxed);
    }

    fn now(&self) -> CardinalityLevel {
        if self.is_full() { CardinalityLevel::Full } else { self.thresholds.level(self.used()) }
    }

    pub(crate) fn level(&self) -> CardinalityLevel {
        self.now()
    }

    pub(crate) fn call(&self, callback: Callback) {
        sync::write(&self.callbacks).push(callback);
    }

    /// Tells of a level of the registry that was not reached before.
    pub(super) fn tell(&self) {
        let level = self.now();
        if alert::rises(&self.level, level) {
            self.alert(&CardinalityAlert { metric: None, level, series: self.used(), limit: self.limit });
        }
    }

    /// Calls all who want to know, with no lock held.
    pub(super) fn alert(&self, alert: &CardinalityAlert<'_>) {
        let callbacks = sync::read(&self.callbacks).clone();
        for callback in callbacks {
            callback(alert);
        }
    }
}
