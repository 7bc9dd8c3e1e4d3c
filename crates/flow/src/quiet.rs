//! Why nothing comes out: from what is known of a run to the one reason that a person needs.

use std::fmt;

use crate::batch::Account;
use crate::time::EventTime;

/// What is known of a run when it is asked why nothing comes out.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation<'a> {
    /// What happened until the last row came out; nothing yet is all zeros.
    pub at_last_row: Account,
    /// What has happened by now.
    pub now: Account,
    /// Where the watermark stands, if there is one.
    pub watermark: Option<EventTime>,
    /// When the first window closes, if one is open.
    pub first_end: Option<EventTime>,
    /// Every partition that has not ended.
    pub partitions: &'a [PartitionState],
}

/// How one partition stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PartitionState {
    /// Its number.
    pub partition: usize,
    /// How far it is complete, if anything came from it.
    pub watermark: Option<EventTime>,
    /// Whether nobody waits for it.
    pub idle: bool,
    /// For how many seconds nothing has come from it.
    pub silent_s: u64,
}

/// Why nothing comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quiet {
    /// Nothing was ever read.
    NoInput,
    /// Nothing has come for a while.
    Silent {
        /// For how many seconds.
        seconds: u64,
    },
    /// All partitions are idle: the watermark moves on with the clock.
    AllIdle {
        /// For how many seconds.
        seconds: u64,
        /// When the first window closes, if one is open.
        closes: Option<EventTime>,
    },
    /// Whatever comes is a dead letter.
    AllDead,
    /// The filter lets nothing through.
    AllFiltered,
    /// Whatever comes was there before.
    AllDuplicates,
    /// Whatever comes is too late for every window.
    AllLate,
    /// Nothing that comes is taken by a window, for several of these reasons.
    NoneTaken,
    /// One partition is behind the others, and what it says may still change the open windows.
    HeldBack {
        /// Its number.
        partition: usize,
        /// How far it is; nothing came from it at all if there is none.
        watermark: Option<EventTime>,
        /// For how many seconds it has been silent.
        seconds: u64,
    },
    /// No window was complete yet.
    Open {
        /// When the first one closes.
        closes: EventTime,
        /// Where the watermark stands.
        watermark: Option<EventTime>,
    },
}

impl Quiet {
    /// The reason why nothing has come out since the last row; `None` if nothing is missing.
    pub fn reason(of: &Situation<'_>) -> Option<Quiet> {
        let silence = of.partitions.iter().map(|p| p.silent_s).min();
        if !of.partitions.is_empty() && of.partitions.iter().all(|p| p.idle) {
            return Some(Quiet::AllIdle { seconds: silence.unwrap_or(0), closes: of.first_end });
        }
        if of.now.received == 0 {
            return Some(Quiet::NoInput);
        }
        if of.now.received == of.at_last_row.received {
            return Some(Quiet::held_back(of).unwrap_or(Quiet::Silent { seconds: silence.unwrap_or(0) }));
        }
        if of.now.processed == of.at_last_row.processed {
            return Some(Quiet::none_taken(of));
        }
        let open = || of.first_end.map(|closes| Quiet::Open { closes, watermark: of.watermark });
        Quiet::held_back(of).or_else(open)
    }

    /// Why none of the events since the last row was taken.
    fn none_taken(of: &Situation<'_>) -> Quiet {
        let Situation { at_last_row: before, now, .. } = of;
        let all = now.received - before.received;
        let reasons = [
            (now.dead_letters - before.dead_letters, Quiet::AllDead),
            (now.filtered - before.filtered, Quiet::AllFiltered),
            (now.duplicates - before.duplicates, Quiet::AllDuplicates),
            (now.late - before.late, Quiet::AllLate),
        ];
        let only = reasons.into_iter().find(|(count, _)| *count == all);
        only.map_or(Quiet::NoneTaken, |(_, reason)| reason)
    }

    /// The partition that is furthest behind, if it alone keeps the first window from closing.
    fn held_back(of: &Situation<'_>) -> Option<Quiet> {
        let end = of.first_end?;
        let mut active: Vec<_> = of.partitions.iter().filter(|p| !p.idle).collect();
        active.sort_by_key(|p| p.watermark);
        let (lowest, others) = active.split_first()?;
        let waits = |p: &&PartitionState| p.watermark.is_none_or(|mark| mark < end);
        let alone = !others.is_empty() && waits(lowest) && !others.iter().any(waits);
        alone.then_some(Quiet::HeldBack {
            partition: lowest.partition,
            watermark: lowest.watermark,
            seconds: lowest.silent_s,
        })
    }

    /// A word for the kind of reason, whatever the times in it: it is told again only when this changes.
    pub fn kind(&self) -> &'static str {
        match self {
            Quiet::NoInput => "no_input",
            Quiet::Silent { .. } => "silent",
            Quiet::AllIdle { .. } => "all_idle",
            Quiet::AllDead => "all_dead_letters",
            Quiet::AllFiltered => "all_filtered",
            Quiet::AllDuplicates => "all_duplicates",
            Quiet::AllLate => "all_late",
            Quiet::NoneTaken => "none_taken",
            Quiet::HeldBack { .. } => "held_back",
            Quiet::Open { .. } => "window_open",
        }
    }
}

impl fmt::Display for Quiet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Quiet::NoInput => f.write_str("no input has come yet"),
            Quiet::Silent { seconds } => write!(f, "no input for {seconds} s"),
            Quiet::AllIdle { seconds, closes } => {
                write!(f, "all partitions have been idle for {seconds} s; ")?;
                match closes {
                    Some(closes) => {
                        write!(f, "the watermark moves on with the clock, the first window closes at {closes}")
                    }
                    None => f.write_str("no window is open"),
                }
            }
            Quiet::AllDead => {
                f.write_str("every record is a dead letter: see stream_processor_errors_total for the reasons")
            }
            Quiet::AllFiltered => f.write_str("the filter lets no event through"),
            Quiet::AllDuplicates => f.write_str("every event is a duplicate"),
            Quiet::AllLate => f.write_str("every event is late for all windows"),
            Quiet::NoneTaken => f.write_str("every event is late, a duplicate, filtered or a dead letter"),
            Quiet::HeldBack { partition, watermark, seconds } => {
                write!(f, "partition {partition} holds the watermark back ")?;
                match watermark {
                    Some(mark) => write!(f, "at {mark}")?,
                    None => f.write_str("as nothing has come from it")?,
                }
                write!(f, "; it has been silent for {seconds} s")
            }
            Quiet::Open { closes, watermark } => {
                write!(f, "the first window closes at {closes}, ")?;
                match watermark {
                    Some(mark) => write!(f, "the watermark is at {mark}"),
                    None => f.write_str("there is no watermark yet"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i128) -> EventTime {
        EventTime::from_nanos(seconds * 1_000_000_000)
    }

    fn partition(partition: usize, watermark: Option<i128>, idle: bool, silent_s: u64) -> PartitionState {
        PartitionState { partition, watermark: watermark.map(at), idle, silent_s }
    }

    fn situation(now: Account, first_end: Option<i128>, partitions: &[PartitionState]) -> Situation<'_> {
        Situation {
            at_last_row: Account::default(),
            now,
            watermark: Some(at(3)),
            first_end: first_end.map(at),
            partitions,
        }
    }

    fn of(received: u64, rest: impl Fn(&mut Account)) -> Account {
        let mut account = Account { received, ..Account::default() };
        rest(&mut account);
        account
    }

    #[test]
    fn an_input_that_never_said_anything_is_told_from_one_that_fell_silent() {
        let one = [partition(0, None, false, 40)];
        assert_eq!(Quiet::reason(&situation(Account::default(), None, &one)), Some(Quiet::NoInput));
        let now = of(5, |a| a.processed = 5);
        let silent = Situation { at_last_row: now, ..situation(now, None, &one) };
        assert_eq!(Quiet::reason(&silent), Some(Quiet::Silent { seconds: 40 }));
    }

    #[test]
    fn if_one_fate_has_met_all_events_it_is_named() {
        let one = [partition(0, Some(3), false, 0)];
        let reason = |now| Quiet::reason(&situation(now, Some(10), &one)).unwrap();
        assert_eq!(reason(of(7, |a| a.dead_letters = 7)), Quiet::AllDead);
        assert_eq!(reason(of(7, |a| a.filtered = 7)), Quiet::AllFiltered);
        assert_eq!(reason(of(7, |a| a.duplicates = 7)), Quiet::AllDuplicates);
        assert_eq!(reason(of(7, |a| a.late = 7)), Quiet::AllLate);
        assert_eq!(reason(of(7, |a| (a.late, a.filtered) = (3, 4))), Quiet::NoneTaken);
    }

    #[test]
    fn a_partition_that_alone_keeps_a_window_open_is_named_with_how_far_it_is() {
        let now = of(5, |a| a.processed = 5);
        let three =
            [partition(0, Some(50), false, 0), partition(3, Some(4), false, 17), partition(5, Some(2), true, 99)];
        let held = Quiet::HeldBack { partition: 3, watermark: Some(at(4)), seconds: 17 };
        assert_eq!(Quiet::reason(&situation(now, Some(10), &three)), Some(held));
        assert_eq!(
            held.to_string(),
            "partition 3 holds the watermark back at 1970-01-01T00:00:04.000Z; it has been silent for 17 s"
        );
    }

    #[test]
    fn partitions_that_are_all_too_early_hold_nobody_back() {
        let now = of(5, |a| a.processed = 5);
        let two = [partition(0, Some(3), false, 0), partition(1, Some(4), false, 0)];
        let open = Quiet::Open { closes: at(10), watermark: Some(at(3)) };
        assert_eq!(Quiet::reason(&situation(now, Some(10), &two)), Some(open));
    }

    #[test]
    fn when_all_are_idle_the_next_window_to_close_is_named() {
        let now = of(5, |a| a.processed = 5);
        let two = [partition(0, Some(3), true, 31), partition(1, None, true, 45)];
        let idle = Quiet::AllIdle { seconds: 31, closes: Some(at(10)) };
        assert_eq!(Quiet::reason(&situation(now, Some(10), &two)), Some(idle));
    }

    #[test]
    fn a_run_that_has_printed_all_there_was_has_nothing_to_explain() {
        let now = of(5, |a| a.processed = 5);
        assert_eq!(Quiet::reason(&situation(now, None, &[partition(0, Some(3), false, 0)])), None);
    }
}
