//! A place in the bytes of a record, and how to pass what stands there.

use std::ops::Range;

use super::super::number::end_of_number;
use super::super::slots::Kind;
use super::escapes::escape_length;

/// What was expected where the cursor stands. Small, so that results come back in registers.
#[derive(Debug)]
pub(super) struct Fault(pub &'static str);

/// A place in a record, which ends with `bytes`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub bytes: &'a [u8],
    pub start: usize, // of the record
    pub at: usize,
}

impl Cursor<'_> {
    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Fault> {
        if self.eat(byte) { Ok(()) } else { Err(Fault(what)) }
    }

    #[inline(always)]
    pub(super) fn skip_blanks(&mut self) {
        // One comparison where there is none, as most writers leave them out.
        while self.peek().is_some_and(|byte| byte <= b' ') && matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n'))
        {
            self.at += 1;
        }
    }

    /// A member's name and its colon; whether the name has escapes.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Result<(Range<usize>, bool), Fault> {
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

    /// Passes a value that is no container.
    #[inline]
    pub(super) fn scalar(&mut self) -> Result<Kind, Fault> {
        match self.peek() {
            Some(b'"') => Ok(if self.string()? { Kind::Escaped } else { Kind::Text }),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Kind::Bool),
            Some(b'f') => self.word("false", Kind::Bool),
            Some(b'n') => self.word("null", Kind::Absent),
            _ => Err(Fault("a value")),
        }
    }

    /// Passes a string, quotes included; whether it has escapes. Most have none, and are passed without a call.
    #[inline(always)]
    fn string(&mut self) -> Result<bool, Fault> {
        self.at = next_special(self.bytes, self.at + 1);
        if self.eat(b'"') { Ok(false) } else { self.rest_of_string() }
    }

    /// Goes on at the first character of a string that is no plain one.
    #[inline(never)]
    pub(super) fn rest_of_string(&mut self) -> Result<bool, Fault> {
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

    fn escape(&mut self) -> Result<(), Fault> {
        self.at += escape_length(self.bytes, self.at).ok_or_else(|| match self.bytes.get(self.at + 1) {
            Some(b'u') => Fault("four hex digits"),
            _ => Fault("an escape"),
        })?;
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
pub(super) fn next_special(bytes: &[u8], mut at: usize) -> usize {
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
