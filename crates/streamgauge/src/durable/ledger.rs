//! How far each input has been judged, and what of that the next epoch is to say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use streamgauge_flow::state::Changes;
use streamgauge_flow::{PartitionMark, Pipeline};

use super::{INPUTS, InputRow};
use crate::source::{Closing, Origin, Place};

/// The inputs of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    before: BTreeMap<u64, PartitionMark>, // what was known of inputs at the start
    reached: BTreeMap<u64, Reached>,
    changed: BTreeSet<u64>,
    gone: Vec<u64>,
}

/// How far an input has been judged.
#[derive(Clone, Debug)]
pub(crate) struct Reached {
    pub(crate) origin: Arc<Origin>,
    pub(crate) partition: usize,
    pub(crate) head: Arc<[u8]>,
    pub(crate) header: Option<Arc<[u8]>>,
    pub(crate) offset: u64,
    pub(crate) ended: Option<u64>,
}

impl Ledger {
    /// Goes on with what was known of inputs.
    pub(crate) fn new(known: &[(u64, InputRow)]) -> Self {
        Ledger { before: known.iter().map(|(number, row)| (*number, row.mark())).collect(), ..Self::default() }
    }

    /// How far event time was in the partition of an input.
    pub(crate) fn mark_before(&self, number: u64) -> Option<PartitionMark> {
        self.before.get(&number).copied()
    }

    /// The highest of all marks: that of the one partition that all inputs are.
    pub(crate) fn highest_before(&self) -> PartitionMark {
        PartitionMark { highest: self.before.values().filter_map(|mark| mark.highest).max(), ended: false }
    }

    /// An input was judged further.
    pub(crate) fn reach(&mut self, reached: Reached) {
        let number = reached.origin.number;
        self.changed.insert(number);
        self.reached.insert(number, reached);
    }

    /// An input was read to its end.
    pub(crate) fn close(&mut self, partition: usize, closing: Closing) {
        let Closing { origin, head, header, offset, stored } = closing;
        self.reach(Reached { origin, partition, head, header, offset, ended: Some(stored) });
    }

    /// An input need not be remembered any more.
    pub(crate) fn forget(&mut self, number: u64) {
        self.reached.remove(&number);
        self.changed.remove(&number);
        self.gone.push(number);
    }

    /// Says what has changed since the last time.
    pub(crate) fn save(&mut self, pipeline: &Pipeline, to: &mut Changes) {
        for number in self.gone.drain(..) {
            to.delete(INPUTS, number);
        }
        for number in std::mem::take(&mut self.changed) {
            if let Some(reached) = self.reached.get(&number) {
                let row = InputRow::new(reached.place(), pipeline.mark_of(reached.partition));
                to.put(INPUTS, number, |out| row.encode(out));
            }
        }
    }
}

impl Reached {
    fn place(&self) -> Place {
        Place {
            name: self.origin.name.to_string(),
            identity: self.origin.identity,
            head: self.head.to_vec(),
            offset: self.offset,
            header: self.header.as_ref().map_or_else(Vec::new, |header| header.to_vec()),
            ended: self.ended,
        }
    }
}
