//! Passes records by comparing their gaps with those that were seen before; only scalars are left to be judged.
//!
//! Whatever is unusual is left to the walker, at the place where it begins: so both say the same.

use fearless_simd::prelude::*;

use super::super::Refusal;
use super::super::number::{Number, end_of_number};
use super::super::slots::{Kind, Slots};
use super::cursor::{Cursor, Fault};
use super::gaps::{Gap, GapId, Gaps, MOST_GAPS, Then, is_bare};
use super::numbers::whole_numbers_end;
use super::resolve::{escaped_text_end, resolved_text_end};
use super::text::{Seen, WINDOW, plain_bytes, text_end};
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
        let first = self.gaps.gap(Gaps::START).next;
        let mut reached = Reached { at: start, last: Gaps::START, next: first };
        let mut seen = Seen::nothing(simd);
        loop {
            let stop = self.pass_usual(simd, bytes, start, &mut reached, slots, &mut seen);
            let place = Cursor { bytes, start, at: reached.at };
            let guess = match stop {
                Stopped::End => {
                    let is_ascii = self.gaps.are_ascii() && seen.are_ascii(simd);
                    return Line { next: reached.at, is_ascii, verdict: Ok(()) };
                }
                Stopped::Scalar => match self.refused(reached.next, place) {
                    Some(line) => return line,
                    None => None,
                },
                Stopped::Gap => self.guessed(simd, reached, bytes),
            };
            let id = match guess.map_or_else(|| self.other(reached, place, slots), Ok) {
                Ok(id) => id,
                Err(line) => return line,
            };
            reached.next = id;
            if self.gaps.gap(id).then == Then::Rest {
                let is_ascii;
                (reached, is_ascii) = match self.pass_rest(simd, reached, place, slots) {
                    Ok(passed) => passed,
                    Err(line) => return line,
                };
                if !is_ascii {
                    seen.miss(simd);
                }
            }
        }
    }

    /// Passes what records mostly are: known gaps in their order with scalars behind them.
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
        seen: &mut Seen<S>,
    ) -> Stopped {
        let gaps = self.gaps.all_mut();
        let Reached { at, mut last, next: mut id } = *reached;
        let (mut rest, line_length) = (&bytes[at..], bytes.len() - start);
        let mut stopped = Stopped::Gap;
        while let Some(there) = rest.first_chunk::<REACH>() {
            let gap = &mut gaps[usize::from(id) % MOST_GAPS];
            if !gap.begins_with(simd, there) {
                break;
            }
            let head = gap.head_length() % WINDOW;
            let from = || line_length - rest.len() + head;
            // Strings are asked for first, as most scalars are: else a jump through a table comes before each.
            let passed = if gap.then == Then::Text {
                let length = plain_bytes(simd, window(there, head), &mut gap.text, seen);
                let end = (head + length) % REACH;
                if there[end] == b'"' {
                    if let Some(slot) = gap.slot() {
                        slots.set(slot, Kind::Text, from(), from() + length);
                    }
                    Some(&rest[end + 1..])
                } else {
                    let place = Cursor { bytes, start, at: start + from() };
                    seen_text_end(simd, place, length, gap.slot(), slots, seen).map(|end| &bytes[end + 1..])
                }
            } else if gap.then == Then::Bare
                && let Some(slot) = gap.slot()
                && let Some((number, length)) = Number::short(window(there, head))
            {
                slots.set_number(slot, number, from(), from() + length);
                Some(&rest[(head + length) % REACH..])
            } else if gap.then == Then::Bare {
                let place = Cursor { bytes, start, at: start + from() };
                bare_or_items_end(simd, place, gap, (last, id), slots).map(|end| &bytes[end..])
            } else if gap.then == Then::End {
                reached.at = start + from();
                return Stopped::End;
            } else {
                break;
            };
            let Some(behind) = passed else {
                stopped = Stopped::Scalar;
                break;
            };
            rest = behind;
            (last, id) = (id, gap.next);
        }
        *reached = Reached { at: bytes.len() - rest.len(), last, next: id };
        stopped
    }

    /// Passes one of the few gaps of which more is to be known, and the scalar behind it, and says whether that is ASCII; the record
    /// in the place of an error, if it ends here.
    #[inline(never)]
    fn pass_rest<S: Simd>(
        &mut self,
        simd: S,
        reached: Reached,
        place: Cursor<'_>,
        slots: &mut Slots,
    ) -> Result<(Reached, bool), Line> {
        let Cursor { bytes, start, at } = place;
        let gap = self.gaps.gap(reached.next);
        let scalar = Cursor { bytes, start, at: at + self.gaps.length(gap) };
        self.gaps.apply_notes(gap, slots);
        let (quote, end) = match self.gaps.then(gap) {
            Then::Text => {
                let end = unusual_text_end(simd, scalar, 0, gap.slot(), slots);
                (1, end.map(|end| (end.at + 1, end.is_ascii)))
            }
            Then::Bare => (0, unusual_bare_end(bytes, scalar.at, start, gap.slot(), slots).map(|end| (end, true))),
            _ => return Err(Line { next: scalar.at, is_ascii: false, verdict: Ok(()) }),
        };
        match end {
            Some((at, is_ascii)) => Ok((Reached { at, last: reached.next, next: gap.next }, is_ascii)),
            None => Err(refused(Cursor { at: scalar.at - quote, ..scalar })),
        }
    }

    /// Which of the gaps that are guessed stands at a place, if one does.
    #[inline(always)]
    fn guessed<S: Simd>(&self, simd: S, reached: Reached, bytes: &[u8]) -> Option<GapId> {
        let there = reach(bytes, reached.at)?;
        if self.gaps.follows(simd, self.gaps.gap(reached.next), there, bytes, reached.at) {
            return Some(reached.next);
        }
        let second = self.gaps.second(reached.last);
        self.gaps.follows(simd, self.gaps.gap(second), there, bytes, reached.at).then_some(second)
    }

    /// Another gap than the likely one: it is known in these containers, or the walker judges it now.
    #[inline(never)]
    fn other(&mut self, reached: Reached, place: Cursor<'_>, slots: &mut Slots) -> Result<GapId, Line> {
        let Reached { last, .. } = reached;
        let first = self.gaps.gap(last).next;
        let Some(there) = reach(place.bytes, place.at) else {
            slots.clear();
            return Err(self.walk_line(place.bytes, place.start, slots));
        };
        let id = match self.gaps.find(last, there, place.bytes, place.at) {
            Some(known) => known,
            None => self.learn(last, place, slots)?,
        };
        self.gaps.note_second(last, first, id);
        Ok(id)
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
        Err(Line { next, is_ascii: false, verdict: told(verdict, &cursor) })
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

    /// Says what is wrong with the scalar behind a gap that begins at a place; `None` if another gap begins so, too: one before a
    /// number begins like one before a string.
    #[cold]
    #[inline(never)]
    fn refused(&self, id: GapId, place: Cursor<'_>) -> Option<Line> {
        let gap = self.gaps.gap(id);
        let at = place.at + self.gaps.length(gap);
        match self.gaps.then(gap) {
            Then::Text => Some(refused(Cursor { at: at - 1, ..place })),
            _ if is_bare(*place.bytes.get(at)?) => Some(refused(Cursor { at, ..place })),
            _ => None,
        }
    }

    /// Walks a record without heed of what is known.
    #[inline(never)]
    pub(super) fn walk_line(&mut self, bytes: &[u8], start: usize, slots: &mut Slots) -> Line {
        let (end, next) = line_end(bytes, start);
        let mut cursor = Cursor { bytes: &bytes[..end], start, at: start };
        let verdict = self.walker.walk(&mut cursor, &self.paths, slots);
        Line { next, is_ascii: false, verdict: told(verdict, &cursor) }
    }
}

/// How far a record was passed.
#[derive(Clone, Copy)]
struct Reached {
    at: usize,
    last: GapId, // which gap stands before the last scalar
    next: GapId, // which is likely to come next
}

/// Where a record is no longer as usual.
enum Stopped {
    /// Nowhere: it has ended.
    End,
    /// At a gap that is not the likely one, or is one of the few that are more than a row of bytes.
    Gap,
    /// At the scalar behind the likely gap.
    Scalar,
}

/// A window at the scalar behind the head of a gap.
#[inline(always)]
fn window(there: &[u8; REACH], head: usize) -> &[u8; WINDOW] {
    there[head % WINDOW..].first_chunk().unwrap_or(&[0; WINDOW])
}

/// The end of the number or word at a place behind a gap, or of the last one of a list's whole numbers; `None` if there is none. Which
/// gap came last and which one this is are noted with a list.
#[inline(always)]
fn bare_or_items_end<S: Simd>(
    simd: S,
    place: Cursor<'_>,
    gap: &mut Gap,
    (last, own): (GapId, GapId),
    slots: &mut Slots,
) -> Option<usize> {
    if gap.is_listed() {
        gap.note_before(last, own);
        items_end(simd, place, slots)
    } else {
        bare_end(place, gap.slot(), slots)
    }
}

/// The end of the number or word at a place, which is no short number if it is mapped; `None` if there is none.
#[inline(always)]
fn bare_end(place: Cursor<'_>, slot: Option<usize>, slots: &mut Slots) -> Option<usize> {
    let Cursor { bytes, start, at } = place;
    let known = if slot.is_none() { end_of_number(bytes, at) } else { None };
    known.or_else(|| unusual_bare_end(bytes, at, start, slot, slots))
}

/// The same for a word, and for a number that takes a closer look.
///
/// No part of the loop: it needs all registers.
#[inline(never)]
fn unusual_bare_end(bytes: &[u8], from: usize, start: usize, slot: Option<usize>, slots: &mut Slots) -> Option<usize> {
    if let (Some(slot), Some(window)) = (slot, bytes.get(from..)?.first_chunk())
        && let Some((number, length)) = Number::usual(window)
    {
        slots.set_number(slot, number, from - start, from + length - start);
        return Some(from + length);
    }
    let mut cursor = Cursor { bytes, start, at: from };
    if !is_bare(cursor.peek()?) {
        return None;
    }
    let kind = cursor.scalar().ok()?;
    if let Some(slot) = slot {
        slots.set(slot, kind, from - start, cursor.at - start);
    }
    Some(cursor.at)
}

/// The end of the number or word of a list at a place, or of the last one of a row of whole numbers; `None` if there is none.
///
/// No part of the loop: it needs all registers.
#[inline(never)]
fn items_end<S: Simd>(simd: S, place: Cursor<'_>, slots: &mut Slots) -> Option<usize> {
    simd.vectorize(
        #[inline(always)]
        || whole_numbers_end(simd, place.bytes, place.at).or_else(|| bare_end(place, None, slots)),
    )
}

/// Where a string ends.
struct TextEnd {
    at: usize,
    is_ascii: bool, // whether all that was looked at is
}

/// The same as [`unusual_text_end`], with what it looked at added to what was `seen`.
#[inline(always)]
fn seen_text_end<S: Simd>(
    simd: S,
    place: Cursor<'_>,
    plain: usize,
    slot: Option<usize>,
    slots: &mut Slots,
    seen: &mut Seen<S>,
) -> Option<usize> {
    let end = unusual_text_end(simd, place, plain, slot, slots)?;
    if !end.is_ascii {
        seen.miss(simd);
    }
    Some(end.at)
}

/// The end of the string whose content begins at a place with so many plain bytes, which were seen; `None` if it is wrong.
///
/// No part of the loop: it needs all registers.
#[inline(never)]
fn unusual_text_end<S: Simd>(
    simd: S,
    place: Cursor<'_>,
    plain: usize,
    slot: Option<usize>,
    slots: &mut Slots,
) -> Option<TextEnd> {
    simd.vectorize(
        #[inline(always)]
        || {
            let Cursor { bytes, start, at: from } = place;
            let mut seen = Seen::nothing(simd);
            let escape = bytes[from + plain] == b'\\';
            let plain_end = if escape { None } else { text_end(simd, bytes, from + plain, &mut seen) };
            let at = if let Some(end) = plain_end {
                if let Some(slot) = slot {
                    slots.set(slot, Kind::Text, from - start, end - start);
                }
                end
            } else {
                escaped(simd, place, slot, slots, &mut seen)?
            };
            Some(TextEnd { at, is_ascii: seen.are_ascii(simd) })
        },
    )
}

/// The end of the string whose content begins at a place, which may have escapes; `None` if it is wrong.
#[inline(always)]
fn escaped<S: Simd>(
    simd: S,
    place: Cursor<'_>,
    slot: Option<usize>,
    slots: &mut Slots,
    seen: &mut Seen<S>,
) -> Option<usize> {
    let Cursor { bytes, start, at: from } = place;
    let Some(slot) = slot else { return escaped_text_end(simd, bytes, from, seen) };
    let begin = slots.resolved_mut().len();
    let (end, whole) = resolved_text_end(simd, bytes, from, seen, slots.resolved_mut())?;
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
fn refused(scalar: Cursor<'_>) -> Line {
    let (end, next) = line_end(scalar.bytes, scalar.at);
    let mut cursor = Cursor { bytes: &scalar.bytes[..end], ..scalar };
    let verdict = cursor.scalar().map(drop);
    Line { next, is_ascii: false, verdict: told(verdict, &cursor) }
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
