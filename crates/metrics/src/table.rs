//! The series of a metric, in order.

use std::borrow::Borrow;
use std::cmp::Ordering as Order;
use std::collections::BTreeSet;

use crate::idle::Gone;
use crate::slot::Slot;
use crate::sync::{Arc, Ordering};

#[derive(Default)]
pub(crate) struct Table {
    pub(crate) series: BTreeSet<ByText>,
    /// The series in order, until there is another one.
    pub(crate) list: Option<Arc<List>>,
    /// Series that were idle, as long as someone may reach them.
    pub(crate) gone: Vec<Gone>,
}

/// The series of a metric at some moment.
#[derive(Default)]
pub(crate) struct List {
    pub(crate) slots: Box<[Arc<Slot>]>,
    /// Where their cells are; sorted and distinct.
    pub(crate) chunks: Box<[usize]>,
    /// What they take, each with the cells of one thread.
    pub(crate) bytes: usize,
    /// How long the texts of their labels are together.
    pub(crate) text_bytes: usize,
    /// When they began, where that is known: a series that comes back makes another list.
    pub(crate) started: Box<[u64]>,
}

/// A series that is found by its labels.
pub(crate) struct ByText(pub(crate) Arc<Slot>);

impl Table {
    pub(crate) fn get(&self, text: &str) -> Option<&Arc<Slot>> {
        self.series.get(text).map(|series| &series.0)
    }
}

impl List {
    pub(crate) fn of(slots: Box<[Arc<Slot>]>) -> Self {
        let with_cells = slots.iter().filter(|slot| slot.range.len > 0);
        let mut chunks: Vec<_> = with_cells.map(|slot| slot.range.chunk()).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let bytes = slots.iter().map(|slot| slot.bytes()).sum();
        let text_bytes = slots.iter().map(|slot| slot.text.len()).sum();
        let with_start = slots.iter().filter(|slot| slot.range.len > 0 || slot.summary.is_some());
        let started = with_start.map(|slot| slot.level.load(Ordering::Relaxed)).collect();
        Self { slots, chunks: chunks.into(), bytes, text_bytes, started }
    }
}

impl Borrow<str> for ByText {
    fn borrow(&self) -> &str {
        &self.0.text
    }
}

impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for ByText {}

impl PartialOrd for ByText {
    fn partial_cmp(&self, other: &Self) -> Option<Order> {
        Some(self.cmp(other))
    }
}

impl Ord for ByText {
    fn cmp(&self, other: &Self) -> Order {
        self.0.text.cmp(&other.0.text)
    }
}
