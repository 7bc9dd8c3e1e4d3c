//! Inputs that follow each other, each read to its end.

use std::io;
use std::sync::Arc;
use std::vec::IntoIter;

use super::cutter::{Cut, Cutter};
use super::place::{Origin, Place};
use super::reader::Reader;
use super::{Message, ReadError};
use crate::config::Input;

/// The inputs of one partition that end by themselves.
pub(super) struct Sequence {
    inputs: IntoIter<Start>,
    open: Option<Open>,
    cut: Cut,
    at_once: usize, // how many inputs may be open in all
}

/// An input that is to be read, and from where on.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) input: Input,
    pub(super) origin: Arc<Origin>,
    pub(super) place: Place,
}

struct Open {
    reader: Reader,
    cutter: Cutter,
    offset: u64, // decompressed
}

impl Sequence {
    pub(super) fn new(inputs: Vec<Start>, cut: Cut, at_once: usize) -> Self {
        Sequence { inputs: inputs.into_iter(), open: None, cut, at_once }
    }

    /// Reads a little; false once the partition has ended.
    pub(super) fn read(&mut self, to: &mut Vec<Message>) -> bool {
        let result = match &mut self.open {
            Some(open) => open.read(to).map_err(|cause| open.lost(cause)),
            None => return self.open_next(to),
        };
        match result {
            Ok(true) => true,
            Ok(false) => {
                self.open = None;
                true
            }
            Err(error) => {
                to.push(Message::Failed(error));
                false
            }
        }
    }

    fn open_next(&mut self, to: &mut Vec<Message>) -> bool {
        let Some(start) = self.inputs.next() else {
            to.push(Message::Ended);
            return false;
        };
        let origin = Arc::clone(&start.origin);
        match Open::at(start, &self.cut, self.at_once) {
            Ok((open, live)) => {
                to.push(Message::Opened { origin, live });
                self.open = Some(open);
                true
            }
            Err(cause) => {
                to.push(Message::Failed(ReadError { source: Arc::clone(&origin.name), offset: 0, cause }));
                false
            }
        }
    }
}

impl Open {
    fn at(Start { input, origin, place }: Start, cut: &Cut, at_once: usize) -> io::Result<(Self, bool)> {
        let reader = Reader::open(&input, place.offset)?;
        let mut cutter = cut.cutter(origin, at_once).starting_at(place.offset, place.shared_header());
        cutter.known_by(reader.head());
        Ok((Open { reader, cutter, offset: place.offset }, input == Input::Stdin))
    }

    /// Reads once; false at the end.
    ///
    /// A record that a failure cut in two is not judged: it would be a dead letter that nobody wrote.
    fn read(&mut self, to: &mut Vec<Message>) -> io::Result<bool> {
        let count = self.reader.read(self.cutter.spare())?;
        if count == 0 {
            self.reader.check_end()?;
            self.cutter.end(self.reader.stored(), to);
            to.push(self.cutter.closed(self.reader.stored()));
            return Ok(false);
        }
        self.offset += count as u64;
        self.cutter.filled(count, self.reader.stored(), to);
        Ok(true)
    }

    fn lost(&self, cause: io::Error) -> ReadError {
        ReadError { source: Arc::clone(&self.cutter.origin().name), offset: self.offset, cause }
    }
}
