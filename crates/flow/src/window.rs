//! One window definition with its open panes: a pane is one window of one key.
//!
//! Tumbling and sliding windows stand on a grid ([`aligned`]), sessions stand where their events are ([`session`]). Neither
//! looks at anything that the watermark has not reached: what is due next is known from an order that is kept.

mod aligned;
mod cut;
mod definition;
mod places;
mod saved;
mod session;
mod slice;

use crate::aggregate::States;
use crate::decode::Event;
use crate::encoding::DecodeError;
use crate::explosion::KeyExplosion;
use crate::key::{AHEAD, KeyId};
use crate::row::Rows;
use crate::settings::{Function, Mapping, WindowKind, WindowSettings};
use crate::state::Changes;
use crate::time::EventTime;
use crate::watermark::Watermark;
use aligned::Aligned;
use cut::Cut;
use definition::Definition;
use session::Sessions;

/// A window definition and the state of its panes.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) kind: WindowKind,
    definition: Definition,
    panes: Panes,
    due: Vec<Due>, // reused between firings
}

#[derive(Debug)]
enum Panes {
    Aligned(Box<Aligned>),
    Sessions(Box<Sessions>),
}

/// What became of an event in one window definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// A pane took it.
    pub taken: bool,
    /// Its key was folded.
    pub folded: bool,
}

/// What a pane takes beside its states, about: its key's number, its place, its share of the tables.
const PANE: usize = 64;

/// Of fewer panes the states are mostly in the cache, and to read them ahead costs more than it saves.
const SPREAD: usize = 4096;

/// A pane that is to be printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    key: KeyId,
    start: EventTime,
    at: usize, // where its window keeps it
}

impl Panes {
    /// What is held for panes that are kept, printed or not: sessions, or keys of slices.
    fn held(&self) -> usize {
        match self {
            Panes::Aligned(aligned) => aligned.held(),
            Panes::Sessions(sessions) => sessions.held(),
        }
    }

    /// Reads what is to be printed: panes are in order of their keys and stand anywhere.
    fn touch(&self, of: &Definition, due: &[Due]) {
        if self.held() < SPREAD {
            return;
        }
        for pane in due {
            of.keys.touch(pane.key);
            match self {
                Panes::Aligned(aligned) => aligned.touch_due(pane),
                Panes::Sessions(sessions) => sessions.touch_due(pane),
            }
        }
    }
}

impl Window {
    pub(crate) fn new(settings: &WindowSettings, mapping: &Mapping) -> Self {
        let definition = Definition::new(settings, mapping);
        let panes = match settings.kind {
            WindowKind::Tumbling { size, offset } => {
                Panes::Aligned(Box::new(Aligned::new(Cut::new(size, size, offset))))
            }
            WindowKind::Sliding { size, slide, offset } => {
                Panes::Aligned(Box::new(Aligned::new(Cut::new(size, slide, offset))))
            }
            WindowKind::Session { gap } => Panes::Sessions(Box::new(Sessions::new(gap, &definition.layout))),
        };
        Window { kind: settings.kind, definition, panes, due: Vec::new() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.definition.names.window
    }

    pub(crate) fn functions(&self) -> &[Function] {
        &self.definition.functions
    }

    /// What is held for panes that are kept, printed or not: sessions, or keys of slices.
    pub(crate) fn held(&self) -> usize {
        self.panes.held()
    }

    /// Panes that were not printed yet; walks over all that is held.
    pub(crate) fn unprinted(&self) -> u64 {
        match &self.panes {
            Panes::Aligned(aligned) => aligned.unprinted(),
            Panes::Sessions(sessions) => sessions.unprinted(),
        }
    }

    /// Start and end of the first window that was not printed yet. Of sessions the one that is looked at next stands for all.
    pub(crate) fn first_open(&self) -> Option<(EventTime, EventTime)> {
        match &self.panes {
            Panes::Aligned(aligned) => aligned.first_open(),
            Panes::Sessions(sessions) => sessions.first_open(),
        }
    }

    /// Rows printed so far, but for those that take one back.
    pub(crate) fn printed(&self) -> u64 {
        self.definition.printed
    }

    /// Events whose key was folded so far.
    pub(crate) fn folded(&self) -> u64 {
        self.definition.keys.folded()
    }

    /// What is known of keys that were too many.
    pub(crate) fn explosion(&self) -> Option<KeyExplosion> {
        self.definition.keys.explosion(&self.definition.names)
    }

    /// Events that a pane took in this process, and how many of them were the first of theirs.
    pub(crate) fn lookups(&self) -> (u64, u64) {
        (self.definition.taken, self.definition.opened)
    }

    /// About how many bytes its panes take.
    pub(crate) fn bytes(&self) -> usize {
        // Keys and places come on top; sketches that have grown are not looked for.
        self.held() * (States::pane_bytes(&self.definition.layout) + PANE)
    }

    /// Rows taken back so far.
    pub(crate) fn taken_back(&self) -> u64 {
        self.definition.taken_back
    }

    /// Gets what is kept for the next events into the cache, as far as it is there.
    pub(crate) fn look_ahead<'a>(&mut self, events: impl Iterator<Item = Event<'a>> + Clone) {
        self.definition.keys.look_ahead(events);
        match &self.panes {
            Panes::Aligned(aligned) => aligned.touch(&self.definition),
            Panes::Sessions(sessions) => sessions.touch(&self.definition),
        }
    }

    /// Adds an event to its panes. Those that the watermark has passed already print their rows at once.
    ///
    /// Whatever was due by `mark` has to be fired before.
    #[inline]
    pub(crate) fn take(&mut self, event: &Event<'_>, mark: &Watermark, rows: &mut Rows) -> Taken {
        match &mut self.panes {
            Panes::Aligned(aligned) => aligned.take(&mut self.definition, event, mark, rows),
            Panes::Sessions(sessions) => sessions.take(&mut self.definition, event, mark, rows),
        }
    }

    /// Whether the watermark has something to fire or to drop here.
    #[inline]
    pub(crate) fn is_due(&self, mark: &Watermark) -> bool {
        let due_at = match &self.panes {
            Panes::Aligned(aligned) => aligned.due_at(),
            Panes::Sessions(sessions) => sessions.due_at(),
        };
        due_at.is_some_and(|due| mark.has_reached(due))
    }

    /// The first end of the panes that the watermark has passed and that were not printed; with `None` of all that were not.
    pub(crate) fn next_end(&mut self, mark: Option<&Watermark>) -> Option<EventTime> {
        match &mut self.panes {
            Panes::Aligned(aligned) => aligned.next_end().filter(|end| mark.is_none_or(|mark| mark.has_reached(*end))),
            Panes::Sessions(sessions) => sessions.next_end(&mut self.definition, mark),
        }
    }

    /// Prints the panes that end at `end` and were not printed, if that is the next end here, by key and start; how many those are.
    pub(crate) fn fire(&mut self, end: EventTime, rows: &mut Rows) -> usize {
        let Window { definition, panes, due, .. } = self;
        due.clear();
        match panes {
            Panes::Aligned(aligned) => aligned.due(end, &mut |pane| due.push(pane)),
            Panes::Sessions(sessions) => sessions.due(definition, end, &mut |pane| due.push(pane)),
        }
        definition.keys.sort(due, |pane| (pane.key, pane.start));
        for some in due.chunks(AHEAD) {
            panes.touch(definition, some);
            for pane in some {
                match panes {
                    Panes::Aligned(aligned) => aligned.fire(definition, pane, rows),
                    Panes::Sessions(sessions) => sessions.fire(definition, pane, rows),
                }
            }
        }
        due.len()
    }

    /// Says what has changed since it was saved.
    pub(crate) fn save(&mut self, to: &mut Changes) {
        match &mut self.panes {
            Panes::Aligned(aligned) => aligned.save(&self.definition, to),
            Panes::Sessions(sessions) => sessions.save(&self.definition, to),
        }
    }

    /// Takes a row in that was saved: what it is of, and where that begins. Rows come in order.
    pub(crate) fn restore(
        &mut self,
        what: &str,
        start: Option<EventTime>,
        row: u64,
        bytes: &[u8],
        mark: &Watermark,
    ) -> Result<(), DecodeError> {
        let of = &mut self.definition;
        match (what, start, &mut self.panes) {
            ("window", None, panes) => {
                let sums = saved::read_sums(bytes)?;
                (of.printed, of.taken_back, of.forgotten) = (sums.printed, sums.taken_back, sums.forgotten);
                if sums.allowed_lateness < of.allowed_lateness {
                    let gone = mark.get().map(|mark| mark - sums.allowed_lateness);
                    of.forgotten = of.forgotten.max(gone);
                }
                if let Panes::Aligned(aligned) = panes {
                    aligned.restore_fired(sums.fired);
                }
                Ok(())
            }
            ("slices", Some(start), Panes::Aligned(aligned)) => aligned.restore_slice(of, start, row, bytes),
            ("revisions", Some(start), Panes::Aligned(aligned)) => aligned.restore_revisions(of, start, bytes),
            ("sessions", None, Panes::Sessions(sessions)) => sessions.restore(of, row, bytes),
            _ => Err(DecodeError::Corrupt("a row of another kind of window")),
        }
    }

    /// After all was read: what follows from it.
    pub(crate) fn restored(&mut self) {
        match &mut self.panes {
            Panes::Aligned(aligned) => aligned.restored(&self.definition),
            Panes::Sessions(sessions) => sessions.restored(&self.definition),
        }
    }

    /// After the due panes were printed: drops what can take no late event any more; with `None` everything.
    pub(crate) fn settle(&mut self, mark: Option<&Watermark>) {
        match &mut self.panes {
            Panes::Aligned(aligned) => aligned.settle(&mut self.definition, mark),
            Panes::Sessions(sessions) => sessions.settle(&mut self.definition, mark),
        }
    }
}
