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
    runs: Vec<Run>,
    heads: Vec<Head>,
    texts: String,    // the values of keys, row by row …
    ends: Vec<usize>, // … and how far each goes in those of its row
    values: Vec<Value>,
}

/// What rows that follow each other have in common.
#[derive(Debug)]
struct Run {
    names: Arc<RowNames>,
    start: EventTime,
    end: EventTime,
}

/// A row beside its texts and values, which stand behind those of the row before.
#[derive(Debug)]
struct Head {
    run: usize,
    revision: u32,
    has_values: bool, // else it takes an earlier one back
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
        let (mut texts, mut ends, mut values) = (&*self.texts, &*self.ends, &*self.values);
        self.heads.iter().map(move |head| {
            let Run { names, start, end } = &self.runs[head.run];
            let own_ends = ends.split_off(..names.key.len()).unwrap_or_default();
            let (text, other_texts) = texts.split_at(own_ends.last().copied().unwrap_or_default());
            texts = other_texts;
            Row {
                names,
                start: *start,
                end: *end,
                key: KeyValues { text, ends: own_ends },
                values: head.has_values.then(|| values.split_off(..names.values.len()).unwrap_or_default()),
                revision: head.revision,
            }
        })
    }

    /// Appends a row.
    pub(crate) fn push(&mut self, head: RowHead<'_>, values: impl Iterator<Item = Value>) {
        self.add(head, true);
        self.values.extend(values);
    }

    /// Appends a row without values, which takes an earlier one back.
    pub(crate) fn take_back(&mut self, head: RowHead<'_>) {
        self.add(head, false);
    }

    fn add(&mut self, RowHead { names, start, end, key, revision }: RowHead<'_>, has_values: bool) {
        // Rows of one window follow each other: they share what would be written and counted for each.
        let is_it = |run: &Run| run.start == start && run.end == end && Arc::ptr_eq(&run.names, names);
        if !self.runs.last().is_some_and(is_it) {
            self.runs.push(Run { names: Arc::clone(names), start, end });
        }
        let text = self.texts.len();
        for value in key.texts() {
            self.texts.push_str(value);
            self.ends.push(self.texts.len() - text);
        }
        self.heads.push(Head { run: self.runs.len() - 1, revision, has_values });
    }

    /// How many of the rows from `first` on correct an earlier one.
    pub(crate) fn revisions_from(&self, first: usize) -> u64 {
        self.heads[first..].iter().filter(|head| head.revision > 0).count() as u64
    }

    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.heads.clear();
        self.texts.clear();
        self.ends.clear();
        self.values.clear();
    }
}
