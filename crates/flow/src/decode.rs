//! One record in, one event out, or the reason why not: the seam behind which every format stands.
//!
//! A decoder only finds out where the mapped values stand ([`slots`]); what they mean is the same for every format
//! ([`fields`]). No document is built: values that nobody mapped are judged and skipped.

mod csv;
mod fields;
mod json;
mod number;
mod paths;
mod slots;

use std::borrow::Cow;

pub use csv::check_csv_header;
pub use fields::Event;
pub use number::Number;

use crate::batch::Reason;
use crate::pipeline::HeaderError;
use crate::settings::{Format, Mapping};
use csv::CsvDecoder;
use fields::Fields;
use json::JsonDecoder;
use slots::Slots;

/// Why a record is no event.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Where it is counted.
    pub reason: Reason,
    /// What exactly was wrong, for a person.
    pub detail: Cow<'static, str>,
}

/// Reads the records of one input.
#[derive(Debug)]
pub struct Decoder {
    finder: Finder,
    fields: Fields,
    slots: Slots,
}

#[derive(Debug)]
enum Finder {
    Json(JsonDecoder),
    Csv(CsvDecoder),
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Refusal { reason, detail: detail.into() }
    }
}

impl Decoder {
    /// A decoder for a format and a mapping.
    pub fn new(format: Format, mapping: &Mapping) -> Self {
        let (fields, pointers) = Fields::new(mapping);
        let slots = Slots::new(pointers.len());
        let finder = match format {
            Format::Ndjson => Finder::Json(JsonDecoder::new(&pointers)),
            Format::Csv => Finder::Csv(CsvDecoder::new(pointers)),
        };
        Decoder { finder, fields, slots }
    }

    /// Whether a file of this format begins with a header.
    pub fn wants_header(&self) -> bool {
        matches!(self.finder, Finder::Csv(_))
    }

    /// Takes the first record of a file as its header.
    ///
    /// # Errors
    /// If a mapped column is not in it.
    pub fn header(&mut self, record: &[u8]) -> Result<(), HeaderError> {
        match &mut self.finder {
            Finder::Csv(csv) => csv.header(record),
            Finder::Json(_) => Ok(()),
        }
    }

    /// Reads one record, which is judged as a whole.
    ///
    /// # Errors
    /// The reason why it is no event.
    #[inline]
    pub fn decode<'a>(&'a mut self, record: &'a str) -> Result<Event<'a>, Refusal> {
        match &mut self.finder {
            Finder::Json(json) => json.find(record, &mut self.slots)?,
            Finder::Csv(csv) => csv.find(record, &mut self.slots)?,
        }
        self.fields.read(record, &mut self.slots)
    }
}
