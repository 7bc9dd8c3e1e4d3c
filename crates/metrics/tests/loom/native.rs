//! The places of native buckets as they ship, and as much of a layout as they need.

pub(crate) mod layout {
    /// Places of one schema.
    #[derive(Clone, Copy)]
    pub(crate) struct Tier {
        pub(crate) first: u32,
        pub(crate) len: u32,
    }

    /// A bucket: its number and its side.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Key {
        pub(crate) index: i32,
        pub(crate) is_negative: bool,
    }
}
#[path = "../../src/native/places.rs"]
mod places;

use self::layout::{Key, Tier};
use self::places::Places;
use crate::sync::AtomicU32;

pub(crate) use self::places::forget;

/// The places of two cells.
pub(crate) struct Two([AtomicU32; 2]);

impl Two {
    pub(crate) fn free() -> Self {
        Self([AtomicU32::new(0), AtomicU32::new(0)])
    }

    /// Which of them a bucket has.
    pub(crate) fn take(&self, index: i32) -> Option<u32> {
        Places(&self.0).take(Tier { first: 0, len: 2 }, Key { index, is_negative: false })
    }

    /// Which buckets have them.
    pub(crate) fn taken(&self) -> [Option<i32>; 2] {
        let copied = Places(&self.0).copied();
        [0, 1].map(|cell| Key::of(copied[cell]).map(|key| key.index))
    }
}
