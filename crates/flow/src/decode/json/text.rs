//! Where a string ends.

use fearless_simd::prelude::*;
use fearless_simd::{u8x32, u8x64};

/// How many bytes are looked at at once.
pub(super) const WINDOW: usize = 64;

/// How long the strings of one place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    stop: u64, // where in the window they end, as a bit, if that was always the same; no bit if they go on behind it
    bytes: u8, // the same as a number
    seen: bool,
}

impl Length {
    /// Not a bit where a string could end, so that none is as expected.
    const NOWHERE: u64 = u64::MAX;
    /// None was seen.
    pub(super) const UNSEEN: Length = Length { stop: Self::NOWHERE, bytes: 0, seen: false };
    /// They differ.
    const ANY: Length = Length { stop: Self::NOWHERE, bytes: 0, seen: true };

    /// A string ended elsewhere than was expected.
    #[inline(always)]
    fn differs(&mut self, specials: u64) {
        if self.stop != Self::NOWHERE {
            *self = Self::ANY;
        } else if !self.seen {
            *self = Length { stop: lowest(specials), bytes: position(specials), seen: true };
        }
    }
}

/// How many bytes of a string come before anything special, or before the end of the window. They, and some behind them, are added to
/// what was `seen`.
#[inline(always)]
pub(super) fn plain_bytes<S: Simd>(simd: S, window: &[u8; WINDOW], length: &mut Length, seen: &mut Seen<S>) -> usize {
    let specials = first_specials(simd, window, seen);
    if lowest(specials) == length.stop {
        // Where the next bytes to be looked at are is then known before this window was: nothing has to wait for it.
        return usize::from(length.bytes);
    }
    length.differs(specials);
    usize::from(position(specials))
}

/// The bits of all bytes that were looked at.
#[derive(Clone, Copy)]
pub(super) struct Seen<S: Simd>(u8x32<S>);

impl<S: Simd> Seen<S> {
    #[inline(always)]
    pub(super) fn nothing(simd: S) -> Self {
        Seen(u8x32::splat(simd, 0))
    }

    /// A window of them.
    #[inline(always)]
    pub(super) fn see(&mut self, window: u8x64<S>) {
        let (near, far) = window.split();
        self.0 |= near | far;
    }

    /// Something was passed that is not among them.
    #[inline(always)]
    pub(super) fn miss(&mut self, simd: S) {
        self.0 = u8x32::splat(simd, u8::MAX);
    }

    /// Whether no byte had the bit that no ASCII character has, and none was missed.
    #[inline(always)]
    pub(super) fn are_ascii(self, simd: S) -> bool {
        self.0.simd_lt(u8x32::splat(simd, 0x80)).to_bitmask() == u64::from(u32::MAX)
    }
}

/// Where the string ends whose content goes on at a place, if a quote comes before anything else that is special. There is a
/// control character in `bytes`, and a window of bytes behind the first one. What was looked at is added to what was `seen`.
#[inline(always)]
pub(super) fn text_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize, seen: &mut Seen<S>) -> Option<usize> {
    loop {
        let specials = specials(simd, bytes[at..].first_chunk()?, seen);
        if specials != 0 {
            at += usize::from(position(specials));
            return (bytes[at] == b'"').then_some(at);
        }
        at += WINDOW;
    }
}

#[inline(always)]
fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// The number of the first bit.
#[inline(always)]
#[expect(clippy::cast_possible_truncation, reason = "it is at most 64")]
fn position(bits: u64) -> u8 {
    bits.trailing_zeros() as u8
}

/// The quotes, backslashes and control characters in a window, as bits.
#[inline(always)]
fn specials<S: Simd>(simd: S, window: &[u8; WINDOW], seen: &mut Seen<S>) -> u64 {
    let window = u8x64::from_slice(simd, window);
    seen.see(window);
    // With one bit turned over, of all that are no control characters a quote alone is as low as a space was.
    let low = (window ^ u8x64::splat(simd, b'"' ^ b' ')).simd_le(u8x64::splat(simd, b' '));
    (low | window.simd_eq(u8x64::splat(simd, b'\\'))).to_bitmask()
}

/// The same, at least as far as the first one: most are near.
#[inline(always)]
fn first_specials<S: Simd>(simd: S, window: &[u8; WINDOW], seen: &mut Seen<S>) -> u64 {
    let (near, far) = window.split_at(WINDOW / 2);
    match half_specials(simd, near, seen) {
        0 => half_specials(simd, far, seen) << (WINDOW / 2),
        specials => specials,
    }
}

#[inline(always)]
fn half_specials<S: Simd>(simd: S, half: &[u8], seen: &mut Seen<S>) -> u64 {
    let half = u8x32::from_slice(simd, half);
    seen.0 |= half;
    let low = (half ^ u8x32::splat(simd, b'"' ^ b' ')).simd_le(u8x32::splat(simd, b' '));
    (low | half.simd_eq(u8x32::splat(simd, b'\\'))).to_bitmask()
}
