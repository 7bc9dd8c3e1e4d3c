//! Finds the mapped values of a JSON object in one walk that judges every byte of it (RFC 8259).

#![expect(
    clippy::inline_always,
    reason = "the walk is one loop: a call for each name and string costs as much as passing it"
)]

use std::ops::Range;

use super::Refusal;
use super::number::end_of_number;
use super::paths::{NodeId, Paths};
use super::slots::{Kind, Slots};
use crate::pointer::Pointer;
use crate::reason::Reason;

/// Containers may be nested this deep.
pub(super) const MAX_DEPTH: usize = 128;

/// Walks JSON objects.
#[derive(Debug)]
pub(super) struct JsonDecoder {
    paths: Paths,
    open: Vec<Container>, // reused between records
}

/// A container whose end was not seen yet.
#[derive(Clone, Copy, Debug)]
struct Container {
    node: Option<NodeId>, // where it stands in the mapping
    items: Items,
}

#[derive(Clone, Copy, Debug)]
enum Items {
    Members,
    Elements { next: usize },
}

/// What was expected where the cursor stands. Small, so that results come back in registers.
struct Fault(&'static str);

/// A place in the text.
struct Cursor<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

impl JsonDecoder {
    pub(super) fn new(pointers: &[Pointer]) -> Self {
        JsonDecoder { paths: Paths::new(pointers), open: Vec::with_capacity(MAX_DEPTH) }
    }

    #[inline]
    pub(super) fn find(&mut self, record: &str, slots: &mut Slots) -> Result<(), Refusal> {
        slots.clear();
        let mut cursor = Cursor { text: record, bytes: record.as_bytes(), at: 0 };
        self.walk(&mut cursor, slots).map_err(|Fault(expected)| {
            Refusal::new(Reason::InvalidJson, format!("expected {expected} at byte {}", cursor.at))
        })
    }

    fn walk(&mut self, cursor: &mut Cursor<'_>, slots: &mut Slots) -> Result<(), Fault> {
        self.open.clear();
        cursor.skip_blanks();
        cursor.expect(b'{', "an object")?;
        self.open.push(Container { node: Some(Paths::ROOT), items: Items::Members });
        let mut first = true;
        while let Some(container) = self.open.last_mut() {
            cursor.skip_blanks();
            if cursor.eat(container.items.close()) {
                self.open.pop();
                first = false;
                continue;
            }
            if !first {
                cursor.expect(b',', "a comma or the end of the container")?;
                cursor.skip_blanks();
            }
            let node = container.next_item(cursor, &self.paths)?;
            first = self.value(cursor, node, slots)?;
        }
        cursor.skip_blanks();
        if cursor.at < cursor.bytes.len() { Err(Fault("the end of the line")) } else { Ok(()) }
    }

    /// Passes a scalar or enters a container; whether it entered one.
    #[inline]
    fn value(&mut self, cursor: &mut Cursor<'_>, node: Option<NodeId>, slots: &mut Slots) -> Result<bool, Fault> {
        let start = cursor.at;
        let kind = match cursor.peek() {
            Some(b'"') => {
                if cursor.string()? {
                    Kind::Escaped
                } else {
                    Kind::Text
                }
            }
            Some(b'-' | b'0'..=b'9') => cursor.number()?,
            Some(b'{') => self.enter(cursor, node, Items::Members)?,
            Some(b'[') => self.enter(cursor, node, Items::Elements { next: 0 })?,
            Some(b't') => cursor.word("true", Kind::Bool)?,
            Some(b'f') => cursor.word("false", Kind::Bool)?,
            Some(b'n') => cursor.word("null", Kind::Absent)?,
            _ => return Err(Fault("a value")),
        };
        if let Some(node) = node {
            self.note(node, kind, start, cursor.at, slots);
        }
        Ok(kind == Kind::Container)
    }

    /// Writes down what stands at a mapped place. The last of several values wins, with all that is below it.
    #[inline]
    fn note(&self, node: NodeId, kind: Kind, start: usize, end: usize, slots: &mut Slots) {
        let node = self.paths.node(node);
        if let Some(slot) = node.slot {
            let quote = usize::from(matches!(kind, Kind::Text | Kind::Escaped));
            slots.set(slot, kind, start + quote..end - quote);
        }
        if !node.is_leaf() {
            node.below.iter().for_each(|slot| slots.forget(*slot));
        }
    }

    fn enter(&mut self, cursor: &mut Cursor<'_>, node: Option<NodeId>, items: Items) -> Result<Kind, Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(Fault("at most 128 nested containers"));
        }
        cursor.at += 1;
        let node = node.filter(|node| !self.paths.node(*node).is_leaf());
        self.open.push(Container { node, items });
        Ok(Kind::Container)
    }
}

impl Items {
    fn close(self) -> u8 {
        match self {
            Items::Members => b'}',
            Items::Elements { .. } => b']',
        }
    }
}

impl Container {
    /// Passes the name of a member or counts an element; where in the mapping its value stands.
    #[inline]
    fn next_item(&mut self, cursor: &mut Cursor<'_>, paths: &Paths) -> Result<Option<NodeId>, Fault> {
        let node = self.node.map(|node| paths.node(node));
        match &mut self.items {
            Items::Members => {
                let (name, escaped) = cursor.name()?;
                Ok(node.and_then(|node| {
                    if escaped {
                        node.child(unescape(&cursor.text[name])?.as_bytes())
                    } else {
                        node.child(&cursor.bytes[name])
                    }
                }))
            }
            Items::Elements { next } => {
                let index = *next;
                *next += 1;
                Ok(node.and_then(|node| node.child(index.to_string().as_bytes())))
            }
        }
    }
}

impl Cursor<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault(what)) }
    }

    #[inline(always)]
    fn skip_blanks(&mut self) {
        // One comparison where there is none, as most writers leave them out.
        while self.peek().is_some_and(|byte| byte <= b' ') && matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.at += 1;
        }
    }

    /// A member's name and its colon; whether the name has escapes.
    #[inline(always)]
    fn name(&mut self) -> Result<(Range<usize>, bool), Fault> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(Fault("a name in quotes"));
        }
        let escaped = self.string()?;
        let name = start + 1..self.at - 1;
        self.skip_blanks();
        self.expect(b':', "a colon")?;
        self.skip_blanks();
        Ok((name, escaped))
    }

    /// Passes a string, quotes included; whether it has escapes. Most have none, and are passed without a call.
    #[inline(always)]
    fn string(&mut self) -> Result<bool, Fault> {
        self.at = next_special(self.bytes, self.at + 1);
        if self.eat(b'"') { Ok(false) } else { self.rest_of_string() }
    }

    /// Goes on at the first character of a string that is no plain one.
    #[cold]
    #[inline(never)]
    fn rest_of_string(&mut self) -> Result<bool, Fault> {
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(true);
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(Fault("no bare control character in a string")),
                None => return Err(Fault("the end of a string")),
            }
            self.at = next_special(self.bytes, self.at);
        }
    }

    /// Passes one escape. Whether surrogates are in pairs matters only where the text is wanted.
    fn escape(&mut self) -> Result<(), Fault> {
        let digits = match self.bytes.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 0,
            Some(b'u') => 4,
            _ => return Err(Fault("an escape")),
        };
        let end = self.at + 2 + digits;
        let hex = self.bytes.get(self.at + 2..end).is_some_and(|d| d.iter().all(u8::is_ascii_hexdigit));
        self.at = if hex { end } else { return Err(Fault("four hex digits")) };
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Result<Kind, Fault> {
        self.at = end_of_number(self.bytes, self.at).ok_or(Fault("a number"))?;
        Ok(Kind::Number)
    }

    fn word(&mut self, word: &'static str, kind: Kind) -> Result<Kind, Fault> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(Fault(word));
        }
        self.at += word.len();
        Ok(kind)
    }
}

/// The first place from `at` on with a quote, a backslash or a control character; the end if there is none.
///
/// Eight bytes at a time: in `x - 0x01…` the lowest byte that was zero is the first whose top bit is set where it was not before.
#[inline(always)]
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word;
    while let Some((eight, _)) = bytes.get(at..).and_then(<[u8]>::split_first_chunk::<8>) {
        let word = u64::from_le_bytes(*eight);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = (quote | backslash | below(word, 0x20)) & TOPS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    last_special(bytes, at)
}

/// The same for the last few bytes of a record.
#[cold]
#[inline(never)]
fn last_special(bytes: &[u8], at: usize) -> usize {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    at + bytes[at..].iter().position(special).unwrap_or(bytes.len() - at)
}

/// Resolves the escapes of a string that was judged before; `None` if a surrogate stands alone.
pub(super) fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (char, length) = unescape_one(&rest[at + 1..])?;
        out.push(char);
        rest = &rest[at + 1 + length..];
    }
    out.push_str(rest);
    Some(out)
}

/// The character that the escape behind a backslash means, and how many bytes it takes.
fn unescape_one(text: &str) -> Option<(char, usize)> {
    let simple = match text.as_bytes().first()? {
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(text),
        other => char::from(*other), // a quote, a slash or a backslash
    };
    Some((simple, 1))
}

fn unescape_unicode(text: &str) -> Option<(char, usize)> {
    let unit = |at: usize| u32::from_str_radix(text.get(at..at + 4)?, 16).ok();
    let first = unit(1)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, 5));
    }
    let second = text.get(5..7).filter(|s| *s == "\\u").and_then(|_| unit(7))?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    Some((char::from_u32(0x10000 + ((first - 0xD800) << 10) + low)?, 11))
}
