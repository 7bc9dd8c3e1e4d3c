//! Strings with escapes: judged by windows, and rewritten in the same pass where the text is wanted.
//!
//! Which bytes begin an escape, what may stand behind a backslash and where hex digits have to be is found out for a whole
//! window as bits, so that what it costs does not depend on where escapes stand.

use std::ops::Range;

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

use super::super::slots::{ROOM, Resolved};
use super::escapes::{SIMPLE, unescape_unicode};
use super::text::WINDOW;

/// How long the escapes of a pair of surrogates are. Those that begin in the last bytes of a window may not end in it.
const PAIR: usize = 12;
const LAST_WHOLE: usize = WINDOW - PAIR + 1;

/// How much is copied where few bytes stand between two escapes.
const SHORT: usize = 32;

/// What was found in a window that begins outside of an escape.
struct Judged {
    escapes: u64, // where they begin
    end: usize,   // of what was judged: the quote, or where the next window begins
    closed: bool, // whether that is the quote
}

/// Where the string ends whose content begins at `from`, which may have escapes; `None` if it is wrong. There is a control
/// character in `bytes`, and a window of bytes behind the first one.
#[inline(always)]
pub(super) fn escaped_text_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let judged = judge(simd, bytes, at)?;
        at += judged.end;
        if judged.closed {
            return Some(at);
        }
    }
}

/// The same for a string whose text is wanted: it is appended to `out` with its escapes resolved. Whether that is all of it: no
/// surrogate stands alone.
#[inline(always)]
pub(super) fn resolved_text_end<S: Simd>(
    simd: S,
    bytes: &[u8],
    mut at: usize,
    out: &mut Resolved,
) -> Option<(usize, bool)> {
    loop {
        let judged = judge(simd, bytes, at)?;
        let Some(end) = resolve(bytes, at, &judged, out) else {
            return Some((escaped_text_end(simd, bytes, at)?, false));
        };
        at = end;
        if judged.closed {
            return Some((at, true));
        }
    }
}

/// Judges a window up to the quote that ends the string, or up to an escape that may not end in it.
#[inline(always)]
fn judge<S: Simd>(simd: S, bytes: &[u8], at: usize) -> Option<Judged> {
    let window = u8x64::from_slice(simd, &bytes[at..at + WINDOW]);
    let is = |byte: u8| window.simd_eq(u8x64::splat(simd, byte));
    let (quotes, backslashes, u) = (is(b'"'), is(b'\\'), is(b'u'));
    let escapable = quotes | backslashes | u | is(b'/') | is(b'b') | is(b'f') | is(b'n') | is(b'r') | is(b't');
    let control = window.simd_lt(u8x64::splat(simd, b' ')).to_bitmask();
    let digit = (window - u8x64::splat(simd, b'0')).simd_lt(u8x64::splat(simd, 10));
    let letter = ((window | u8x64::splat(simd, 0x20)) - u8x64::splat(simd, b'a')).simd_lt(u8x64::splat(simd, 6));

    let (begins, kinds) = escapes(backslashes.to_bitmask());
    let unicode = u.to_bitmask() & kinds;
    let hex = unicode << 1 | unicode << 2 | unicode << 3 | unicode << 4;
    let wrong = control | kinds & !escapable.to_bitmask() | hex & !(digit | letter).to_bitmask();

    let closing = quotes.to_bitmask() & !kinds;
    let closed = closing != 0;
    let stop = if closed { closing } else { begins >> LAST_WHOLE << LAST_WHOLE };
    // The quote is judged, too: it may stand in the place of a hex digit.
    let within = closing ^ closing.wrapping_sub(1);
    let escapes = begins & !stop & stop.wrapping_sub(1);
    (wrong & within == 0).then_some(Judged { escapes, end: stop.trailing_zeros() as usize, closed })
}

/// Which of these backslashes begin an escape, and which bytes stand behind those and say of what kind it is.
///
/// In a row of backslashes every other one begins an escape, from its first one on. A subtraction carries through each row; where
/// rows begin at an even or at an odd place, it comes out differently (simdjson, "json_escape_scanner").
#[inline(always)]
fn escapes(backslashes: u64) -> (u64, u64) {
    const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
    let ends = (((backslashes << 1) | ODD).wrapping_sub(backslashes)) ^ ODD;
    (ends & backslashes, ends ^ backslashes)
}

/// Appends what was judged of a window: where the next one begins, unless a surrogate stands alone.
///
/// No part of the loop: it needs all registers.
#[inline(never)]
fn resolve(bytes: &[u8], at: usize, judged: &Judged, out: &mut Resolved) -> Option<usize> {
    let room = out.room()?;
    let (mut from, mut written, mut escapes) = (at, 0, judged.escapes);
    while escapes != 0 {
        let place = at + escapes.trailing_zeros() as usize;
        written += copy(bytes, from..place, room, written);
        escapes &= escapes - 1;
        let kind = bytes[place + 1];
        if kind == b'u' {
            let (char, length) = unescape_unicode(&bytes[place..])?;
            written += char.encode_utf8(&mut room[written..]).len();
            from = place + length;
            if length == PAIR {
                escapes &= escapes.wrapping_sub(1);
            }
        } else {
            room[written] = SIMPLE[usize::from(kind)];
            written += 1;
            from = place + 2;
        }
    }
    let end = from.max(at + judged.end);
    written += copy(bytes, from..end, room, written);
    out.advance(written);
    Some(end)
}

/// Copies a part of a window, and how long it is. Always as many bytes are copied, few if it is short: to copy as many as there
/// are would take branches that are mispredicted.
#[inline(always)]
fn copy(bytes: &[u8], part: Range<usize>, room: &mut [u8; ROOM], at: usize) -> usize {
    if part.len() <= SHORT {
        room[at..at + SHORT].copy_from_slice(&bytes[part.start..part.start + SHORT]);
    } else {
        room[at..at + WINDOW].copy_from_slice(&bytes[part.start..part.start + WINDOW]);
    }
    part.len()
}
