//! Records in, events out, or the reasons why not: the seam behind which every format stands.
//!
//! A decoder only finds out where the mapped values stand ([`slots`]); what they mean is the same for every format
//! ([`fields`]). No document is built: values that nobody mapped are judged and skipped. A block is decoded by itself, so
//! that many threads can decode at once.

mod csv;
mod decoded;
mod fields;
mod json;
mod number;
mod paths;
mod slots;
mod values;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pub use csv::check_csv_header;
pub use decoded::Decoded;
pub use number::Number;
pub(crate) use number::{are_digits, eight_digits};
pub use values::Event;
pub(crate) use values::{Head, Values};

use crate::frame::{BYTE_ORDER_MARK, Block};
use crate::reason::Reason;
use crate::record::{Record, Records};
use crate::settings::{Format, Mapping};
use csv::CsvDecoder;
use fields::Fields;
use json::JsonDecoder;
use slots::Slots;
use values::MOST_TEXT;

/// Why a record is no event.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Where it is counted.
    pub reason: Reason,
    /// What exactly was wrong, for a person.
    pub detail: Cow<'static, str>,
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError(pub String);

/// Reads the records of blocks, whatever input each is from.
///
/// ```
/// use streamgauge_flow::{Block, Decoder, Format, Mapping, TimeFormat, TypeFrom};
///
/// let mapping = Mapping {
///     id: None,
///     event_type: TypeFrom::Value("request".to_owned()),
///     time: "/at".parse()?,
///     time_format: TimeFormat::UnixSeconds,
///     strings: vec![("model".to_owned(), "/model".parse()?)],
///     numbers: vec![],
/// };
/// let mut decoder = Decoder::new(Format::Ndjson, &mapping, 1 << 20);
/// let bytes = b"{\"at\":1700000000,\"model\":\"m1\"}\nno event\n".to_vec();
/// let decoded = decoder.decode(Block { bytes, ..Block::default() });
/// let mut events = decoded.events();
/// assert_eq!(events.next().unwrap().unwrap().string(0), "m1");
/// assert!(events.next().unwrap().is_err());
/// # Ok::<(), streamgauge_flow::PointerError>(())
/// ```
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    max_record_bytes: usize,
    finder: Finder,
    fields: Fields,
    slots: Slots,
    records: usize,   // of the last block: the next one is likely much like it
    written: Vec<u8>, // memory for the texts of a block
}

#[derive(Debug)]
enum Finder {
    Json(Box<JsonDecoder>),
    Csv { columns: CsvDecoder, header: Option<Arc<[u8]>> },
}

impl Refusal {
    pub(crate) fn new(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Self {
        Refusal { reason, detail: detail.into() }
    }
}

impl Decoder {
    /// A decoder for a format and a mapping; a record longer than `max_record_bytes` is refused.
    pub fn new(format: Format, mapping: &Mapping, max_record_bytes: usize) -> Self {
        let (fields, pointers) = Fields::new(mapping);
        let slots = Slots::new(pointers.len());
        let finder = match format {
            Format::Ndjson => Finder::Json(Box::new(JsonDecoder::new(&pointers))),
            Format::Csv => Finder::Csv { columns: CsvDecoder::new(pointers), header: None },
        };
        Decoder { format, max_record_bytes, finder, fields, slots, records: 0, written: Vec::new() }
    }

    /// Reads all records of a block.
    pub fn decode(&mut self, block: Block) -> Decoded {
        self.decode_reusing(block, Decoded::default())
    }

    /// The same in the memory of records that nobody needs any more.
    pub fn decode_reusing(&mut self, block: Block, used: Decoded) -> Decoded {
        let mut decoded = Decoded { block, header_fault: None, ..used };
        decoded.outcomes.clear();
        decoded.outcomes.reserve(self.records);
        self.fields.begin(&mut decoded.values, self.records, std::mem::take(&mut self.written));
        match self.heed_header(&decoded.block) {
            Ok(()) => self.decode_records(&mut decoded),
            Err(fault) => decoded.header_fault = Some(fault),
        }
        self.records = decoded.len();
        self.written = decoded.values.end();
        decoded
    }

    fn decode_records(&mut self, decoded: &mut Decoded) {
        let Decoded { block, outcomes: out, values, .. } = decoded;
        let bytes = &*block.bytes;
        if let Some(length) = block.oversize {
            let whole = Record { start: 0, end: bytes.len() };
            return out.push(whole, Err(too_long(length, self.max_record_bytes)));
        }
        let begins = block.offset == 0 && bytes.starts_with(BYTE_ORDER_MARK);
        let start = if begins { BYTE_ORDER_MARK.len() } else { 0 };
        let Decoder { finder, fields, slots, max_record_bytes, format, .. } = self;
        let roomy = fields.texts().saturating_mul(bytes.len()).saturating_add(values.text_bytes()) <= MOST_TEXT;
        let mut reader = Reader { bytes, roomy, max_record_bytes: *max_record_bytes, fields, values };
        match finder {
            Finder::Json(json) => json.lines(bytes, start, slots, &mut |record, line, slots| {
                let event = reader.text(record, line.is_ascii).and_then(|text| {
                    line.verdict.map_err(|refusal| *refusal)?;
                    reader.read(text, slots)
                });
                out.push(record, event);
            }),
            Finder::Csv { columns, .. } => {
                // Lines are cut at ASCII characters: if the whole is valid UTF-8, so is each of them.
                let whole = simdutf8::basic::from_utf8(bytes).ok();
                for Record { start: at, end } in Records::new(bytes, *format, *max_record_bytes, true) {
                    let start = if at == 0 { start.min(end) } else { at };
                    let record = Record { start, end };
                    if start < end {
                        let event = reader.text(record, whole.is_some()).and_then(|text| {
                            let own = whole.map_or_else(|| reader.judged(record), |whole| Ok(&whole[start..end]))?;
                            columns.find(own, slots)?;
                            reader.read(text, slots)
                        });
                        out.push(record, event);
                    }
                }
            }
        }
    }

    /// Learns the columns of the file that the block is from, unless they are known already.
    fn heed_header(&mut self, block: &Block) -> Result<(), HeaderError> {
        let Finder::Csv { columns, header } = &mut self.finder else { return Ok(()) };
        let Some(own) = &block.header else {
            let limit = self.max_record_bytes;
            return Err(HeaderError(format!("the CSV header is longer than {limit} bytes")));
        };
        if !header.as_ref().is_some_and(|known| Arc::ptr_eq(known, own)) {
            columns.header(own)?;
            *header = Some(Arc::clone(own));
        }
        Ok(())
    }
}

/// Reads the records of one block into its values.
struct Reader<'a> {
    bytes: &'a [u8],
    roomy: bool, // whether all texts there can be in the block can be pointed at
    max_record_bytes: usize,
    fields: &'a mut Fields,
    values: &'a mut Values,
}

impl<'a> Reader<'a> {
    /// The text of a record and what follows it in the block, if it is not too long and valid UTF-8, as it may be known to be.
    #[inline]
    fn text(&self, record: Record, known: bool) -> Result<&'a [u8], Refusal> {
        let length = record.end - record.start;
        if length > self.max_record_bytes || !self.roomy && self.is_full(length) {
            return Err(too_long(length as u64, self.max_record_bytes));
        }
        if !known {
            self.judged(record)?;
        }
        Ok(&self.bytes[record.start..])
    }

    /// Whether the texts of a record might not be pointed at.
    fn is_full(&self, length: usize) -> bool {
        self.values.text_bytes() + length * self.fields.texts() > MOST_TEXT
    }

    /// The text of a record, if it is valid UTF-8.
    #[inline(never)]
    fn judged(&self, record: Record) -> Result<&'a str, Refusal> {
        let bytes = &self.bytes[record.start..record.end];
        // It is quicker to find out whether there is a fault than where.
        simdutf8::basic::from_utf8(bytes).or_else(|_| simdutf8::compat::from_utf8(bytes)).map_err(|error| {
            Refusal::new(Reason::InvalidUtf8, format!("not valid UTF-8 at byte {}", error.valid_up_to()))
        })
    }

    /// The event of a record that begins with `text` and whose values stand in `slots`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would pass its result through memory")]
    fn read(&mut self, text: &[u8], slots: &Slots) -> Result<Head, Refusal> {
        self.fields.read(text, slots, self.values)
    }
}

#[cold]
fn too_long(length: u64, limit: usize) -> Refusal {
    Refusal::new(Reason::LineTooLong, format!("{length} bytes, at most {limit} are allowed"))
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HeaderError {}
