//! The values of a key, one by one.

use std::slice;

use super::short::Short;

/// Stands behind each value of a long key, so that ("ab", "c") and ("a", "bc") differ; no byte of any text.
const END: u8 = 0xff;

/// The values of a key's fields, in configured order, as bytes: these are ordered as the texts are.
#[derive(Clone, Debug)]
pub(crate) struct KeyTexts<'a>(Left<'a>);

#[derive(Clone, Debug)]
enum Left<'a> {
    Short(slice::Iter<'a, Short>),
    Long(&'a [u8]), // each with an end mark behind it
}

impl<'a> KeyTexts<'a> {
    pub(super) fn short(texts: &'a [Short]) -> Self {
        KeyTexts(Left::Short(texts.iter()))
    }

    /// The same as texts, which they were when they were taken in.
    #[inline]
    pub(crate) fn texts(self) -> impl Iterator<Item = &'a str> {
        self.map(|value| std::str::from_utf8(value).unwrap_or_default())
    }

    /// Those of a long key that were [`joined`].
    pub(super) fn long(joined: &'a [u8]) -> Self {
        KeyTexts(Left::Long(joined))
    }
}

impl<'a> Iterator for KeyTexts<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        match &mut self.0 {
            Left::Short(texts) => texts.next().map(Short::bytes),
            Left::Long(joined) => {
                let end = memchr::memchr(END, joined)?;
                let value = &joined[..end];
                *joined = &joined[end + 1..];
                Some(value)
            }
        }
    }
}

/// The values of a long key in one row of bytes.
pub(super) fn joined<'a>(values: impl Iterator<Item = &'a [u8]>) -> Box<[u8]> {
    values.flat_map(|value| value.iter().copied().chain([END])).collect()
}

/// Whether a row of bytes is that of these values.
#[inline]
pub(super) fn is_joined<'a>(mut joined: &[u8], values: impl Iterator<Item = &'a [u8]>) -> bool {
    for value in values {
        match joined.split_at_checked(value.len()) {
            Some((start, [END, rest @ ..])) if start == value => joined = rest,
            _ => return false,
        }
    }
    joined.is_empty()
}
