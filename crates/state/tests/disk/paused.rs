//! A holder that is stopped in the middle of a call, and wakes up when another one has the state.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex};

use streamgauge_flow::state::{State, StateError};
use streamgauge_state::DiskState;

use crate::faults::script;
use crate::fuse::Fuse;
use crate::platter::scratch;
use crate::rows::{Random, Rows, apply, file, rows};

/// Who has taken a state over, what was there, and what is now.
struct Second {
    state: DiskState,
    found: Rows,
    rows: Rows,
}

/// Takes a state over as one would whose operator has deleted the lock, and goes on with it.
fn take_over(folder: &Path) -> Second {
    fs::remove_file(folder.join("LOCK")).unwrap();
    let mut state = DiskState::open(folder).unwrap();
    if let Some(staged) = state.epochs().staged {
        state.promote(staged).unwrap();
    }
    let found = rows(&mut state);
    let mut second = Second { state, rows: found.clone(), found };
    (0..3).for_each(|seed| second.commit(seed));
    second
}

impl Second {
    fn commit(&mut self, seed: u64) {
        let changes = Random(seed).changes(3_000);
        self.state.commit(self.state.epochs().promoted + 1, &changes).unwrap();
        apply(&mut self.rows, &changes);
    }
}

/// A holder looked at the lock, was stopped, and wrote when it woke up: over the first epoch of the one who had taken the state
/// over meanwhile, which had been called committed. It noticed only then.
#[test]
fn a_holder_that_wakes_up_between_any_two_calls_changes_nothing_of_its_successor() {
    for calls in 0.. {
        let folder = scratch();
        drop(DiskState::open(folder.path()).unwrap());
        let second = Arc::new(Mutex::new(None));
        let fuse = Fuse::new(calls, {
            let (second, folder) = (Arc::clone(&second), folder.path().to_owned());
            move || {
                *second.lock().unwrap() = Some(take_over(&folder));
                Ok(())
            }
        });
        let stops =
            |error: &StateError| assert!(matches!(error, StateError::Fenced | StateError::Io { .. }), "{error:?}");
        let (mut promised, mut maybe) = (Rows::new(), Rows::new());
        let first = fuse.open(folder.path()).map(|mut first| {
            (promised, maybe, _) = script(&mut first, 12);
            first
        });
        let Some(mut second) = second.lock().unwrap().take() else { return };
        match first {
            Ok(mut first) => {
                stops(
                    &first
                        .commit(first.epochs().promoted + 1, &Random(1).changes(9))
                        .expect_err("it is not the holder"),
                );
            }
            Err(error) => stops(&error),
        }
        assert!(second.found == promised || second.found == maybe, "after {calls} calls");
        second.commit(9);
        assert!(rows(&mut second.state) == second.rows, "after {calls} calls");
        let want = second.rows;
        drop(second.state);
        let mut third = DiskState::open(folder.path()).unwrap();
        assert!(rows(&mut third) == want, "after {calls} calls");
    }
}

#[test]
fn taking_over_that_fails_anywhere_leaves_all_there_was_and_is_begun_again() {
    let folder = scratch();
    let mut state = DiskState::open(folder.path()).unwrap();
    let (want, _, _) = script(&mut state, 5);
    let staged = Random(3).changes(3_000);
    state.stage(6, &staged).unwrap();
    let epochs = state.epochs();
    drop(state);
    for calls in 0.. {
        let before = file(folder.path());
        fs::remove_file(folder.path().join("LOCK")).unwrap();
        let fuse = Fuse::new(calls, || Err(ErrorKind::StorageFull.into()));
        let opened = fuse.open(folder.path());
        assert!(matches!(&opened, Ok(_) | Err(StateError::Io { .. })), "{opened:?}");
        let failed = opened.is_err();
        drop(opened);
        let mut state = DiskState::open(folder.path()).unwrap();
        assert_eq!(state.epochs(), epochs, "after {calls} calls");
        assert!(rows(&mut state) == want, "after {calls} calls");
        assert_ne!(file(folder.path()), before, "somebody may still write to that one");
        if !fuse.is_blown() {
            state.promote(6).unwrap();
            let mut want = want;
            apply(&mut want, &staged);
            assert!(!failed && rows(&mut state) == want);
            return;
        }
    }
}
