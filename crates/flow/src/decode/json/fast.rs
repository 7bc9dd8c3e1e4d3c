//! Passes records by comparing their gaps with those that were seen before; only scalars are left to be judged.
//!
//! Whatever is unusual is left to the walker, at the place where it begins: so both say the same.

use fearless_simd::prelude::*;

use super::super::Refusal;
use super::super::number::{Number, end_of_number};
use super::super::slots::{Kind, Slots};
use super::cursor::{Cursor, Fault};
use super::gaps::{GapId, Gaps, Then, is_bare};
use super::numbers::whole_numbers_end;
use super::resolve::{escaped_text_end, resolved_text_end};
use super::text::text_end;
use super::walk::Stop;
use super::{JsonDecoder, Line};
use crate::reason::Reason;

impl JsonDecoder {
    /// Passes the record that begins at `start` and ends with a line end; a window of bytes is behind that.
    #[inline(always)]
    pub(super) fn line<S: Simd>(&mut self, simd: S, bytes: &[u8], start: usize, slots: &mut Slots) -> Line {
        slots.clear();
        if self.trust.is_lost() {
            return self.walk_line(bytes, start, slots);
        }
        let (Ok(line) | Err(line)) = self.known_line(simd, bytes, start, slots);
        self.trust.end_line(&mut self.gaps);
        line
    }

    /// Passes a record gap by gap; one that had to be walked to its end in the place of an error.
    #[inline(always)]
    fn known_line<S: Simd>(&mut self, simd: S, bytes: &[u8], start: usize, slots: &mut Slots) -> Result<Line, Line> {
        let mut place = Cursor { bytes, start, at: start };
        let (mut last, mut next) = (Gaps::START, self.gaps.gap(Gaps::START).next);
        let mut opener = last; // what stands before the first number of the last list
        loop {
            let mut id = next;
            if !self.gaps.stands(simd, self.gaps.gap(id), bytes, place.at) {
                id = self.gaps.second(self.gaps.opener(last, opener));
                if !self.gaps.stands(simd, self.gaps.gap(id), bytes, place.at) {
                    id = self.other(last, opener, place, slots)?;
                }
            }
            let gap = self.gaps.gap(id);
            let (from, slot, likely) = (place.at + gap.length(), gap.slot(), gap.next);
            self.gaps.apply_notes(gap, slots);
            let end = match gap.then {
                Then::Text => match text_end(simd, bytes, from, &mut self.gaps.gap_mut(id).text) {
                    Some(end) => {
                        if let Some(slot) = slot {
                            slots.set(slot, Kind::Text, from - start, end - start);
                        }
                        end + 1
                    }
                    None => match escaped(simd, bytes, from, start, slot, slots) {
                        Some(end) => end + 1,
                        None => return Err(refused(Cursor { at: from - 1, ..place })),
                    },
                },
                Then::Bare => match bare(bytes, from, start, slot, slots) {
                    Some(end) if likely == id && slot.is_none() => {
                        opener = last;
                        self.numbers_end(simd, id, bytes, end)
                    }
                    Some(end) => end,
                    None if is_bare(bytes[from]) => self.scalar(id, Cursor { at: from, ..place }, slots)?,
                    // A gap before a number begins like one before a string.
                    None => {
                        next = self.other(last, opener, place, slots)?;
                        continue;
                    }
                },
                Then::End { line_end } => {
                    return Ok(Line { start, end: from - usize::from(line_end), next: from, verdict: Ok(()) });
                }
                Then::Unknown => {
                    next = self.other(last, opener, place, slots)?;
                    continue;
                }
            };
            place.at = end;
            (last, next) = (id, likely);
        }
    }

    /// A word, or a number that takes a closer look.
    #[inline(never)]
    fn scalar(&mut self, id: GapId, place: Cursor<'_>, slots: &mut Slots) -> Result<usize, Line> {
        let Cursor { start, at, .. } = place;
        // No right scalar goes beyond its line, so where that ends need not be known.
        let mut cursor = place;
        match cursor.scalar() {
            Ok(kind) => {
                if let Some(slot) = self.gaps.gap(id).slot() {
                    slots.set(slot, kind, at - start, cursor.at - start);
                }
                Ok(cursor.at)
            }
            Err(_) => Err(refused(place)),
        }
    }

    /// Another gap than the likely one: it is known in these containers, or the walker judges it now.
    #[inline(never)]
    fn other(&mut self, last: GapId, opener: GapId, place: Cursor<'_>, slots: &mut Slots) -> Result<GapId, Line> {
        let (first, opener) = (self.gaps.gap(last).next, self.gaps.opener(last, opener));
        let id = match self.gaps.find(last, place.bytes, place.at) {
            Some(known) => known,
            None => self.learn(last, place, slots)?,
        };
        // The next time the guess before comes second; behind a list, where the first one is always its comma, this one.
        self.gaps.note_second(opener, if opener == last { first } else { id });
        Ok(id)
    }

    /// Passes the numbers of a list whose comma was followed by itself before: where the last one ends that stands here.
    #[inline(always)]
    fn numbers_end<S: Simd>(&self, simd: S, comma: GapId, bytes: &[u8], mut end: usize) -> usize {
        let gap = self.gaps.gap(comma);
        if gap.is_comma() {
            end = whole_numbers_end(simd, bytes, end);
        }
        while self.gaps.stands(simd, gap, bytes, end)
            && let Some(next) = end_of_number(bytes, end + gap.length())
        {
            end = next;
        }
        end
    }

    fn learn(&mut self, last: GapId, place: Cursor<'_>, slots: &mut Slots) -> Result<GapId, Line> {
        self.trust.note_novelty();
        let (end, next) = line_end(place.bytes, place.at);
        let mut cursor = Cursor { bytes: &place.bytes[..end], ..place };
        self.walker.resume(self.gaps.open(last));
        let verdict = match self.walker.gap(&mut cursor, &self.paths, slots) {
            Ok(stop) => match self.remember(last, stop, &cursor, place, next) {
                Some(id) => return Ok(id),
                None => self.walker.walk_on(stop, &mut cursor, &self.paths, slots),
            },
            Err(fault) => Err(fault),
        };
        Err(Line { start: place.start, end, next, verdict: told(verdict, &cursor) })
    }

    /// Remembers the gap between a place and the cursor, if a scalar or the next line follows.
    fn remember(
        &mut self,
        last: GapId,
        stop: Stop,
        cursor: &Cursor<'_>,
        place: Cursor<'_>,
        next: usize,
    ) -> Option<GapId> {
        let (node, then, end) = match (stop, cursor.peek()) {
            (Stop::End, _) => (None, Then::End { line_end: u8::try_from(next - cursor.bytes.len()).ok()? }, next),
            (Stop::Scalar(node), Some(b'"')) => (node, Then::Text, cursor.at + 1),
            (Stop::Scalar(node), Some(byte)) if is_bare(byte) => (node, Then::Bare, cursor.at),
            (Stop::Scalar(_), _) => return None,
        };
        let node = node.map(|node| self.paths.node(node));
        self.gaps.learn(last, &place.bytes[place.at..end], then, node, &self.walker)
    }

    /// Walks a record without heed of what is known.
    #[inline(never)]
    pub(super) fn walk_line(&mut self, bytes: &[u8], start: usize, slots: &mut Slots) -> Line {
        let (end, next) = line_end(bytes, start);
        let mut cursor = Cursor { bytes: &bytes[..end], start, at: start };
        let verdict = self.walker.walk(&mut cursor, &self.paths, slots);
        Line { start, end, next, verdict: told(verdict, &cursor) }
    }
}

/// The end of the number at a place, unless a word stands there or it takes a closer look. One that is wanted is read.
#[inline(always)]
fn bare(bytes: &[u8], from: usize, start: usize, slot: Option<usize>, slots: &mut Slots) -> Option<usize> {
    let Some(slot) = slot else { return end_of_number(bytes, from) };
    let (number, end) = Number::usual(bytes, from)?;
    slots.set_number(slot, number, from - start, end - start);
    Some(end)
}

/// The end of the string whose content begins at a place, which may have escapes; `None` if it is wrong.
#[inline(always)]
fn escaped<S: Simd>(
    simd: S,
    bytes: &[u8],
    from: usize,
    start: usize,
    slot: Option<usize>,
    slots: &mut Slots,
) -> Option<usize> {
    let Some(slot) = slot else { return escaped_text_end(simd, bytes, from) };
    let begin = slots.resolved_mut().len();
    let (end, whole) = resolved_text_end(simd, bytes, from, slots.resolved_mut())?;
    if whole {
        slots.set_resolved(slot, begin, from - start, end - start);
    } else {
        slots.resolved_mut().truncate(begin);
        slots.set(slot, Kind::Escaped, from - start, end - start);
    }
    Some(end)
}

/// Says what is wrong with the scalar at a place.
#[cold]
#[inline(never)]
fn refused(place: Cursor<'_>) -> Line {
    let (end, next) = line_end(place.bytes, place.at);
    let mut cursor = Cursor { bytes: &place.bytes[..end], ..place };
    let verdict = cursor.scalar().map(drop);
    Line { start: place.start, end, next, verdict: told(verdict, &cursor) }
}

/// Where the content of a line ends, and where the next one begins.
fn line_end(bytes: &[u8], at: usize) -> (usize, usize) {
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    let content = end - usize::from(end > at && bytes[end - 1] == b'\r');
    (content, (end + 1).min(bytes.len()))
}

fn told(verdict: Result<(), Fault>, cursor: &Cursor<'_>) -> Result<(), Refusal> {
    verdict.map_err(|Fault(expected)| {
        Refusal::new(Reason::InvalidJson, format!("expected {expected} at byte {}", cursor.at - cursor.start))
    })
}
