//! Where in a block one record ends and the next begins.

use std::ops::Range;

use memchr::memchr;

use crate::settings::Format;

/// The records of a block, from first to last.
#[derive(Debug)]
pub(crate) struct Records<'a> {
    bytes: &'a [u8],
    format: Format,
    max_record_bytes: usize,
    at_end: bool,
    position: usize,
}

/// One record of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Where it begins.
    pub start: usize,
    /// Where it ends, without its line end.
    pub end: usize,
}

impl Record {
    /// What is written on a line.
    #[inline]
    pub(crate) fn of_line(bytes: &[u8], Range { start, end }: Range<usize>) -> Self {
        let line_end = match &bytes[start..end] {
            [.., b'\r', b'\n'] => 2,
            [.., b'\n' | b'\r'] => 1,
            _ => 0,
        };
        Record { start, end: end - line_end }
    }
}

impl<'a> Records<'a> {
    /// The records of `bytes`; `at_end` says that the last one is whole although its line end is missing.
    pub(crate) fn new(bytes: &'a [u8], format: Format, max_record_bytes: usize, at_end: bool) -> Self {
        Records { bytes, format, max_record_bytes, at_end, position: 0 }
    }

    /// Where the next record begins.
    pub(crate) fn position(&self) -> usize {
        self.position
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    #[inline]
    fn next(&mut self) -> Option<Record> {
        let rest = &self.bytes[self.position..];
        if rest.is_empty() {
            return None;
        }
        let next = record_end(rest, self.format, self.max_record_bytes, self.at_end)?;
        let start = self.position;
        self.position += next;
        Some(Record::of_line(self.bytes, start..self.position))
    }
}

/// How long the first record is, with its line end; `None` if it may go on beyond `bytes`.
///
/// In CSV a line end inside quotes belongs to the record. If the quotes are wrong or are not closed within the longest
/// record there may be, the record ends at its first line end, so that one stray quote does not swallow what follows.
#[inline]
pub(crate) fn record_end(bytes: &[u8], format: Format, max_record_bytes: usize, at_end: bool) -> Option<usize> {
    let line = memchr(b'\n', bytes).map(|at| at + 1);
    let first_line = line.or(at_end.then_some(bytes.len()));
    if format == Format::Ndjson || memchr(b'"', &bytes[..line.unwrap_or(bytes.len())]).is_none() {
        return first_line;
    }
    match quoted_record_end(bytes, max_record_bytes, at_end) {
        Quotes::Closed(end) => Some(end),
        Quotes::Open if !at_end => None,
        Quotes::Open | Quotes::Wrong => first_line,
    }
}

enum Quotes {
    /// The record ends here.
    Closed(usize),
    /// The bytes end before the record does.
    Open,
    /// The record is malformed or too long.
    Wrong,
}

/// Follows the quotes of a CSV record to its line end.
fn quoted_record_end(bytes: &[u8], max_record_bytes: usize, at_end: bool) -> Quotes {
    let limit = bytes.len().min(max_record_bytes.saturating_add(2));
    let cut = limit < bytes.len();
    let bytes = &bytes[..limit];
    let out_of_bytes = if cut { Quotes::Wrong } else { Quotes::Open };
    let mut field = 0;
    loop {
        let Some(end) = field_end(bytes, field) else { return out_of_bytes };
        match &bytes[end..] {
            [b',', ..] => field = end + 1,
            [b'\n', ..] => return Quotes::Closed(end + 1),
            [b'\r', b'\n', ..] => return Quotes::Closed(end + 2),
            [] | [b'\r'] if at_end && !cut => return Quotes::Closed(limit),
            [] | [b'\r'] => return out_of_bytes,
            _ => return Quotes::Wrong,
        }
    }
}

/// The place behind a field; `None` if its quotes are not closed.
fn field_end(bytes: &[u8], field: usize) -> Option<usize> {
    if bytes.get(field) != Some(&b'"') {
        let special = |byte: &u8| matches!(byte, b',' | b'\n' | b'\r' | b'"');
        return Some(field + bytes[field..].iter().position(special).unwrap_or(bytes.len() - field));
    }
    let mut at = field + 1;
    loop {
        let quote = at + memchr(b'"', &bytes[at..])?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some(quote + 1);
        }
        at = quote + 2;
    }
}
