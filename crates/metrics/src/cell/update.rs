//! What is done to cells.

use std::hint::cold_path;

/// A change of one cell. Two words, so that it travels in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// What is added.
    amount: u64,
    /// Whether the cell and the amount are the bits of an `f64`.
    float: bool,
}

/// Some changes that belong together.
pub trait Update: Copy {
    /// How many cells it changes at most, each counted as often as it is changed.
    const MOST_CELLS: usize;

    /// Names each cell by its index, with what is to become of it. Called twice for one record:
    /// it must say the same both times.
    fn each(&self, visit: impl FnMut(u32, Change));

    /// The cells of native buckets, which few histograms have: apart, so that what a record
    /// without them writes is known where it is compiled.
    #[inline]
    fn each_native(&self, _: impl FnMut(u32, Change)) {}
}

/// An update with the cells of its native buckets.
#[derive(Clone, Copy)]
pub(crate) struct WithNative<U>(pub(crate) U);

impl<U: Update> Update for WithNative<U> {
    const MOST_CELLS: usize = U::MOST_CELLS;

    fn each(&self, mut visit: impl FnMut(u32, Change)) {
        self.0.each(&mut visit);
        self.0.each_native(&mut visit);
    }
}

impl Change {
    /// Adds to an integer.
    #[inline]
    pub(crate) const fn add(amount: u64) -> Self {
        Self { amount, float: false }
    }

    /// Adds to a float.
    #[inline]
    pub(crate) const fn add_float(amount: f64) -> Self {
        Self { amount: amount.to_bits(), float: true }
    }

    /// The new value, if it fits: an integer does not begin anew, and a sum, once a number, stays
    /// one.
    #[inline]
    pub(crate) fn checked(self, old: u64) -> Option<u64> {
        if self.float {
            let sum = f64::from_bits(old) + f64::from_bits(self.amount);
            (!sum.is_nan()).then_some(sum.to_bits())
        } else {
            old.checked_add(self.amount)
        }
    }

    /// The new value, or the nearest that fits.
    #[inline]
    pub(crate) fn saturating(self, old: u64) -> u64 {
        if let Some(new) = self.checked(old) {
            new
        } else {
            // A branch that is never taken is off the way from one sum to the next, a select is on
            // it; that way is what an update of a hot histogram costs.
            cold_path();
            if self.float { old } else { u64::MAX }
        }
    }
}
