//! A number that goes up and down: two cells that only grow.

use crate::sync::{Ordering, Step, at};

/// The cell of what went down.
pub(crate) const DOWN: u32 = 0;
/// The cell of what went up.
pub(crate) const UP: u32 = 1;

/// How a side is stored.
#[inline]
pub(crate) fn ordering(side: u32) -> Ordering {
    if side == DOWN { at(Step::Down, Ordering::Release) } else { Ordering::Relaxed }
}
