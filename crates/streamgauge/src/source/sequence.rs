//! Inputs that follow each other, each read to its end.

use std::io;
use std::sync::Arc;
use std::vec::IntoIter;

use super::cutter::{Cut, Cutter};
use super::reader::Reader;
use super::{Message, ReadError, name};
use crate::config::Input;

/// The inputs of one partition that end by themselves.
pub(super) struct Sequence {
    inputs: IntoIter<Input>,
    open: Option<Open>,
    cut: Cut,
    at_once: usize, // how many inputs may be open in all
}

struct Open {
    reader: Reader,
    cutter: Cutter,
    offset: u64, // decompressed
}

impl Sequence {
    pub(super) fn new(inputs: Vec<Input>, cut: Cut, at_once: usize) -> Self {
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
        let Some(input) = self.inputs.next() else {
            to.push(Message::Ended);
            return false;
        };
        let source: Arc<str> = name(&input).into();
        match Reader::open(&input) {
            Ok(reader) => {
                to.push(Message::Opened { source: Arc::clone(&source), live: input == Input::Stdin });
                self.open = Some(Open { reader, cutter: self.cut.cutter(source, self.at_once), offset: 0 });
                true
            }
            Err(cause) => {
                to.push(Message::Failed(ReadError { source, offset: 0, cause }));
                false
            }
        }
    }
}

impl Open {
    /// Reads once; false at the end.
    ///
    /// A record that a failure cut in two is not judged: it would be a dead letter that nobody wrote.
    fn read(&mut self, to: &mut Vec<Message>) -> io::Result<bool> {
        let count = self.reader.read(self.cutter.spare())?;
        if count == 0 {
            self.reader.check_end()?;
            self.cutter.end(self.reader.stored(), to);
            return Ok(false);
        }
        self.offset += count as u64;
        self.cutter.filled(count, self.reader.stored(), to);
        Ok(true)
    }

    fn lost(&self, cause: io::Error) -> ReadError {
        ReadError { source: Arc::clone(self.cutter.source()), offset: self.offset, cause }
    }
}
