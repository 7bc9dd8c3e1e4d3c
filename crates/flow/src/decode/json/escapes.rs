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
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    unescape_into(&mut out, text).then_some(out)
}

/// Appends the text with its escapes resolved; false if a surrogate stands alone.
pub(in super::super) fn unescape_into(out: &mut String, text: &str) -> bool {
    let mut from = 0;
    loop {
        // Nothing else that is special is left in a string that was judged.
        let escape = next_special(text.as_bytes(), from);
        push_part(out, text, from..escape);
        if escape == text.len() {
            return true;
        }
        let Some((char, length)) = unescape_one(&text.as_bytes()[escape..]) else { return false };
        out.push(char);
        from = escape + length;
    }
}

/// The character that an escape means that was judged before, and how many bytes it takes.
#[inline]
fn unescape_one(escape: &[u8]) -> Option<(char, usize)> {
    let simple = match *escape.get(1)? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(escape),
        other => char::from(other), // a quote, a slash or a backslash
    };
    Some((simple, 2))
}

fn unescape_unicode(escape: &[u8]) -> Option<(char, usize)> {
    let first = code_unit(escape)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = escape.get(6..).filter(|next| next.starts_with(b"\\u")).and_then(code_unit)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x10000 + ((first - 0xD800) << 10) + low)?, 12))
}

/// What the four hex digits say that stand behind a backslash and a `u`.
#[inline]
fn code_unit(escape: &[u8]) -> Option<u32> {
    escape.get(2..6)?.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}
