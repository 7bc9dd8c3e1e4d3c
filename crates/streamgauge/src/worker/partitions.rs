//! What the worker knows of each partition: the block that is being judged, and how long nothing has come.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamgauge_flow::Decoded;

use crate::durable::Reached;
use crate::source::Origin;

/// Often enough for windows to close about when they should.
const STEP: Duration = Duration::from_secs(1);

/// All partitions, by number.
#[derive(Debug)]
pub(super) struct Partitions {
    list: Vec<Partition>,
    idle_timeout: Duration,
    told_at: Option<Duration>, // up to when the silence of all has been told
}

/// One partition. Times are since the run began.
#[derive(Debug)]
struct Partition {
    head: Option<Head>,
    live: bool,
    ended: bool,
    heard: Duration, // when something came last
    idle: bool,
}

/// A block that is being judged.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) origin: Arc<Origin>,
    /// The first bytes of its input.
    pub(super) head: Arc<[u8]>,
    pub(super) decoded: Decoded,
    /// Records that have been judged.
    pub(super) done: usize,
    /// From when on its latency counts.
    pub(super) since: Instant,
    /// For which bytes of the input it stands.
    pub(super) read: Range<u64>,
    /// The same as they are stored.
    pub(super) stored: u64,
}

impl Partitions {
    pub(super) fn new(idle_timeout: Duration) -> Self {
        Partitions { list: Vec::new(), idle_timeout, told_at: None }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Another partition begins.
    pub(super) fn add(&mut self, now: Duration) {
        self.list.push(Partition { head: None, live: false, ended: false, heard: now, idle: false });
    }

    /// An input of a partition was opened; a live one may fall silent without having ended.
    pub(super) fn opened(&mut self, partition: usize, live: bool, now: Duration) {
        self.list[partition].live = live;
        self.heard(partition, now);
    }

    /// A block came.
    pub(super) fn put(&mut self, partition: usize, head: Head, now: Duration) {
        self.list[partition].head = Some(head);
        self.heard(partition, now);
    }

    /// Nothing comes any more.
    pub(super) fn end(&mut self, partition: usize) {
        let own = &mut self.list[partition];
        (own.ended, own.live) = (true, false);
    }

    /// The blocks that are being judged.
    pub(super) fn heads(&self) -> impl Iterator<Item = (usize, &Head)> {
        self.list.iter().enumerate().filter_map(|(number, own)| Some((number, own.head.as_ref()?)))
    }

    pub(super) fn has_head(&self, partition: usize) -> bool {
        self.list.get(partition).is_some_and(|own| own.head.is_some())
    }

    pub(super) fn take_head(&mut self, partition: usize) -> Option<Head> {
        self.list.get_mut(partition)?.head.take()
    }

    pub(super) fn put_back(&mut self, partition: usize, head: Head) {
        self.list[partition].head = Some(head);
    }

    /// Bytes that have been judged of the blocks that are not done with.
    pub(super) fn judged_bytes(&self) -> u64 {
        self.list.iter().filter_map(|own| own.head.as_ref()).map(Head::judged_bytes).sum()
    }

    /// Whether a partition has more to say, or will say that it has not, before long.
    pub(super) fn is_bounded(&self, partition: usize) -> bool {
        self.list.get(partition).is_some_and(|own| !own.live && !own.ended)
    }

    pub(super) fn any_live(&self) -> bool {
        self.list.iter().any(|own| own.live)
    }

    /// Those that have not ended.
    pub(super) fn open(&self) -> impl Iterator<Item = usize> {
        self.list.iter().enumerate().filter(|(_, own)| !own.ended).map(|(number, _)| number)
    }

    /// For how long nothing has come from a partition.
    pub(super) fn silence(&self, partition: usize, now: Duration) -> Duration {
        self.list.get(partition).map_or(Duration::ZERO, |own| now.saturating_sub(own.heard))
    }

    /// Live partitions that nothing has come from for too long, told once each. What waits to be read is no silence:
    /// `waits` says whether something does.
    pub(super) fn fallen_silent(&mut self, now: Duration, waits: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut silent = Vec::new();
        for (number, own) in self.list.iter_mut().enumerate().filter(|(_, own)| own.live && !own.idle) {
            if now.saturating_sub(own.heard) < self.idle_timeout {
                continue;
            }
            if waits(number) {
                own.heard = now;
            } else {
                own.idle = true;
                silent.push(number);
            }
        }
        silent
    }

    /// How long the silence of all partitions has lasted: told when the last of them falls idle, then about every second.
    pub(super) fn silence_of_all(&mut self, now: Duration) -> Option<Duration> {
        let mut open = self.list.iter().filter(|own| !own.ended).peekable();
        open.peek()?;
        let all_idle = open.all(|own| own.idle);
        let due = self.told_at.is_none_or(|told| now.saturating_sub(told) >= STEP);
        if !all_idle || !due {
            return None;
        }
        self.told_at = Some(now);
        self.list.iter().filter(|own| !own.ended).map(|own| now.saturating_sub(own.heard)).min()
    }

    fn heard(&mut self, partition: usize, now: Duration) {
        let own = &mut self.list[partition];
        own.heard = now;
        own.idle = false;
        self.told_at = None;
    }
}

impl Head {
    /// How much of it has been judged, from 0 to 1.
    pub(super) fn share(&self) -> f64 {
        if self.decoded.is_empty() { 1.0 } else { self.done as f64 / self.decoded.len() as f64 }
    }

    fn judged_bytes(&self) -> u64 {
        let behind = |records| self.decoded.offset_behind(records);
        self.length().saturating_sub(behind(self.decoded.len()) - behind(self.done))
    }

    /// For how many bytes of the input it stands.
    pub(super) fn length(&self) -> u64 {
        self.read.end - self.read.start
    }

    /// How far its input has been judged.
    pub(super) fn reached(&self, partition: usize) -> Reached {
        let whole = self.done == self.decoded.len();
        Reached {
            origin: Arc::clone(&self.origin),
            partition,
            head: Arc::clone(&self.head),
            header: self.decoded.header().cloned(),
            offset: if whole { self.read.end } else { self.decoded.offset_behind(self.done) },
            ended: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn live(count: usize) -> Partitions {
        let mut partitions = Partitions::new(s(30));
        for number in 0..count {
            partitions.add(s(0));
            partitions.opened(number, true, s(0));
        }
        partitions
    }

    const NOTHING: fn(usize) -> bool = |_| false;

    #[test]
    fn an_input_that_ends_by_itself_is_never_idle() {
        let mut partitions = live(1);
        partitions.opened(0, false, s(1));
        assert!(partitions.fallen_silent(s(10_000), NOTHING).is_empty());
        assert_eq!(partitions.silence_of_all(s(10_000)), None);
    }

    #[test]
    fn trap_1_each_partition_falls_idle_by_itself_and_once() {
        let mut partitions = live(3);
        partitions.opened(1, true, s(10));
        assert_eq!(partitions.fallen_silent(s(30), NOTHING), [0, 2]);
        assert!(partitions.fallen_silent(s(39), NOTHING).is_empty());
        assert_eq!(partitions.silence_of_all(s(39)), None, "1 may still say something");
        assert_eq!(partitions.fallen_silent(s(40), NOTHING), [1]);
    }

    #[test]
    fn the_silence_of_all_is_told_once_it_is_long_enough_and_then_each_second() {
        let mut partitions = live(2);
        partitions.opened(1, true, s(5));
        partitions.fallen_silent(s(35), NOTHING);
        assert_eq!(partitions.silence_of_all(s(35)), Some(s(30)), "since the last that was heard");
        assert_eq!(partitions.silence_of_all(Duration::from_millis(35_900)), None);
        assert_eq!(partitions.silence_of_all(s(36)), Some(s(31)));
        partitions.opened(0, true, s(40));
        assert_eq!(partitions.silence_of_all(s(50)), None);
    }

    #[test]
    fn what_waits_to_be_read_is_no_silence() {
        let mut partitions = live(1);
        assert!(partitions.fallen_silent(s(31), |_| true).is_empty());
        assert!(partitions.fallen_silent(s(60), NOTHING).is_empty());
        assert_eq!(partitions.fallen_silent(s(61), NOTHING), [0]);
    }

    #[test]
    fn a_partition_that_has_ended_is_not_waited_for() {
        let mut partitions = live(2);
        partitions.end(0);
        partitions.fallen_silent(s(31), NOTHING);
        assert_eq!(partitions.silence_of_all(s(31)), Some(s(31)));
        partitions.end(1);
        assert_eq!(partitions.silence_of_all(s(99)), None, "there is nobody left to be silent");
    }
}
