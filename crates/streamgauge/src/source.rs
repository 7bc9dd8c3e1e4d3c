//! Reads the inputs, one after another, on a thread of its own.
//!
//! A read from stdin may block for ever, so the thread is never waited for: it ends when its channel is closed or
//! with the process.

mod reader;

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Instant;

use streamgauge_flow::{Block, Format, Framer};

use crate::config::{Input, Source};
use crate::log::escape_controls;
use reader::Reader;

/// Blocks that may wait for the pipeline: enough to read ahead, few enough to stay in the cache.
const AHEAD: usize = 4;

/// What the reading thread tells.
#[derive(Debug)]
pub(crate) enum Message {
    /// An input was opened. A live one may fall silent without having ended.
    Opened { live: bool },
    /// Whole records.
    Block(Chunk),
    /// An input has ended after so many bytes, decompressed.
    Ended { bytes: u64 },
    /// The last input has ended.
    Finished,
    /// An input could not be read to its end.
    Failed(ReadError),
}

/// Whole records of one input.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The input's name.
    pub(crate) source: Arc<str>,
    pub(crate) block: Block,
    /// When the bytes were read.
    pub(crate) read_at: Instant,
    /// Where they stand among the bytes of all inputs, as stored.
    pub(crate) stored: Range<u64>,
}

/// Inputs that are ready to be read.
#[derive(Debug)]
pub(crate) struct Inputs {
    inputs: Vec<Input>,
    format: Format,
    max_record_bytes: usize,
    total: Option<u64>,
}

/// An input that cannot be opened: the start is off.
#[derive(Debug)]
pub(crate) struct OpenError {
    name: String,
    cause: io::Error,
}

/// An input that was lost while it was read: the run is over.
#[derive(Debug)]
pub(crate) struct ReadError {
    name: String,
    offset: u64, // decompressed
    cause: io::Error,
}

/// The receiver is gone, so there is nothing left to do.
struct Closed;

struct Sender {
    channel: SyncSender<Message>,
    stored: u64, // bytes of all inputs up to the last message
}

impl Inputs {
    /// Makes sure that every input can be opened.
    ///
    /// # Errors
    /// If one cannot.
    pub(crate) fn open(source: &Source, format: Format, max_record_bytes: usize) -> Result<Self, OpenError> {
        let mut total = Some(0);
        for input in &source.inputs {
            let size = size(input).map_err(|cause| OpenError { name: name(input), cause })?;
            total = total.zip(size).map(|(sum, size)| sum + size);
        }
        Ok(Inputs { inputs: source.inputs.clone(), format, max_record_bytes, total })
    }

    /// The bytes of all inputs as they are stored, unless one of them is a pipe.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Starts to read.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(self) -> io::Result<Receiver<Message>> {
        let (channel, receiver) = sync_channel(AHEAD);
        let mut sender = Sender { channel, stored: 0 };
        let read = move || {
            // Closed means that nobody listens any more.
            let _ = self.read_all(&mut sender);
        };
        thread::Builder::new().name("source".into()).spawn(read)?;
        Ok(receiver)
    }

    fn read_all(&self, to: &mut Sender) -> Result<(), Closed> {
        for input in &self.inputs {
            let mut reader = match Reader::open(input) {
                Ok(reader) => reader,
                Err(cause) => return to.fail(input, 0, cause),
            };
            to.send(Message::Opened { live: *input == Input::Stdin })?;
            match self.read_one(&mut reader, &name(input).into(), to)? {
                Ok(bytes) => to.send(Message::Ended { bytes })?,
                Err((offset, cause)) => return to.fail(input, offset, cause),
            }
        }
        to.send(Message::Finished)
    }

    /// Reads one input to its end, and says how long it was, or how far it came.
    fn read_one(
        &self,
        reader: &mut Reader,
        source: &Arc<str>,
        to: &mut Sender,
    ) -> Result<Result<u64, (u64, io::Error)>, Closed> {
        let mut framer = Framer::new(self.format, self.max_record_bytes);
        let (base, mut bytes) = (to.stored, 0);
        loop {
            // A record that the failure cut in two is not judged: it would be a dead letter that nobody wrote.
            let count = match reader.read(framer.spare()) {
                Ok(count) => count,
                Err(cause) => return Ok(Err((bytes, cause))),
            };
            if count == 0 {
                framer.end();
            } else {
                framer.filled(count);
                bytes += count as u64;
            }
            while let Some(block) = framer.next_block() {
                to.block(source, block, base + reader.stored())?;
            }
            if count == 0 {
                return Ok(Ok(bytes));
            }
        }
    }
}

impl Sender {
    fn send(&self, message: Message) -> Result<(), Closed> {
        self.channel.send(message).map_err(|_| Closed)
    }

    fn block(&mut self, source: &Arc<str>, block: Block, stored: u64) -> Result<(), Closed> {
        let stored = self.stored..stored.max(self.stored);
        self.stored = stored.end;
        let source = Arc::clone(source);
        self.send(Message::Block(Chunk { source, block, read_at: Instant::now(), stored }))
    }

    fn fail(&self, input: &Input, offset: u64, cause: io::Error) -> Result<(), Closed> {
        self.send(Message::Failed(ReadError { name: name(input), offset, cause }))
    }
}

impl ReadError {
    /// The reading thread has ended without a word.
    pub(crate) fn vanished() -> Self {
        let cause = io::Error::other("the reading thread has ended unexpectedly");
        ReadError { name: "the input".into(), offset: 0, cause }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape_controls(&self.name);
        write!(f, "source.file.paths: cannot read {name}: {}", self.cause)?;
        match self.cause.kind() {
            io::ErrorKind::NotFound => write!(f, "; correct the path"),
            io::ErrorKind::PermissionDenied => write!(f, "; allow reading it"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ReadError { name, offset, cause } = self;
        write!(f, "lost the input {} at byte {offset}: {cause}", escape_controls(name))?;
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
