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
    /// Text with JSON escapes.
    Escaped,
    /// The same, but its escapes were resolved on the way.
    Resolved,
    /// A JSON number that was not read yet.
    Number,
    /// A JSON number that was read on the way: the bits of an `i64`.
    Whole,
    /// A JSON number that was read on the way: the bits of an `f64`.
    Double,
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
    start: u32,
    end: u32,
    bits: u64, // of a number that was read; where a resolved text stands
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

#[expect(clippy::cast_possible_truncation, reason = "two numbers of 32 bits are meant")]
impl Slot {
    const ABSENT: Slot = Slot { kind: Kind::Absent, start: 0, end: 0, bits: 0 };

    #[inline]
    pub(super) fn text<'r>(&self, record: &'r str) -> &'r str {
        &record[self.start as usize..self.end as usize]
    }

    /// Where the text stands, if it means what is written.
    #[inline]
    pub(super) fn plain(&self) -> Option<Range<usize>> {
        let plain =
            matches!(self.kind, Kind::Text | Kind::Number | Kind::Whole | Kind::Double | Kind::Bool | Kind::Cell);
        plain.then_some(self.start as usize..self.end as usize)
    }

    /// Where it stands among the texts whose escapes were resolved, if it does.
    #[inline]
    pub(super) fn resolved(&self) -> Option<Range<usize>> {
        (self.kind == Kind::Resolved).then_some((self.bits >> 32) as usize..self.bits as u32 as usize)
    }

    /// The number, if one was read on the way.
    #[inline]
    pub(super) fn number(&self) -> Option<Number> {
        match self.kind {
            Kind::Whole => Some(Number::Whole(self.bits.cast_signed())),
            Kind::Double => Some(Number::Double(f64::from_bits(self.bits))),
            _ => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a decoder refuses records beyond 32 bits")]
impl Slots {
    pub(super) fn new(count: usize) -> Self {
        Slots { slots: vec![Slot::ABSENT; count], resolved: Resolved::default() }
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(Slot::ABSENT);
        self.resolved.written = 0;
    }

    #[inline]
    pub(super) fn set(&mut self, index: usize, kind: Kind, start: usize, end: usize) {
        self.slots[index] = Slot { kind, start: start as u32, end: end as u32, bits: 0 };
    }

    /// A number, and where it stands: it may be wanted as it was written.
    #[inline]
    pub(super) fn set_number(&mut self, index: usize, number: Number, start: usize, end: usize) {
        let (kind, bits) = match number {
            Number::Whole(whole) => (Kind::Whole, whole.cast_unsigned()),
            Number::Double(double) => (Kind::Double, double.to_bits()),
        };
        self.slots[index] = Slot { kind, start: start as u32, end: end as u32, bits };
    }

    /// Text whose escapes were resolved: what was appended since `begin`.
    #[inline]
    pub(super) fn set_resolved(&mut self, index: usize, begin: usize, start: usize, end: usize) {
        let bits = (begin as u64) << 32 | self.resolved.written as u64;
        self.slots[index] = Slot { kind: Kind::Resolved, start: start as u32, end: end as u32, bits };
    }

    /// Where texts are appended whose escapes are resolved.
    #[inline]
    pub(super) fn resolved_mut(&mut self) -> &mut Resolved {
        &mut self.resolved
    }

    /// All texts whose escapes were resolved, if there are any in a record that is valid UTF-8.
    #[inline]
    pub(super) fn resolved(&self) -> Option<&str> {
        let written = self.resolved.written;
        if written == 0 { None } else { simdutf8::basic::from_utf8(&self.resolved.bytes[..written]).ok() }
    }

    /// Something that has no text of its own.
    #[inline]
    pub(super) fn note(&mut self, index: usize, kind: Kind) {
        self.slots[index] = Slot { kind, ..Slot::ABSENT };
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
