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
    bits: u64, // of a number that was read
}

/// One slot for each mapped pointer.
#[derive(Debug)]
pub(super) struct Slots(Vec<Slot>);

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
        Slots(vec![Slot::ABSENT; count])
    }

    pub(super) fn clear(&mut self) {
        self.0.fill(Slot::ABSENT);
    }

    #[inline]
    pub(super) fn set(&mut self, index: usize, kind: Kind, start: usize, end: usize) {
        self.0[index] = Slot { kind, start: start as u32, end: end as u32, bits: 0 };
    }

    /// A number, and where it stands: it may be wanted as it was written.
    #[inline]
    pub(super) fn set_number(&mut self, index: usize, number: Number, start: usize, end: usize) {
        let (kind, bits) = match number {
            Number::Whole(whole) => (Kind::Whole, whole.cast_unsigned()),
            Number::Double(double) => (Kind::Double, double.to_bits()),
        };
        self.0[index] = Slot { kind, start: start as u32, end: end as u32, bits };
    }

    /// Something that has no text of its own.
    #[inline]
    pub(super) fn note(&mut self, index: usize, kind: Kind) {
        self.0[index] = Slot { kind, ..Slot::ABSENT };
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> &Slot {
        &self.0[index]
    }
}
