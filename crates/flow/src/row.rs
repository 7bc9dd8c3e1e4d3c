//! Result rows: plain data in one reused arena.

use std::fmt;
use std::sync::Arc;

use crate::key::KeyTexts;
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
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyValues<'a> {
    /// All of them, one behind the other.
    pub text: &'a str,
    /// Where each ends in it, in bytes; ascending.
    pub ends: &'a [usize],
}

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
    pub key: KeyValues<'a>,
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
    texts: String,    // the values of keys, row by row …
    ends: Vec<usize>, // … and how far each goes in those of its row
    values: Vec<Value>,
}

/// What a row says beside its values.
#[derive(Clone, Debug)]
pub(crate) struct RowHead<'a> {
    pub names: &'a Arc<RowNames>,
    pub start: EventTime,
    pub end: EventTime,
    pub key: KeyTexts<'a>,
    pub revision: u32,
}

#[derive(Debug)]
struct Head {
    names: usize, // the number of its run
    start: EventTime,
    end: EventTime,
    text: usize,           // where the values of its key begin
    key: usize,            // where their ends begin, as many as names has
    values: Option<usize>, // where its values begin, as many as names has; none takes an earlier row back
    revision: u32,
}

impl<'a> KeyValues<'a> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the key has no fields.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The values one by one.
    ///
    /// ```
    /// use streamgauge_flow::KeyValues;
    ///
    /// let key = KeyValues { text: "gpt-4otenant-7", ends: &[6, 14] };
    /// assert_eq!(key.iter().collect::<Vec<_>>(), ["gpt-4o", "tenant-7"]);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let KeyValues { text, ends } = *self;
        let begins = [0].into_iter().chain(ends.iter().copied());
        begins.zip(ends).map(move |(begin, end)| text.get(begin..*end).unwrap_or_default())
    }
}

impl fmt::Debug for KeyValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
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
                key: self.key(h, names),
                values: h.values.map(|first| &self.values[first..first + names.values.len()]),
                revision: h.revision,
            }
        })
    }

    fn key(&self, head: &Head, names: &RowNames) -> KeyValues<'_> {
        let ends = &self.ends[head.key..head.key + names.key.len()];
        let length = ends.last().copied().unwrap_or_default();
        KeyValues { text: &self.texts[head.text..head.text + length], ends }
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
        let (names, text, first) = (self.names.len() - 1, self.texts.len(), self.ends.len());
        for value in key {
            self.texts.push_str(value);
            self.ends.push(self.texts.len() - text);
        }
        self.heads.push(Head { names, start, end, text, key: first, values, revision });
    }

    /// How many of the rows from `first` on correct an earlier one.
    pub(crate) fn revisions_from(&self, first: usize) -> u64 {
        self.heads[first..].iter().filter(|head| head.revision > 0).count() as u64
    }

    pub(crate) fn clear(&mut self) {
        self.names.clear();
        self.heads.clear();
        self.texts.clear();
        self.ends.clear();
        self.values.clear();
    }
}
