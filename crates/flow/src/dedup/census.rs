//! How many ids are alive, known without a look at all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::eviction;
use super::table::{Nanos, Table};

/// Ids alive, counted one by one, and the times of those that go next.
#[derive(Debug)]
pub(super) struct Census {
    count: usize,
    leaving: BinaryHeap<Reverse<Nanos>>, // the times of all ids that are older than …
    until: Nanos,                        // … this: beyond that nothing is known of who goes
}

impl Census {
    /// Of ids that are all alive; good until the oldest `few` have had their time.
    pub(super) fn new(table: &Table, few: usize) -> Option<Self> {
        let (until, _) = eviction::youngest_of_oldest(table, few)?;
        let older = table.iter().map(|(_, first)| first).filter(|first| *first < until);
        Some(Census { count: table.len(), leaving: older.map(Reverse).collect(), until })
    }

    /// An id was taken in.
    pub(super) fn add(&mut self, first: Nanos) {
        self.count += 1;
        if first < self.until {
            self.leaving.push(Reverse(first));
        }
    }

    /// How many there were when they were counted last, and have come since.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// How many are alive; nothing once more have had their time than it knows of.
    pub(super) fn living(&mut self, lives: impl Fn(Nanos) -> bool) -> Option<usize> {
        while self.leaving.peek().is_some_and(|Reverse(first)| !lives(*first)) {
            self.leaving.pop();
            self.count -= 1;
        }
        lives(self.until).then_some(self.count)
    }
}
