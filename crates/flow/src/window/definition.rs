//! What all panes of one window definition share, and how their rows are printed.

use std::sync::Arc;

use crate::aggregate::{Layout, States};
use crate::key::{KeyId, Keys};
use crate::row::{RowHead, RowNames, Rows};
use crate::settings::{Function, Mapping, WindowSettings};
use crate::time::{EventTime, Span};
use crate::watermark::Watermark;

/// A window definition without its panes.
#[derive(Debug)]
pub(super) struct Definition {
    pub functions: Vec<Function>,
    pub layout: Arc<Layout>,
    pub allowed_lateness: Span,
    /// Windows that end here or before were let go by a run that allowed less lateness: they are not begun again.
    pub forgotten: Option<EventTime>,
    pub keys: Keys,
    pub names: Arc<RowNames>,
    /// Rows with values.
    pub printed: u64,
    /// Rows without: they take an earlier one back.
    pub taken_back: u64,
    /// Events that a pane took.
    pub taken: u64,
    /// Those of them that were the first of theirs.
    pub opened: u64,
}

/// Which row of a pane it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Edition {
    pub start: EventTime,
    pub end: EventTime,
    pub key: KeyId,
    pub revision: u32,
}

impl Definition {
    pub(super) fn new(settings: &WindowSettings, mapping: &Mapping) -> Self {
        let names = RowNames {
            window: settings.name.clone(),
            key: settings.key.iter().map(|field| mapping.strings[*field].0.clone()).collect(),
            values: settings.aggregates.iter().map(|a| a.name.clone()).collect(),
        };
        Definition {
            functions: settings.aggregates.iter().map(|a| a.function).collect(),
            layout: Arc::new(Layout::new(settings.aggregates.iter().map(|a| a.function))),
            allowed_lateness: settings.allowed_lateness,
            forgotten: None,
            keys: Keys::new(settings.key.clone(), settings.max_keys),
            names: Arc::new(names),
            printed: 0,
            taken_back: 0,
            taken: 0,
            opened: 0,
        }
    }

    /// Whether a window that ends here takes no event any more.
    #[inline]
    pub(super) fn is_over(&self, end: EventTime, mark: &Watermark) -> bool {
        mark.has_reached(end + self.allowed_lateness) || self.forgotten.is_some_and(|forgotten| end <= forgotten)
    }

    /// Prints a pane: one of some.
    pub(super) fn print(&mut self, edition: Edition, states: &mut States, at: usize, rows: &mut Rows) {
        self.printed += 1;
        rows.push(self.head(edition), states.results(at));
    }

    /// Takes the row of a pane back.
    pub(super) fn take_back(&mut self, edition: Edition, rows: &mut Rows) {
        self.taken_back += 1;
        rows.take_back(self.head(edition));
    }

    fn head(&self, Edition { start, end, key, revision }: Edition) -> RowHead<'_> {
        RowHead { names: &self.names, start, end, key: self.keys.values(key), revision }
    }
}
