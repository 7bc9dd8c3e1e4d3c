//! Between the reading thread and the worker: one bounded queue per partition.
//!
//! ```text
//! reading thread ─ put ─►  0 [■ ■ ■]   full: its input pauses
//!                          1 [■    ]
//!                          2 [     ]   wanted, so it is read first
//!                                      ─ next(wanted) ─► worker
//! ```
//!
//! A partition that the worker does not want fills its queue and is then not read on. That is what keeps partitions
//! together that are far apart in event time, and bounds the memory by partitions times queue.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use streamgauge_metrics::Gauge;

use super::Message;
use crate::stage::{Laps, State, TOLD_AFTER};

/// Where the worker takes what was read. Dropping it ends the reading.
#[derive(Debug)]
pub(crate) struct Feed(Arc<Shared>);

/// What the worker gets.
#[derive(Debug)]
pub(crate) enum Next {
    /// A message of a partition.
    Message(usize, Message),
    /// Nothing came in time.
    Nothing,
    /// Every partition has ended, all has been taken, and no partition can come.
    Finished,
    /// The reading thread is gone and has not said so.
    Vanished,
}

/// Where the reading thread puts what it read. There is one.
#[derive(Debug)]
pub(super) struct Sender {
    shared: Arc<Shared>,
    laps: RefCell<Laps>,
}

/// What the reading thread is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Read on in a partition.
    Read(usize),
    /// The time has come that it asked to be woken at.
    Due,
}

/// How a partition goes on after a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// There is more to be read.
    More,
    /// All that is there has been read.
    Dry,
}

/// The worker is gone, so there is nothing left to do.
#[derive(Debug)]
pub(super) struct Closed;

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<Stand>,
    arrived: Condvar, // the worker waits for it
    asked: Condvar,   // the reading thread waits for it
}

#[derive(Debug, Default)]
struct Stand {
    queues: Vec<Queue>,
    waiting: Gauge,          // messages of all queues
    ahead: usize,            // messages that may wait in a queue
    hungry: BTreeSet<usize>, // partitions with something to read and room for it
    awaited: Vec<usize>,     // what the worker waits for, the most urgent first
    worker: Thread,
    reader: Thread,
    finished: bool,
}

/// The one at an end of the feed.
#[derive(Debug, Default)]
struct Thread {
    waits: bool, // for a sign from the other
    gone: bool,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    dry: bool,
}

/// The two ends of a new feed without partitions, in each of which so many messages may wait. How many do is told to `waiting`.
pub(super) fn feed(ahead: usize, laps: Laps, waiting: Gauge) -> (Sender, Feed) {
    let shared = Arc::new(Shared::default());
    let mut stand = shared.lock();
    (stand.ahead, stand.waiting) = (ahead, waiting);
    drop(stand);
    (Sender { shared: Arc::clone(&shared), laps: RefCell::new(laps) }, Feed(shared))
}

impl Feed {
    /// The oldest message of the first of the `wanted` partitions that has one; waits for it at most so long.
    pub(crate) fn next(&self, wanted: &[usize], wait: Duration) -> Next {
        let mut state = self.0.lock();
        let until = Instant::now().checked_add(wait);
        loop {
            if let Some((partition, message)) = state.take(wanted) {
                let wakes = state.reader.waits && !state.hungry.is_empty();
                wake(&self.0.asked, state, wakes);
                return Next::Message(partition, message);
            }
            if state.finished && state.queues.iter().all(|queue| queue.messages.is_empty()) {
                return Next::Finished;
            }
            if state.reader.gone && !state.finished {
                return Next::Vanished;
            }
            let left = until.map_or(wait, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Next::Nothing;
            }
            wanted.clone_into(&mut state.awaited);
            state.worker.waits = true;
            state = wait_on(&self.0.arrived, state, left);
            state.worker.waits = false;
            state.awaited.clear();
        }
    }

    /// Whether something of a partition waits to be taken.
    pub(crate) fn has_message(&self, partition: usize) -> bool {
        self.0.lock().queues.get(partition).is_some_and(|queue| !queue.messages.is_empty())
    }

    /// How many partitions there have been so far, those included that have ended.
    pub(crate) fn partitions(&self) -> usize {
        self.0.lock().queues.len()
    }
}

impl Sender {
    /// Another partition; it is numbered on from the last one.
    pub(super) fn add(&self) -> usize {
        let mut state = self.shared.lock();
        let partition = state.queues.len();
        state.queues.push(Queue::default());
        state.hungry.insert(partition);
        partition
    }

    /// Waits for a partition that can be read on: first what the worker waits for, then the lowest number.
    pub(super) fn turn(&self, due: Option<Instant>) -> Result<Turn, Closed> {
        let mut laps = self.laps.borrow_mut();
        laps.lap(State::Busy);
        let mut state = self.shared.lock();
        loop {
            if state.worker.gone {
                return Err(Closed);
            }
            let left = due.map(|due| due.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Ok(Turn::Due);
            }
            if let Some(partition) = state.hungriest() {
                state.hungry.remove(&partition);
                return Ok(Turn::Read(partition));
            }
            // Full queues hold it up; files that are followed and say nothing leave it without work.
            let held_up = state.queues.iter().any(|queue| !queue.dry);
            state.reader.waits = true;
            state = wait_on(&self.shared.asked, state, left.map_or(TOLD_AFTER, |left| left.min(TOLD_AFTER)));
            state.reader.waits = false;
            laps.lap(if held_up { State::Blocked } else { State::Idle });
        }
    }

    /// Hands over what was read of a partition, and says how that goes on.
    pub(super) fn put(&self, partition: usize, messages: &mut Vec<Message>, then: Then) {
        let mut guard = self.shared.lock();
        let state = &mut *guard;
        let Some(queue) = state.queues.get_mut(partition) else { return };
        let count = messages.len();
        queue.messages.extend(messages.drain(..));
        queue.dry = then == Then::Dry;
        state.waiting.add(count as f64);
        state.note_hunger(partition, state.ahead);
        let wakes = count > 0 && state.worker.waits;
        wake(&self.shared.arrived, guard, wakes);
    }

    /// Says that every partition has ended and none can come.
    pub(super) fn finish(&self) {
        self.shared.lock().finished = true;
        self.shared.arrived.notify_one();
    }
}

impl Shared {
    /// A thread that panicked with the lock left nothing half done: every change under it is one step.
    fn lock(&self) -> MutexGuard<'_, Stand> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stand {
    fn take(&mut self, wanted: &[usize]) -> Option<(usize, Message)> {
        let oldest = |&partition: &usize| Some((partition, self.queues.get_mut(partition)?.messages.pop_front()?));
        let taken = wanted.iter().find_map(oldest)?;
        self.waiting.dec();
        // Who reads again only when half of it is gone reads several blocks in a row: on one core the two threads take
        // turns less often.
        self.note_hunger(taken.0, self.ahead / 2 + 1);
        Some(taken)
    }

    fn hungriest(&self) -> Option<usize> {
        let awaited = self.awaited.iter().find(|&partition| self.hungry.contains(partition));
        awaited.or_else(|| self.hungry.first()).copied()
    }

    /// A partition is hungry with fewer messages than this. One that is stays so until it is full.
    fn note_hunger(&mut self, partition: usize, fewer: usize) {
        let Some(queue) = self.queues.get(partition) else { return };
        if queue.dry || queue.messages.len() >= self.ahead {
            self.hungry.remove(&partition);
        } else if queue.messages.len() < fewer {
            self.hungry.insert(partition);
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.0.lock().worker.gone = true;
        self.0.asked.notify_one();
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.shared.lock().reader.gone = true;
        self.shared.arrived.notify_one();
    }
}

/// Gives a sign, if someone waits for it. Not under the lock: on one core whoever is woken runs at once, and would find it
/// taken.
fn wake(sign: &Condvar, state: MutexGuard<'_, Stand>, wakes: bool) {
    drop(state);
    if wakes {
        sign.notify_one();
    }
}

/// Waits for a sign, at most so long; a wait may also end without one.
fn wait_on<'a>(sign: &Condvar, state: MutexGuard<'a, Stand>, most: Duration) -> MutexGuard<'a, Stand> {
    sign.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    const AHEAD: usize = 3;
    const NOW: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_mins(10);

    fn open() -> (Sender, Feed) {
        feed(AHEAD, Laps::of_nobody(), Gauge::default())
    }

    fn add(sender: &Sender, count: usize) {
        for _ in 0..count {
            sender.add();
        }
    }

    fn put(sender: &Sender, partition: usize, count: usize) {
        let mut messages: Vec<_> = (0..count).map(|_| Message::Ended).collect();
        sender.put(partition, &mut messages, Then::More);
    }

    fn taken(next: &Next) -> usize {
        match next {
            Next::Message(partition, _) => *partition,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_wanted_partition_that_has_something_is_served() {
        let (sender, feed) = open();
        add(&sender, 3);
        assert_eq!(feed.partitions(), 3);
        (0..3).for_each(|partition| put(&sender, partition, 1));
        assert_eq!(taken(&feed.next(&[2, 0], NOW)), 2);
        assert_eq!(taken(&feed.next(&[2, 0], NOW)), 0);
        assert!(matches!(feed.next(&[2, 0], NOW), Next::Nothing), "1 has something, but nobody wants it");
        assert_eq!(taken(&feed.next(&[1], NOW)), 1);
    }

    #[test]
    fn a_partition_that_is_not_wanted_fills_its_queue_and_pauses() {
        let (sender, feed) = open();
        add(&sender, 2);
        let mut reads = [0; 2];
        for _ in 0..100 {
            while sender.shared.lock().hungriest().is_some() {
                let Turn::Read(partition) = sender.turn(None).unwrap() else { panic!("nothing is due") };
                reads[partition] += 1;
                put(&sender, partition, 1);
            }
            feed.next(&[1], NOW);
        }
        assert_eq!(reads, [AHEAD, 100 + AHEAD / 2]);
    }

    #[test]
    fn what_the_worker_waits_for_is_read_first() {
        let (sender, feed) = open();
        add(&sender, 9);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| feed.next(&[7], LONG));
            let asked = || sender.shared.lock().awaited == [7];
            while !asked() {
                thread::yield_now();
            }
            assert_eq!(sender.turn(None).unwrap(), Turn::Read(7));
            put(&sender, 7, 1);
            assert_eq!(taken(&waiting.join().unwrap()), 7);
        });
        assert_eq!(sender.turn(None).unwrap(), Turn::Read(0));
    }

    #[test]
    fn a_dry_partition_is_left_alone_until_it_is_said_to_have_more() {
        let (sender, _feed) = open();
        sender.add();
        assert_eq!(sender.turn(None).unwrap(), Turn::Read(0));
        sender.put(0, &mut Vec::new(), Then::Dry);
        assert_eq!(sender.turn(Some(Instant::now())).unwrap(), Turn::Due);
        sender.put(0, &mut Vec::new(), Then::More);
        assert_eq!(sender.turn(None).unwrap(), Turn::Read(0));
    }

    #[test]
    fn the_end_is_told_when_all_has_been_taken() {
        let (sender, feed) = open();
        add(&sender, 2);
        put(&sender, 1, 1);
        sender.finish();
        drop(sender);
        assert!(matches!(feed.next(&[0], NOW), Next::Nothing), "1 has something to say");
        assert_eq!(taken(&feed.next(&[0, 1], LONG)), 1);
        assert!(matches!(feed.next(&[0, 1], LONG), Next::Finished));
    }

    #[test]
    fn a_reader_that_vanishes_is_noticed_by_whoever_waits() {
        let (sender, feed) = open();
        thread::scope(|scope| {
            scope.spawn(move || drop(sender));
            assert!(matches!(feed.next(&[0], LONG), Next::Vanished));
        });
    }

    #[test]
    fn a_worker_that_goes_away_ends_the_reading() {
        let (sender, feed) = open();
        thread::scope(|scope| {
            scope.spawn(move || drop(feed));
            assert!(sender.turn(None).is_err());
        });
    }
}
