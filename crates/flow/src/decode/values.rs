//! The values of decoded records, side by side: plain data that can go from one thread to another.

use std::ops::Range;

use super::number::Number;
use crate::time::EventTime;

/// The mapped values of any number of records.
///
/// Texts are copied out of their records: whoever judges an event then never touches the bytes it was read from, which
/// another thread has in its cache.
#[derive(Debug, Default)]
pub(crate) struct Values {
    strings: usize,   // texts of an event
    numbers: usize,   // numbers of an event
    rows: u32,        // complete ones
    written: Vec<u8>, // what is to become the arena, while records are decoded
    arena: String,
    texts: Vec<Text>,
    values: Vec<Option<Number>>,
}

/// Where a text stands in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    start: u32,
    end: u32,
}

/// What is known of one event; its strings and numbers stand in its row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Of its time since the epoch: in the accepted years they take no more.
    pub nanos: i64,
    /// Empty if it has none.
    pub id: Text,
    pub event_type: Text,
    pub row: u32,
}

/// A decoded event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When it happened.
    pub time: EventTime,
    head: &'a Head,
    arena: &'a str,
    texts: &'a [Text],
    numbers: &'a [Option<Number>],
}

/// How much of the texts of a block can be pointed at: far more than one block has.
pub(super) const MOST_TEXT: usize = u32::MAX as usize;

impl Values {
    /// Forgets all and makes room for some number of events with this many strings and numbers each. Their texts are written to
    /// the memory of `written`.
    pub(super) fn begin(&mut self, strings: usize, numbers: usize, events: usize, written: Vec<u8>) {
        (self.strings, self.numbers, self.rows) = (strings, numbers, 0);
        self.written = written;
        self.written.clear();
        self.arena.clear();
        self.texts.clear();
        self.values.clear();
        self.texts.reserve(events * strings);
        self.values.reserve(events * numbers);
    }

    /// All records of a block are read. They are valid UTF-8, which is seen again here at less cost than at each end of each text:
    /// quickly enough that the copy costs less than what `String::from_utf8` takes for anything but ASCII. Gives back the memory
    /// that texts were written to.
    pub(super) fn end(&mut self) -> Vec<u8> {
        self.arena.push_str(simdutf8::basic::from_utf8(&self.written).unwrap_or_default());
        std::mem::take(&mut self.written)
    }

    /// Bytes of text, while records are decoded.
    #[inline]
    pub(super) fn text_bytes(&self) -> usize {
        self.written.len()
    }

    /// Forgets what a refused record left in a row that will not be complete.
    pub(super) fn forget_row(&mut self) {
        self.texts.truncate(self.rows as usize * self.strings);
        self.values.truncate(self.rows as usize * self.numbers);
    }

    /// The row that was begun is complete: its number.
    #[inline]
    pub(super) const fn end_row(&mut self) -> u32 {
        self.rows += 1;
        self.rows - 1
    }

    /// Copies a text.
    #[inline]
    pub(super) fn keep(&mut self, text: &[u8]) -> Text {
        let start = self.written.len();
        self.written.extend_from_slice(text);
        Text::new(start, self.written.len())
    }

    /// Copies a part of a record.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call costs as much as to copy a short text")]
    pub(super) fn keep_part(&mut self, record: &[u8], part: Range<usize>) -> Text {
        let start = self.written.len();
        push_part(&mut self.written, record, part);
        Text::new(start, self.written.len())
    }

    /// Keeps what `write` appends, unless it says that there is nothing to be kept.
    pub(super) fn keep_as(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> Option<Text> {
        let start = self.written.len();
        if !write(&mut self.written) {
            self.written.truncate(start);
            return None;
        }
        Some(Text::new(start, self.written.len()))
    }

    #[inline]
    pub(super) fn push_text(&mut self, text: Text) {
        self.texts.push(text);
    }

    /// The numbers of the row that was begun.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is passed is to stay in registers")]
    pub(super) fn push_numbers(&mut self, numbers: impl Iterator<Item = Option<Number>>) {
        self.values.extend(numbers);
    }

    /// Corrects a number of the row that was begun.
    pub(super) fn set_number(&mut self, at: usize, number: Option<Number>) {
        self.values[self.rows as usize * self.numbers + at] = number;
    }

    /// A text that was kept, while records are decoded.
    #[inline]
    pub(super) fn text(&self, text: Text) -> &[u8] {
        &self.written[text.start as usize..text.end as usize]
    }

    /// The identity of the event that a head begins.
    #[inline]
    pub(crate) fn id(&self, head: &Head) -> Option<&[u8]> {
        (!head.id.is_empty()).then(|| head.id.bytes_of(&self.arena))
    }

    /// The event that a head begins.
    #[inline]
    pub(crate) fn event<'a>(&'a self, head: &'a Head) -> Event<'a> {
        let row = head.row as usize;
        Event {
            time: EventTime::from_nanos(i128::from(head.nanos)),
            head,
            arena: &self.arena,
            texts: &self.texts[row * self.strings..(row + 1) * self.strings],
            numbers: &self.values[row * self.numbers..(row + 1) * self.numbers],
        }
    }
}

/// Appends a part of a text.
///
/// Most are short, and of different lengths: to copy always as many bytes needs no branch that could be mispredicted.
#[inline(always)]
pub(super) fn push_part(to: &mut Vec<u8>, text: &[u8], part: Range<usize>) {
    const WIDTH: usize = 32;
    let length = part.end.wrapping_sub(part.start);
    match text.get(part.start..part.start + WIDTH) {
        Some(more) if length <= WIDTH => {
            let end = to.len() + length;
            to.extend_from_slice(more);
            to.truncate(end);
        }
        _ => to.extend_from_slice(&text[part]),
    }
}

impl Text {
    pub(super) const EMPTY: Text = Text { start: 0, end: 0 };

    #[expect(clippy::cast_possible_truncation, reason = "a decoder refuses records beyond `MOST_TEXT`")]
    const fn new(start: usize, end: usize) -> Self {
        Text { start: start as u32, end: end as u32 }
    }

    /// A part of it, which has to be one.
    #[inline]
    pub(super) fn part(self, part: Range<usize>) -> Self {
        Text::new(self.start as usize + part.start, self.start as usize + part.end)
    }

    pub(super) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    #[inline]
    fn of(self, arena: &str) -> &str {
        &arena[self.start as usize..self.end as usize]
    }

    /// The same as bytes: nobody asks whether characters begin and end where it does.
    #[inline]
    fn bytes_of(self, arena: &str) -> &[u8] {
        &arena.as_bytes()[self.start as usize..self.end as usize]
    }
}

impl<'a> Event<'a> {
    /// Its identity, if events have one; not empty.
    pub fn id(&self) -> Option<&'a str> {
        (!self.head.id.is_empty()).then(|| self.head.id.of(self.arena))
    }

    /// Its number among the events of its block.
    #[inline]
    pub(crate) fn row(&self) -> usize {
        self.head.row as usize
    }

    /// Its type; empty if absent.
    pub fn event_type(&self) -> &'a str {
        self.head.event_type.of(self.arena)
    }

    /// The same as bytes.
    #[inline]
    pub(crate) fn type_bytes(&self) -> &'a [u8] {
        self.head.event_type.bytes_of(self.arena)
    }

    /// The value of a text field, by its index in the mapping; empty if absent.
    #[inline]
    pub fn string(&self, field: usize) -> &'a str {
        self.texts[field].of(self.arena)
    }

    /// The same as bytes.
    #[inline]
    pub(crate) fn bytes(&self, field: usize) -> &'a [u8] {
        self.texts[field].bytes_of(self.arena)
    }

    /// A text field's first bytes and what stands behind them, so many in all; none where the texts end before.
    #[inline]
    pub(crate) fn window<const N: usize>(&self, field: usize) -> Option<&'a [u8; N]> {
        self.arena.as_bytes().get(self.texts[field].start as usize..)?.first_chunk()
    }

    /// The value of a number field, by its index in the mapping.
    #[inline]
    pub fn number(&self, field: usize) -> Option<Number> {
        self.numbers[field]
    }
}
