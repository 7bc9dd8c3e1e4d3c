//! Notices when nothing comes out and when keys are too many, and says why: once a reason and minute. Pure: the clock is an
//! argument.

use std::collections::HashMap;
use std::time::Duration;

use streamgauge_flow::{Account, KeyExplosion, PartitionState, Pipeline, Quiet, Situation};

use super::partitions::Partitions;

/// Nothing is missing that was printed so recently.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked.
const STEP: Duration = Duration::from_secs(1);
/// A reason that lasts is not told again for so long.
const AGAIN: Duration = Duration::from_mins(1);

/// Watches the rows of a run.
#[derive(Debug, Default)]
pub(super) struct Watch {
    at_last_row: Account,
    last_row: Duration,
    looked: Duration,
    told: HashMap<&'static str, Duration>,
    exploded: HashMap<String, (Duration, u64)>, // window → when it was told, and how many events had been folded
}

/// What a look brought to light.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Why nothing comes out, if something should.
    pub(super) quiet: Option<Quiet>,
    /// Whether that is to be said aloud.
    pub(super) aloud: bool,
}

impl Watch {
    /// Looks about every second; `None` in between.
    pub(super) fn look(&mut self, now: Duration, pipeline: &Pipeline, partitions: &Partitions) -> Option<Seen> {
        if now.saturating_sub(self.looked) < STEP {
            return None;
        }
        self.looked = now;
        let account = pipeline.account();
        if account.rows > self.at_last_row.rows {
            (self.at_last_row, self.last_row) = (account, now);
        }
        if now.saturating_sub(self.last_row) < PATIENCE {
            return Some(Seen { quiet: None, aloud: false });
        }
        let states: Vec<_> = partitions.open().map(|number| state(number, now, pipeline, partitions)).collect();
        let situation = Situation {
            at_last_row: self.at_last_row,
            now: account,
            watermark: pipeline.watermark().get(),
            first_end: pipeline.first_end(),
            partitions: &states,
        };
        let quiet = Quiet::reason(&situation);
        let aloud = quiet.is_some_and(|quiet| self.is_news(quiet.kind(), now));
        Some(Seen { quiet, aloud })
    }

    /// Window definitions that have folded keys since they were told of last, each at once and then once a minute.
    pub(super) fn explosions(&mut self, now: Duration, pipeline: &Pipeline) -> Vec<KeyExplosion> {
        let mut news = Vec::new();
        for explosion in pipeline.explosions() {
            let told = self.exploded.get(&explosion.window);
            if told.is_none_or(|(at, folded)| now.saturating_sub(*at) >= AGAIN && explosion.folded > *folded) {
                self.exploded.insert(explosion.window.clone(), (now, explosion.folded));
                news.push(explosion);
            }
        }
        news
    }

    fn is_news(&mut self, kind: &'static str, now: Duration) -> bool {
        let news = self.told.get(kind).is_none_or(|told| now.saturating_sub(*told) >= AGAIN);
        if news {
            self.told.insert(kind, now);
        }
        news
    }
}

fn state(partition: usize, now: Duration, pipeline: &Pipeline, partitions: &Partitions) -> PartitionState {
    PartitionState {
        partition,
        watermark: pipeline.watermark_of(partition).get(),
        idle: pipeline.is_idle(partition),
        silent_s: partitions.silence(partition, now).as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_said_once_a_minute_and_another_one_at_once() {
        let mut watch = Watch::default();
        let said = |watch: &mut Watch, kind, second| watch.is_news(kind, Duration::from_secs(second));
        assert!(said(&mut watch, "no_input", 10));
        assert!(!said(&mut watch, "no_input", 69));
        assert!(said(&mut watch, "all_late", 69));
        assert!(said(&mut watch, "no_input", 70));
    }
}
