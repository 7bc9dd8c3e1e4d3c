//! Sessions: the events of a key that are no further apart than a gap.
//!
//! ```text
//! events    a  b      c             gap 5: a and b touch, c begins a session of its own;
//! sessions  [────────)              a late event between b and c may touch both and make one of them
//!                     [────)
//! ```
//! The sessions of a key never touch, so an event meets two of them at most. A session knows when it is due; the timers
//! may be early, but never late: an event that extends its session leaves its timer alone, and what the timer finds too
//! early it sets again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hint::black_box;
use std::sync::Arc;

use slab::Slab;

use super::definition::{Definition, Edition};
use super::saved::{SavedSession, begin_sessions, put_session, read_sessions, save_sums};
use super::{Due, SPREAD, Taken};
use crate::aggregate::{Layout, States};
use crate::decode::Event;
use crate::encoding::DecodeError;
use crate::key::KeyId;
use crate::pages::{PAGE, Touched};
use crate::row::Rows;
use crate::state::Changes;
use crate::time::{EventTime, Span};
use crate::watermark::Watermark;

/// How many times as many places as sessions are taken as they were saved.
const SPARSE: usize = 64;

/// The sessions of one definition.
#[derive(Debug)]
pub(super) struct Sessions {
    gap: Span,
    sessions: Slab<Session>,
    states: States, // of each session, as the slab numbers them
    by_start: BTreeMap<(KeyId, EventTime), usize>,
    latest: Vec<Option<usize>>, // by key: most events belong to its latest session, and need no search
    timers: BinaryHeap<Reverse<Timer>>,
    timers_set: u64,
    touched: Touched,
    read: Vec<Option<Session>>, // while a saved state is read, by place
    moved: bool,                // they are no longer where they were saved
}

#[derive(Debug)]
struct Session {
    key: KeyId,
    start: EventTime,
    end: EventTime,       // its last event + gap
    printed: Option<u32>, // its last revision
    timer: Timer,         // the one that counts; others are from before
}

/// When a session is to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Timer {
    time: EventTime,
    number: u64, // tells the timers of one place apart
    session: usize,
}

/// What an event touches, by ascending start.
type Met = [Option<usize>; 2];

impl Sessions {
    pub(super) fn new(gap: Span, layout: &Arc<Layout>) -> Self {
        Sessions {
            gap,
            sessions: Slab::new(),
            states: States::new(layout),
            by_start: BTreeMap::new(),
            latest: Vec::new(),
            timers: BinaryHeap::new(),
            timers_set: 0,
            touched: Touched::default(),
            read: Vec::new(),
            moved: false,
        }
    }

    /// Sessions that are kept.
    pub(super) fn held(&self) -> usize {
        self.sessions.len()
    }

    pub(super) fn unprinted(&self) -> u64 {
        self.sessions.iter().filter(|(_, session)| session.printed.is_none()).count() as u64
    }

    #[inline]
    pub(super) fn due_at(&self) -> Option<EventTime> {
        self.timers.peek().map(|Reverse(timer)| timer.time)
    }

    /// Start and end of the session that is looked at next. If that one was printed, no other ends before its timer.
    pub(super) fn first_open(&self) -> Option<(EventTime, EventTime)> {
        let Reverse(timer) = self.timers.peek()?;
        let session = self.sessions.get(timer.session).filter(|session| session.printed.is_none());
        Some(session.map_or((timer.time - self.gap, timer.time), |session| (session.start, session.end)))
    }

    #[inline]
    pub(super) fn take(&mut self, of: &mut Definition, event: &Event<'_>, mark: &Watermark, rows: &mut Rows) -> Taken {
        let (key, folded) = of.keys.of(event);
        let touched = self.touched(key, event.time);
        let (mut start, mut end) = (event.time, event.time + self.gap);
        for session in touched.iter().flatten().map(|at| &self.sessions[*at]) {
            (start, end) = (start.min(session.start), end.max(session.end));
        }
        if of.is_over(end, mark) {
            of.keys.release(key);
            return Taken::default();
        }
        let at = self.join(of, key, touched, (start, end), rows);
        of.taken += 1;
        self.states.add(at, event);
        self.touched.touch(at);
        if mark.has_reached(end) {
            let revision = self.sessions[at].printed.map_or(0, |last| last + 1);
            self.print(of, at, revision, rows);
        }
        self.hasten(of, at);
        Taken { taken: true, folded }
    }

    /// Reads the sessions that the next events are likely to belong to.
    pub(super) fn touch(&self, of: &Definition) {
        if self.sessions.len() < SPREAD {
            return;
        }
        for at in of.keys.looked_up().filter_map(|key| self.latest.get(key).copied().flatten()) {
            black_box(self.sessions.get(at).map(|session| session.end));
            self.states.touch(at);
        }
    }

    /// The sessions that an event belongs to: those from which it is no further than the gap.
    #[inline]
    fn touched(&self, key: KeyId, time: EventTime) -> Met {
        match self.latest.get(key).copied().flatten() {
            None => [None, None],
            Some(latest) if self.sessions[latest].start <= time => {
                [Some(latest).filter(|latest| time <= self.sessions[*latest].end), None]
            }
            Some(_) => self.search(key, time),
        }
    }

    fn search(&self, key: KeyId, time: EventTime) -> Met {
        let before = self.begun_by(key, time + self.gap);
        let mut touched = before.take_while(|at| time <= self.sessions[*at].end);
        let later = touched.next();
        match touched.next() {
            None => [later, None],
            earlier => [earlier, later],
        }
    }

    /// The sessions of a key that begin at `time` or before, the latest first.
    fn begun_by(&self, key: KeyId, time: EventTime) -> impl Iterator<Item = usize> {
        let before = self.by_start.range(..=(key, time)).rev();
        before.take_while(move |((other, _), _)| *other == key).map(|(_, at)| *at)
    }

    /// The one session that is made of those that an event touches. Rows that are no longer true are taken back.
    #[inline]
    fn join(
        &mut self,
        of: &mut Definition,
        key: KeyId,
        touched: Met,
        (start, end): (EventTime, EventTime),
        rows: &mut Rows,
    ) -> usize {
        for at in touched.into_iter().flatten() {
            let session = &self.sessions[at];
            if (session.start, session.end) != (start, end) {
                self.take_back(of, at, rows);
            }
        }
        match touched {
            [Some(earlier), later] => {
                if let Some(later) = later {
                    self.absorb(of, earlier, later);
                }
                self.stretch(earlier, (start, end));
                earlier
            }
            [None, _] => self.open(of, key, (start, end)),
        }
    }

    fn open(&mut self, of: &mut Definition, key: KeyId, (start, end): (EventTime, EventTime)) -> usize {
        of.keys.pin(key);
        of.opened += 1;
        let at = self.sessions.vacant_key();
        let timer = self.timer(at, end);
        self.sessions.insert(Session { key, start, end, printed: None, timer });
        self.by_start.insert((key, start), at);
        if self.states.len() == at {
            self.states.open();
        }
        self.note_latest(key, start, at);
        at
    }

    fn note_latest(&mut self, key: KeyId, start: EventTime, at: usize) {
        if self.latest.len() <= key {
            self.latest.resize(key + 1, None);
        }
        let latest = &mut self.latest[key];
        if latest.is_none_or(|latest| self.sessions[latest].start < start) {
            *latest = Some(at);
        }
    }

    #[inline]
    fn stretch(&mut self, at: usize, (start, end): (EventTime, EventTime)) {
        let session = &mut self.sessions[at];
        session.end = end;
        if session.start != start {
            self.by_start.remove(&(session.key, session.start));
            self.by_start.insert((session.key, start), at);
            session.start = start;
        }
    }

    /// Merges a session into the one before it.
    fn absorb(&mut self, of: &mut Definition, earlier: usize, later: usize) {
        let states = self.states.alone(later);
        self.states.merge(earlier, &states, 0);
        self.remove(of, later);
    }

    fn remove(&mut self, of: &mut Definition, at: usize) {
        self.touched.touch(at);
        let Session { key, start, .. } = self.sessions.remove(at);
        self.by_start.remove(&(key, start));
        if self.latest[key] == Some(at) {
            let before = self.begun_by(key, start).next();
            self.latest[key] = before;
        }
        self.states.reset(at);
        of.keys.unpin(key);
    }

    fn print(&mut self, of: &mut Definition, at: usize, revision: u32, rows: &mut Rows) {
        self.touched.touch(at);
        let session = &mut self.sessions[at];
        session.printed = Some(revision);
        let edition = Edition { start: session.start, end: session.end, key: session.key, revision };
        of.print(edition, &mut self.states, at, rows);
    }

    fn take_back(&mut self, of: &mut Definition, at: usize, rows: &mut Rows) {
        let session = &mut self.sessions[at];
        if let Some(last) = session.printed.take() {
            let edition = Edition { start: session.start, end: session.end, key: session.key, revision: last + 1 };
            of.take_back(edition, rows);
        }
    }

    fn timer(&mut self, session: usize, time: EventTime) -> Timer {
        let timer = Timer { time, number: self.timers_set, session };
        self.timers_set += 1;
        self.timers.push(Reverse(timer));
        timer
    }

    /// Sets the timer of a session, which makes the one before void.
    fn set(&mut self, at: usize, time: EventTime) {
        self.sessions[at].timer = self.timer(at, time);
    }

    /// A session that was printed and has grown may be due before its timer.
    #[inline]
    fn hasten(&mut self, of: &Definition, at: usize) {
        let session = &self.sessions[at];
        let due = session.due(of);
        if due < session.timer.time {
            self.set(at, due);
        }
    }

    /// The first session that is to be printed, of those whose timers are `reached`. Timers that are void or too early are
    /// dealt with on the way, and so are sessions that take no late event any more.
    fn ripe(&mut self, of: &mut Definition, reached: impl Fn(EventTime) -> bool) -> Option<usize> {
        while let Some(Reverse(timer)) = self.timers.peek().copied().filter(|Reverse(timer)| reached(timer.time)) {
            let session = self.sessions.get(timer.session).filter(|session| session.timer == timer);
            match session.map(|session| (session.due(of), session.printed)) {
                Some((due, None)) if due == timer.time => return Some(timer.session),
                due => {
                    self.timers.pop();
                    match due {
                        Some((due, _)) if due > timer.time => self.set(timer.session, due),
                        Some(_) => self.remove(of, timer.session),
                        None => {}
                    }
                }
            }
        }
        None
    }

    pub(super) fn next_end(&mut self, of: &mut Definition, mark: Option<&Watermark>) -> Option<EventTime> {
        let ripe = self.ripe(of, |time| mark.is_none_or(|mark| mark.has_reached(time)));
        ripe.map(|at| self.sessions[at].end)
    }

    pub(super) fn due(&mut self, of: &mut Definition, end: EventTime, out: &mut impl FnMut(Due)) {
        while let Some(at) = self.ripe(of, |time| time <= end) {
            self.timers.pop();
            let Session { key, start, .. } = self.sessions[at];
            out(Due { key, start, at });
        }
    }

    /// Reads a session before it is printed.
    #[inline]
    pub(super) fn touch_due(&self, due: &Due) {
        self.states.touch(due.at);
    }

    pub(super) fn fire(&mut self, of: &mut Definition, due: &Due, rows: &mut Rows) {
        self.print(of, due.at, 0, rows);
        self.set(due.at, self.sessions[due.at].due(of));
    }

    /// Whatever is to be printed has been: what is left of the timers that were reached are sessions that go.
    pub(super) fn settle(&mut self, of: &mut Definition, mark: Option<&Watermark>) {
        let left = self.next_end(of, mark);
        debug_assert!(left.is_none(), "a session was not printed");
    }
}

/// Saving, and going on with what was saved.
impl Sessions {
    pub(super) fn save(&mut self, of: &Definition, to: &mut Changes) {
        let table = format!("sessions/{}", of.names.window);
        if std::mem::take(&mut self.moved) {
            to.drop_table(table.as_bytes());
            self.sessions.iter().for_each(|(at, _)| self.touched.touch(at));
        }
        for page in self.touched.take() {
            let slots = page * PAGE..(page + 1) * PAGE;
            let sessions: Vec<_> = slots.filter_map(|at| Some((at, self.sessions.get(at)?))).collect();
            if sessions.is_empty() {
                to.delete(table.as_bytes(), page as u64);
                continue;
            }
            to.put(table.as_bytes(), page as u64, |out| {
                begin_sessions(out, sessions.len());
                for (at, session) in sessions {
                    put_session(out, of, at, session.to_saved(), &self.states);
                }
            });
        }
        save_sums(of, None, to);
    }

    /// Takes a page in; pages come in order.
    pub(super) fn restore(&mut self, of: &mut Definition, page: u64, bytes: &[u8]) -> Result<(), DecodeError> {
        let page = usize::try_from(page).ok().filter(|page| *page < usize::MAX / PAGE - 1);
        let page = page.ok_or(DecodeError::Corrupt("a page beyond all others"))?;
        for (at, session, states) in read_sessions(of, page, bytes)? {
            // Where few are left of many, they move together: the memory is not to depend on what once was.
            self.moved |= at > SPARSE * self.read.len() + SPARSE * PAGE;
            let at = if self.moved { self.read.len() } else { at };
            if at < self.read.len() {
                return Err(DecodeError::Corrupt("a session that does not follow the one before it"));
            }
            self.place(of, at, session, &states);
        }
        Ok(())
    }

    fn place(&mut self, of: &mut Definition, at: usize, session: SavedSession, states: &States) {
        while self.read.len() < at {
            self.read.push(None);
            self.states.open();
        }
        let SavedSession { key, start, end, printed } = session;
        let timer = Timer { time: end, number: 0, session: at };
        self.read.push(Some(Session { key, start, end, printed, timer }));
        self.states.push(states, 0);
        of.keys.pin(key);
    }

    /// After all was read: what follows from it.
    pub(super) fn restored(&mut self, of: &Definition) {
        let read = std::mem::take(&mut self.read);
        self.sessions = read.into_iter().enumerate().filter_map(|(at, session)| Some((at, session?))).collect();
        let all: Vec<(usize, KeyId, EventTime, EventTime)> =
            self.sessions.iter().map(|(at, session)| (at, session.key, session.start, session.due(of))).collect();
        for (at, key, start, due) in all {
            self.by_start.insert((key, start), at);
            self.note_latest(key, start, at);
            self.set(at, due);
        }
    }
}

impl Session {
    fn to_saved(&self) -> SavedSession {
        let Session { key, start, end, printed, .. } = *self;
        SavedSession { key, start, end, printed }
    }

    /// When it is to be printed; once it was, when it takes no late event any more.
    #[inline]
    fn due(&self, of: &Definition) -> EventTime {
        if self.printed.is_some() { self.end + of.allowed_lateness } else { self.end }
    }
}
