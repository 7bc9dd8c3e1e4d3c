//! Tumbling and sliding windows: events go into slices, windows are merged from them.
//!
//! An event changes one slice, however many windows hold it; when a window ends, its slices are merged in ascending order.
//! What is due next is read off the order of the slices: windows end in the order in which they begin, and a slice goes with
//! the last window that holds it. So there is nothing to note for each window, and nothing to look through.

use std::collections::{BTreeMap, HashMap};

use slab::Slab;

use super::cut::{Cut, SliceSpan};
use super::definition::{Definition, Edition};
use super::saved::{read_numbers, read_slice, save_numbers, save_slice, save_sums, table_at};
use super::slice::Slice;
use super::{Due, Taken};
use crate::aggregate::States;
use crate::decode::Event;
use crate::encoding::DecodeError;
use crate::key::KeyId;
use crate::pages::{self, Touched};
use crate::row::Rows;
use crate::state::Changes;
use crate::time::EventTime;
use crate::watermark::Watermark;

/// The slices of one definition.
#[derive(Debug)]
pub(super) struct Aligned {
    cut: Cut,
    slices: Slab<Slice>,
    by_start: BTreeMap<EventTime, usize>,
    places: hashbrown::HashMap<EventTime, usize>, // the same without an order: found in one step, however many there are
    recent: [Recent; 2],                          // most events belong to the slice of one before, or to its neighbour
    fired: Option<EventTime>,                     // windows that end here or before have printed all they hold
    due_at: Option<EventTime>,                    // no watermark before this has anything to do here
    held: usize,
    firing: usize,         // the slice whose panes are being fired …
    merged: Option<Slice>, // … unless they had to be merged from several
    revisions: Revisions,
    gone: Vec<String>, // tables that were saved and hold nothing any more
}

/// A slice that an event came to since something fired or went last: meanwhile it is neither over nor newly late.
#[derive(Clone, Copy, Debug)]
struct Recent {
    span: SliceSpan,
    at: usize,
    is_late: bool, // its first window has passed
}

/// The last revision of what was printed more than once, by start of window.
type Revisions = BTreeMap<EventTime, Revised>;

/// The last revision of each key of one window that was printed more than once.
#[derive(Debug, Default)]
struct Revised {
    places: HashMap<KeyId, usize>,
    last: Vec<(KeyId, u32)>,
    touched: Touched,
    saved: bool,
}

/// A late event that was just added.
struct Late {
    span: SliceSpan,
    key: KeyId,
    is_first: bool, // of its key in its slice
}

/// What a slice holds of a key.
struct Piece<'a> {
    start: EventTime,
    states: &'a States,
    at: usize,
}

impl Aligned {
    pub(super) fn new(cut: Cut) -> Self {
        Aligned {
            cut,
            slices: Slab::new(),
            by_start: BTreeMap::new(),
            places: hashbrown::HashMap::new(),
            recent: [Recent::NONE; 2],
            fired: None,
            due_at: None,
            held: 0,
            firing: 0,
            merged: None,
            revisions: BTreeMap::new(),
            gone: Vec::new(),
        }
    }

    /// Keys of slices.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    #[inline]
    pub(super) fn due_at(&self) -> Option<EventTime> {
        self.due_at
    }

    #[inline]
    pub(super) fn take(&mut self, of: &mut Definition, event: &Event<'_>, mark: &Watermark, rows: &mut Rows) -> Taken {
        let recent = self.recent.iter().position(|recent| recent.span.holds(event.time));
        let Some(recent) = recent.or_else(|| self.turn_to(event.time, of, mark)) else {
            return Taken::default();
        };
        let Recent { at: slice, is_late, .. } = self.recent[recent];
        let (key, folded) = of.keys.of(event);
        let slice = &mut self.slices[slice];
        let known = slice.turn_to(key);
        let at = known.unwrap_or_else(|| {
            self.held += 1;
            of.opened += 1;
            of.keys.pin(key);
            slice.open(key)
        });
        of.taken += 1;
        slice.states_mut().add(at, event);
        if is_late {
            let span = slice.span;
            self.revise(of, &Late { span, key, is_first: known.is_none() }, mark, rows);
        }
        Taken { taken: true, folded }
    }

    /// Reads where the next events are likely to go.
    #[inline]
    pub(super) fn touch(&self, of: &Definition) {
        if let Some(slice) = self.slices.get(self.recent[0].at) {
            slice.touch(of.keys.looked_up());
        }
    }

    /// The slice that an instant lies in becomes one of the recent ones: which of them. None: no window takes it any more.
    #[inline(never)]
    fn turn_to(&mut self, time: EventTime, of: &Definition, mark: &Watermark) -> Option<usize> {
        let span = self.cut.slice(time);
        if of.is_over(span.last + self.cut.size, mark) {
            return None;
        }
        let known = self.places.get(&span.start).copied();
        let at = known.unwrap_or_else(|| self.open(span, of, mark));
        let recent = Recent { span, at, is_late: mark.has_reached(span.first + self.cut.size) };
        self.recent = [recent, self.recent[0]];
        Some(0)
    }

    fn insert(&mut self, span: SliceSpan, of: &Definition) -> usize {
        let at = self.slices.insert(Slice::new(span, &of.layout));
        self.by_start.insert(span.start, at);
        self.places.insert(span.start, at);
        at
    }

    #[cold]
    fn open(&mut self, span: SliceSpan, of: &Definition, mark: &Watermark) -> usize {
        let at = self.insert(span, of);
        // The watermark may have passed windows that held nothing: what comes for them now is late, and never fires.
        self.fired = self.fired.max(mark.get());
        let fires = self.unfired(span.first);
        let goes = span.last + self.cut.size + of.allowed_lateness;
        let due = if fires <= span.last { fires + self.cut.size } else { goes };
        self.due_at = Some(self.due_at.map_or(due, |at| at.min(due)));
        at
    }

    /// The first window from `first` on that may still fire.
    fn unfired(&self, first: EventTime) -> EventTime {
        self.fired.map_or(first, |fired| first.max(self.cut.first_ending_after(fired)))
    }

    /// Prints the new row of each window that holds the event, has fired and is still kept.
    ///
    /// Such a window is merged from what its slices hold up to the event's, and from there on. Windows ascend, so the one
    /// shrinks and the other grows: each slice is merged twice at most, however many windows there are.
    #[cold]
    fn revise(&mut self, of: &mut Definition, late: &Late, mark: &Watermark, rows: &mut Rows) {
        let Some(now) = mark.get() else { return };
        let size = self.cut.size;
        let over = of.forgotten.max(Some(now - of.allowed_lateness));
        let first = over.map_or(late.span.first, |over| late.span.first.max(self.cut.first_ending_after(over)));
        let last = late.span.last.min(now - size);
        if first > last {
            return;
        }
        let pieces = pieces(&self.slices, self.by_start.range(first..last + size), late.key);
        let own = pieces.partition_point(|piece| piece.start < late.span.start);
        let mut upto = merged_backwards(&pieces[..=own]);
        let (mut beyond, mut next): (Option<States>, _) = (None, own + 1);
        for start in self.cut.starts(first, last) {
            upto.truncate(own + 1 - pieces[..own].partition_point(|piece| piece.start < start));
            while let Some(piece) = pieces.get(next).filter(|piece| piece.start < start + size) {
                match &mut beyond {
                    Some(beyond) => beyond.merge(0, piece.states, piece.at),
                    None => beyond = Some(piece.states.alone(piece.at)),
                }
                next += 1;
            }
            let was_printed = !late.is_first || upto.len() > 1 || beyond.is_some();
            let revision = if was_printed { next_revision(&mut self.revisions, start, late.key) } else { 0 };
            let Some(mut states) = upto.last().cloned() else { return };
            if let Some(beyond) = &beyond {
                states.merge(0, beyond, 0);
            }
            of.print(Edition { start, end: start + size, key: late.key, revision }, &mut states, 0, rows);
        }
    }

    /// The next end of a window that has something to print.
    pub(super) fn next_end(&self) -> Option<EventTime> {
        let (start, _) = self.by_start.first_key_value()?;
        let (_, slice) = self.by_start.range(self.unfired(*start)..).next()?;
        Some(self.unfired(self.slices[*slice].span.first) + self.cut.size)
    }

    /// Start and end of the first window that has something to print.
    pub(super) fn first_open(&self) -> Option<(EventTime, EventTime)> {
        self.next_end().map(|end| (end - self.cut.size, end))
    }

    pub(super) fn due(&mut self, end: EventTime, out: &mut impl FnMut(Due)) {
        if self.next_end() != Some(end) {
            return;
        }
        self.fired = Some(end);
        let start = end - self.cut.size;
        let mut slices = self.by_start.range(start..end).map(|(_, slice)| *slice);
        let Some(first) = slices.next() else { return };
        (self.firing, self.merged) = (first, None);
        for slice in slices {
            self.merged.get_or_insert_with(|| self.slices[first].clone()).merge(&self.slices[slice]);
        }
        let keys = self.firing().keys();
        keys.iter().enumerate().for_each(|(at, key)| out(Due { key: *key, start, at }));
    }

    /// Reads a pane before it is printed.
    #[inline]
    pub(super) fn touch_due(&self, due: &Due) {
        self.firing().states().touch(due.at);
    }

    fn firing(&self) -> &Slice {
        self.merged.as_ref().unwrap_or_else(|| &self.slices[self.firing])
    }

    fn firing_mut(&mut self) -> &mut Slice {
        self.merged.as_mut().unwrap_or_else(|| &mut self.slices[self.firing])
    }

    pub(super) fn fire(&mut self, of: &mut Definition, due: &Due, rows: &mut Rows) {
        let edition = Edition { start: due.start, end: due.start + self.cut.size, key: due.key, revision: 0 };
        of.print(edition, self.firing_mut().states_mut(), due.at, rows);
    }

    pub(super) fn settle(&mut self, of: &mut Definition, mark: Option<&Watermark>) {
        let (size, lateness) = (self.cut.size, of.allowed_lateness);
        let gone = |start: EventTime| mark.is_none_or(|mark| mark.has_reached(start + size + lateness));
        while let Some(first) = self.by_start.first_entry()
            && gone(self.slices[*first.get()].span.last)
        {
            let slice = self.slices.remove(first.remove());
            self.places.remove(&slice.span.start);
            self.held -= slice.keys().len();
            of.keys.unpin_all(slice.keys());
            if slice.saved {
                self.gone.push(table_at("slices", slice.span.start, &of.names.window));
            }
        }
        self.recent = [Recent::NONE; 2];
        while let Some(first) = self.revisions.first_entry()
            && gone(*first.key())
        {
            if first.get().saved {
                self.gone.push(table_at("revisions", *first.key(), &of.names.window));
            }
            first.remove();
        }
        self.merged = None;
        self.fired = self.fired.max(mark.and_then(Watermark::get));
        self.due_at = self.next_due(of);
    }

    /// When the next window ends, or the first slice goes.
    fn next_due(&self, of: &Definition) -> Option<EventTime> {
        let gone = |slice: &Slice| slice.span.last + self.cut.size + of.allowed_lateness;
        let drops = self.by_start.first_key_value().map(|(_, slice)| gone(&self.slices[*slice]));
        self.next_end().into_iter().chain(drops).min()
    }

    /// Windows and keys that were not printed. Slices ascend, so a window is new if it is behind the last one of its key.
    pub(super) fn unprinted(&self) -> u64 {
        let (mut counted, mut count) = (HashMap::new(), 0);
        for slice in self.by_start.values().map(|slice| &self.slices[*slice]) {
            for key in slice.keys() {
                let behind = counted.insert(*key, slice.span.last);
                let first = self.unfired(slice.span.first);
                count += self.cut.count(behind.map_or(first, |last| first.max(self.cut.next(last))), slice.span.last);
            }
        }
        count
    }
}

/// What the slices hold of a key, in ascending order.
fn pieces<'a>(
    slices: &'a Slab<Slice>,
    range: impl Iterator<Item = (&'a EventTime, &'a usize)>,
    key: KeyId,
) -> Vec<Piece<'a>> {
    let of_slice = |(start, slice): (&EventTime, &usize)| {
        let slice = &slices[*slice];
        Some(Piece { start: *start, states: slice.states(), at: slice.find(key)? })
    };
    range.filter_map(of_slice).collect()
}

/// The last piece, then the last two merged, then the last three …
fn merged_backwards(pieces: &[Piece<'_>]) -> Vec<States> {
    let mut merged: Vec<States> = Vec::with_capacity(pieces.len());
    for piece in pieces.iter().rev() {
        let mut states = piece.states.alone(piece.at);
        merged.last().into_iter().for_each(|later| states.merge(0, later, 0));
        merged.push(states);
    }
    merged
}

fn next_revision(revisions: &mut Revisions, start: EventTime, key: KeyId) -> u32 {
    revisions.entry(start).or_default().next(key)
}

impl Recent {
    /// Holds no instant.
    const NONE: Recent = Recent { span: SliceSpan::EMPTY, at: 0, is_late: false };
}

impl Revised {
    fn next(&mut self, key: KeyId) -> u32 {
        let at = *self.places.entry(key).or_insert(self.last.len());
        if at == self.last.len() {
            self.last.push((key, 0));
        }
        self.touched.touch(at);
        self.last[at].1 += 1;
        self.last[at].1
    }
}

/// Saving, and going on with what was saved.
impl Aligned {
    pub(super) fn save(&mut self, of: &Definition, to: &mut Changes) {
        self.gone.drain(..).for_each(|table| to.drop_table(table.as_bytes()));
        for at in self.by_start.values() {
            let slice = &mut self.slices[*at];
            if slice.is_touched() {
                save_slice(slice, of, to);
            }
        }
        for (start, revised) in self.revisions.iter_mut().filter(|(_, revised)| !revised.touched.is_empty()) {
            let table = table_at("revisions", *start, &of.names.window);
            for page in revised.touched.take() {
                let places = pages::places(page, revised.last.len());
                to.put(table.as_bytes(), page as u64, |out| save_numbers(&revised.last[places], of, out));
            }
            revised.saved = true;
        }
        save_sums(of, self.fired, to);
    }

    pub(super) fn restore_fired(&mut self, fired: Option<EventTime>) {
        self.fired = fired;
    }

    pub(super) fn restore_slice(
        &mut self,
        of: &mut Definition,
        start: EventTime,
        page: u64,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let span = self.cut.slice(start);
        if span.start != start {
            return Err(DecodeError::Corrupt("a slice that begins where none does"));
        }
        let at = self.places.get(&start).copied().unwrap_or_else(|| self.insert(span, of));
        let slice = &mut self.slices[at];
        let before = slice.keys().len();
        read_slice(slice, of, page, bytes)?;
        self.held += slice.keys().len() - before;
        slice.saved = true;
        slice.take_touched();
        Ok(())
    }

    pub(super) fn restore_revisions(
        &mut self,
        of: &mut Definition,
        start: EventTime,
        bytes: &[u8],
    ) -> Result<(), DecodeError> {
        let revised = self.revisions.entry(start).or_default();
        revised.saved = true;
        for (key, last) in read_numbers(of, bytes)? {
            revised.places.insert(key, revised.last.len());
            revised.last.push((key, last));
        }
        Ok(())
    }

    /// After all was read: what follows from it.
    pub(super) fn restored(&mut self, of: &Definition) {
        self.due_at = self.next_due(of);
    }
}
