//! Walks any JSON object. What it says is what holds: everything faster remembers only what was judged here.
//!
//! A record is a row of scalars (strings, numbers, words) with gaps between them, and both are passed in turn:
//!
//! ```text
//! {"id":"r1","usage":{"tokens":42},"ok":true}
//! └─────┘   └─────────────────┘  └──────┘    └ the last gap
//! ```

use super::super::paths::{NodeId, Paths};
use super::super::slots::{Kind, Slots};
use super::cursor::{Cursor, Fault};
use super::escapes::unescape;

/// Containers may be nested this deep.
pub(super) const MAX_DEPTH: usize = 128;

/// The containers around a place in a record.
#[derive(Debug)]
pub(super) struct Walker {
    open: Vec<Container>, // reused between records
    first: bool,          // whether nothing of the innermost container, or of the record, was seen yet
    notes: Vec<Note>,     // of the last gap
}

/// A container whose end was not seen yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Container {
    node: Option<NodeId>, // where it stands in the mapping
    items: Items,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Items {
    Members,
    Elements { next: usize },
}

/// What a gap means for a mapped place: a container stands there, or what stood there before is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub slot: usize,
    pub kind: Kind,
}

/// What stands behind a gap.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    /// A scalar, or nothing that may stand there; and where that is in the mapping.
    Scalar(Option<NodeId>),
    /// The end of the record.
    End,
}

impl Walker {
    pub(super) fn new() -> Self {
        Walker { open: Vec::with_capacity(MAX_DEPTH), first: true, notes: Vec::new() }
    }

    /// Goes on behind a scalar in these containers; without any, at the beginning of a record.
    pub(super) fn resume(&mut self, open: &[Container]) {
        self.open.clear();
        self.open.extend_from_slice(open);
        self.first = open.is_empty();
    }

    /// The containers around the cursor.
    pub(super) fn open(&self) -> &[Container] {
        &self.open
    }

    /// Whether the cursor is in a list of which nothing is mapped.
    pub(super) fn is_in_plain_list(&self) -> bool {
        matches!(self.open.last(), Some(Container { node: None, items: Items::Elements { .. } }))
    }

    /// What the last gap meant for mapped places, in its order.
    pub(super) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Walks a whole record.
    pub(super) fn walk(&mut self, cursor: &mut Cursor<'_>, paths: &Paths, slots: &mut Slots) -> Result<(), Fault> {
        self.resume(&[]);
        let stop = self.gap(cursor, paths, slots)?;
        self.walk_on(stop, cursor, paths, slots)
    }

    /// Walks from behind a gap to the end of the record.
    pub(super) fn walk_on(
        &mut self,
        mut stop: Stop,
        cursor: &mut Cursor<'_>,
        paths: &Paths,
        slots: &mut Slots,
    ) -> Result<(), Fault> {
        while let Stop::Scalar(node) = stop {
            let start = cursor.at;
            let kind = cursor.scalar()?;
            if let Some(node) = node {
                note_scalar(paths, node, kind, start - cursor.start, cursor.at - cursor.start, slots);
            }
            stop = self.gap(cursor, paths, slots)?;
        }
        Ok(())
    }

    /// Passes everything up to the next scalar.
    #[inline]
    pub(super) fn gap(&mut self, cursor: &mut Cursor<'_>, paths: &Paths, slots: &mut Slots) -> Result<Stop, Fault> {
        self.notes.clear();
        if self.open.is_empty() {
            cursor.skip_blanks();
            cursor.expect(b'{', "an object")?;
            self.open.push(Container { node: Some(Paths::ROOT), items: Items::Members });
        }
        while let Some(container) = self.open.last_mut() {
            cursor.skip_blanks();
            if cursor.eat(container.items.close()) {
                self.open.pop();
                self.first = false;
                continue;
            }
            if !self.first {
                cursor.expect(b',', "a comma or the end of the container")?;
                cursor.skip_blanks();
            }
            let node = container.next_item(cursor, paths)?;
            let items = match cursor.peek() {
                Some(b'{') => Items::Members,
                Some(b'[') => Items::Elements { next: 0 },
                _ => {
                    self.first = false;
                    return Ok(Stop::Scalar(node));
                }
            };
            self.enter(cursor, node, items, paths)?;
            self.notes.iter().for_each(|note| slots.note(note.slot, note.kind));
        }
        cursor.skip_blanks();
        if cursor.at < cursor.bytes.len() { Err(Fault("the end of the line")) } else { Ok(Stop::End) }
    }

    fn enter(
        &mut self,
        cursor: &mut Cursor<'_>,
        node: Option<NodeId>,
        items: Items,
        paths: &Paths,
    ) -> Result<(), Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(Fault("at most 128 nested containers"));
        }
        cursor.at += 1;
        if let Some(node) = node {
            let node = paths.node(node);
            self.notes.extend(node.slot.map(|slot| Note { slot, kind: Kind::Container }));
            self.notes.extend(node.below.iter().map(|slot| Note { slot: *slot, kind: Kind::Absent }));
        }
        self.open.push(Container { node: node.filter(|node| !paths.node(*node).is_leaf()), items });
        self.first = true;
        Ok(())
    }
}

/// Writes down what stands at a mapped place. The last of several values wins, with all that is below it.
#[inline]
fn note_scalar(paths: &Paths, node: NodeId, kind: Kind, start: usize, end: usize, slots: &mut Slots) {
    let node = paths.node(node);
    if let Some(slot) = node.slot {
        let quote = usize::from(matches!(kind, Kind::Text | Kind::Escaped));
        slots.set(slot, kind, start + quote, end - quote);
    }
    if !node.is_leaf() {
        node.below.iter().for_each(|slot| slots.note(*slot, Kind::Absent));
    }
}

impl Items {
    fn close(self) -> u8 {
        match self {
            Items::Members => b'}',
            Items::Elements { .. } => b']',
        }
    }
}

impl Container {
    /// Passes the name of a member or counts an element; where in the mapping its value stands.
    #[inline]
    fn next_item(&mut self, cursor: &mut Cursor<'_>, paths: &Paths) -> Result<Option<NodeId>, Fault> {
        let node = self.node.map(|node| paths.node(node));
        match &mut self.items {
            Items::Members => {
                let (name, escaped) = cursor.name()?;
                let name = &cursor.bytes[name];
                Ok(node.and_then(|node| if escaped { node.child(&unescape(name)?) } else { node.child(name) }))
            }
            Items::Elements { next } => {
                let Some(node) = node else { return Ok(None) };
                let index = *next;
                // Beyond all that are mapped one place is like any other.
                *next = (index + 1).min(node.beyond_indexes());
                Ok(node.child(index.to_string().as_bytes()))
            }
        }
    }
}
