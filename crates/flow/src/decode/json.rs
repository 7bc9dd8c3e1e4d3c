//! Finds the mapped values of JSON objects, and judges every byte of them (RFC 8259).
//!
//! Records of one source are much alike: between their values stand the same names and commas again and again. These
//! [`gaps`] are compared with those that were seen before ([`fast`]), and walked only where they are new ([`walk`]).

#![expect(
    clippy::inline_always,
    reason = "the loop is compiled for each level of vector instructions, and what it calls must be part of it"
)]

mod cursor;
mod escapes;
mod fast;
mod gaps;
mod numbers;
mod resolve;
mod text;
mod trust;
mod walk;

use std::ops::Range;

use fearless_simd::{Level, Simd, dispatch};

use super::Refusal;
use super::paths::Paths;
use super::slots::Slots;
use crate::pointer::Pointer;
use crate::record::Record;
pub(super) use escapes::unescape_into;
use gaps::Gaps;
use text::WINDOW;
use trust::Trust;
use walk::Walker;

/// Finds values in JSON objects.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    level: Level, // of vector instructions
    paths: Paths,
    walker: Walker,
    gaps: Gaps,
    trust: Trust,
    last: Vec<u8>, // the last records of a block, with padding
}

/// What a line is.
#[derive(Debug)]
pub(super) struct Line {
    next: usize, // where the next one begins
    /// Whether it was seen on the way that all of it is ASCII.
    pub is_ascii: bool,
    pub verdict: Verdict,
}

/// Why a record is no JSON object. A box, as most are.
pub(super) type Verdict = Result<(), Box<Refusal>>;

/// How many bytes are looked at from the beginning of a gap on, which may go beyond the end of the record.
const REACH: usize = 2 * WINDOW;

/// The bytes at a place; `None` if there are not so many.
#[inline(always)]
fn reach(bytes: &[u8], at: usize) -> Option<&[u8; REACH]> {
    bytes.get(at..)?.first_chunk()
}

impl JsonDecoder {
    pub(super) fn new(pointers: &[Pointer]) -> Self {
        JsonDecoder {
            level: Level::new(),
            paths: Paths::new(pointers),
            walker: Walker::new(),
            gaps: Gaps::new(),
            trust: Trust::new(),
            last: Vec::new(),
        }
    }

    /// Passes the records of a block from `start` on, one after the other; empty lines are none.
    pub(super) fn lines(
        &mut self,
        bytes: &[u8],
        start: usize,
        slots: &mut Slots,
        each: &mut impl FnMut(Record, Line, &Slots),
    ) {
        // What is looked at may go beyond the end of a record: the last ones are copied to where there is room.
        let room = bytes.len().saturating_sub(REACH);
        let body = memchr::memrchr(b'\n', &bytes[..room]).map_or(start, |at| start.max(at + 1));
        self.padded_lines(bytes, start..body, slots, each);
        let mut last = std::mem::take(&mut self.last);
        last.clear();
        last.extend_from_slice(&bytes[body..]);
        last.resize(last.len() + 1 + REACH, b'\n');
        let mut each_last = |record: Record, line: Line, slots: &Slots| {
            each(Record { start: body + record.start, end: body + record.end }, line, slots);
        };
        self.padded_lines(&last, 0..bytes.len() - body, slots, &mut each_last);
        self.last = last;
    }

    fn padded_lines(
        &mut self,
        bytes: &[u8],
        records: Range<usize>,
        slots: &mut Slots,
        each: &mut impl FnMut(Record, Line, &Slots),
    ) {
        dispatch!(self.level, simd => self.lines_with(simd, bytes, records, slots, each));
    }

    #[inline(always)]
    fn lines_with<S: Simd>(
        &mut self,
        simd: S,
        bytes: &[u8],
        records: Range<usize>,
        slots: &mut Slots,
        each: &mut impl FnMut(Record, Line, &Slots),
    ) {
        let mut at = records.start;
        while at < records.end {
            match bytes[at] {
                b'\n' => at += 1,
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => at += 2,
                _ => {
                    let line = self.line(simd, bytes, at, slots);
                    let record = Record::of_line(bytes, at..line.next);
                    at = line.next;
                    each(record, line, slots);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
