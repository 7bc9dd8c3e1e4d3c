//! One window definition with its open panes: a pane is one window of one key.

mod tumbling;

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashTable;

use crate::aggregate::Accumulator;
use crate::decode::Event;
use crate::key::{KeyId, Keys};
use crate::row::{RowNames, Rows};
use crate::settings::{Function, Mapping, WindowKind, WindowSettings};
use crate::time::{EventTime, Span};
use crate::watermark::Watermark;
use tumbling::Tumbling;

/// A window definition and the state of its panes.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) kind: WindowKind,
    pub(crate) functions: Vec<Function>,
    assigner: Tumbling,
    allowed_lateness: Span,
    names: Arc<RowNames>,
    keys: Keys,
    slices: VecDeque<Slice>,   // by ascending start
    due_at: Option<EventTime>, // no watermark before this has anything to do here
    panes: usize,
    unprinted: usize,
    printed: u64,
}

/// All panes of one span of time.
#[derive(Debug)]
struct Slice {
    start: EventTime,
    end: EventTime,
    fired: bool,
    panes: Vec<Pane>,
    places: HashTable<usize>,       // key number → index of its pane
    accumulators: Vec<Accumulator>, // pane by pane
}

#[derive(Debug)]
struct Pane {
    key: KeyId,
    printed: Option<u32>, // its last revision
}

/// What became of an event in one window definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// A pane took it.
    pub taken: bool,
    /// Its key was folded.
    pub folded: bool,
}

/// A pane that is due; orders as rows of one firing do, but for the window's name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub end: EventTime,
    slice: usize,
    pane: usize,
}

impl Window {
    pub(crate) fn new(settings: &WindowSettings, mapping: &Mapping) -> Self {
        let WindowKind::Tumbling { size, offset } = settings.kind;
        let names = RowNames {
            window: settings.name.clone(),
            key: settings.key.iter().map(|field| mapping.strings[*field].0.clone()).collect(),
            values: settings.aggregates.iter().map(|a| a.name.clone()).collect(),
        };
        Window {
            kind: settings.kind,
            functions: settings.aggregates.iter().map(|a| a.function).collect(),
            assigner: Tumbling::new(size, offset),
            allowed_lateness: settings.allowed_lateness,
            names: Arc::new(names),
            keys: Keys::new(settings.key.clone(), settings.max_keys),
            slices: VecDeque::new(),
            due_at: None,
            panes: 0,
            unprinted: 0,
            printed: 0,
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.names.window
    }

    /// Panes that are kept, printed or not.
    pub(crate) fn panes(&self) -> usize {
        self.panes
    }

    /// Panes that were not printed yet.
    pub(crate) fn unprinted(&self) -> usize {
        self.unprinted
    }

    /// Rows printed so far.
    pub(crate) fn printed(&self) -> u64 {
        self.printed
    }

    /// When the oldest window began that was not printed yet.
    pub(crate) fn oldest_open(&self) -> Option<EventTime> {
        self.slices.iter().find(|slice| !slice.fired).map(|slice| slice.start)
    }

    /// When the first window ends that was not printed yet.
    pub(crate) fn first_end(&self) -> Option<EventTime> {
        self.slices.iter().find(|slice| !slice.fired).map(|slice| slice.end)
    }

    /// Adds an event to its pane. If the watermark has passed the pane already, its row is printed at once.
    #[inline]
    pub(crate) fn take(&mut self, event: &Event<'_>, mark: &Watermark, rows: &mut Rows) -> Taken {
        let (start, end) = self.assigner.assign(event.time);
        if mark.has_reached(end + self.allowed_lateness) {
            return Taken::default();
        }
        let (key, folded) = self.keys.of(event);
        let slice = self.slice(start, end);
        let pane = self.pane(slice, key);
        let states = &mut self.slices[slice].accumulators[pane * self.functions.len()..];
        for (state, function) in states.iter_mut().zip(&self.functions) {
            state.add(*function, event);
        }
        if mark.has_reached(end) {
            self.print(slice, pane, rows);
        }
        Taken { taken: true, folded }
    }

    /// The place of the slice of this span, which is made if it is not there. Most events belong to one of the last.
    #[inline]
    fn slice(&mut self, start: EventTime, end: EventTime) -> usize {
        let after = self.slices.iter().rposition(|slice| slice.start <= start).map_or(0, |at| at + 1);
        match after.checked_sub(1) {
            Some(at) if self.slices[at].start == start => at,
            _ => {
                self.slices.insert(after, Slice::new(start, end));
                self.due_at = Some(self.due_at.map_or(end, |due| due.min(end)));
                after
            }
        }
    }

    #[inline]
    fn pane(&mut self, slice: usize, key: KeyId) -> usize {
        let slice = &mut self.slices[slice];
        let panes = &slice.panes;
        if let Some(at) = slice.places.find(spread(key), |at| panes[*at].key == key) {
            return *at;
        }
        let at = slice.panes.len();
        slice.panes.push(Pane { key, printed: None });
        slice.accumulators.extend(self.functions.iter().map(|f| Accumulator::new(*f)));
        let panes = &slice.panes;
        slice.places.insert_unique(spread(key), at, |at| spread(panes[*at].key));
        self.keys.pin(key);
        self.panes += 1;
        self.unprinted += 1;
        at
    }

    /// Whether the watermark has something to fire or to drop here.
    #[inline]
    pub(crate) fn is_due(&self, mark: &Watermark) -> bool {
        self.due_at.is_some_and(|due| mark.has_reached(due))
    }

    /// The panes that the watermark has passed and that were not printed; with `None` all that were not.
    pub(crate) fn due(&self, mark: Option<&Watermark>, out: &mut impl FnMut(Due)) {
        let passed = |slice: &Slice| mark.is_none_or(|mark| mark.has_reached(slice.end));
        for (at, slice) in self.slices.iter().enumerate().take_while(|(_, slice)| passed(slice)) {
            if !slice.fired {
                (0..slice.panes.len())
                    .filter(|pane| slice.panes[*pane].printed.is_none())
                    .for_each(|pane| out(Due { end: slice.end, slice: at, pane }));
            }
        }
    }

    /// The key values of a due pane, and its start.
    pub(crate) fn order(&self, due: &Due) -> (&[Arc<str>], EventTime) {
        let slice = &self.slices[due.slice];
        (self.keys.values(slice.panes[due.pane].key), slice.start)
    }

    /// Prints a due pane.
    pub(crate) fn fire(&mut self, due: &Due, rows: &mut Rows) {
        self.print(due.slice, due.pane, rows);
    }

    /// After the due panes were printed: drops what can take no late event any more.
    pub(crate) fn settle(&mut self, mark: Option<&Watermark>) {
        let reached = |time: EventTime| mark.is_none_or(|mark| mark.has_reached(time));
        while self.slices.front().is_some_and(|slice| reached(slice.end + self.allowed_lateness)) {
            if let Some(slice) = self.slices.pop_front() {
                self.panes -= slice.panes.len();
                slice.panes.iter().for_each(|pane| self.keys.unpin(pane.key));
            }
        }
        self.slices.iter_mut().take_while(|slice| reached(slice.end)).for_each(|slice| slice.fired = true);
        // Slices ascend, so the first unfired one is due first and the first of all is dropped first.
        let fires = self.slices.iter().find(|slice| !slice.fired).map(|slice| slice.end);
        let drops = self.slices.front().map(|slice| slice.end + self.allowed_lateness);
        self.due_at = fires.into_iter().chain(drops).min();
    }

    fn print(&mut self, slice: usize, pane: usize, rows: &mut Rows) {
        let slice = &mut self.slices[slice];
        let first = pane * self.functions.len();
        let states = &slice.accumulators[first..first + self.functions.len()];
        let pane = &mut slice.panes[pane];
        self.printed += 1;
        self.unprinted -= usize::from(pane.printed.is_none());
        let revision = pane.printed.map_or(0, |last| last + 1);
        pane.printed = Some(revision);
        let key = self.keys.values(pane.key);
        rows.push(&self.names, (slice.start, slice.end), key, states.iter().map(Accumulator::result), revision);
    }
}

impl Slice {
    fn new(start: EventTime, end: EventTime) -> Self {
        Slice { start, end, fired: false, panes: Vec::new(), places: HashTable::new(), accumulators: Vec::new() }
    }
}

/// Key numbers are dense: one multiplication spreads them over all bits that the table looks at.
#[inline]
fn spread(key: KeyId) -> u64 {
    (key as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
