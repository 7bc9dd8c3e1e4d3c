//! Files that were cut or in which bits were flipped.

use std::fs;

use streamgauge_flow::state::{State, StateError};
use streamgauge_state::{DiskState, inspect};
use tempfile::TempDir;

use crate::platter::scratch;
use crate::rows::{Random, Rows, apply, file, rows};

/// Damaged files.
const CASES: usize = 10_000;

/// A file of many epochs, and what each of them held.
fn history(folder: &TempDir, seed: u64) -> Vec<Rows> {
    let mut state = DiskState::open(folder.path()).unwrap();
    let mut random = Random(seed);
    let mut all = vec![Rows::new()];
    for epoch in 1..=30 {
        let changes = random.changes(200);
        let mut rows = all[all.len() - 1].clone();
        if epoch % 3 == 0 {
            state.stage(epoch, &changes).unwrap();
            state.promote(epoch).unwrap();
        } else {
            state.commit(epoch, &changes).unwrap();
        }
        apply(&mut rows, &changes);
        all.push(rows);
    }
    all
}

#[test]
fn what_was_damaged_is_an_earlier_epoch_or_is_refused_but_never_read_wrong() {
    let folder = scratch();
    let history = history(&folder, 1);
    let path = file(folder.path());
    let whole = fs::read(&path).unwrap();
    let mut random = Random(2);
    let (mut refused, mut earlier) = (0, 0);
    for case in 0..CASES {
        let mut bytes = whole.clone();
        match case % 4 {
            0 => bytes.truncate(random.index(whole.len())),
            1 => bytes[random.index(whole.len())] ^= 1 << random.below(8),
            2 => (0..3).for_each(|_| bytes[random.index(whole.len())] = random.below(256).to_le_bytes()[0]),
            _ => {
                // A machine that died: the file has its length, and the last of it never came.
                let from = random.index(whole.len());
                bytes[from..].fill(0);
            }
        }
        fs::write(&path, &bytes).unwrap();
        let seen = inspect(folder.path(), &mut |_| {});
        match DiskState::open(folder.path()) {
            Ok(mut state) => {
                let epoch = usize::try_from(state.epochs().promoted).unwrap();
                let seen = seen.unwrap();
                assert_eq!((seen.epochs, seen.size.live), (state.epochs(), state.size().live), "case {case}");
                assert!(rows(&mut state) == history[epoch], "case {case}: epoch {epoch}");
                earlier += usize::from(epoch < 30);
            }
            Err(StateError::Damaged { place, what }) => {
                let (_, byte) = place.split_once(".epochs, byte ").unwrap();
                assert!(byte.parse::<usize>().unwrap() <= bytes.len() && !what.is_empty(), "{place}: {what}");
                let seen = seen.unwrap_err().to_string();
                assert!(seen.contains(&place) && seen.contains(&what), "case {case}: {seen}");
                refused += 1;
            }
            Err(StateError::Newer { .. }) => panic!("a flipped bit cannot make a version"),
            Err(other) => panic!("case {case}: {other:?}"),
        }
    }
    assert!(refused > 1_000 && earlier > 1_000, "{refused} refused, {earlier} earlier");
}

#[test]
fn any_bytes_at_all_are_refused_without_asking_for_memory() {
    let folder = scratch();
    history(&folder, 3);
    let path = file(folder.path());
    let head = fs::read(&path).unwrap()[..24].to_vec();
    let mut random = Random(4);
    for case in 0..2_000 {
        let length = random.index(400);
        let mut bytes: Vec<u8> = (0..length).map(|_| random.below(256).to_le_bytes()[0]).collect();
        if case % 2 == 0 {
            bytes = [head.clone(), bytes].concat();
        }
        fs::write(&path, &bytes).unwrap();
        assert!(matches!(DiskState::open(folder.path()), Err(StateError::Damaged { .. })), "{case}");
        assert!(matches!(inspect(folder.path(), &mut |_| {}), Err(StateError::Damaged { .. })), "{case}");
    }
}

#[test]
fn looking_at_a_state_finds_what_opening_it_finds_and_changes_nothing() {
    let folder = scratch();
    let history = history(&folder, 5);
    let path = file(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"half an epoch");
    fs::write(&path, &bytes).unwrap();
    let mut found = Rows::new();
    let seen =
        inspect(folder.path(), &mut |e| drop(found.insert((e.table.to_vec(), e.row), e.value.to_vec()))).unwrap();
    assert_eq!((seen.epochs.promoted, seen.torn, seen.holder, seen.version), (30, 13, None, 1));
    assert!(found == history[30]);
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let state = DiskState::open(folder.path()).unwrap();
    assert_eq!(inspect(folder.path(), &mut |_| {}).unwrap().holder, Some(std::process::id()));
    assert_eq!(state.epochs().promoted, 30);
    assert_eq!(fs::read(&path).unwrap().len(), bytes.len() - 13, "what was not finished is cut off");
}
