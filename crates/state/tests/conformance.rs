//! What every backend promises, sentence by sentence of the contract. A backend is one more implementation of `Backend` here.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;

use streamgauge_flow::state::{Changes, Epoch, Epochs, MemoryState, State, StateError};
use streamgauge_state::DiskState;
use tempfile::TempDir;

/// A place where one state is kept.
trait Backend {
    /// Opens the state; nobody else has it.
    fn open(&self) -> Box<dyn State>;

    /// Opens it although another holder lives: as one would whose lease has run out, or whose lock was taken away.
    fn take_over(&self) -> Box<dyn State>;
}

struct Memory(MemoryState);

impl Backend for Memory {
    fn open(&self) -> Box<dyn State> {
        Box::new(self.0.open())
    }

    fn take_over(&self) -> Box<dyn State> {
        self.open()
    }
}

struct Disk(TempDir);

impl Backend for Disk {
    fn open(&self) -> Box<dyn State> {
        Box::new(DiskState::open(self.0.path()).unwrap())
    }

    fn take_over(&self) -> Box<dyn State> {
        fs::remove_file(self.0.path().join("LOCK")).unwrap();
        self.open()
    }
}

type Rows = BTreeMap<(Vec<u8>, u64), Vec<u8>>;

fn rows(state: &mut dyn State) -> Rows {
    let (mut rows, mut last) = (Rows::new(), None);
    let each = &mut |entry: streamgauge_flow::state::Entry<'_>| {
        let at = (entry.table.to_vec(), entry.row);
        assert!(last.as_ref() < Some(&at), "rows ascend by table, then row");
        last = Some(at.clone());
        rows.insert(at, entry.value.to_vec());
    };
    state.load(each).unwrap();
    rows
}

fn put(table: &str, row: u64, value: &[u8]) -> Changes {
    let mut changes = Changes::default();
    changes.put(table.as_bytes(), row, |to| to.extend_from_slice(value));
    changes
}

fn of(list: &[(&str, u64, &str)]) -> Rows {
    list.iter().map(|(table, row, value)| ((table.as_bytes().to_vec(), *row), value.as_bytes().to_vec())).collect()
}

fn out_of_order(result: Result<(), StateError>) -> (Epoch, Epochs) {
    match result {
        Err(StateError::OutOfOrder { asked, epochs }) => (asked, epochs),
        other => panic!("{other:?}"),
    }
}

/// A state begins empty, and each epoch changes what the one before has left.
fn epochs_build_on_each_other(backend: &dyn Backend) {
    let mut state = backend.open();
    assert_eq!(state.epochs(), Epochs::default());
    assert_eq!(rows(&mut *state), Rows::new());
    state.commit(1, &put("t", 7, b"seven")).unwrap();
    let mut second = put("t", 8, b"eight");
    second.put(b"t", 7, |to| to.extend_from_slice(b"new"));
    second.put(b"u", 1, |to| to.extend_from_slice(b"one"));
    state.commit(2, &second).unwrap();
    assert_eq!(rows(&mut *state), of(&[("t", 7, "new"), ("t", 8, "eight"), ("u", 1, "one")]));
    let mut third = Changes::default();
    third.delete(b"t", 8);
    third.delete(b"t", 999); // need not be there
    third.drop_table(b"u");
    third.drop_table(b"never");
    state.commit(3, &third).unwrap();
    state.commit(4, &Changes::default()).unwrap();
    drop(state);
    let mut state = backend.open();
    assert_eq!(state.epochs(), Epochs { promoted: 4, staged: None });
    assert_eq!(rows(&mut *state), of(&[("t", 7, "new")]));
}

/// Within an epoch the order counts.
fn changes_of_an_epoch_are_made_in_order(backend: &dyn Backend) {
    let mut state = backend.open();
    let mut changes = put("t", 1, b"gone");
    changes.drop_table(b"t");
    changes.put(b"t", 2, |to| to.extend_from_slice(b"kept"));
    changes.put(b"t", 3, |to| to.extend_from_slice(b"gone"));
    changes.delete(b"t", 3);
    state.commit(1, &changes).unwrap();
    assert_eq!(rows(&mut *state), of(&[("t", 2, "kept")]));
}

/// A staged epoch is read by nobody until it is promoted, and outlives its holder.
fn a_staged_epoch_waits_for_its_verdict(backend: &dyn Backend) {
    let mut state = backend.open();
    state.commit(1, &put("t", 1, b"one")).unwrap();
    state.stage(2, &put("t", 1, b"two")).unwrap();
    assert_eq!(state.epochs(), Epochs { promoted: 1, staged: Some(2) });
    assert_eq!(rows(&mut *state), of(&[("t", 1, "one")]));
    drop(state);
    let mut state = backend.open();
    assert_eq!(state.epochs(), Epochs { promoted: 1, staged: Some(2) });
    assert_eq!(rows(&mut *state), of(&[("t", 1, "one")]));
    state.promote(2).unwrap();
    assert_eq!(rows(&mut *state), of(&[("t", 1, "two")]));
    state.stage(3, &put("t", 1, b"three")).unwrap();
    drop(state);
    let mut state = backend.open();
    state.discard(3).unwrap();
    assert_eq!(state.epochs(), Epochs { promoted: 2, staged: None });
    drop(state);
    let mut state = backend.open();
    assert_eq!((state.epochs(), rows(&mut *state)), (Epochs { promoted: 2, staged: None }, of(&[("t", 1, "two")])));
    state.commit(3, &put("t", 1, b"another three")).unwrap();
    assert_eq!(rows(&mut *state), of(&[("t", 1, "another three")]));
}

/// Whoever asks for another epoch than the next is told so, and nothing happens.
fn epochs_come_in_order(backend: &dyn Backend) {
    let mut state = backend.open();
    let none = Epochs::default();
    assert_eq!(out_of_order(state.commit(2, &put("t", 1, b"x"))), (2, none));
    assert_eq!(out_of_order(state.stage(0, &put("t", 1, b"x"))), (0, none));
    assert_eq!(out_of_order(state.promote(1)), (1, none));
    assert_eq!(out_of_order(state.discard(1)), (1, none));
    state.stage(1, &put("t", 1, b"one")).unwrap();
    let staged = Epochs { promoted: 0, staged: Some(1) };
    assert_eq!(out_of_order(state.stage(2, &put("t", 1, b"x"))), (2, staged));
    assert_eq!(out_of_order(state.commit(1, &put("t", 1, b"x"))), (1, staged));
    assert_eq!(out_of_order(state.promote(2)), (2, staged));
    state.promote(1).unwrap();
    assert_eq!(rows(&mut *state), of(&[("t", 1, "one")]));
}

/// A holder from whom the state was taken over changes nothing any more.
fn whoever_opens_a_state_fences_the_one_before(backend: &dyn Backend) {
    let mut first = backend.open();
    first.commit(1, &put("t", 1, b"one")).unwrap();
    first.stage(2, &put("t", 1, b"two")).unwrap();
    let mut second = backend.take_over();
    assert!(second.token() > first.token());
    let fenced = |result: Result<(), StateError>| assert!(matches!(result, Err(StateError::Fenced)), "{result:?}");
    fenced(first.promote(2));
    fenced(first.discard(2));
    fenced(first.stage(3, &put("t", 1, b"x")));
    fenced(first.commit(3, &put("t", 1, b"x")));
    fenced(first.load(&mut |_| {}));
    second.promote(2).unwrap();
    second.commit(3, &put("t", 2, b"three")).unwrap();
    fenced(first.commit(4, &put("t", 1, b"x")));
    drop((first, second));
    let mut third = backend.open();
    assert_eq!(rows(&mut *third), of(&[("t", 1, "two"), ("t", 2, "three")]));
}

/// The token grows for ever.
fn tokens_grow(backend: &dyn Backend) {
    let tokens: Vec<u64> = (0..5).map(|_| backend.open().token()).collect();
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}

/// Names, numbers and values may be anything.
fn nothing_is_too_odd_to_be_kept(backend: &dyn Backend) {
    let long = vec![b'x'; Changes::LONGEST_NAME];
    let large: Vec<u8> = (0..9 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
    let odd: [(&[u8], u64, &[u8]); 6] = [
        (b"", 0, b""),
        (b"", u64::MAX, b"\0"),
        (b"\xff\0/\n", 1, b"value"),
        (&long, 2, b"long name"),
        (b"large", 3, &large),
        (b"large", 4, b""),
    ];
    let mut state = backend.open();
    let mut changes = Changes::default();
    for (table, row, value) in odd {
        changes.put(table, row, |to| to.extend_from_slice(value));
    }
    state.commit(1, &changes).unwrap();
    drop(state);
    let want: Rows = odd.iter().map(|(table, row, value)| ((table.to_vec(), *row), value.to_vec())).collect();
    let mut state = backend.open();
    assert!(rows(&mut *state) == want);
    let size = state.size();
    assert_eq!((size.rows, size.tables), (6, 4));
    let live: usize = odd.iter().map(|(table, _, value)| table.len() + 8 + value.len()).sum();
    assert_eq!(size.live, live as u64);
    assert!(size.stored >= size.live);
}

fn suite(backend: &dyn Fn() -> Box<dyn Backend>) {
    let sentences: [fn(&dyn Backend); 7] = [
        epochs_build_on_each_other,
        changes_of_an_epoch_are_made_in_order,
        a_staged_epoch_waits_for_its_verdict,
        epochs_come_in_order,
        whoever_opens_a_state_fences_the_one_before,
        tokens_grow,
        nothing_is_too_odd_to_be_kept,
    ];
    for sentence in sentences {
        sentence(&*backend());
    }
}

#[test]
fn a_state_in_memory_keeps_the_contract() {
    suite(&|| Box::new(Memory(MemoryState::new())));
}

#[test]
fn a_state_in_a_folder_keeps_the_contract() {
    suite(&|| Box::new(Disk(TempDir::new().unwrap())));
}
