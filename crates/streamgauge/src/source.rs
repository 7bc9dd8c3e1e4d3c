//! Reads the inputs on a thread of its own and hands them on by partition.
//!
//! ```text
//! sequence (to the end) ┐                        ┌ queue of partition 0 ┐
//! follow (for ever)     ┴ Cutter ─ chunks ─ put ─┤ queue of partition 1 ├─ Feed::next ─ worker
//! ```
//!
//! A read from stdin may block for ever, so the thread is never waited for: it ends when its feed is dropped or with the
//! process.

mod cutter;
mod feed;
mod follow;
mod lane;
mod limit;
mod place;
mod reader;
mod resume;
mod sequence;
mod tail;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use streamgauge_flow::Format;
use streamgauge_metrics::{Counter, Gauge};

use crate::config::{Input, Partitions, Source};
use crate::decoders::{Decoders, Promise};
use crate::log::escape_controls;
use crate::stage::Laps;
use cutter::Cut;
use feed::{Closed, Sender, Then, Turn};
pub(crate) use feed::{Feed, Next};
use follow::Follow;
use limit::TooMany;
pub(crate) use place::{Origin, Place};
pub(crate) use resume::Known;
use resume::{Changed, Stand};
use sequence::{Sequence, Start};

/// Messages that may wait in all partitions, beside those that are being decoded: enough to read ahead, few enough to stay in
/// the cache.
const AHEAD: usize = 16;
/// Those of one partition, however many there are: one is taken while another is read.
const AHEAD_OF_ONE: usize = 3;

/// What the reading thread tells of a partition, in this order: inputs that are opened, their chunks, and one end.
#[derive(Debug)]
pub(crate) enum Message {
    /// An input was opened. A live one may fall silent without having ended.
    Opened { origin: Arc<Origin>, live: bool },
    /// Whole records.
    Block(Chunk),
    /// An input that is not to grow was read to its end.
    Closed(Closing),
    /// An input is gone for good: it need not be remembered.
    Forgotten(Arc<Origin>),
    /// The partition has ended.
    Ended,
    /// An input could not be read to its end, and so the partition has ended too.
    Failed(ReadError),
}

/// How far an input was read that is done with.
#[derive(Debug)]
pub(crate) struct Closing {
    pub(crate) origin: Arc<Origin>,
    /// Its first bytes, as far as they have been read.
    pub(crate) head: Arc<[u8]>,
    /// The header of CSV.
    pub(crate) header: Option<Arc<[u8]>>,
    /// Its end, decompressed.
    pub(crate) offset: u64,
    /// Its size as it is stored.
    pub(crate) stored: u64,
}

/// Whole records of one input.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) origin: Arc<Origin>,
    /// The first bytes of the input, as far as they have been read.
    pub(crate) head: Arc<[u8]>,
    pub(crate) records: Promise,
    /// When the bytes were read.
    pub(crate) read_at: Instant,
    /// For which bytes of the input it stands: those of the block, of a header before it and of the last line end.
    pub(crate) read: Range<u64>,
    /// For how many bytes of the input as it is stored, as far as that can be told apart.
    pub(crate) stored: u64,
}

/// Inputs that are ready to be read.
#[derive(Debug)]
pub(crate) struct Inputs {
    source: Source,
    format: Format,
    max_record_bytes: usize,
    stands: Vec<Stand>,
    known: Known, // of files that are followed
    total: Option<u64>,
}

/// Inputs that cannot be opened: the start is off.
#[derive(Debug)]
pub(crate) enum OpenError {
    One { name: String, cause: io::Error },
    TooMany(TooMany),
    Changed(Changed),
}

/// An input that was lost while it was read: the run is over.
#[derive(Debug)]
pub(crate) struct ReadError {
    source: Arc<str>,
    offset: u64, // decompressed
    cause: io::Error,
}

impl Inputs {
    /// Makes sure that every input can be opened, and all of them at once where that is needed. Goes on where a state has
    /// `known` them to be, by number.
    ///
    /// # Errors
    /// If one cannot be opened, or is not what it was.
    pub(crate) fn open(
        source: &Source,
        format: Format,
        max_record_bytes: usize,
        known: Known,
    ) -> Result<Self, OpenError> {
        let source = source.clone();
        if source.follow.is_some() {
            limit::make_most_room();
            return Ok(Inputs { source, format, max_record_bytes, stands: Vec::new(), known, total: None });
        }
        let mut total = Some(0);
        for input in &source.inputs {
            let size = size(input).map_err(|cause| OpenError::One { name: name(input), cause })?;
            total = total.zip(size).map(|(sum, size)| sum + size);
        }
        if source.partitions == Partitions::PerFile {
            limit::make_room(source.inputs.len()).map_err(OpenError::TooMany)?;
        }
        let stands = resume::stands(&source.inputs, known)?;
        Ok(Inputs { source, format, max_record_bytes, stands, known: Known::default(), total })
    }

    /// The inputs that are known at the start, in their order; none of files that are followed.
    pub(crate) fn origins(&self) -> Vec<Arc<Origin>> {
        self.stands.iter().map(|stand| Arc::clone(&stand.origin)).collect()
    }

    /// The bytes of all inputs as they are stored, unless one of them is a pipe or grows.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Starts to read, and hands blocks to the `decoders`. What is lost of a file that is followed is counted in `losses`; how
    /// many messages wait to be taken is told to `waiting`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(self, decoders: Decoders, losses: Counter, laps: Laps, waiting: Gauge) -> io::Result<Feed> {
        let (sender, feed) = feed::feed(self.ahead() + decoders.helpers(), laps, waiting);
        // Before anything is read: the order of reading depends on how many there are.
        for _ in 0..self.partitions() {
            sender.add();
        }
        let read = move || {
            // Closed means that nobody listens any more.
            let _ = self.read(decoders, &sender, losses);
        };
        thread::Builder::new().name("source".into()).spawn(read)?;
        Ok(feed)
    }

    /// How many partitions there are from the start.
    fn partitions(&self) -> usize {
        match (&self.source.follow, self.source.partitions) {
            (_, Partitions::One) => 1,
            (None, Partitions::PerFile) => self.source.inputs.len(),
            (Some(_), Partitions::PerFile) => 0,
        }
    }

    /// How many messages may wait in a partition.
    fn ahead(&self) -> usize {
        (AHEAD / self.partitions().max(1)).max(AHEAD_OF_ONE)
    }

    fn read(self, decoders: Decoders, to: &Sender, losses: Counter) -> Result<(), Closed> {
        let buffers = self.ahead() + decoders.helpers() + 1; // what waits in the queue of an input, and what is read next
        let Source { partitions, follow, .. } = self.source;
        let cut = Cut { format: self.format, max_record_bytes: self.max_record_bytes, buffers, decoders };
        let starts = self.stands.into_iter().map(|stand| stand.start);
        match (follow, partitions) {
            (Some(patterns), _) => Follow::new(patterns, partitions, cut, self.known.places, losses).run(to),
            (None, Partitions::One) => read_to_the_end(vec![Sequence::new(starts.flatten().collect(), cut, 1)], to),
            (None, Partitions::PerFile) => {
                let count = starts.len();
                let sequence = |start: Option<Start>| Sequence::new(start.into_iter().collect(), cut.clone(), count);
                read_to_the_end(starts.map(sequence).collect(), to)
            }
        }
    }
}

/// Reads each partition to its end, whichever is wanted most.
fn read_to_the_end(mut partitions: Vec<Sequence>, to: &Sender) -> Result<(), Closed> {
    let mut left = partitions.len();
    let mut messages = Vec::new();
    while left > 0 {
        let Turn::Read(partition) = to.turn(None)? else { continue };
        let goes_on = partitions[partition].read(&mut messages);
        left -= usize::from(!goes_on);
        to.put(partition, &mut messages, if goes_on { Then::More } else { Then::Dry });
    }
    to.finish();
    Ok(())
}

impl ReadError {
    /// The reading thread has ended without a word.
    pub(crate) fn vanished() -> Self {
        let cause = io::Error::other("the reading thread has ended unexpectedly");
        ReadError { source: "the input".into(), offset: 0, cause }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, cause) = match self {
            OpenError::One { name, cause } => (name, cause),
            OpenError::TooMany(refused) => return refused.fmt(f),
            OpenError::Changed(changed) => return changed.fmt(f),
        };
        write!(f, "source.file.paths: cannot read {}: {cause}", escape_controls(name))?;
        match cause.kind() {
            io::ErrorKind::NotFound => write!(f, "; correct the path"),
            io::ErrorKind::PermissionDenied => write!(f, "; allow reading it"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadError { source, offset, cause } = self;
        write!(f, "lost the input {} at byte {offset}: {cause}", escape_controls(source))?;
        write!(f, "; every whole record before it was read")
    }
}

fn name(input: &Input) -> String {
    match input {
        Input::Stdin => "-".into(),
        Input::File(path) => path.to_string_lossy().into_owned(),
    }
}

/// How many bytes an input holds, or none if nobody can say.
///
/// A pipe with a name is not tried: to open and close it again would cut off whoever writes to it.
fn size(input: &Input) -> io::Result<Option<u64>> {
    let Input::File(path) = input else { return Ok(None) };
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !metadata.is_file() {
        return Ok(None);
    }
    File::open(path)?;
    Ok(Some(metadata.len()))
}

#[cfg(test)]
mod tests;
