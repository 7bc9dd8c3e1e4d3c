//! As much of a firewall as a metric needs: there is room for everything.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::cardinality::{Limits, Refusal, SeriesError};
use crate::label::Labels;

pub(crate) struct Budget;

#[derive(Default)]
pub(crate) struct Firewall {
    charged: AtomicUsize,
}

#[derive(Clone, Copy)]
pub(crate) struct Fold;

impl Budget {
    pub(crate) const fn new(_: &Limits) -> Self {
        Self
    }

    pub(crate) const fn give_back(&self, _: usize) {}
}

impl Firewall {
    pub(crate) fn new(_: &Limits) -> Self {
        Self::default()
    }

    pub(crate) fn charged(&self) -> usize {
        self.charged.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self, _: bool, _: &Budget) -> Result<(), SeriesError> {
        self.charged.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) fn take_anyway(&self, _: bool, _: &Budget) {
        self.charged.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn give_back(&self, _: bool, _: &Budget) {
        self.charged.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) const fn tell(&self, _: &str, _: &Budget, _: bool) {}

    pub(crate) const fn turns_away(&self, _: &[impl AsRef<str>], _: &Budget) -> Option<(Fold, Refusal)> {
        None
    }

    pub(crate) fn refuse<'a>(
        &self,
        _: &[impl AsRef<str>],
        _: &dyn fmt::Display,
        _: impl Iterator<Item = Labels<'a>>,
    ) -> Fold {
        Fold
    }

    pub(crate) const fn note(&self, _: Labels<'_>) {}

    pub(crate) fn forget<'a>(&self, _: impl Iterator<Item = Labels<'a>>) {}
}

impl Fold {
    pub(crate) const ALL: Self = Self;

    pub(crate) const fn only(_: usize) -> Self {
        Self
    }

    pub(crate) const fn has(self, _: usize) -> bool {
        true
    }
}
