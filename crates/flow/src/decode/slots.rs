//! Where the mapped values of a record stand.

use std::ops::Range;

/// What stands at a mapped place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or null.
    Absent,
    /// Text, as it stands between its quotes.
    Text,
    /// Text with JSON escapes.
    Escaped,
    /// A JSON number.
    Number,
    /// `true` or `false`.
    Bool,
    /// An object or an array.
    Container,
    /// A CSV field, which may be read as text or as a number.
    Cell,
    /// A CSV field with doubled quotes.
    QuotedCell,
}

/// What stands at a mapped place, and where in the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub kind: Kind,
    pub start: usize,
    pub end: usize,
}

/// One slot for each mapped pointer.
#[derive(Debug)]
pub(super) struct Slots(Vec<Slot>);

impl Slot {
    const ABSENT: Slot = Slot { kind: Kind::Absent, start: 0, end: 0 };

    pub(super) fn text(self, record: &str) -> &str {
        &record[self.start..self.end]
    }
}

impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Slots(vec![Slot::ABSENT; count])
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(Slot::ABSENT);
    }

    #[inline]
    pub(super) fn set(&mut self, index: usize, kind: Kind, at: Range<usize>) {
        self.0[index] = Slot { kind, start: at.start, end: at.end };
    }

    pub(super) fn forget(&mut self, index: usize) {
        self.0[index] = Slot::ABSENT;
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Slot {
        self.0[index]
    }
}
