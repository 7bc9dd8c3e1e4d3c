//! Where a string ends.

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

/// How many bytes are looked at at once.
pub(super) const WINDOW: usize = 64;

/// How long the strings of one place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    quote: u64, // where in the window they end, as a bit, if that was always the same
    bytes: u8,  // the same as a number
    seen: bool,
}

impl Length {
    /// None was seen that ends in a window.
    pub(super) const UNSEEN: Length = Length { quote: 0, bytes: 0, seen: false };
    /// They differ.
    const ANY: Length = Length { quote: 0, bytes: 0, seen: true };

    /// A string ended elsewhere than was expected: at this bit of the window, if it did.
    #[inline(always)]
    fn differs(&mut self, quote: u64) {
        if self.quote != 0 || !self.seen {
            let first = !self.seen && quote != 0;
            *self = if first { Length { quote, bytes: position(quote), seen: true } } else { Length::ANY };
        }
    }
}

/// Where the string ends whose content begins at `from`, if a quote comes before anything else that is special. There is a
/// control character in `bytes`, and a window of bytes behind the first one.
#[inline(always)]
pub(super) fn text_end<S: Simd>(simd: S, bytes: &[u8], from: usize, length: &mut Length) -> Option<usize> {
    let (quotes, others) = specials(simd, bytes, from);
    let Length { quote, bytes: expected, .. } = *length;
    // All bits where none is expected.
    let up_to_quote = quote ^ quote.wrapping_sub(1);
    if ((quotes ^ quote) | others) & up_to_quote == 0 {
        // Where the next bytes to be looked at are is then known before the quote was found: nothing has to wait for it.
        return if quote == 0 { long_text_end(simd, bytes, from + WINDOW) } else { Some(from + usize::from(expected)) };
    }
    length.differs(quotes & quotes.wrapping_neg());
    if quotes == 0 {
        return if others == 0 { long_text_end(simd, bytes, from + WINDOW) } else { None };
    }
    // What else there is before the quote is found out aside from where the quote is.
    let before_quote = quotes ^ quotes.wrapping_sub(1);
    (others & before_quote == 0).then_some(from + usize::from(position(quotes)))
}

/// The same for a string that is longer than a window.
#[inline(always)]
fn long_text_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let (quotes, others) = specials(simd, bytes, at);
        if quotes | others != 0 {
            let before_quote = quotes ^ quotes.wrapping_sub(1);
            return (others & before_quote == 0).then_some(at + usize::from(position(quotes)));
        }
        at += WINDOW;
    }
}

/// The number of the first bit.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is at most 64")]
fn position(bits: u64) -> u8 {
    bits.trailing_zeros() as u8
}

/// The quotes in a window, and the backslashes and control characters, as bits.
#[inline(always)]
fn specials<S: Simd>(simd: S, bytes: &[u8], at: usize) -> (u64, u64) {
    let window = u8x64::from_slice(simd, &bytes[at..at + WINDOW]);
    let quotes = window.simd_eq(u8x64::splat(simd, b'"'));
    let others = window.simd_eq(u8x64::splat(simd, b'\\')) | window.simd_lt(u8x64::splat(simd, b' '));
    (quotes.to_bitmask(), others.to_bitmask())
}
