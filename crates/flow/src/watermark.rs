//! How far event time is taken for complete: in each partition, and over all of them.
//!
//! ```text
//! partition 0   ── 10:00:07 ──┐
//! partition 1   ── 10:00:03 ──┼─ min of the active ones ─► 10:00:03 ─ never back
//! partition 2   (idle)        │
//! partition 3   (ended) ──────┘
//! ```

use std::collections::BTreeSet;

use crate::time::{EventTime, Span};

/// A watermark that can only advance: nothing in it sets it back.
#[derive(Clone, Copy, Debug)]
pub struct Watermark {
    max_out_of_orderness: Span,
    highest: Option<EventTime>,
    mark: Option<EventTime>, // as far behind it: kept, since it is asked for several times an event
}

/// The watermarks of some partitions, and the one that events are judged by.
///
/// Events come from one partition for a while; meanwhile the others stand still, so that an event costs a comparison.
#[derive(Debug)]
pub(crate) struct Watermarks {
    combined: Watermark,
    partitions: Vec<Partition>,
    current: usize,           // the partition that events come from
    waiting: BTreeSet<Place>, // the other active ones
    others: Option<Place>,    // the first of them
}

/// How far event time is in a partition, for whoever goes on with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionMark {
    /// The highest time that was seen in it.
    pub highest: Option<EventTime>,
    /// Nothing comes any more.
    pub ended: bool,
}

/// Who is to be read first: whose watermark is the lowest, then who has the lowest number.
type Place = (Option<EventTime>, usize);

/// How far one partition is.
#[derive(Clone, Copy, Debug)]
struct Partition {
    highest: Option<EventTime>,
    state: State,
}

/// Whether a partition holds the others back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Active,
    /// Silent for so long that nobody waits for it.
    Idle,
    /// Nothing comes any more.
    Ended,
}

impl Watermark {
    /// A watermark that stays this far behind the highest time; before the first event there is none.
    pub fn new(max_out_of_orderness: Span) -> Self {
        Watermark { max_out_of_orderness, highest: None, mark: None }
    }

    /// Where it stands: events before it are late. `None` before the first event.
    #[inline]
    pub fn get(&self) -> Option<EventTime> {
        self.mark
    }

    /// Whether it has reached `time`.
    #[inline]
    pub fn has_reached(&self, time: EventTime) -> bool {
        self.mark.is_some_and(|mark| mark >= time)
    }

    /// An event of this time was seen; whether the watermark moved.
    #[inline]
    pub fn advance(&mut self, time: EventTime) -> bool {
        let moves = self.highest.is_none_or(|highest| time > highest);
        if moves {
            self.highest = Some(time);
            self.mark = Some(time - self.max_out_of_orderness);
        }
        moves
    }
}

impl Watermarks {
    /// One partition that nothing came from yet.
    pub(crate) fn new(max_out_of_orderness: Span) -> Self {
        Watermarks {
            combined: Watermark::new(max_out_of_orderness),
            partitions: vec![Partition::FRESH],
            current: 0,
            waiting: BTreeSet::new(),
            others: None,
        }
    }

    /// The one that events are judged by.
    #[inline]
    pub(crate) fn combined(&self) -> &Watermark {
        &self.combined
    }

    /// How far a partition is by itself.
    pub(crate) fn of(&self, partition: usize) -> Watermark {
        let mut mark = Watermark::new(self.combined.max_out_of_orderness);
        if let Some(highest) = self.partitions[partition].highest {
            mark.advance(highest);
        }
        mark
    }

    /// The highest time up to which everything is taken for complete, before `max_out_of_orderness` is taken off.
    pub(crate) fn highest(&self) -> Option<EventTime> {
        self.combined.highest
    }

    /// Goes on where a saved run was. Its watermark is not gone back behind, however far behind the highest time it is to stay
    /// now: what it has passed is printed and gone.
    pub(crate) fn restore(&mut self, highest: Option<EventTime>, mark: Option<EventTime>) {
        let least = mark.map(|mark| mark + self.combined.max_out_of_orderness);
        for time in [highest, least].into_iter().flatten() {
            self.combined.advance(time);
        }
    }

    /// How far a partition is.
    pub(crate) fn mark_of(&self, partition: usize) -> PartitionMark {
        let Partition { highest, state } = self.partitions[partition];
        PartitionMark { highest, ended: state == State::Ended }
    }

    /// A partition goes on where it was. The combined watermark is where it was, too: it does not follow before the next event,
    /// since others may yet have to be told where they were.
    pub(crate) fn set_mark(&mut self, partition: usize, mark: PartitionMark) {
        let state = if mark.ended { State::Ended } else { State::Active };
        self.waiting.remove(&(self.partitions[partition].highest, partition));
        self.partitions[partition].highest = self.partitions[partition].highest.max(mark.highest);
        self.set(partition, state);
    }

    /// How many partitions there are, ended ones included.
    pub(crate) fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Whether nobody waits for a partition.
    pub(crate) fn is_idle(&self, partition: usize) -> bool {
        self.partitions[partition].state == State::Idle
    }

    /// A partition begins, or goes on after its end: it holds the others back from now on. Those with lower numbers that
    /// are not there yet begin, too.
    pub(crate) fn open(&mut self, partition: usize) {
        for number in self.partitions.len()..=partition {
            self.partitions.push(Partition::FRESH);
            self.waiting.insert((None, number));
        }
        self.set(partition, State::Active);
    }

    /// Events come from this partition from now on.
    pub(crate) fn turn_to(&mut self, partition: usize) {
        if partition == self.current {
            return;
        }
        if self.partitions.len() <= partition {
            self.open(partition);
        }
        self.waiting.extend(self.active(self.current));
        self.current = partition;
        self.waiting.remove(&(self.partitions[partition].highest, partition));
        self.others = self.waiting.first().copied();
    }

    /// An event of the current partition was seen; whether the combined watermark moved.
    #[inline]
    pub(crate) fn advance(&mut self, time: EventTime) -> bool {
        let own = &mut self.partitions[self.current];
        if own.highest.is_some_and(|highest| time <= highest) && own.state == State::Active {
            return false;
        }
        own.highest = own.highest.max(Some(time));
        own.state = State::Active;
        self.combine()
    }

    /// Whether another partition is to be read before the current one.
    #[inline]
    pub(crate) fn is_ahead(&self) -> bool {
        self.others.is_some_and(|others| others < (self.partitions[self.current].highest, self.current))
    }

    /// The partition to be read first, if one is active.
    pub(crate) fn lowest(&self) -> Option<usize> {
        let (_, number) = self.others.into_iter().chain(self.active(self.current)).min()?;
        Some(number)
    }

    /// The partitions that have not ended: the active ones, lowest first and not further ahead of the lowest than `max_drift`,
    /// then the idle ones.
    pub(crate) fn wanted(&self, max_drift: Span, out: &mut Vec<usize>) {
        let mut active: Vec<Place> = self.waiting.iter().copied().chain(self.active(self.current)).collect();
        active.sort_unstable();
        let limit = active.first().map(|(lowest, _)| lowest.map(|lowest| lowest + max_drift));
        let near = active.iter().filter(|(highest, _)| limit.is_some_and(|limit| *highest <= limit));
        out.extend(near.map(|(_, number)| *number));
        let idle = self.partitions.iter().enumerate().filter(|(_, p)| p.state == State::Idle);
        out.extend(idle.map(|(number, _)| number));
    }

    /// Nobody waits for a silent partition; whether the combined watermark moved.
    pub(crate) fn idle(&mut self, partition: usize) -> bool {
        self.set(partition, State::Idle);
        self.combine()
    }

    /// Nothing comes any more from a partition; whether the combined watermark moved.
    pub(crate) fn end(&mut self, partition: usize) -> bool {
        self.set(partition, State::Ended);
        self.combine()
    }

    /// All partitions have been silent for so long: moves as if events had kept coming. Nothing happens before the first event.
    pub(crate) fn pass(&mut self, silence: Span) -> bool {
        let highest = self.partitions.iter().filter_map(|p| p.highest).max();
        highest.is_some_and(|highest| self.combined.advance(highest + silence))
    }

    fn set(&mut self, partition: usize, state: State) {
        self.waiting.remove(&(self.partitions[partition].highest, partition));
        self.partitions[partition].state = state;
        if partition != self.current {
            self.waiting.extend(self.active(partition));
        }
        self.others = self.waiting.first().copied();
    }

    fn active(&self, partition: usize) -> Option<Place> {
        let Partition { highest, state } = self.partitions[partition];
        (state == State::Active).then_some((highest, partition))
    }

    #[inline]
    fn combine(&mut self) -> bool {
        let lowest = self.others.into_iter().chain(self.active(self.current)).map(|(highest, _)| highest).min();
        lowest.flatten().is_some_and(|lowest| self.combined.advance(lowest))
    }
}

impl Partition {
    const FRESH: Partition = Partition { highest: None, state: State::Active };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i128) -> EventTime {
        EventTime::from_nanos(seconds * 1_000_000_000)
    }

    fn combined(marks: &Watermarks) -> Option<i128> {
        marks.combined().get().map(|mark| mark.as_nanos() / 1_000_000_000)
    }

    /// Partitions 0, 1, 2 with events at these times.
    fn three(times: [i128; 3]) -> Watermarks {
        let mut marks = Watermarks::new(Span::ZERO);
        marks.open(2);
        for (partition, time) in times.into_iter().enumerate() {
            marks.turn_to(partition);
            marks.advance(at(time));
        }
        marks
    }

    #[test]
    fn a_watermark_stays_behind_the_highest_time_and_never_goes_back() {
        let mut marks = Watermarks::new(Span::from_secs(5));
        assert_eq!(combined(&marks), None);
        assert!(!marks.pass(Span::from_secs(9)), "there is nothing to move on from");
        assert!(marks.advance(at(10)));
        assert!(!marks.advance(at(7)));
        assert!(!marks.advance(at(10)));
        assert_eq!(combined(&marks), Some(5));
        assert!(marks.combined().has_reached(at(5)) && !marks.combined().has_reached(at(6)));
        assert!(marks.pass(Span::from_secs(1)));
        assert_eq!(combined(&marks), Some(6));
    }

    #[test]
    fn the_partition_that_is_furthest_behind_holds_the_others_back() {
        let mut marks = three([10, 4, 7]);
        assert_eq!((combined(&marks), marks.lowest()), (Some(4), Some(1)));
        marks.turn_to(1);
        assert!(!marks.is_ahead());
        assert!(marks.advance(at(9)), "the next one holds them back now");
        assert!(marks.is_ahead());
        assert_eq!((combined(&marks), marks.lowest()), (Some(7), Some(2)));
    }

    #[test]
    fn nothing_is_complete_until_every_partition_has_said_something() {
        let mut marks = Watermarks::new(Span::ZERO);
        marks.open(1);
        assert!(!marks.advance(at(100)));
        assert_eq!((combined(&marks), marks.lowest()), (None, Some(1)));
        marks.turn_to(1);
        assert!(marks.advance(at(90)));
        assert_eq!(combined(&marks), Some(90));
    }

    #[test]
    fn trap_1_an_idle_partition_holds_nobody_back_and_comes_back_without_setting_time_back() {
        let mut marks = three([10, 4, 7]);
        assert!(marks.idle(1));
        assert_eq!(combined(&marks), Some(7));
        marks.turn_to(1);
        assert!(!marks.advance(at(5)));
        assert!(!marks.is_idle(1), "it holds the others back again");
        marks.turn_to(2);
        assert!(!marks.advance(at(50)));
        assert_eq!((combined(&marks), marks.lowest()), (Some(7), Some(1)));
    }

    #[test]
    fn an_ended_partition_counts_as_infinity() {
        let mut marks = three([10, 4, 7]);
        assert!(marks.end(1) && marks.end(2));
        assert_eq!((combined(&marks), marks.lowest()), (Some(10), Some(0)));
        assert!(!marks.end(0), "what is left is closed by the end of the run");
        assert_eq!(marks.lowest(), None);
    }

    #[test]
    fn of_partitions_that_are_equally_far_the_first_is_read_first() {
        let mut marks = three([7, 7, 7]);
        assert_eq!(marks.lowest(), Some(0));
        marks.turn_to(0);
        assert!(!marks.is_ahead());
        marks.turn_to(1);
        assert!(marks.is_ahead());
    }

    #[test]
    fn trap_4_a_partition_that_is_too_far_ahead_is_not_wanted_until_the_others_come_near_or_are_idle() {
        let mut marks = three([100, 4, 64]);
        let wanted = |marks: &Watermarks| {
            let mut wanted = Vec::new();
            marks.wanted(Span::from_secs(60), &mut wanted);
            wanted
        };
        assert_eq!(wanted(&marks), [1, 2], "the lowest first");
        marks.turn_to(1);
        marks.advance(at(40));
        assert_eq!(wanted(&marks), [1, 2, 0]);
        marks.turn_to(0);
        marks.advance(at(101));
        assert_eq!(wanted(&marks), [1, 2]);
        marks.idle(1);
        assert_eq!(wanted(&marks), [2, 0, 1], "an idle one may come back");
        marks.end(2);
        assert_eq!(wanted(&marks), [0, 1]);
        marks.open(3);
        assert_eq!(wanted(&marks), [3, 1], "nothing is known of it yet");
    }

    #[test]
    fn a_random_course_is_as_a_plain_minimum_says() {
        let mut seed = 11_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from((seed >> 33) % below).unwrap()
        };
        for _ in 0..500 {
            let mut marks = Watermarks::new(Span::ZERO);
            let (mut plain, mut top): ([(Option<i128>, bool); 4], Option<i128>) = ([(None, true); 4], None);
            marks.open(3);
            for _ in 0..60 {
                let (partition, time) = (random(4), i128::try_from(random(100)).unwrap());
                if random(6) == 0 {
                    marks.idle(partition);
                    plain[partition].1 = false;
                } else {
                    marks.turn_to(partition);
                    marks.advance(at(time));
                    plain[partition] = (plain[partition].0.max(Some(time)), true);
                }
                let active = plain.iter().filter(|(_, active)| *active).map(|(highest, _)| *highest);
                top = top.max(active.min().flatten());
                assert_eq!(combined(&marks), top);
            }
        }
    }
}
