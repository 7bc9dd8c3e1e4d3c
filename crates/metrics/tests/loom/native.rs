//! As much of native buckets as a series needs.

use crate::sync::AtomicU32;

pub(crate) struct Places<'a> {
    _places: &'a [AtomicU32],
}

impl<'a> Places<'a> {
    pub(crate) const fn new(places: &'a [AtomicU32]) -> Self {
        Self { _places: places }
    }
}
