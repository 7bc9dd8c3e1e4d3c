//! Processes that die at any call, one after the other, and machines that lose what was not synced.

use proptest::prelude::*;
use streamgauge_flow::state::{Changes, Epoch, Epochs, State, StateError};
use streamgauge_state::DiskState;
use tempfile::TempDir;

use crate::platter::{Platter, scratch};
use crate::rows::{Random, Rows, apply};

/// After how many calls a process dies, and whether the machine dies with it.
#[derive(Clone, Copy, Debug)]
struct Life {
    calls: u64,
    power_fails: bool,
}

/// A state, and the most that anybody was told of it.
struct Story {
    disk: Platter,
    lock: TempDir,
    history: Vec<Rows>,
    told: u64,
}

fn changes(epoch: Epoch) -> Changes {
    Random(epoch).changes(60_000)
}

/// How far it has come: an epoch that is staged is half a step.
fn reached(epochs: Epochs) -> u64 {
    2 * epochs.promoted + u64::from(epochs.staged.is_some())
}

/// The next step: a decision, an epoch that is to be decided about, or one that counts at once.
fn go_on(state: &mut DiskState) -> Result<(), StateError> {
    let Epochs { promoted, staged } = state.epochs();
    match staged {
        Some(epoch) => state.promote(epoch),
        None if promoted % 3 == 2 => state.stage(promoted + 1, &changes(promoted + 1)),
        None => state.commit(promoted + 1, &changes(promoted + 1)),
    }
}

impl Story {
    fn new() -> Self {
        Story { disk: Platter::default(), lock: scratch(), history: vec![Rows::new()], told: 0 }
    }

    /// One process, until it dies or has made a few epochs.
    fn live(&mut self) {
        let mut state = match DiskState::open_on(Box::new(self.disk.clone()), self.lock.path()) {
            Ok(state) => state,
            Err(error) => return assert!(self.disk.is_dead(), "{error:?}"),
        };
        let epochs = state.epochs();
        assert!(reached(epochs) >= self.told, "{epochs:?} is less than was told: {}", self.told);
        self.told = reached(epochs);
        if !self.disk.is_dead() {
            self.compare(&mut state);
        }
        for _ in 0..15 {
            if go_on(&mut state).is_err() {
                return assert!(self.disk.is_dead());
            }
            self.told = reached(state.epochs());
        }
    }

    fn compare(&mut self, state: &mut DiskState) {
        let epoch = usize::try_from(state.epochs().promoted).unwrap();
        while self.history.len() <= epoch {
            let mut next = self.history[self.history.len() - 1].clone();
            apply(&mut next, &changes(self.history.len() as Epoch));
            self.history.push(next);
        }
        let mut found = Rows::new();
        let loaded = state.load(&mut |e| drop(found.insert((e.table.to_vec(), e.row), e.value.to_vec())));
        assert!(self.disk.is_dead() || loaded.is_ok() && found == self.history[epoch], "epoch {epoch}: {loaded:?}");
    }
}

fn life() -> impl Strategy<Value = Life> {
    let calls = prop_oneof![0..20_u64, 0..200_u64];
    (calls, any::<bool>()).prop_map(|(calls, power_fails)| Life { calls, power_fails })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// A process died after it had named the next file and before it had synced the folder; the one after it read that file and
    /// took the one before away; the machine died. The removal was on the disk, the name was not: no state was left at all. An
    /// epoch that was written and not synced was reported by the next process in the same way, and then gone.
    #[test]
    fn what_anybody_was_told_survives_processes_and_machines(lives in prop::collection::vec(life(), 1..8), seed in any::<u64>()) {
        let (mut story, mut random) = (Story::new(), Random(seed));
        for life in lives {
            story.disk.let_die_after(life.calls);
            story.live();
            story.disk.revive();
            if life.power_fails {
                story.disk.fail_power(&mut random);
            }
        }
        story.live();
        let mut state = DiskState::open_on(Box::new(story.disk.clone()), story.lock.path()).unwrap();
        story.compare(&mut state);
        prop_assert_eq!(reached(state.epochs()), story.told);
    }
}
