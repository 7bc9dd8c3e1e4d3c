//! What the mapped values mean, whatever format they stood in.

use super::Refusal;
use super::json::unescape;
use super::number::Number;
use super::slots::{Kind, Slot, Slots};
use crate::batch::Reason;
use crate::pointer::Pointer;
use crate::settings::{Mapping, TypeFrom};
use crate::time::EventTime;
use crate::timestamp::TimeReader;

/// Reads the mapped fields from their slots into one reused event.
#[derive(Debug)]
pub(super) struct Fields {
    id: Option<Field>,
    event_type: TypeField,
    time: Field,
    clock: TimeReader,
    strings: Vec<Field>,
    numbers: Vec<Field>,
    text: Vec<Text>,
    values: Vec<Option<Number>>,
    scratch: String, // texts whose escapes had to be resolved
}

/// A mapped field: which slot it is read from, and how the mapping calls the place.
#[derive(Debug)]
struct Field {
    slot: usize,
    pointer: Pointer,
}

#[derive(Debug)]
enum TypeField {
    Value(String),
    Field(Field),
}

/// Where a text stands: in the record, or in the scratch.
#[derive(Clone, Copy, Debug)]
enum Text {
    Record(usize, usize),
    Scratch(usize, usize),
}

/// A decoded event. It borrows from the record and the decoder.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Its identity, if events have one; not empty.
    pub id: Option<&'a str>,
    /// Its type; empty if absent.
    pub event_type: &'a str,
    /// When it happened.
    pub time: EventTime,
    record: &'a str,
    scratch: &'a str,
    text: &'a [Text],
    numbers: &'a [Option<Number>],
}

impl<'a> Event<'a> {
    /// The value of a text field, by its index in the mapping; empty if absent.
    #[inline]
    pub fn string(&self, field: usize) -> &'a str {
        self.text[field].resolve(self.record, self.scratch)
    }

    /// The value of a number field, by its index in the mapping.
    #[inline]
    pub fn number(&self, field: usize) -> Option<Number> {
        self.numbers[field]
    }
}

impl Text {
    const EMPTY: Text = Text::Record(0, 0);

    #[inline]
    fn resolve<'a>(self, record: &'a str, scratch: &'a str) -> &'a str {
        match self {
            Text::Record(start, end) => &record[start..end],
            Text::Scratch(start, end) => &scratch[start..end],
        }
    }
}

impl Fields {
    /// The fields of a mapping, and the distinct pointers that slots are to be found for.
    pub(super) fn new(mapping: &Mapping) -> (Fields, Vec<Pointer>) {
        let mut pointers: Vec<Pointer> = Vec::new();
        let mut field = |pointer: &Pointer| {
            let slot = pointers.iter().position(|p| p == pointer).unwrap_or_else(|| {
                pointers.push(pointer.clone());
                pointers.len() - 1
            });
            Field { slot, pointer: pointer.clone() }
        };
        let fields = Fields {
            id: mapping.id.as_ref().map(&mut field),
            event_type: match &mapping.event_type {
                TypeFrom::Value(value) => TypeField::Value(value.clone()),
                TypeFrom::Field(pointer) => TypeField::Field(field(pointer)),
            },
            time: field(&mapping.time),
            clock: TimeReader::new(mapping.time_format.clone()),
            strings: mapping.strings.iter().map(|(_, pointer)| field(pointer)).collect(),
            numbers: mapping.numbers.iter().map(|(_, pointer)| field(pointer)).collect(),
            text: Vec::new(),
            values: Vec::new(),
            scratch: String::new(),
        };
        (fields, pointers)
    }

    #[inline]
    pub(super) fn read<'a>(&'a mut self, record: &'a str, slots: &mut Slots) -> Result<Event<'a>, Refusal> {
        self.scratch.clear();
        self.text.clear();
        self.values.clear();
        let id = self.read_id(record, slots)?;
        let event_type = match &self.event_type {
            TypeField::Value(_) => None,
            TypeField::Field(field) => Some(field.text(record, slots, &mut self.scratch)?.unwrap_or(Text::EMPTY)),
        };
        let time = self.read_time(record, slots)?;
        for field in &self.strings {
            self.text.push(field.text(record, slots, &mut self.scratch)?.unwrap_or(Text::EMPTY));
        }
        for field in &self.numbers {
            self.values.push(field.number(record, slots)?);
        }
        let resolve = |text: Text| text.resolve(record, &self.scratch);
        let event_type = match (&self.event_type, event_type) {
            (TypeField::Value(value), _) => value,
            (TypeField::Field(_), text) => resolve(text.unwrap_or(Text::EMPTY)),
        };
        Ok(Event {
            id: id.map(resolve),
            event_type,
            time,
            record,
            scratch: &self.scratch,
            text: &self.text,
            numbers: &self.values,
        })
    }

    #[inline]
    fn read_id(&mut self, record: &str, slots: &Slots) -> Result<Option<Text>, Refusal> {
        let Some(field) = &self.id else { return Ok(None) };
        match field.text(record, slots, &mut self.scratch)? {
            Some(Text::Record(start, end) | Text::Scratch(start, end)) if start == end => {
                Err(field.missing("is empty"))
            }
            Some(text) => Ok(Some(text)),
            None => Err(field.missing("is absent")),
        }
    }

    #[inline]
    fn read_time(&mut self, record: &str, slots: &Slots) -> Result<EventTime, Refusal> {
        let Some(text) = self.time.text(record, slots, &mut self.scratch)? else {
            return Err(self.time.missing("is absent"));
        };
        let text = text.resolve(record, &self.scratch);
        self.clock.read(text).ok_or_else(|| unreadable_time(&self.time.pointer, text))
    }
}

impl Field {
    /// Strings as they are, numbers and booleans as written.
    #[inline]
    fn text(&self, record: &str, slots: &Slots, scratch: &mut String) -> Result<Option<Text>, Refusal> {
        let slot = slots.get(self.slot);
        match slot.kind {
            Kind::Absent => Ok(None),
            Kind::Text | Kind::Number | Kind::Bool | Kind::Cell => Ok(Some(Text::Record(slot.start, slot.end))),
            Kind::Escaped => self.resolved(slot, record, scratch),
            Kind::QuotedCell => Ok(Some(append(scratch, &slot.text(record).replace("\"\"", "\"")))),
            Kind::Container => Err(self.invalid("is an object or an array")),
        }
    }

    #[cold]
    fn resolved(&self, slot: Slot, record: &str, scratch: &mut String) -> Result<Option<Text>, Refusal> {
        let text = unescape(slot.text(record)).ok_or_else(|| self.invalid("has a lone surrogate"))?;
        Ok(Some(append(scratch, &text)))
    }

    #[inline]
    fn number(&self, record: &str, slots: &Slots) -> Result<Option<Number>, Refusal> {
        let slot = slots.get(self.slot);
        let number = match slot.kind {
            Kind::Absent => return Ok(None),
            Kind::Number => Number::read_checked(slot.text(record)),
            Kind::Cell => Number::read(slot.text(record)),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.invalid("is not a number within the range of a double"))
    }

    fn missing(&self, what: &str) -> Refusal {
        Refusal::new(Reason::MissingField, format!("{} {what}", self.pointer))
    }

    fn invalid(&self, what: &str) -> Refusal {
        Refusal::new(Reason::InvalidField, format!("{} {what}", self.pointer))
    }
}

fn append(scratch: &mut String, text: &str) -> Text {
    let start = scratch.len();
    scratch.push_str(text);
    Text::Scratch(start, scratch.len())
}

#[cold]
fn unreadable_time(pointer: &Pointer, text: &str) -> Refusal {
    let shown: String = text.chars().take(64).collect();
    Refusal::new(
        Reason::InvalidTimestamp,
        format!("{pointer}: {shown:?} is no time of the configured format in the years 1678 to 2261"),
    )
}
