//! What goes into a pipeline step, and what comes out of it.

use std::borrow::Cow;

use crate::decode::Decoded;
use crate::reason::Reason;
use crate::row::Rows;
use crate::time::EventTime;

/// Decoded records of one partition, to be judged.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The file or topic, for dead letters.
    pub source: &'a str,
    /// The partition that the records are from; partitions are numbered from 0.
    pub partition: usize,
    /// The records.
    pub decoded: &'a Decoded,
    /// How many of them were judged before.
    pub from: usize,
    /// Whether to stop as soon as another partition is further behind.
    pub in_turn: bool,
}

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Records of the batch that are done with, those before its beginning included.
    pub done: usize,
    /// Why the step stopped before the end of the batch, if it did.
    pub stopped: Option<Stopped>,
}

/// Why a step stopped before the end of its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// The next event has this time, which is later than asked for.
    Early(EventTime),
    /// Another partition is to be read first.
    Ahead,
}

/// What the caller is to do after a step. Cleared and reused, so that a step need not allocate.
#[derive(Debug, Default)]
pub struct Effects {
    /// Result rows for the sink.
    pub rows: Rows,
    /// Events that no window took, for the side output.
    pub late: Vec<SideRow>,
    /// Records that could not become events.
    pub dead: Vec<SideRow>,
}

/// A record that leaves beside the results: a dead letter or a late event.
#[derive(Clone, Debug, PartialEq)]
pub struct SideRow {
    /// Why it left.
    pub reason: Reason,
    /// What exactly was wrong, for a person.
    pub detail: Cow<'static, str>,
    /// The file or topic.
    pub source: String,
    /// The partition within the source.
    pub partition: usize,
    /// The byte of the record's start, decompressed.
    pub offset: u64,
    /// The record as it was read, without its line end; only its beginning if `oversize` is set.
    pub payload: Vec<u8>,
    /// The length of the whole record, if the payload is only its beginning.
    pub oversize: Option<u64>,
}

/// The account of a run: `received = processed + duplicates + late + dead_letters + filtered`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records judged.
    pub received: u64,
    /// Events that at least one window took.
    pub processed: u64,
    /// Events whose id was known.
    pub duplicates: u64,
    /// Events that no window took any more.
    pub late: u64,
    /// Records that could not become events.
    pub dead_letters: u64,
    /// Events that the filter did not keep.
    pub filtered: u64,
    /// Result rows.
    pub rows: u64,
    /// Result rows with a revision above 0.
    pub revisions: u64,
    /// Events whose key was folded in at least one window definition, because there were too many keys.
    pub folded: u64,
    /// Ids forgotten before their time because of too many.
    pub evicted: u64,
}

impl Effects {
    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.late.clear();
        self.dead.clear();
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.late.is_empty() && self.dead.is_empty()
    }
}
