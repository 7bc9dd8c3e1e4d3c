//! Which number a key has, and which values a number: found by what the values are like.
//!
//! One or two short texts, the usual ones, stand among the [short keys](ShortKeys), which are found in the same steps however
//! long they are; all others stand among the long ones.

use super::KeyId;
use super::long::LongKeys;
use super::short::{Short, ShortKeys};
use super::texts::KeyTexts;
use crate::decode::Event;

/// The live keys by value and by number.
#[derive(Debug)]
pub(super) struct Places {
    short: ByFields,
    long: LongKeys,
}

/// Short keys, if keys have one or two fields.
#[derive(Debug)]
enum ByFields {
    One(ShortKeys<1>),
    Two(ShortKeys<2>),
    Others,
}

impl Places {
    /// For keys with so many fields.
    pub(super) fn new(fields: usize) -> Self {
        let short = match fields {
            1 => ByFields::One(ShortKeys::new()),
            2 => ByFields::Two(ShortKeys::new()),
            _ => ByFields::Others,
        };
        Places { short, long: LongKeys::new() }
    }

    /// The numbers of the keys that some events have in some fields, as far as they are found at once.
    #[inline]
    pub(super) fn look_ahead<'a>(
        &mut self,
        events: impl Iterator<Item = Event<'a>>,
        fields: &[usize],
        tell: impl FnMut(Option<KeyId>),
    ) {
        match (&mut self.short, fields) {
            (ByFields::One(keys), [one]) => keys.find_all(events.map(|event| short_of(&event, [*one])), tell),
            (ByFields::Two(keys), [one, other]) => {
                keys.find_all(events.map(|event| short_of(&event, [*one, *other])), tell);
            }
            _ => events.map(|event| self.long.find(&fields.iter().map(|field| event.bytes(*field)))).for_each(tell),
        }
    }

    /// The number of the key that an event has in some fields.
    pub(super) fn of(&self, event: &Event<'_>, fields: &[usize]) -> Option<KeyId> {
        self.find(fields.iter().map(|field| event.string(*field)))
    }

    /// The number of a key.
    pub(super) fn find<'a>(&self, values: impl Iterator<Item = &'a str> + Clone) -> Option<KeyId> {
        match &self.short {
            ByFields::One(keys) if let Some(texts) = short(values.clone()) => keys.find(&texts),
            ByFields::Two(keys) if let Some(texts) = short(values.clone()) => keys.find(&texts),
            _ => self.long.find(&values.map(str::as_bytes)),
        }
    }

    /// The values of a key that is there.
    #[inline]
    pub(super) fn values(&self, key: KeyId) -> KeyTexts<'_> {
        let short = match &self.short {
            ByFields::One(keys) => keys.texts(key).map(<[Short; 1]>::as_slice),
            ByFields::Two(keys) => keys.texts(key).map(<[Short; 2]>::as_slice),
            ByFields::Others => None,
        };
        short.map_or_else(|| self.long.values(key), KeyTexts::short)
    }

    /// Takes a key in that is not there.
    pub(super) fn add<'a>(&mut self, values: impl Iterator<Item = &'a str> + Clone, key: KeyId) {
        match &mut self.short {
            ByFields::One(keys) if let Some(texts) = short(values.clone()) => keys.add(texts, key),
            ByFields::Two(keys) if let Some(texts) = short(values.clone()) => keys.add(texts, key),
            _ => self.long.add(values.map(str::as_bytes), key),
        }
    }

    /// Reads where a short key stands: who lets it go next finds that in the cache.
    pub(super) fn touch(&self, key: KeyId) {
        match &self.short {
            ByFields::One(keys) => keys.touch(key),
            ByFields::Two(keys) => keys.touch(key),
            ByFields::Others => {}
        }
    }

    /// Lets a key go.
    pub(super) fn remove(&mut self, key: KeyId) {
        let was_short = match &mut self.short {
            ByFields::One(keys) => keys.remove(key),
            ByFields::Two(keys) => keys.remove(key),
            ByFields::Others => false,
        };
        if !was_short {
            self.long.remove(key);
        }
    }
}

/// `N` fields of an event, if each of them is short.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the words stay in registers, and are not handed over in memory")]
fn short_of<const N: usize>(event: &Event<'_>, fields: [usize; N]) -> Option<[Short; N]> {
    let mut texts = [Short::EMPTY; N];
    for (text, field) in texts.iter_mut().zip(fields) {
        *text = Short::of_event(event, field)?;
    }
    Some(texts)
}

/// `N` values, if each of them is short.
fn short<'a, const N: usize>(mut values: impl Iterator<Item = &'a str>) -> Option<[Short; N]> {
    let mut texts = [Short::EMPTY; N];
    for text in &mut texts {
        *text = Short::of(values.next()?.as_bytes())?;
    }
    Some(texts)
}
