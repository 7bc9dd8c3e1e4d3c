//! A file system on which one call fails: the n-th, for every n there is.

use std::io::ErrorKind;
use std::path::Path;

use streamgauge_flow::state::{State, StateError};
use streamgauge_state::DiskState;

use crate::fuse::Fuse;
use crate::platter::scratch;
use crate::rows::{Random, Rows, apply, rows};

/// Commits and stages so many times, or until something fails; what was promised, and what may be there besides.
pub(crate) fn script(state: &mut DiskState, rounds: u64) -> (Rows, Rows, Option<StateError>) {
    let mut random = Random(11);
    let (mut promised, mut epoch) = (Rows::new(), state.epochs().promoted);
    for round in 0..rounds {
        let changes = random.changes(60_000);
        let mut next = promised.clone();
        apply(&mut next, &changes);
        epoch += 1;
        let done = if round % 4 == 3 {
            state.stage(epoch, &changes).and_then(|()| state.promote(epoch))
        } else {
            state.commit(epoch, &changes)
        };
        match done {
            Ok(()) => promised = next,
            Err(error) => return (promised, next, Some(error)),
        }
    }
    (promised.clone(), promised, None)
}

fn names_a_file(doing: &str) -> bool {
    Path::new(doing).extension().is_some_and(|end| end == "epochs" || end == "tmp")
}

fn every_fault(kind: ErrorKind) {
    let mut calls = 0;
    loop {
        let folder = scratch();
        let fuse = Fuse::new(calls, move || Err(kind.into()));
        let (mut promised, mut maybe) = (Rows::new(), Rows::new());
        match fuse.open(folder.path()) {
            Ok(mut state) => {
                let error;
                (promised, maybe, error) = script(&mut state, 40);
                if let Some(error) = error {
                    assert!(matches!(&error, StateError::Io { doing, .. } if names_a_file(doing)), "{error:?}");
                    // Nothing is known of that epoch, so nothing goes on before the state is opened again.
                    let next = state.epochs().promoted + 1;
                    let staged = state.epochs().staged.is_some();
                    let again = if staged { state.promote(next) } else { state.commit(next, &Random(1).changes(9)) };
                    assert!(matches!(again, Err(StateError::Io { .. })), "{again:?}");
                } else if !fuse.is_blown() {
                    return;
                }
            }
            Err(error) => assert!(matches!(error, StateError::Io { .. }), "{error:?}"),
        }
        let mut state = DiskState::open(folder.path()).unwrap();
        if let Some(staged) = state.epochs().staged {
            state.promote(staged).unwrap();
        }
        let found = rows(&mut state);
        assert!(found == promised || found == maybe, "after {calls} calls");
        // There is room again: it goes on.
        let changes = Random(5).changes(100);
        let mut want = found;
        apply(&mut want, &changes);
        state.commit(state.epochs().promoted + 1, &changes).unwrap();
        assert!(rows(&mut state) == want);
        calls += 1;
    }
}

#[test]
fn whatever_fails_what_was_promised_is_there_after_the_restart() {
    every_fault(ErrorKind::Other);
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_an_epoch_leaves_the_state_as_it_was() {
    every_fault(ErrorKind::StorageFull);
}
