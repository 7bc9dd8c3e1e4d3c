//! How much room a state takes, and what it leaves lying about.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use streamgauge_flow::state::State;
use streamgauge_metrics::{Metrics, Registry};
use streamgauge_state::{Backend, ByOperation, DiskState, Operation, StateMetrics};

use crate::fuse::Fuse;
use crate::platter::scratch;
use crate::rows::{Random, file, rows};

/// The names of the files in a folder.
fn names(folder: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(name).collect();
    names.sort();
    names
}

/// Only what was promoted or committed was followed by a look at the room that is taken: whoever discarded every epoch filled
/// the disk.
#[test]
fn epochs_that_are_discarded_for_ever_do_not_fill_the_disk() {
    let folder = scratch();
    let mut state = DiskState::open(folder.path()).unwrap();
    let changes = Random(2).changes(100_000);
    assert!(changes.as_bytes().len() > 100_000);
    for _ in 0..100 {
        state.stage(1, &changes).unwrap();
        state.discard(1).unwrap();
        let most = (256 << 10) + changes.as_bytes().len() as u64;
        assert!(state.size().stored <= most, "{:?}", state.size());
    }
}

/// What a rewrite had written before the disk was full stayed there, and was in the way of whoever made room.
#[test]
fn a_rewrite_that_fails_gives_its_room_back() {
    for calls in 0.. {
        let folder = scratch();
        let fuse = Fuse::new(calls, || Err(ErrorKind::StorageFull.into()));
        let Ok(mut state) = fuse.open(folder.path()) else { continue };
        let result = (1..9).try_for_each(|epoch| state.commit(epoch, &Random(epoch).changes(200_000)));
        if !fuse.is_blown() {
            return;
        }
        let left = names(folder.path());
        let draft = left.iter().any(|name| Path::new(name).extension().is_some_and(|end| end == "tmp"));
        assert!(!draft, "after {calls} calls: {result:?}, {left:?}");
    }
}

#[test]
fn rewrites_are_counted_and_so_are_those_that_fail() {
    let folder = scratch();
    let registry = Registry::new();
    let metrics = StateMetrics::register(&registry).unwrap();
    let by = ByOperation { backend: Backend::Disk, operation: Operation::Rewrite };
    let mut state = DiskState::open(folder.path()).unwrap().measured(metrics.clone());
    for epoch in 1..=30 {
        state.commit(epoch, &Random(epoch).changes(100_000)).unwrap();
    }
    let files = file(folder.path()).file_stem().and_then(|name| u64::from_str_radix(name.to_str()?, 16).ok());
    let rewrites = files.unwrap() - 1;
    assert!(rewrites > 3);
    assert_eq!(metrics.operations_total.handle(&by).get(), rewrites);
    assert_eq!(metrics.failures_total.handle(&by).get(), 0);
    // Nothing can take the place of a folder that is not empty.
    let next = folder.path().join(format!("{:016x}.epochs", rewrites + 2));
    fs::create_dir_all(next.join("in the way")).unwrap();
    let failed = (31..90).any(|epoch| state.commit(epoch, &Random(epoch).changes(100_000)).is_err());
    assert!(failed);
    assert_eq!(metrics.failures_total.handle(&by).get(), 1);
}

/// Whatever ended in `.tmp` was taken for a rewrite that had died.
#[test]
fn files_of_others_are_left_alone() {
    let folder = scratch();
    let mut state = DiskState::open(folder.path()).unwrap();
    state.commit(1, &Random(2).changes(100)).unwrap();
    let want = rows(&mut state);
    drop(state);
    let others =
        ["+000000000000001.epochs", "00000000000000FF.epochs", "1.epochs", "0000000000000009.tmp.gz", "notes.tmp"];
    for name in others {
        fs::write(folder.path().join(name), "of somebody else").unwrap();
    }
    let mut state = DiskState::open(folder.path()).unwrap();
    assert!(rows(&mut state) == want);
    let left = names(folder.path());
    assert!(others.iter().all(|name| left.iter().any(|other| other == name)), "{left:?}");
}

#[test]
fn a_file_that_none_can_follow_is_refused_by_name() {
    let folder = scratch();
    drop(DiskState::open(folder.path()).unwrap());
    fs::rename(file(folder.path()), folder.path().join("ffffffffffffffff.epochs")).unwrap();
    let told = DiskState::open(folder.path()).expect_err("it is refused").to_string();
    assert!(told.contains("ffffffffffffffff.epochs, byte 0: no other file can follow it"), "{told}");
}
