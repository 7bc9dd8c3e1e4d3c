//! Who may open a state, and which.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use streamgauge_flow::state::{Changes, State, StateError};
use streamgauge_state::{DiskState, inspect};
use tempfile::TempDir;

use crate::rows::{file, rows};

fn refused(folder: &Path) -> StateError {
    DiskState::open(folder).expect_err("it is refused")
}

#[test]
fn a_second_holder_is_told_who_the_first_one_is() {
    let folder = TempDir::new().unwrap();
    let _first = DiskState::open(folder.path()).unwrap();
    let error = refused(folder.path());
    let pid = std::process::id();
    assert!(matches!(error, StateError::Held { by: Some(by) } if by == pid), "{error:?}");
    assert_eq!(error.to_string(), format!("process {pid} holds it; stop that one first"));
}

/// Whether somebody holds a state can only be learned by trying to lock it. Whoever opened it just then was told that it was
/// held, by a process that had long been gone.
#[test]
fn looking_at_a_state_keeps_nobody_from_opening_it() {
    let folder = TempDir::new().unwrap();
    drop(DiskState::open(folder.path()).unwrap());
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                inspect(folder.path(), &mut |_| {}).unwrap();
            }
        });
        let opened = (0..500).try_for_each(|_| DiskState::open(folder.path()).map(drop));
        done.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
}

#[test]
fn a_folder_that_cannot_be_written_is_told_by_name() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let told = refused(Path::new("/proc/self")).to_string();
    assert!(told.starts_with("cannot open /proc/self/LOCK; the folder must be writable: "), "{told}");
    for place in [folder.path().join("file/state"), "/proc/state".into()] {
        let told = refused(&place).to_string();
        assert!(told.starts_with(&format!("cannot create the folder {}", place.display())), "{told}");
    }
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    drop(DiskState::open(folder.path()).unwrap());
    let path = file(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(refused(folder.path()), StateError::Newer { found: 2, known: 1 }));
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

/// Written by the first version of the format. Whatever comes later reads it.
#[test]
fn a_state_of_the_first_format_is_read() {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1/000000000000002a.epochs");
    let folder = TempDir::new().unwrap();
    fs::copy(fixture, folder.path().join("000000000000002a.epochs")).unwrap();
    let mut state = DiskState::open(folder.path()).unwrap();
    assert_eq!((state.epochs().promoted, state.epochs().staged), (3, Some(4)));
    let found: Vec<_> = rows(&mut state).into_iter().collect();
    let want = [(("kept", 1), "one"), (("kept", 2), "two, again"), (("table", 7), "seven")];
    let want = want.map(|((table, row), value)| ((table.as_bytes().to_vec(), row), value.as_bytes().to_vec()));
    assert_eq!(found, want);
    state.promote(4).unwrap();
    assert_eq!(rows(&mut state).len(), 4);
    assert!(state.token() > 5, "the one who wrote it had token 5");
}

#[test]
fn leftovers_of_a_death_are_taken_away() {
    let folder = TempDir::new().unwrap();
    let mut state = DiskState::open(folder.path()).unwrap();
    let mut changes = Changes::default();
    changes.put(b"t", 1, |to| to.extend_from_slice(b"value"));
    state.commit(1, &changes).unwrap();
    drop(state);
    let at = |name: &str| folder.path().join(name);
    fs::write(at("0000000000000000.epochs"), "an old one").unwrap();
    fs::write(at("0000000000000002.tmp"), "half a new one").unwrap();
    fs::write(at("notes.txt"), "of somebody else").unwrap();
    let mut state = DiskState::open(folder.path()).unwrap();
    assert_eq!(rows(&mut state).len(), 1);
    assert!(!at("0000000000000000.epochs").exists() && !at("0000000000000002.tmp").exists());
    assert!(at("notes.txt").exists());
}

/// What was there to be rewritten was measured without what a row costs in a file: with short rows, a file that had just been
/// rewritten was worth rewriting again, after every epoch.
#[test]
fn short_rows_are_not_rewritten_with_every_epoch() {
    let folder = TempDir::new().unwrap();
    let mut state = DiskState::open(folder.path()).unwrap();
    let mut changes = Changes::default();
    (0..20_000).for_each(|row| changes.put(b"", row, |_| {}));
    state.commit(1, &changes).unwrap();
    let before = file(folder.path());
    for epoch in 2..=20 {
        let mut changes = Changes::default();
        changes.put(b"", epoch, |_| {});
        state.commit(epoch, &changes).unwrap();
    }
    assert_eq!(file(folder.path()), before);
}

#[test]
fn an_empty_folder_is_a_state_at_once() {
    let folder = TempDir::new().unwrap();
    let since = Instant::now();
    let state = DiskState::open(&folder.path().join("new")).unwrap();
    println!("opened in {:?}", since.elapsed());
    assert_eq!(state.epochs().promoted, 0);
}
