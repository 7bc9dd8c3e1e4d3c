//! Where the numbers of a list end.
//!
//! Between short numbers stands one byte, and nothing foretells how many there are: to look at them one by one costs more than to
//! read them.

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

use super::text::WINDOW;

/// Passes commas with whole numbers behind them that have no sign: where the last of those ends. What is unusual, or wrong, is left
/// where it begins. There is a control character in `bytes`, and a window of bytes behind the first one.
#[inline(always)]
pub(super) fn whole_numbers_end<S: Simd>(simd: S, bytes: &[u8], mut at: usize) -> usize {
    loop {
        let window = u8x64::from_slice(simd, &bytes[at..at + WINDOW]);
        let commas = window.simd_eq(u8x64::splat(simd, b',')).to_bitmask();
        let zeros = window.simd_eq(u8x64::splat(simd, b'0')).to_bitmask();
        let digits = (window - u8x64::splat(simd, b'0')).simd_lt(u8x64::splat(simd, 10)).to_bitmask();

        let length = (commas | digits).trailing_ones();
        let within = u64::MAX.checked_shr(u64::BITS - length).unwrap_or(0);
        let behind_comma = commas << 1;
        let wrong = commas & behind_comma | (zeros & behind_comma) << 1 & digits;
        if commas & 1 == 0 || wrong & within != 0 {
            return at;
        }
        let whole = length < u64::BITS && digits & within > commas & within && ends_whole(bytes[at + length as usize]);
        if whole {
            return at + length as usize;
        }
        // The last number is another one's, or goes on in the next window.
        let last = u64::BITS - 1 - (commas & within).leading_zeros();
        at += last as usize;
        if last == 0 || length < u64::BITS {
            return at;
        }
    }
}

/// Whether a number that ends before this byte has no fraction and no exponent.
#[inline(always)]
fn ends_whole(next: u8) -> bool {
    !matches!(next, b'.' | b'e' | b'E')
}
