//! What the mapped values mean, whatever format they stood in.

use super::Refusal;
use super::json::unescape_into;
use super::number::Number;
use super::slots::{Kind, Slots};
use super::values::{Head, Text, Values};
use crate::pointer::Pointer;
use crate::reason::Reason;
use crate::settings::{Mapping, TypeFrom};
use crate::timestamp::TimeReader;

/// Reads the mapped fields from their slots.
#[derive(Debug)]
pub(super) struct Fields {
    id: Option<Field>,
    event_type: TypeField,
    same_type: Text, // of all events of a block, if it is configured
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

/// Where the values of a record are.
pub(super) struct Source<'a> {
    record: &'a [u8], // valid UTF-8
    slots: &'a Slots,
    resolved: Text, // all texts of it whose escapes were resolved
}

/// What is wrong with a field. Small, as it is passed on where nothing is wrong, too.
struct Fault<'a> {
    pointer: &'a Pointer,
    wrong: Wrong,
}

enum Wrong {
    Absent,
    Empty,
    Container,
    Surrogate,
    Number,
    Time(Box<str>),
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
            same_type: Text::EMPTY,
            time: field(&mapping.time),
            clock: TimeReader::new(mapping.time_format.clone()),
            strings: mapping.strings.iter().map(|(_, pointer)| field(pointer)).collect(),
            numbers: mapping.numbers.iter().map(|(_, pointer)| field(pointer)).collect(),
        };
        (fields, pointers)
    }

    /// Makes room for the values of events.
    pub(super) fn begin(&mut self, values: &mut Values, events: usize, written: Vec<u8>) {
        values.begin(self.strings.len(), self.numbers.len(), events, written);
        if let TypeField::Value(value) = &self.event_type {
            self.same_type = values.keep(value.as_bytes());
        }
    }

    /// How many texts an event has at most: id, type, time and the named ones.
    pub(super) fn texts(&self) -> usize {
        self.strings.len() + 3
    }

    /// Appends the values of the record that begins with `record`, which was judged, to `values`.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "it is called for JSON and for CSV, and a call would pass its result through memory"
    )]
    pub(super) fn read(&mut self, record: &[u8], slots: &Slots, values: &mut Values) -> Result<Head, Refusal> {
        let resolved = slots.resolved();
        let resolved = if resolved.is_empty() { Text::EMPTY } else { values.keep(resolved) };
        match self.read_all(&Source { record, slots, resolved }, values) {
            Ok(head) => Ok(head),
            Err(fault) => {
                let refusal = fault.refusal();
                values.forget_row();
                Err(refusal)
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is called once")]
    fn read_all(&mut self, of: &Source<'_>, values: &mut Values) -> Result<Head, Fault<'_>> {
        let Fields { id, event_type, same_type, time, clock, strings, numbers } = self;
        let id = match id {
            Some(field) => field.identity(of, values)?,
            None => Text::EMPTY,
        };
        let event_type = match event_type {
            TypeField::Value(_) => *same_type,
            TypeField::Field(field) => field.text(of, values)?,
        };
        let nanos = time.time(clock, of, values)?;
        for field in strings {
            let text = field.text(of, values)?;
            values.push_text(text);
        }
        // Of all at once, so that room is made and its end is noted only once.
        let mut usual = true;
        values.push_numbers(numbers.iter().map(|field| {
            let number = of.slots.get(field.slot).number();
            usual &= number.is_some();
            number
        }));
        if !usual {
            read_unusual_numbers(numbers, of, values)?;
        }
        Ok(Head { nanos, id, event_type, row: values.end_row() })
    }
}

/// Reads the numbers of a row that were not read on the way.
#[inline(never)]
fn read_unusual_numbers<'a>(numbers: &'a [Field], of: &Source<'_>, values: &mut Values) -> Result<(), Fault<'a>> {
    for (at, field) in numbers.iter().enumerate() {
        if of.slots.get(field.slot).number().is_none() {
            values.set_number(at, field.unusual_number(of)?);
        }
    }
    Ok(())
}

// Small as they are, these pass their results through memory where they are called.
#[expect(clippy::inline_always, reason = "a call costs as much as what is done")]
impl Field {
    /// Strings as they are, numbers and booleans as written; empty if absent.
    #[inline(always)]
    fn text(&self, of: &Source<'_>, values: &mut Values) -> Result<Text, Fault<'_>> {
        let slot = of.slots.get(self.slot);
        match slot.kind {
            _ if slot.is_plain() => Ok(values.keep_part(of.record, slot.place())),
            Kind::Resolved => Ok(of.resolved.part(slot.place())),
            _ => self.unusual_text(of, values),
        }
    }

    #[inline(never)]
    fn unusual_text(&self, of: &Source<'_>, values: &mut Values) -> Result<Text, Fault<'_>> {
        let slot = of.slots.get(self.slot);
        match slot.kind {
            Kind::Absent => Ok(Text::EMPTY),
            Kind::Container => Err(self.fault(Wrong::Container)),
            Kind::Resolved => Ok(of.resolved.part(slot.place())),
            Kind::QuotedCell => Ok(values.keep(&halved_quotes(&of.record[slot.place()]))),
            _ => {
                let text = values.keep_as(|kept| unescape_into(kept, &of.record[slot.place()]));
                text.ok_or(self.fault(Wrong::Surrogate))
            }
        }
    }

    /// A text that may not be empty.
    #[inline(always)]
    fn identity(&self, of: &Source<'_>, values: &mut Values) -> Result<Text, Fault<'_>> {
        let text = self.text(of, values)?;
        if text.is_empty() {
            let absent = of.slots.get(self.slot).kind == Kind::Absent;
            return Err(self.fault(if absent { Wrong::Absent } else { Wrong::Empty }));
        }
        Ok(text)
    }

    /// An instant, in nanoseconds since the epoch.
    #[inline(always)]
    fn time(&self, clock: &mut TimeReader, of: &Source<'_>, values: &mut Values) -> Result<i64, Fault<'_>> {
        let slot = of.slots.get(self.slot);
        // A time is needed once, here: only one that has to be rewritten first is kept among the texts.
        let text = if slot.is_plain() {
            &of.record[slot.place()]
        } else if slot.kind == Kind::Absent {
            return Err(self.fault(Wrong::Absent));
        } else {
            let text = self.unusual_text(of, values)?;
            values.text(text)
        };
        clock.read(text).ok_or_else(|| self.fault(Wrong::Time(String::from_utf8_lossy(text).into())))
    }

    fn unusual_number(&self, of: &Source<'_>) -> Result<Option<Number>, Fault<'_>> {
        let slot = of.slots.get(self.slot);
        let number = match slot.kind {
            Kind::Absent => return Ok(None),
            Kind::Number => Number::read_checked(&of.record[slot.place()]),
            Kind::Cell => Number::read(&of.record[slot.place()]),
            _ => None,
        };
        number.map(Some).ok_or(self.fault(Wrong::Number))
    }

    fn fault(&self, wrong: Wrong) -> Fault<'_> {
        Fault { pointer: &self.pointer, wrong }
    }
}

impl Fault<'_> {
    #[cold]
    fn refusal(&self) -> Refusal {
        let Fault { pointer, wrong } = self;
        let (reason, what) = match wrong {
            Wrong::Absent => (Reason::MissingField, "is absent"),
            Wrong::Empty => (Reason::MissingField, "is empty"),
            Wrong::Container => (Reason::InvalidField, "is an object or an array"),
            Wrong::Surrogate => (Reason::InvalidField, "has a lone surrogate"),
            Wrong::Number => (Reason::InvalidField, "is not a number within the range of a double"),
            Wrong::Time(text) => return unreadable_time(pointer, text),
        };
        Refusal::new(reason, format!("{pointer} {what}"))
    }
}

/// The content of a CSV field, where a quote is written as two.
fn halved_quotes(cell: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(cell).replace("\"\"", "\"").into_bytes()
}

#[cold]
fn unreadable_time(pointer: &Pointer, text: &str) -> Refusal {
    let shown: String = text.chars().take(64).collect();
    Refusal::new(
        Reason::InvalidTimestamp,
        format!("{pointer}: {shown:?} is no time of the configured format in the years 1678 to 2261"),
    )
}
