//! A block with what its records mean: what goes from the threads that decode to the one that judges.

use std::ops::Range;
use std::sync::Arc;

use super::{Event, Head, HeaderError, Refusal, Values};
use crate::frame::Block;
use crate::reason::Reason;
use crate::record::Record;

/// The records of one block, decoded and not judged.
#[derive(Debug, Default)]
pub struct Decoded {
    pub(super) block: Block,
    pub(super) outcomes: Outcomes,
    pub(super) values: Values,
    pub(super) header_fault: Option<HeaderError>,
}

/// What became of records. Why some are no events stands apart: few are none, and the others take no room for it.
#[derive(Debug, Default)]
pub(super) struct Outcomes {
    records: Vec<(Record, Result<Head, usize>)>,
    refusals: Vec<Refusal>,
}

impl Outcomes {
    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.refusals.clear();
    }

    pub(super) fn reserve(&mut self, records: usize) {
        self.records.reserve(records);
    }

    #[inline]
    pub(super) fn push(&mut self, record: Record, event: Result<Head, Refusal>) {
        let event = event.map_err(|refusal| {
            self.refusals.push(refusal);
            self.refusals.len() - 1
        });
        self.records.push((record, event));
    }

    #[inline]
    fn get(&self, at: usize) -> (Record, Result<&Head, &Refusal>) {
        let (record, event) = &self.records[at];
        (*record, event.as_ref().map_err(|refusal| &self.refusals[*refusal]))
    }
}

impl Decoded {
    /// How many records there are, empty lines left out.
    pub fn len(&self) -> usize {
        self.outcomes.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.outcomes.records.is_empty()
    }

    /// The first record of the file, if it is CSV.
    pub fn header(&self) -> Option<&Arc<[u8]>> {
        self.block.header.as_ref()
    }

    /// The events, and why a record is none.
    pub fn events(&self) -> impl Iterator<Item = Result<Event<'_>, &Refusal>> {
        (0..self.len()).map(|at| self.event(at))
    }

    /// How many of the input's bytes are behind the first `records` records, counted from the beginning of the input.
    pub fn offset_behind(&self, records: usize) -> u64 {
        let Block { offset, bytes, oversize, .. } = &self.block;
        match self.outcomes.records.get(records) {
            Some((next, _)) => offset + next.start as u64,
            None => offset + oversize.unwrap_or(bytes.len() as u64),
        }
    }

    /// The identity of a record in bytes, if it is an event that has one.
    #[inline]
    pub(crate) fn id(&self, at: usize) -> Option<&[u8]> {
        self.outcomes.get(at).1.ok().and_then(|head| self.values.id(head))
    }

    /// Takes the memory of the block, once its records have been judged.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        self.outcomes.clear();
        std::mem::take(&mut self.block.bytes)
    }

    #[inline]
    pub(crate) fn event(&self, at: usize) -> Result<Event<'_>, &Refusal> {
        self.outcomes.get(at).1.map(|head| self.values.event(head))
    }

    /// The events among some of the records.
    #[inline]
    pub(crate) fn events_of(&self, records: Range<usize>) -> impl Iterator<Item = Event<'_>> + Clone {
        records.filter_map(|at| self.event(at).ok())
    }

    /// Where a record begins in the input, its bytes, and the length of the whole record if those are only its beginning.
    pub(crate) fn record(&self, at: usize) -> (u64, &[u8], Option<u64>) {
        let (record, event) = self.outcomes.get(at);
        let bytes = &self.block.bytes[record.start..record.end];
        let offset = self.block.offset + record.start as u64;
        let too_long = event.is_err_and(|refusal| refusal.reason == Reason::LineTooLong);
        if !too_long {
            return (offset, bytes, None);
        }
        let kept = &bytes[..bytes.len().min(KEPT_OF_OVERSIZE)];
        (offset, kept, Some(self.block.oversize.unwrap_or(bytes.len() as u64)))
    }

    /// Why nothing of the file can be read.
    pub(crate) fn header_fault(&self) -> Option<&HeaderError> {
        self.header_fault.as_ref()
    }
}

/// How much of a record that is too long goes into its dead letter.
const KEPT_OF_OVERSIZE: usize = 64 << 10;
