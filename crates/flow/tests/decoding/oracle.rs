//! What serde_json says of a line, brought to the rules that streamgauge documents.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Why a line is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Utf8,
    Json,
}

/// The raw texts of the wanted members; `None` where a member is absent.
pub(crate) type Members = Vec<Option<String>>;

/// The members of a line, by paths of one or two names.
pub(crate) fn members(line: &[u8], paths: &[&[&str]]) -> Result<Members, Refused> {
    let text = std::str::from_utf8(line).map_err(|_| Refused::Utf8)?;
    let is_json = serde_json::from_str::<IgnoredAny>(text).is_ok();
    let is_object = text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{');
    if !is_json || !is_object || depth(line) > 128 {
        return Err(Refused::Json);
    }
    Ok(paths.iter().map(|path| path.iter().try_fold(text.to_owned(), |at, name| member(&at, name))).collect())
}

/// The deepest nesting of a valid document.
fn depth(line: &[u8]) -> usize {
    let (mut open, mut deepest, mut in_string, mut at) = (0_usize, 0, false, 0);
    while at < line.len() {
        match line[at] {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            b'{' | b'[' if !in_string => open += 1,
            b'}' | b']' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
        at += 1;
    }
    deepest
}

/// The raw text of the last member of this name, if the text is an object that has one.
fn member(object: &str, name: &str) -> Option<String> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    deserializer.deserialize_map(Find(name)).ok()?
}

struct Find<'a>(&'a str);

impl<'de> Visitor<'de> for Find<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key_seed(Name)? {
            let value: &RawValue = map.next_value()?;
            if name == self.0.as_bytes() {
                found = Some(value.get().to_owned());
            }
        }
        Ok(found)
    }
}

/// A member's name as bytes: unlike text they may hold a lone surrogate.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_str<E>(self, text: &str) -> Result<Vec<u8>, E> {
        Ok(text.as_bytes().to_vec())
    }
}
