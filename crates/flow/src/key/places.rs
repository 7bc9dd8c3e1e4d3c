//! Which number a key has: found by its values.
//!
//! What the values are like decides where a key stands. One or two short texts, the usual ones, stand among the [short
//! keys](ShortKeys), which are found in the same steps however long they are; all others stand among the long ones.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashTable};

use super::KeyId;
use super::short::{Short, ShortKeys};
use crate::decode::Event;
use crate::same::same;

/// The numbers of live keys, by value; a hash only finds the place.
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

#[derive(Debug)]
struct LongKeys {
    hasher: DefaultHashBuilder, // keyed at random: keys come from outside
    places: HashTable<Place>,
}

/// What a long key is compared with.
#[derive(Debug)]
struct Place {
    hash: u64,
    text: Box<[u8]>, // the values, each with an end mark behind it
    key: KeyId,
}

/// Stands behind each value of a key, so that ("ab", "c") and ("a", "bc") differ; no byte of any text.
const END: u8 = 0xff;

impl Places {
    /// For keys with so many fields.
    pub(super) fn new(fields: usize) -> Self {
        let short = match fields {
            1 => ByFields::One(ShortKeys::new()),
            2 => ByFields::Two(ShortKeys::new()),
            _ => ByFields::Others,
        };
        Places { short, long: LongKeys { hasher: DefaultHashBuilder::default(), places: HashTable::new() } }
    }

    /// The number of the key that an event has in some fields.
    #[inline]
    pub(super) fn of(&self, event: &Event<'_>, fields: &[usize]) -> Option<KeyId> {
        match (&self.short, fields) {
            (ByFields::One(keys), [one]) => {
                if let Some(one) = Short::of_event(event, *one) {
                    return keys.find(&[one]);
                }
            }
            (ByFields::Two(keys), [one, other]) => {
                if let (Some(one), Some(other)) = (Short::of_event(event, *one), Short::of_event(event, *other)) {
                    return keys.find(&[one, other]);
                }
            }
            _ => {}
        }
        self.long.find(&fields.iter().map(|field| event.bytes(*field)))
    }

    /// The number of a key.
    pub(super) fn find<'a>(&self, values: impl Iterator<Item = &'a str> + Clone) -> Option<KeyId> {
        match &self.short {
            ByFields::One(keys) if let Some(texts) = short(values.clone()) => keys.find(&texts),
            ByFields::Two(keys) if let Some(texts) = short(values.clone()) => keys.find(&texts),
            _ => self.long.find(&values.map(str::as_bytes)),
        }
    }

    /// Takes a key in that is not there.
    pub(super) fn add<'a>(&mut self, values: impl Iterator<Item = &'a str> + Clone, key: KeyId) {
        match &mut self.short {
            ByFields::One(keys) if let Some(texts) = short(values.clone()) => keys.add(texts, key),
            ByFields::Two(keys) if let Some(texts) = short(values.clone()) => keys.add(texts, key),
            _ => self.long.add(values.map(str::as_bytes), key),
        }
    }

    /// Lets a key go.
    pub(super) fn remove<'a>(&mut self, values: impl Iterator<Item = &'a str> + Clone) {
        match &mut self.short {
            ByFields::One(keys) if let Some(texts) = short(values.clone()) => keys.remove(&texts),
            ByFields::Two(keys) if let Some(texts) = short(values.clone()) => keys.remove(&texts),
            _ => self.long.remove(&values.map(str::as_bytes)),
        }
    }
}

/// `N` values, if each of them is short.
fn short<'a, const N: usize>(mut values: impl Iterator<Item = &'a str>) -> Option<[Short; N]> {
    let mut texts = [Short::EMPTY; N];
    for text in &mut texts {
        *text = Short::of(values.next()?.as_bytes())?;
    }
    Some(texts)
}

impl LongKeys {
    fn find<'a>(&self, values: &(impl Iterator<Item = &'a [u8]> + Clone)) -> Option<KeyId> {
        let hash = self.hash(values.clone());
        let is_it = |place: &Place| place.hash == hash && holds(&place.text, values.clone());
        self.places.find(hash, is_it).map(|place| place.key)
    }

    fn add<'a>(&mut self, values: impl Iterator<Item = &'a [u8]> + Clone, key: KeyId) {
        let hash = self.hash(values.clone());
        let text = values.flat_map(|value| value.iter().copied().chain([END])).collect();
        self.places.insert_unique(hash, Place { hash, text, key }, |place| place.hash);
    }

    fn remove<'a>(&mut self, values: &(impl Iterator<Item = &'a [u8]> + Clone)) {
        let hash = self.hash(values.clone());
        if let Ok(place) =
            self.places.find_entry(hash, |place| place.hash == hash && holds(&place.text, values.clone()))
        {
            place.remove();
        }
    }

    fn hash<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        values.for_each(|value| hasher.write(value));
        hasher.finish()
    }
}

/// Whether a text is that of these values.
#[inline]
fn holds<'a>(mut text: &[u8], values: impl Iterator<Item = &'a [u8]>) -> bool {
    for value in values {
        match text.split_at_checked(value.len()) {
            Some((start, [END, rest @ ..])) if same(start, value) => text = rest,
            _ => return false,
        }
    }
    text.is_empty()
}
