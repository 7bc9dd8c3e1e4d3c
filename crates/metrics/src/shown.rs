//! Which series of a closed set of label sets are in the scrapes.

use crate::sync::{AtomicU64, Ordering, SETS, Step, at};

/// A bit for each label set. One word says it of 64 of them: most look-ups find theirs without an
/// address that depends on the labels.
pub(crate) struct Shown([AtomicU64; SETS.div_ceil(64)]);

impl Shown {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    #[inline]
    pub(crate) fn has(&self, nth: usize) -> bool {
        self.0.get(nth / 64).is_some_and(|word| word.load(at(Step::FindShown, Ordering::Acquire)) & bit(nth) != 0)
    }

    /// Called with the table of the metric locked. What is beyond the words is never shown, and so
    /// looked up the long way.
    pub(crate) fn set(&self, nth: usize, shown: bool) {
        let Some(word) = self.0.get(nth / 64) else { return };
        if shown {
            word.fetch_or(bit(nth), at(Step::Show, Ordering::Release));
        } else {
            word.fetch_and(!bit(nth), Ordering::Relaxed);
        }
    }
}

#[inline]
const fn bit(nth: usize) -> u64 {
    1 << (nth % 64)
}
