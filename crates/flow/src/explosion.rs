//! Who is to blame when a window definition has too many keys: the field with the most values, how many those are, and some.

use std::fmt;

use crate::aggregate::{Distinct, State as _};
use crate::key::KeyTexts;
use crate::row::RowNames;

/// What is known of a window definition whose keys were too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyExplosion {
    /// The window's name.
    pub window: String,
    /// How many keys it may have at a time.
    pub max_keys: usize,
    /// The field of the key that has the most values.
    pub field: String,
    /// How many different values that field has had: among the keys that were there when there were too many, and since
    /// then. Exact up to 1,000, then with a standard error of 0.81 %.
    pub distinct: u64,
    /// Some of the values that had no room, cut to 64 characters.
    pub samples: Vec<String>,
    /// Events whose key was folded.
    pub folded: u64,
}

/// Watches the values of each field from the first key on that had no room.
#[derive(Debug)]
pub(crate) struct Explosion {
    fields: Vec<Field>,
    folded: u64,
}

#[derive(Debug)]
struct Field {
    values: Distinct,
    samples: Vec<String>,
}

/// So many values are shown, each cut to so many characters: they come from outside and go into a log line.
const SAMPLES: usize = 5;
const SAMPLE_CHARS: usize = 64;

impl Explosion {
    /// Begins with the keys that are there.
    pub(crate) fn new<'a>(fields: usize, live: impl Iterator<Item = KeyTexts<'a>>) -> Self {
        let empty = || Field { values: Distinct::new(), samples: Vec::new() };
        let mut fields: Vec<Field> = (0..fields).map(|_| empty()).collect();
        for key in live {
            fields.iter_mut().zip(key.texts()).for_each(|(field, value)| field.values.add(value));
        }
        Explosion { fields, folded: 0 }
    }

    /// A key had no room.
    pub(crate) fn add<'a>(&mut self, value: impl Fn(usize) -> &'a str) {
        self.folded += 1;
        for (n, field) in self.fields.iter_mut().enumerate() {
            let value = value(n);
            field.values.add(value);
            if field.samples.len() < SAMPLES {
                let sample: String = value.chars().take(SAMPLE_CHARS).collect();
                if !field.samples.contains(&sample) {
                    field.samples.push(sample);
                }
            }
        }
    }

    /// Events whose key was folded.
    pub(crate) fn folded(&self) -> u64 {
        self.folded
    }

    /// What is known, by the names of the window; nothing where the key has no fields.
    pub(crate) fn report(&self, names: &RowNames, max_keys: usize) -> Option<KeyExplosion> {
        let counted = self.fields.iter().zip(&names.key).map(|(field, name)| (field.values.count(), field, name));
        let (distinct, field, name) = counted.max_by_key(|(distinct, ..)| *distinct)?;
        Some(KeyExplosion {
            window: names.window.clone(),
            max_keys,
            field: name.clone(),
            distinct,
            samples: field.samples.clone(),
            folded: self.folded,
        })
    }
}

impl fmt::Display for KeyExplosion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KeyExplosion { window, max_keys, field, distinct, samples, folded } = self;
        write!(f, "window {window} has more than {max_keys} live keys: {folded} events went to __other__; ")?;
        write!(f, "{field} has about {distinct} values, such as {samples:?}")
    }
}
