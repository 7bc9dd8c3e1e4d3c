//! What the escapes of a JSON string mean.

use super::super::values::push_part;
use super::cursor::next_special;

/// How long an escape is that begins with the backslash at a place; `None` if it is none. Whether surrogates are in pairs matters
/// only where the text is wanted.
#[inline]
pub(super) fn escape_length(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..at + 2)? {
        [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'] => Some(2),
        [b'\\', b'u'] => bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit).then_some(6),
        _ => None,
    }
}

/// Resolves the escapes of a string that was judged before; `None` if a surrogate stands alone.
pub(super) fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    unescape_into(&mut out, text).then_some(out)
}

/// Appends the text with its escapes resolved; false if a surrogate stands alone.
pub(in super::super) fn unescape_into(out: &mut Vec<u8>, text: &[u8]) -> bool {
    let mut from = 0;
    loop {
        // Nothing else that is special is left in a string that was judged.
        let escape = next_special(text, from);
        push_part(out, text, from..escape);
        if escape == text.len() {
            return true;
        }
        let Some((char, length)) = unescape_one(&text[escape..]) else { return false };
        out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        from = escape + length;
    }
}

/// The character that an escape means that was judged before, and how many bytes it takes.
fn unescape_one(escape: &[u8]) -> Option<(char, usize)> {
    match *escape.get(1)? {
        b'u' => unescape_unicode(escape),
        simple => Some((char::from(SIMPLE[usize::from(simple)]), 2)),
    }
}

/// What a byte means behind a backslash: itself, if it is a quote, a slash or a backslash.
pub(super) const SIMPLE: [u8; 256] = {
    let mut table = [0; 256];
    let pairs = [
        (b'b', 8),
        (b'f', 12),
        (b'n', b'\n'),
        (b'r', b'\r'),
        (b't', b'\t'),
        (b'"', b'"'),
        (b'/', b'/'),
        (b'\\', b'\\'),
    ];
    let mut at = 0;
    while at < pairs.len() {
        table[pairs[at].0 as usize] = pairs[at].1;
        at += 1;
    }
    table
};

/// The same behind a backslash and a `u`; `None` if it is a surrogate that stands alone.
#[inline]
pub(super) fn unescape_unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = unicode(escape)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = escape.get(6..).filter(|next| next.starts_with(b"\\u")).and_then(unicode)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x10000 + ((first - 0xD800) << 10) + low)?, 12))
}

/// What stands behind a backslash and a `u`.
fn unicode(escape: &[u8]) -> Option<u32> {
    Some(code_unit(*escape.get(2..)?.first_chunk()?))
}

/// What four hex digits say: a letter has a bit that a digit has not, and is 9 more than its low half.
#[inline(always)]
fn code_unit(digits: [u8; 4]) -> u32 {
    let digits = u32::from_be_bytes(digits);
    let nibbles = (digits & 0x0F0F_0F0F) + 9 * (digits >> 6 & 0x0101_0101);
    let bytes = (nibbles | nibbles >> 4) & 0x00FF_00FF;
    (bytes | bytes >> 8) & 0xFFFF
}
