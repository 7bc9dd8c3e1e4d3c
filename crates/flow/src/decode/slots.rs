//! Where the mapped values of a record stand.

use std::ops::Range;

use super::number::Number;

/// What stands at a mapped place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing, or null.
    Absent,
    /// Text, as it stands between its quotes.
    Text,
    /// A JSON number that was read on the way.
    Read,
    /// A JSON number that was not read yet.
    Number,
    /// `true` or `false`.
    Bool,
    /// A CSV field, which may be read as text or as a number.
    Cell,
    /// Text with JSON escapes.
    Escaped,
    /// The same, but its escapes were resolved on the way: it stands among the texts of which that is so.
    Resolved,
    /// An object or an array.
    Container,
    /// A CSV field with doubled quotes.
    QuotedCell,
}

/// What stands at a mapped place, and where in the record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub kind: Kind,
    start: u32,
    end: u32,
    number: Number, // if it was read
}

/// One slot for each mapped pointer.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    resolved: Resolved,
}

/// Texts of a record whose escapes were resolved.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    bytes: Vec<u8>, // with room behind those that are written
    written: usize,
}

/// What is written at once, with what is copied beyond its end.
pub(super) const ROOM: usize = 128;

impl Slot {
    const ABSENT: Slot = Slot { kind: Kind::Absent, start: 0, end: 0, number: Number::Whole(0) };

    /// Where it stands.
    #[inline]
    pub(super) fn place(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Whether its text means what is written.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        matches!(self.kind, Kind::Text | Kind::Read | Kind::Number | Kind::Bool | Kind::Cell)
    }

    /// The number, if one was read on the way.
    #[inline]
    pub(super) fn number(&self) -> Option<Number> {
        (self.kind == Kind::Read).then_some(self.number)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a decoder refuses records beyond 32 bits")]
impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Slots { slots: vec![Slot::ABSENT; count], resolved: Resolved::default() }
    }

    pub(super) fn clear(&mut self) {
        self.slots.iter_mut().for_each(|slot| slot.kind = Kind::Absent);
        self.resolved.written = 0;
    }

    #[inline]
    pub(super) fn set(&mut self, index: usize, kind: Kind, start: usize, end: usize) {
        let slot = &mut self.slots[index];
        (slot.kind, slot.start, slot.end) = (kind, start as u32, end as u32);
    }

    /// A number, and where it stands: it may be wanted as it was written.
    #[inline]
    pub(super) fn set_number(&mut self, index: usize, number: Number, start: usize, end: usize) {
        self.slots[index] = Slot { kind: Kind::Read, start: start as u32, end: end as u32, number };
    }

    /// Text whose escapes were resolved: what was appended since `begin`.
    #[inline]
    pub(super) fn set_resolved(&mut self, index: usize, begin: usize) {
        self.set(index, Kind::Resolved, begin, self.resolved.written);
    }

    /// Where texts are appended whose escapes are resolved.
    #[inline]
    pub(super) fn resolved_mut(&mut self) -> &mut Resolved {
        &mut self.resolved
    }

    /// All texts whose escapes were resolved.
    #[inline]
    pub(super) fn resolved(&self) -> &[u8] {
        &self.resolved.bytes[..self.resolved.written]
    }

    /// Something that has no text of its own.
    #[inline]
    pub(super) fn note(&mut self, index: usize, kind: Kind) {
        self.slots[index].kind = kind;
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> &Slot {
        &self.slots[index]
    }
}

impl Resolved {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.written
    }

    #[inline]
    pub(super) fn truncate(&mut self, length: usize) {
        self.written = length;
    }

    /// The room behind what is written. It grows with the longest record.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "part of a loop that is compiled for each level of vector instructions")]
    pub(super) fn room(&mut self) -> Option<&mut [u8; ROOM]> {
        if self.bytes.len() < self.written + ROOM {
            self.bytes.resize(2 * (self.written + ROOM), 0);
        }
        self.bytes[self.written..].first_chunk_mut()
    }

    /// So much of the room was written.
    #[inline]
    pub(super) fn advance(&mut self, length: usize) {
        self.written += length;
    }
}
