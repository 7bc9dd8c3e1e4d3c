//! Where the numbers of a list end.
//!
//! Between short numbers stands one byte, and nothing foretells how many there are: to look at them one by one costs more than to
//! read them.

use fearless_simd::prelude::*;
use fearless_simd::u8x64;

use super::text::WINDOW;

/// Passes whole numbers that have no sign, with commas between them: where the last of those ends, `None` if the first one is none.
/// What is unusual, or wrong, is left where it begins. There is a byte before `first`, a control character in `bytes`, and a window
/// of bytes behind that.
#[inline(always)]
pub(super) fn whole_numbers_end<S: Simd>(simd: S, bytes: &[u8], first: usize) -> Option<usize> {
    let mut at = first - 1;
    loop {
        let window = u8x64::from_slice(simd, &bytes[at..at + WINDOW]);
        // What stands before the first number is as good as a comma.
        let commas = window.simd_eq(u8x64::splat(simd, b',')).to_bitmask() | 1;
        let zeros = window.simd_eq(u8x64::splat(simd, b'0')).to_bitmask();
        let digits = (window - u8x64::splat(simd, b'0')).simd_lt(u8x64::splat(simd, 10)).to_bitmask();

        let length = (commas | digits).trailing_ones();
        let within = u64::MAX >> (u64::BITS - length);
        let behind_comma = commas << 1;
        let wrong = commas & behind_comma | (zeros & behind_comma) << 1 & digits;
        if wrong & within != 0 {
            break;
        }
        let whole = length < u64::BITS && digits & within > commas & within && ends_whole(bytes[at + length as usize]);
        if whole {
            return Some(at + length as usize);
        }
        // The last number is another one's, or goes on in the next window.
        let last = u64::BITS - 1 - (commas & within).leading_zeros();
        at += last as usize;
        if last == 0 || length < u64::BITS {
            break;
        }
    }
    (at >= first).then_some(at)
}

/// Whether a number that ends before this byte has no fraction and no exponent.
#[inline(always)]
fn ends_whole(next: u8) -> bool {
    !matches!(next, b'.' | b'e' | b'E')
}
