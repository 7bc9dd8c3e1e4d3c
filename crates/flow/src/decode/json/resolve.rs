//! Strings with escapes: judged by windows, and rewritten in the same pass where the text is wanted.
//!
//! Which bytes begin an escape, what may stand behind a backslash and where hex digits have to be is found out for a whole
//! window as bits. So is which bytes are left when its escapes are resolved: all others are taken out at once. Only escapes with
//! hex digits are then looked at one by one.

use fearless_simd::prelude::*;
use fearless_simd::{mask8x64, u8x16, u8x64};

use super::super::slots::Resolved;
use super::escapes::{SIMPLE, unescape_unicode};
use super::text::{Seen, WINDOW};

/// How long an escape with hex digits is. One that begins in the last bytes of a window may not end in it.
const UNICODE: usize = 6;
const LAST_WHOLE: usize = WINDOW - UNICODE + 1;
/// How long the escapes of a pair of surrogates are.
const PAIR: usize = 2 * UNICODE;

/// The letters that mean something else behind a backslash, each at its [`place`], and what they mean.
const LETTERS: [u8; 16] = at_places(false);
const MEANINGS: [u8; 16] = at_places(true);

/// What was found in a window that begins outside of an escape.
struct Judged<S: Simd> {
    window: u8x64<S>,
    simple: u8x64<S>, // what each byte means behind a backslash
    kinds: u64,       // which of them stand there
    escapes: u64,     // where they begin
    unicode: u64,     // where those begin that have hex digits
    within: u64,      // what was judged: all before the quote, or before the next window
    closed: bool,     // whether there is a quote
}

/// Where the string ends whose content begins at a place, which may have escapes; `None` if it is wrong. There is a control
/// character in `bytes`, and a window of bytes behind the first one.
#[inline(always)]
pub(super) fn escaped_text_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize, seen: &mut Seen<S>) -> Option<usize> {
    loop {
        let judged = judge(simd, &bytes[at..], seen)?;
        at += judged.length();
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
    seen: &mut Seen<S>,
    out: &mut Resolved,
) -> Option<(usize, bool)> {
    loop {
        let judged = judge(simd, &bytes[at..], seen)?;
        let Some(length) = resolve(simd, &bytes[at..], &judged, out) else {
            return Some((escaped_text_end(simd, bytes, at, seen)?, false));
        };
        at += length;
        if judged.closed {
            return Some((at, true));
        }
    }
}

/// Judges a window up to the quote that ends the string, or up to an escape that may not end in it.
#[inline(always)]
fn judge<S: Simd>(simd: S, bytes: &[u8], seen: &mut Seen<S>) -> Option<Judged<S>> {
    let window = u8x64::from_slice(simd, &bytes[..WINDOW]);
    seen.see(window);
    let is = |byte: u8| window.simd_eq(u8x64::splat(simd, byte));
    let places = (window >> 1) & u8x64::splat(simd, 0xF);
    let at_its_place = |table| u8x64::block_splat(u8x16::simd_from(simd, table)).swizzle_dyn_within_blocks(places);
    let letters = window.simd_eq(at_its_place(LETTERS));
    let (quotes, backslashes, u) = (is(b'"'), is(b'\\'), is(b'u'));
    let escapable = letters | quotes | backslashes | u | is(b'/');
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
    let within = !stop & stop.wrapping_sub(1);
    // The quote is judged, too: it may stand in the place of a hex digit.
    let fault = wrong & (closing ^ closing.wrapping_sub(1));
    let simple = letters.select(at_its_place(MEANINGS), window);
    let (escapes, unicode) = (begins & within, unicode >> 1 & within);
    (fault == 0).then_some(Judged { window, simple, kinds, escapes, unicode, within, closed })
}

impl<S: Simd> Judged<S> {
    #[inline(always)]
    fn length(&self) -> usize {
        ones(self.within)
    }
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

/// Appends what was judged of a window: how far it comes, unless a surrogate stands alone.
#[inline(always)]
fn resolve<S: Simd>(simd: S, bytes: &[u8], judged: &Judged<S>, out: &mut Resolved) -> Option<usize> {
    let Judged { window, simple, kinds, escapes, mut unicode, within, .. } = *judged;
    let spare = if unicode == 0 { escapes } else { escapes & !unicode | spare_of_unicode(simd, window, unicode) };
    let kept = within & !spare;
    let text = mask8x64::from_bitmask(simd, kinds).select(simple, window);
    let room = out.room()?;
    text.compress(mask8x64::from_bitmask(simd, kept)).store_slice(&mut room[..WINDOW]);
    while unicode != 0 {
        let place = unicode.trailing_zeros() as usize;
        let (char, length) = unescape_unicode(&bytes[place..])?;
        let before = ones(kept & ((1 << place) - 1));
        if place + length > WINDOW {
            // A pair that goes on in the next window begins it: its second half was not judged yet.
            out.advance(before);
            return Some(place);
        }
        char.encode_utf8(&mut room[before..]);
        unicode &= unicode - 1;
        if length == PAIR {
            unicode &= unicode.wrapping_sub(1);
        }
    }
    out.advance(ones(kept));
    Some(judged.length())
}

/// Which bytes of escapes with hex digits are more than what they mean takes: one byte, two or three; two for half of a pair.
#[inline(always)]
fn spare_of_unicode<S: Simd>(simd: S, window: u8x64<S>, unicode: u64) -> u64 {
    let zero = window.simd_eq(u8x64::splat(simd, b'0')).to_bitmask();
    let below_8 = (window - u8x64::splat(simd, b'0')).simd_lt(u8x64::splat(simd, 8)).to_bitmask();
    let d = (window | u8x64::splat(simd, 0x20)).simd_eq(u8x64::splat(simd, b'd')).to_bitmask();
    let surrogate = d >> 2 & !(below_8 >> 3);
    let below_0x800 = zero >> 2 & below_8 >> 3;
    let below_0x80 = zero >> 2 & zero >> 3 & below_8 >> 4;
    let (no_third, no_second) = (unicode & (surrogate | below_0x800), unicode & below_0x80);
    unicode << 5 | unicode << 4 | unicode << 3 | no_third << 2 | no_second << 1
}

#[inline(always)]
fn ones(bits: u64) -> usize {
    bits.count_ones() as usize
}

/// Where a letter stands in a table: some of its bits, in which those that mean something else differ.
const fn place(letter: u8) -> usize {
    (letter >> 1 & 0xF) as usize
}

const fn at_places(meanings: bool) -> [u8; 16] {
    let mut table = [0; 16];
    let mut letter = b'a';
    while letter <= b'z' {
        let meaning = SIMPLE[letter as usize];
        if meaning != 0 {
            table[place(letter)] = if meanings { meaning } else { letter };
        }
        letter += 1;
    }
    table
}
