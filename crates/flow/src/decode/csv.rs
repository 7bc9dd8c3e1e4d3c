//! Finds the mapped columns of a CSV record (RFC 4180).

use std::ops::Range;

use super::slots::{Kind, Slots};
use super::{HeaderError, Refusal};
use crate::pointer::Pointer;
use crate::reason::Reason;
use crate::settings::{Mapping, TypeFrom};

/// Reads the records of one CSV file after another.
#[derive(Debug)]
pub(super) struct CsvDecoder {
    pointers: Vec<Pointer>,
    slot_of_column: Vec<Option<usize>>,
}

/// One field of a record, without its quotes and the blanks around it.
struct Cell {
    at: Range<usize>,
    doubled_quotes: bool,
}

impl CsvDecoder {
    pub(super) fn new(pointers: Vec<Pointer>) -> Self {
        CsvDecoder { pointers, slot_of_column: Vec::new() }
    }

    pub(super) fn header(&mut self, record: &[u8]) -> Result<(), HeaderError> {
        let columns = columns(record)?;
        self.slot_of_column = vec![None; columns.len()];
        for (slot, pointer) in self.pointers.iter().enumerate() {
            self.slot_of_column[place(pointer, &columns)?] = Some(slot);
        }
        Ok(())
    }

    #[inline]
    pub(super) fn find(&mut self, record: &str, slots: &mut Slots) -> Result<(), Refusal> {
        slots.clear();
        let mut cells = Cells { record, next: Some(0) };
        let mut count = 0;
        while let Some(cell) = cells.next_cell().map_err(|what| Refusal::new(Reason::InvalidCsv, what))? {
            if let Some(Some(slot)) = self.slot_of_column.get(count) {
                let kind = cell.kind();
                slots.set(*slot, kind, cell.at.start, cell.at.end);
            }
            count += 1;
        }
        if count == self.slot_of_column.len() { Ok(()) } else { Err(self.wrong_count(count)) }
    }

    #[cold]
    fn wrong_count(&self, count: usize) -> Refusal {
        let expected = self.slot_of_column.len();
        Refusal::new(Reason::InvalidCsv, format!("{count} columns, the header has {expected}"))
    }
}

/// Checks that the header of a CSV file has each mapped column, once.
///
/// # Errors
/// Which column is missing, and which there are.
pub fn check_csv_header(header: &[u8], mapping: &Mapping) -> Result<(), HeaderError> {
    let columns = columns(header)?;
    let event_type = match &mapping.event_type {
        TypeFrom::Field(pointer) => Some(pointer),
        TypeFrom::Value(_) => None,
    };
    let fields = mapping.strings.iter().chain(&mapping.numbers).map(|(_, pointer)| pointer);
    let mut mapped = mapping.id.iter().chain(event_type).chain([&mapping.time]).chain(fields);
    mapped.try_for_each(|pointer| place(pointer, &columns).map(drop))
}

/// The names in a header, trimmed.
fn columns(record: &[u8]) -> Result<Vec<String>, HeaderError> {
    let invalid = |what: &str| HeaderError(format!("the CSV header {what}"));
    let record = std::str::from_utf8(record).map_err(|_| invalid("is not valid UTF-8"))?;
    let record = record.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']);
    let mut cells = Cells { record, next: Some(0) };
    let mut names = Vec::new();
    while let Some(cell) = cells.next_cell().map_err(|what| invalid(&format!("is malformed: {what}")))? {
        names.push(record[cell.at].replace("\"\"", "\""));
    }
    Ok(names)
}

/// The one column that a pointer names.
fn place(pointer: &Pointer, columns: &[String]) -> Result<usize, HeaderError> {
    let [name] = pointer.tokens() else {
        return Err(HeaderError(format!("{pointer} names no CSV column: write /<column name>")));
    };
    let mut places = columns.iter().enumerate().filter(|(_, column)| *column == name);
    match (places.next(), places.next()) {
        (Some((place, _)), None) => Ok(place),
        (Some(_), Some(_)) => Err(HeaderError(format!("the CSV header has the mapped column {name:?} twice"))),
        (None, _) => Err(HeaderError(format!("the CSV header has no column {name:?}; it has {}", columns.join(", ")))),
    }
}

impl Cell {
    fn kind(&self) -> Kind {
        match self {
            Cell { at, .. } if at.is_empty() => Kind::Absent,
            Cell { doubled_quotes: true, .. } => Kind::QuotedCell,
            Cell { .. } => Kind::Cell,
        }
    }
}

/// The fields of a record from left to right.
struct Cells<'a> {
    record: &'a str,
    next: Option<usize>, // where the next one begins
}

impl Cells<'_> {
    #[inline]
    fn next_cell(&mut self) -> Result<Option<Cell>, &'static str> {
        let Some(start) = self.next else { return Ok(None) };
        let bytes = self.record.as_bytes();
        if bytes.get(start) == Some(&b'"') {
            return self.quoted(start + 1).map(Some);
        }
        let end = memchr::memchr2(b',', b'"', &bytes[start..]).map_or(bytes.len(), |n| start + n);
        if bytes.get(end) == Some(&b'"') {
            return Err("a quote inside a field that does not begin with one");
        }
        self.next = (end < bytes.len()).then_some(end + 1);
        Ok(Some(Cell { at: self.trimmed(start..end), doubled_quotes: false }))
    }

    fn quoted(&mut self, start: usize) -> Result<Cell, &'static str> {
        let bytes = self.record.as_bytes();
        let (mut at, mut doubled_quotes) = (start, false);
        let end = loop {
            let quote = at + memchr::memchr(b'"', &bytes[at..]).ok_or("a quote that is not closed")?;
            if bytes.get(quote + 1) != Some(&b'"') {
                break quote;
            }
            doubled_quotes = true;
            at = quote + 2;
        };
        self.next = match bytes.get(end + 1) {
            Some(b',') => Some(end + 2),
            None => None,
            Some(_) => return Err("text behind a closing quote"),
        };
        Ok(Cell { at: self.trimmed(start..end), doubled_quotes })
    }

    #[inline]
    fn trimmed(&self, at: Range<usize>) -> Range<usize> {
        let text = &self.record[at.clone()];
        let start = at.start + (text.len() - text.trim_start().len());
        start..start + text.trim().len()
    }
}
