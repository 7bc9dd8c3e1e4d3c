//! Result rows: plain data in one reused arena.

use std::sync::Arc;

use crate::time::EventTime;

/// The value of one aggregate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Nothing to compute it from.
    Null,
    /// An exact whole number.
    Whole(i128),
    /// A finite double.
    Double(f64),
}

/// The values of a key's fields, in configured order.
pub(crate) type KeyValues = Arc<[Arc<str>]>;

/// The names that every row of one window definition shares.
#[derive(Debug)]
pub struct RowNames {
    /// The window's name.
    pub window: String,
    /// The key fields, in configured order.
    pub key: Vec<String>,
    /// The aggregates, in configured order.
    pub values: Vec<String>,
}

/// One result row.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The names of its parts.
    pub names: &'a RowNames,
    /// The window's first instant.
    pub start: EventTime,
    /// The instant after its last.
    pub end: EventTime,
    /// The key's values, in configured order.
    pub key: &'a [Arc<str>],
    /// The aggregates' values in configured order; `None` takes an earlier row back.
    pub values: Option<&'a [Value]>,
    /// How often the row was printed before.
    pub revision: u32,
}

/// Result rows in printing order.
#[derive(Debug, Default)]
pub struct Rows {
    names: Vec<Arc<RowNames>>, // those of each run of rows
    heads: Vec<Head>,
    values: Vec<Value>,
}

/// What a row says beside its values.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowHead<'a> {
    pub names: &'a Arc<RowNames>,
    pub start: EventTime,
    pub end: EventTime,
    pub key: &'a KeyValues,
    pub revision: u32,
}

#[derive(Debug)]
struct Head {
    names: usize, // the number of its run
    start: EventTime,
    end: EventTime,
    key: KeyValues,
    values: Option<usize>, // where its values begin, as many as names has; none takes an earlier row back
    revision: u32,
}

impl Rows {
    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty()
    }

    /// The rows in printing order.
    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.heads.iter().map(|h| {
            let names = &*self.names[h.names];
            Row {
                names,
                start: h.start,
                end: h.end,
                key: &h.key,
                values: h.values.map(|first| &self.values[first..first + names.values.len()]),
                revision: h.revision,
            }
        })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, head: RowHead<'_>, values: impl Iterator<Item = Value>) {
        self.add(head, Some(self.values.len()));
        self.values.extend(values);
    }

    /// Appends a row without values, which takes an earlier one back.
    pub(crate) fn take_back(&mut self, head: RowHead<'_>) {
        self.add(head, None);
    }

    fn add(&mut self, RowHead { names, start, end, key, revision }: RowHead<'_>, values: Option<usize>) {
        // Rows of one window definition follow each other: they share what would be counted for each.
        if !self.names.last().is_some_and(|last| Arc::ptr_eq(last, names)) {
            self.names.push(Arc::clone(names));
        }
        let names = self.names.len() - 1;
        self.heads.push(Head { names, start, end, key: Arc::clone(key), values, revision });
    }

    /// How many of the rows from `first` on correct an earlier one.
    pub(crate) fn revisions_from(&self, first: usize) -> u64 {
        self.heads[first..].iter().filter(|head| head.revision > 0).count() as u64
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.heads.clear();
        self.values.clear();
    }
}
