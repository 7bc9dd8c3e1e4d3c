//! What a death leaves at the end of a file, and what only looks like it.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::FileExt;

use streamgauge_flow::state::{State, StateError};
use streamgauge_state::{DiskState, inspect};
use tempfile::TempDir;

use crate::platter::scratch;
use crate::rows::{Random, file, rows};

const LAST_BASE: u8 = 2;
const COMMITTED: u8 = 6;

/// A frame without a payload in the first file of a state, as `disk/frame.rs` draws it.
fn frame(kind: u8, epoch: u64, at: u64) -> Vec<u8> {
    let mut bytes = vec![kind];
    let (token, length) = (1_u64, 0_u64);
    bytes.extend([epoch, token, length].iter().flat_map(|number| number.to_le_bytes()));
    bytes.extend_from_slice(&crc32fast::hash(&[]).to_le_bytes());
    let place = [1_u64.to_le_bytes(), at.to_le_bytes()].concat();
    let checksum = crc32fast::hash(&[&bytes[..], &place].concat());
    bytes.extend_from_slice(&checksum.to_le_bytes());
    bytes
}

/// A state of five epochs, whose file then ends with these bytes.
fn ending_with(end: impl Fn(u64) -> Vec<u8>) -> (TempDir, Result<DiskState, StateError>) {
    let folder = scratch();
    let mut state = DiskState::open(folder.path()).unwrap();
    for epoch in 1..=5 {
        state.commit(epoch, &Random(epoch).changes(100)).unwrap();
    }
    let length = state.size().stored;
    drop(state);
    OpenOptions::new().append(true).open(file(folder.path())).unwrap().write_all(&end(length)).unwrap();
    let opened = DiskState::open(folder.path());
    (folder, opened)
}

/// Of half an epoch every byte is tried as the beginning of another one. Among 64 MiB of them one passes for that by chance, checksum
/// and all, once in about three thousand deaths: the state was refused then, although nothing was wrong with it.
#[test]
fn half_an_epoch_is_no_damage_though_it_looks_as_if_another_one_began_in_it() {
    let (_folder, opened) =
        ending_with(|at| [vec![7; 50], frame(COMMITTED, 0x0123_4567_89ab_cdef, at + 50), vec![7; 50]].concat());
    assert_eq!(opened.unwrap().epochs().promoted, 5);
}

#[test]
fn an_epoch_that_another_one_follows_is_damage() {
    let (_folder, opened) = ending_with(|at| [vec![7; 50], frame(COMMITTED, 7, at + 50)].concat());
    let told = opened.expect_err("it is refused").to_string();
    assert!(told.contains("no epoch can be read here, but one is at byte "), "{told}");
}

#[test]
fn damage_before_the_last_write_is_always_refused() {
    let folder = scratch();
    let mut state = DiskState::open(folder.path()).unwrap();
    (1..=4).for_each(|epoch| state.commit(epoch, &Random(epoch).changes(300)).unwrap());
    let before = usize::try_from(state.size().stored).unwrap();
    state.commit(5, &Random(5).changes(300)).unwrap();
    let want = rows(&mut state);
    drop(state);
    let path = file(folder.path());
    let bytes = fs::read(&path).unwrap();
    let open = OpenOptions::new().write(true).open(&path).unwrap();
    for (at, byte) in bytes.iter().enumerate().take(before) {
        open.write_all_at(&[byte ^ (1 << (at % 8))], at as u64).unwrap();
        let refused = inspect(folder.path(), &mut |_| {});
        assert!(matches!(refused, Err(StateError::Damaged { .. })), "byte {at}: {refused:?}");
        open.write_all_at(&[*byte], at as u64).unwrap();
    }
    assert!(rows(&mut DiskState::open(folder.path()).unwrap()) == want);
}

#[test]
fn after_the_last_number_there_is_comes_no_epoch() {
    let folder = scratch();
    drop(DiskState::open(folder.path()).unwrap());
    let path = file(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(24); // the head of the file
    bytes.extend_from_slice(&frame(LAST_BASE, u64::MAX, 24));
    fs::write(&path, &bytes).unwrap();
    assert_eq!(inspect(folder.path(), &mut |_| {}).unwrap().epochs.promoted, u64::MAX);
    bytes.extend_from_slice(&frame(COMMITTED, 0, 57));
    fs::write(&path, &bytes).unwrap();
    let told = inspect(folder.path(), &mut |_| {}).expect_err("it is refused").to_string();
    assert!(told.contains("byte 57: Committed of epoch 0 is out of order"), "{told}");
}
