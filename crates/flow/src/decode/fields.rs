//! What the mapped values mean, whatever format they stood in.

use super::Refusal;
use super::json::unescape_into;
use super::number::Number;
use super::slots::{Kind, Slot, Slots};
use super::values::{Head, Text, Values};
use crate::pointer::Pointer;
use crate::reason::Reason;
use crate::settings::{Mapping, TypeFrom};
use crate::time::EventTime;
use crate::timestamp::TimeReader;

/// Reads the mapped fields from their slots.
#[derive(Debug)]
pub(super) struct Fields {
    id: Option<Field>,
    event_type: TypeField,
    time: Field,
    clock: TimeReader,
    strings: Vec<Field>,
    numbers: Vec<Field>,
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
        };
        (fields, pointers)
    }

    /// Makes room for the values of events.
    pub(super) fn begin(&self, values: &mut Values, events: usize, text: usize) {
        values.begin(self.strings.len(), self.numbers.len(), events, text);
    }

    /// How many texts an event has at most: id, type, time and the named ones.
    pub(super) fn texts(&self) -> usize {
        self.strings.len() + 3
    }

    /// Appends the values of one record to `values`.
    #[inline]
    pub(super) fn read(&mut self, record: &str, slots: &Slots, values: &mut Values) -> Result<Head, Refusal> {
        values.begin_row();
        let resolved = slots.resolved().map_or(Text::EMPTY, |texts| values.keep(texts));
        let id = self.read_id(record, resolved, slots, values)?;
        let event_type = match &self.event_type {
            TypeField::Value(value) => values.same_type(value),
            TypeField::Field(field) => field.text(record, resolved, slots, values)?.unwrap_or(Text::EMPTY),
        };
        let time = self.read_time(record, slots, values)?;
        for field in &self.strings {
            let text = field.text(record, resolved, slots, values)?.unwrap_or(Text::EMPTY);
            values.push_text(text);
        }
        for field in &self.numbers {
            let number = field.number(record, slots)?;
            values.push_number(number);
        }
        Ok(Head { id, event_type, time, row: values.end_row() })
    }

    #[inline]
    fn read_id(
        &self,
        record: &str,
        resolved: Text,
        slots: &Slots,
        values: &mut Values,
    ) -> Result<Option<Text>, Refusal> {
        let Some(field) = &self.id else { return Ok(None) };
        match field.text(record, resolved, slots, values)? {
            Some(text) if text.is_empty() => Err(field.missing("is empty")),
            Some(text) => Ok(Some(text)),
            None => Err(field.missing("is absent")),
        }
    }

    #[inline]
    fn read_time(&mut self, record: &str, slots: &Slots, values: &mut Values) -> Result<EventTime, Refusal> {
        let slot = slots.get(self.time.slot);
        // A time is needed once, here: only one that has to be rewritten first is kept among the texts.
        let text = match slot.plain() {
            Some(place) => &record[place],
            None => match self.time.unusual_text(slot, record, values)? {
                Some(text) => values.text(text),
                None => return Err(self.time.missing("is absent")),
            },
        };
        self.clock.read(text).ok_or_else(|| unreadable_time(&self.time.pointer, text))
    }
}

impl Field {
    /// Strings as they are, numbers and booleans as written.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would pass its result through memory")]
    fn text(&self, record: &str, resolved: Text, slots: &Slots, values: &mut Values) -> Result<Option<Text>, Refusal> {
        let slot = slots.get(self.slot);
        if let Some(place) = slot.plain() {
            return Ok(Some(values.keep_part(record, place)));
        }
        match slot.resolved() {
            Some(place) => Ok(Some(resolved.part(place))),
            None => self.unusual_text(slot, record, values),
        }
    }

    #[inline(never)]
    fn unusual_text(&self, slot: &Slot, record: &str, values: &mut Values) -> Result<Option<Text>, Refusal> {
        match slot.kind {
            Kind::Absent => Ok(None),
            Kind::Container => Err(self.invalid("is an object or an array")),
            Kind::QuotedCell => Ok(Some(values.keep(&slot.text(record).replace("\"\"", "\"")))),
            _ => {
                let text = values.keep_as(|arena| unescape_into(arena, slot.text(record)));
                text.map(Some).ok_or_else(|| self.invalid("has a lone surrogate"))
            }
        }
    }

    #[inline]
    fn number(&self, record: &str, slots: &Slots) -> Result<Option<Number>, Refusal> {
        let slot = slots.get(self.slot);
        let number = match slot.kind {
            Kind::Absent => return Ok(None),
            Kind::Whole | Kind::Double => slot.number(),
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

#[cold]
fn unreadable_time(pointer: &Pointer, text: &str) -> Refusal {
    let shown: String = text.chars().take(64).collect();
    Refusal::new(
        Reason::InvalidTimestamp,
        format!("{pointer}: {shown:?} is no time of the configured format in the years 1678 to 2261"),
    )
}
