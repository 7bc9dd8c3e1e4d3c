//! Cuts a stream of bytes into blocks of whole records, whatever the reads were.
//!
//! ```text
//! reads:   |--------|-----|-----------|----|
//! records: r1.r2...r3.....r4.r5..........r6.
//! blocks:  [r1 r2 ][r3   ][r4 r5     ][r6  ]     a record that is too long is a block of its own, cut short
//! ```

use std::sync::Arc;

use memchr::memrchr;

use crate::record::{Record, Records, record_end};
use crate::settings::Format;

/// How much is read at once, unless it is said otherwise.
const READ: usize = 256 << 10;
/// How much of a record that is too long is kept, for its dead letter.
const KEPT: usize = 64 << 10;
/// What some programs put in front of a text.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Collects what was read of one input and hands it on in blocks of whole records; make a new one for each file.
///
/// ```
/// use streamgauge_flow::{Format, Framer};
/// let mut framer = Framer::new(Format::Ndjson, 1 << 20);
/// framer.spare()[..9].copy_from_slice(b"{}\n{\"a\":1");
/// framer.filled(9);
/// assert_eq!(framer.next_block().unwrap().bytes, b"{}\n");
/// assert!(framer.next_block().is_none(), "the second record may go on");
/// framer.spare()[..1].copy_from_slice(b"}");
/// framer.filled(1);
/// framer.end();
/// assert_eq!(framer.next_block().unwrap().bytes, b"{\"a\":1}");
/// ```
#[derive(Debug)]
pub struct Framer {
    format: Format,
    max_record_bytes: usize,
    read: usize, // how much is read at once
    buffer: Vec<u8>,
    used: Vec<u8>, // memory for the next buffer
    filled: usize, // bytes of the buffer that were read
    offset: u64,   // where the buffer begins in the input
    ended: bool,
    skipping: Option<Block>, // the beginning of a record that is too long, while its end is looked for
    header: Option<Arc<[u8]>>,
}

/// A piece of one input, to be decoded by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// Where `bytes` begin in the input, decompressed. What stands at 0 may begin with a byte order mark.
    pub offset: u64,
    /// Whole records, or the beginning of one that is too long. The last line end may be missing.
    pub bytes: Vec<u8>,
    /// The length of the whole record, if `bytes` are only its beginning.
    pub oversize: Option<u64>,
    /// The first record of the file, if it is CSV: the names of its columns. Not part of `bytes`.
    pub header: Option<Arc<[u8]>>,
}

impl Framer {
    /// A framer at the beginning of an input.
    pub fn new(format: Format, max_record_bytes: usize) -> Self {
        Framer {
            format,
            max_record_bytes,
            read: READ,
            buffer: Vec::new(),
            used: Vec::new(),
            filled: 0,
            offset: 0,
            ended: false,
            skipping: None,
            header: None,
        }
    }

    /// The same with reads of about `bytes`, for when many inputs are open at once.
    #[must_use]
    pub fn reading(self, bytes: usize) -> Self {
        Framer { read: bytes.clamp(1, READ), ..self }
    }

    /// The same at the beginning of a record in the middle of an input; CSV needs the [`header`](Self::header) that was there.
    #[must_use]
    pub fn starting_at(self, offset: u64, header: Option<Arc<[u8]>>) -> Self {
        Framer { offset, header, ..self }
    }

    /// Whatever lies before this byte of the input has been handed on.
    pub fn position(&self) -> u64 {
        self.offset
    }

    /// The header of a CSV file, once it has been read.
    pub fn header(&self) -> Option<&Arc<[u8]>> {
        self.header.as_ref()
    }

    /// Whether the beginning of a record waits for its rest.
    pub fn is_amid_record(&self) -> bool {
        self.filled > 0 || self.skipping.is_some()
    }

    /// Whether a large block may need memory that is not there yet.
    pub fn lacks_memory(&self) -> bool {
        self.used.capacity() == 0
    }

    /// Hands in the memory of a block that nobody needs any more, whatever it holds: fresh memory would have to be zeroed.
    pub fn reuse(&mut self, bytes: Vec<u8>) {
        // What a record out of the ordinary took is let go.
        if bytes.capacity() <= 2 * self.read {
            self.used = bytes;
        }
    }

    /// Where the next bytes that are read go; never empty.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.buffer.len() < self.filled + self.read.div_ceil(2) {
            self.buffer.resize(self.filled + self.read, 0);
        }
        &mut self.buffer[self.filled..]
    }

    /// Says that `count` bytes were read into [`spare`](Self::spare).
    ///
    /// # Panics
    /// If that is more than there was room for.
    pub fn filled(&mut self, count: usize) {
        assert!(self.filled + count <= self.buffer.len(), "more was read than there was room for");
        self.filled += count;
    }

    /// Says that the input has ended.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// The next block, if there is one: call it after `filled` and `end` until it gives nothing.
    pub fn next_block(&mut self) -> Option<Block> {
        if self.skipping.is_some() {
            return self.skip_on();
        }
        // A header shows itself although nothing follows yet: it may be wrong.
        let header_came = self.format == Format::Csv && self.header.is_none() && self.take_header();
        let whole = self.whole_records();
        if whole > 0 || header_came {
            return Some(self.take(whole));
        }
        // Two bytes more than a record may have: its line end is not part of it.
        if self.filled > self.max_record_bytes + 2 && self.starts_too_long() {
            self.start_skipping();
            return self.skip_on();
        }
        None
    }

    /// Takes the first record that is not empty for the header; whether there was one. Empty ones before it are dropped.
    fn take_header(&mut self) -> bool {
        let bytes = &self.buffer[..self.filled];
        let mut records = Records::new(bytes, self.format, self.max_record_bytes, self.ended);
        let text = |record: Record| {
            let text = &bytes[record.start..record.end];
            let first = self.offset == 0 && record.start == 0;
            if first { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) } else { text }
        };
        self.header = records.by_ref().map(text).find(|text| !text.is_empty()).map(Arc::from);
        let taken = records.position();
        self.buffer.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        self.offset += taken as u64;
        self.header.is_some()
    }

    /// How many bytes from the beginning of the buffer are whole records.
    fn whole_records(&self) -> usize {
        let bytes = &self.buffer[..self.filled];
        match self.format {
            _ if self.ended => self.filled,
            Format::Ndjson => memrchr(b'\n', bytes).map_or(0, |at| at + 1),
            Format::Csv => {
                let mut records = Records::new(bytes, self.format, self.max_record_bytes, false);
                while records.next().is_some() {}
                records.position()
            }
        }
    }

    /// Whether no record end can be found within the longest record there may be.
    fn starts_too_long(&self) -> bool {
        record_end(&self.buffer[..self.filled], self.format, self.max_record_bytes, false).is_none()
    }

    fn take(&mut self, count: usize) -> Block {
        // A small block is copied out, so that the buffer stays; a large one goes with the buffer, so that nothing is copied.
        let bytes = if count < self.read / 4 {
            let bytes = self.buffer[..count].to_vec();
            self.buffer.copy_within(count..self.filled, 0);
            bytes
        } else {
            let rest = &self.buffer[count..self.filled];
            let mut next = std::mem::take(&mut self.used);
            next.resize(next.len().max(rest.len()), 0);
            next[..rest.len()].copy_from_slice(rest);
            let mut bytes = std::mem::replace(&mut self.buffer, next);
            bytes.truncate(count);
            bytes
        };
        let block = Block { offset: self.offset, bytes, oversize: None, header: self.header.clone() };
        self.offset += count as u64;
        self.filled -= count;
        block
    }

    fn start_skipping(&mut self) {
        let kept = self.buffer[..self.filled.min(KEPT)].to_vec();
        let header = self.header.clone();
        self.skipping = Some(Block { offset: self.offset, bytes: kept, oversize: Some(0), header });
    }

    /// Drops what was read up to the next line end; the block, once the end was seen.
    fn skip_on(&mut self) -> Option<Block> {
        let line_end = memchr::memchr(b'\n', &self.buffer[..self.filled]);
        // A carriage return at the very end may be half of a line end.
        let dropped = match line_end {
            Some(at) => at + 1,
            None if self.ended => self.filled,
            None => self.filled.saturating_sub(1),
        };
        let content = match line_end {
            Some(at) => at - usize::from(at > 0 && self.buffer[at - 1] == b'\r'),
            None => dropped,
        };
        if let Some(Block { oversize: Some(length), .. }) = &mut self.skipping {
            *length += content as u64;
        }
        self.buffer.copy_within(dropped..self.filled, 0);
        self.filled -= dropped;
        self.offset += dropped as u64;
        if line_end.is_some() || self.ended { self.skipping.take() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framer_may_begin_in_the_middle_of_an_input_and_says_how_far_it_came() {
        let mut framer = Framer::new(Format::Ndjson, 100).reading(8).starting_at(50, None);
        assert_eq!(framer.spare().len(), 8);
        framer.spare()[..5].copy_from_slice(b"{}\n{\"");
        framer.filled(5);
        let block = framer.next_block().unwrap();
        assert_eq!((block.offset, &*block.bytes), (50, &b"{}\n"[..]));
        assert_eq!((framer.next_block(), framer.position(), framer.is_amid_record()), (None, 53, true));
        framer.end();
        let block = framer.next_block().unwrap();
        assert_eq!((block.offset, &*block.bytes), (53, &b"{\""[..]));
        assert_eq!((framer.position(), framer.is_amid_record()), (55, false));
    }

    #[test]
    fn a_framer_that_begins_in_the_middle_of_a_csv_file_goes_on_with_its_header() {
        let mut framer = Framer::new(Format::Csv, 100);
        framer.spare()[..4].copy_from_slice(b"a\n1\n");
        framer.filled(4);
        assert!(framer.next_block().is_some());
        let header = framer.header().cloned();
        assert_eq!(header.as_deref(), Some(&b"a"[..]));
        let mut framer = Framer::new(Format::Csv, 100).starting_at(framer.position(), header.clone());
        framer.spare()[..2].copy_from_slice(b"2\n");
        framer.filled(2);
        let block = framer.next_block().unwrap();
        assert_eq!((block.offset, &*block.bytes, block.header), (4, &b"2\n"[..], header));
    }

    #[test]
    fn the_position_passes_also_the_line_end_of_a_record_that_is_too_long() {
        let mut framer = Framer::new(Format::Ndjson, 2);
        for read in [&b"{12345"[..], b"\r\n"] {
            assert_eq!(framer.next_block(), None);
            framer.spare()[..read.len()].copy_from_slice(read);
            framer.filled(read.len());
        }
        assert_eq!(framer.next_block().and_then(|block| block.oversize), Some(6));
        assert_eq!(framer.position(), 8);
    }
}
