//! From bytes that were read of one input to chunks of whole records.

use std::sync::Arc;
use std::time::Instant;

use streamgauge_flow::{Format, Framer};

use super::place::Origin;
use super::{Chunk, Closing, Message};
use crate::decoders::Decoders;

/// Memory for what is being read, of all inputs that are open at once.
const ROOM: usize = 64 << 20;
/// Smaller reads would cost more in calls than they save in memory.
const LEAST: usize = 8 << 10;

/// How inputs are cut into records.
#[derive(Clone, Debug)]
pub(super) struct Cut {
    pub(super) format: Format,
    pub(super) max_record_bytes: usize,
    /// How many blocks of an input there may be at once.
    pub(super) buffers: usize,
    pub(super) decoders: Decoders,
}

/// Cuts one input.
#[derive(Debug)]
pub(super) struct Cutter {
    framer: Framer,
    decoders: Decoders,
    origin: Arc<Origin>,
    head: Arc<[u8]>,
    told: u64,   // bytes that the chunks so far stand for
    stored: u64, // the same as they are stored
}

impl Cut {
    /// A cutter for one of so many inputs that are open at once.
    pub(super) fn cutter(&self, origin: Arc<Origin>, inputs: usize) -> Cutter {
        let read = (ROOM / self.buffers / inputs.max(1)).max(LEAST);
        let framer = Framer::new(self.format, self.max_record_bytes).reading(read);
        Cutter { framer, decoders: self.decoders.clone(), origin, head: Arc::new([]), told: 0, stored: 0 }
    }
}

impl Cutter {
    /// The same at the beginning of a record in the middle of the input. CSV needs the header that was there.
    pub(super) fn starting_at(self, offset: u64, header: Option<Arc<[u8]>>) -> Self {
        Cutter { framer: self.framer.starting_at(offset, header), told: offset, stored: offset, ..self }
    }

    /// Where the next bytes that are read go.
    pub(super) fn spare(&mut self) -> &mut [u8] {
        self.framer.spare()
    }

    /// Takes `count` bytes that were read; the input has been read up to the byte `stored`, as it is stored.
    pub(super) fn filled(&mut self, count: usize, stored: u64, to: &mut Vec<Message>) {
        self.framer.filled(count);
        self.cut(stored, to);
    }

    /// The input has ended: what is left is a record, whether it has a line end or not.
    pub(super) fn end(&mut self, stored: u64, to: &mut Vec<Message>) {
        self.framer.end();
        self.cut(stored, to);
    }

    /// Says that the input was read to its end, which is at the byte `stored` as it is stored.
    pub(super) fn closed(&self, stored: u64) -> Message {
        Message::Closed(Closing {
            origin: Arc::clone(&self.origin),
            head: Arc::clone(&self.head),
            header: self.header(),
            offset: self.framer.position(),
            stored,
        })
    }

    /// Whether the beginning of a record waits for its rest.
    pub(super) fn is_amid_record(&self) -> bool {
        self.framer.is_amid_record()
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// From now on the input is known to begin with these bytes.
    pub(super) fn known_by(&mut self, head: &[u8]) {
        self.head = head.into();
    }

    pub(super) fn header(&self) -> Option<Arc<[u8]>> {
        self.framer.header().cloned()
    }

    fn cut(&mut self, stored: u64, to: &mut Vec<Message>) {
        if self.framer.lacks_memory()
            && let Some(bytes) = self.decoders.spare_block()
        {
            self.framer.reuse(bytes);
        }
        while let Some(block) = self.framer.next_block() {
            let read = self.told..self.framer.position();
            self.told = read.end;
            let more = stored.saturating_sub(self.stored);
            self.stored += more;
            let (origin, head) = (Arc::clone(&self.origin), Arc::clone(&self.head));
            let records = self.decoders.decode(block);
            to.push(Message::Block(Chunk { origin, head, records, read_at: Instant::now(), read, stored: more }));
        }
    }
}
