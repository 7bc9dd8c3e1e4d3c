//! Passes records by comparing their gaps with those that were seen before; only scalars are left to be judged.
//!
//! Whatever is unusual is left to the walker, at the place where it begins: so both say the same.

use fearless_simd::prelude::*;

use super::super::Refusal;
use super::super::number::{Number, end_of_number};
use super::super::slots::{Kind, Slots};
use super::cursor::{Cursor, Fault};
use super::gaps::{GapId, Gaps, MOST_GAPS, Then, is_bare};
use super::numbers::whole_numbers_end;
use super::resolve::{escaped_text_end, resolved_text_end};
use super::text::{WINDOW, plain_bytes, text_end};
use super::walk::Stop;
use super::{JsonDecoder, Line, REACH, reach};
use crate::reason::Reason;

impl JsonDecoder {
    /// Passes the record that begins at `start` and ends with a line end; a window of bytes is behind that.
    #[inline(always)]
    pub(super) fn line<S: Simd>(&mut self, simd: S, bytes: &[u8], start: usize, slots: &mut Slots) -> Line {
        slots.clear();
        if self.trust.is_lost() {
            return self.walk_line(bytes, start, slots);
        }
        let line = self.known_line(simd, bytes, start, slots);
        self.trust.end_line(&mut self.gaps);
        line
    }

    /// Passes a record gap by gap.
    #[inline(always)]
    fn known_line<S: Simd>(&mut self, simd: S, bytes: &[u8], start: usize, slots: &mut Slots) -> Line {
        self.gaps.note_opener(Gaps::START);
        let mut reached = Reached { at: start, last: Gaps::START, next: self.gaps.gap(Gaps::START).next };
        loop {
            if self.pass_usual(simd, bytes, start, &mut reached, slots) {
                return Line { next: reached.at, verdict: Ok(()) };
            }
            reached = match self.step(simd, Cursor { bytes, start, at: reached.at }, reached, slots) {
                Ok(reached) => reached,
                Err(line) => return line,
            };
        }
    }

    /// Passes what records mostly are: known gaps in their order, strings without escapes and short numbers. Whether that is all of
    /// the record.
    ///
    /// It is small, so that all it needs stays in registers.
    #[inline(always)]
    fn pass_usual<S: Simd>(
        &mut self,
        simd: S,
        bytes: &[u8],
        start: usize,
        reached: &mut Reached,
        slots: &mut Slots,
    ) -> bool {
        let gaps = self.gaps.all_mut();
        let Reached { at, mut last, next: mut id } = *reached;
        let (mut rest, line_length) = (&bytes[at..], bytes.len() - start);
        while let Some(there) = rest.first_chunk::<REACH>() {
            let gap = &mut gaps[usize::from(id) % MOST_GAPS];
            if !gap.begins_with(simd, there) {
                break;
            }
            let head = gap.head_length() % WINDOW;
            let from = || line_length - rest.len() + head;
            let end = match gap.then {
                Then::Text => {
                    let length = plain_bytes(simd, window(there, head), &mut gap.text);
                    let end = (head + length) % REACH;
                    if there[end] != b'"' {
                        break;
                    }
                    if let Some(slot) = gap.slot() {
                        slots.set(slot, Kind::Text, from(), from() + length);
                    }
                    end + 1
                }
                Then::Bare if gap.next != id => {
                    let Some((number, length)) = Number::usual(window(there, head)) else { break };
                    if let Some(slot) = gap.slot() {
                        slots.set_number(slot, number, from(), from() + length);
                    }
                    head + length % WINDOW
                }
                Then::End => {
                    reached.at = start + from();
                    return true;
                }
                _ => break,
            };
            rest = &rest[end..];
            (last, id) = (id, gap.next);
        }
        *reached = Reached { at: bytes.len() - rest.len(), last, next: id };
        false
    }

    /// Passes a gap and the scalar behind it, whatever they are; the record in the place of an error, if it ends here.
    #[inline(never)]
    fn step<S: Simd>(
        &mut self,
        simd: S,
        place: Cursor<'_>,
        reached: Reached,
        slots: &mut Slots,
    ) -> Result<Reached, Line> {
        simd.vectorize(
            #[inline(always)]
            || self.step_with(simd, place, reached, slots),
        )
    }

    #[inline(always)]
    fn step_with<S: Simd>(
        &mut self,
        simd: S,
        place: Cursor<'_>,
        reached: Reached,
        slots: &mut Slots,
    ) -> Result<Reached, Line> {
        let (Cursor { bytes, start, at }, Reached { last, next, .. }) = (place, reached);
        let id = self.gap_at(simd, last, next, place, slots)?;
        let gap = self.gaps.gap(id);
        let (from, slot, repeated) = (at + self.gaps.length(gap), gap.slot(), gap.next == id);
        self.gaps.apply_notes(gap, slots);
        let end = match self.gaps.then(gap) {
            Then::Text => match any_text_end(simd, bytes, from, start, slot, slots) {
                Some(end) => end + 1,
                None => return Err(refused(Cursor { at: from - 1, ..place })),
            },
            Then::Bare => match bare(bytes, from, start, slot, slots) {
                Some(end) if repeated && slot.is_none() => {
                    self.gaps.note_opener(last);
                    self.numbers_end(simd, id, bytes, end)
                }
                Some(end) => end,
                None if is_bare(bytes[from]) => self.scalar(id, Cursor { at: from, ..place }, slots)?,
                // A gap before a number begins like one before a string.
                None => {
                    let next = self.other(last, place, slots)?;
                    return self.step(simd, place, Reached { next, ..reached }, slots);
                }
            },
            Then::End => return Err(Line { next: from, verdict: Ok(()) }),
            Then::Unknown | Then::Rest => {
                let next = self.other(last, place, slots)?;
                return self.step(simd, place, Reached { next, ..reached }, slots);
            }
        };
        Ok(Reached { at: end, last: id, next: self.gaps.gap(id).next })
    }

    /// Which gap stands at a place.
    #[inline(always)]
    fn gap_at<S: Simd>(
        &mut self,
        simd: S,
        last: GapId,
        likely: GapId,
        place: Cursor<'_>,
        slots: &mut Slots,
    ) -> Result<GapId, Line> {
        if let Some(there) = reach(place.bytes, place.at) {
            for guess in [likely, self.gaps.second(last)] {
                if self.gaps.stands(simd, self.gaps.gap(guess), there, place.bytes, place.at) {
                    return Ok(guess);
                }
            }
        }
        self.other(last, place, slots)
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
    fn other(&mut self, last: GapId, place: Cursor<'_>, slots: &mut Slots) -> Result<GapId, Line> {
        let first = self.gaps.gap(last).next;
        let id = match self.gaps.find(last, place.bytes, place.at) {
            Some(known) => known,
            None => self.learn(last, place, slots)?,
        };
        self.gaps.note_second(last, first, id);
        Ok(id)
    }

    /// Passes the numbers of a list whose comma was followed by itself before: where the last one ends that stands here.
    #[inline(always)]
    fn numbers_end<S: Simd>(&self, simd: S, comma: GapId, bytes: &[u8], mut end: usize) -> usize {
        let gap = self.gaps.gap(comma);
        if gap.is_comma() {
            end = whole_numbers_end(simd, bytes, end);
        }
        let length = self.gaps.length(gap);
        while let Some(there) = reach(bytes, end)
            && self.gaps.stands(simd, gap, there, bytes, end)
            && let Some(next) = end_of_number(bytes, end + length)
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
        Err(Line { next, verdict: told(verdict, &cursor) })
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
            (Stop::End, _) => (None, Then::End, next),
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
        Line { next, verdict: told(verdict, &cursor) }
    }
}

/// How far a record was passed.
#[derive(Clone, Copy)]
struct Reached {
    at: usize,
    last: GapId, // which gap stands before the last scalar
    next: GapId, // which is likely to come next
}

/// A window at the scalar behind the head of a gap.
#[inline(always)]
fn window(there: &[u8; REACH], head: usize) -> &[u8; WINDOW] {
    there[head % WINDOW..].first_chunk().unwrap_or(&[0; WINDOW])
}

/// The end of the number at a place, unless a word stands there or it takes a closer look. One that is wanted is read.
#[inline(always)]
fn bare(bytes: &[u8], from: usize, start: usize, slot: Option<usize>, slots: &mut Slots) -> Option<usize> {
    let Some(slot) = slot else { return end_of_number(bytes, from) };
    let (number, length) = Number::usual(bytes[from..].first_chunk()?)?;
    slots.set_number(slot, number, from - start, from + length - start);
    Some(from + length)
}

/// The end of the string whose content begins at a place; `None` if it is wrong.
#[inline(always)]
fn any_text_end<S: Simd>(
    simd: S,
    bytes: &[u8],
    from: usize,
    start: usize,
    slot: Option<usize>,
    slots: &mut Slots,
) -> Option<usize> {
    let Some(end) = text_end(simd, bytes, from) else { return escaped(simd, bytes, from, start, slot, slots) };
    if let Some(slot) = slot {
        slots.set(slot, Kind::Text, from - start, end - start);
    }
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
        slots.set_resolved(slot, begin);
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
    Line { next, verdict: told(verdict, &cursor) }
}

/// Where the content of a line ends, and where the next one begins.
fn line_end(bytes: &[u8], at: usize) -> (usize, usize) {
    let end = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |length| at + length);
    let content = end - usize::from(end > at && bytes[end - 1] == b'\r');
    (content, (end + 1).min(bytes.len()))
}

fn told(verdict: Result<(), Fault>, cursor: &Cursor<'_>) -> Result<(), Box<Refusal>> {
    verdict.map_err(|Fault(expected)| {
        let detail = format!("expected {expected} at byte {}", cursor.at - cursor.start);
        Box::new(Refusal::new(Reason::InvalidJson, detail))
    })
}
