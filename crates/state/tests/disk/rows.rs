//! What a state holds, as a map says, and random changes of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use streamgauge_flow::state::{Change, Changes, State, StateError};

/// What a state holds, as plainly as can be.
pub(crate) type Rows = BTreeMap<(Vec<u8>, u64), Vec<u8>>;

pub(crate) fn apply(rows: &mut Rows, changes: &Changes) {
    for change in changes.iter() {
        match change {
            Change::Put { table, row, value } => {
                rows.insert((table.to_vec(), row), value.to_vec());
            }
            Change::Delete { table, row } => {
                rows.remove(&(table.to_vec(), row));
            }
            Change::Drop { table } => rows.retain(|(other, _), _| other != table),
        }
    }
}

pub(crate) fn rows(state: &mut dyn State) -> Rows {
    try_rows(state).unwrap()
}

pub(crate) fn try_rows(state: &mut dyn State) -> Result<Rows, StateError> {
    let mut rows = Rows::new();
    state.load(&mut |entry| drop(rows.insert((entry.table.to_vec(), entry.row), entry.value.to_vec())))?;
    Ok(rows)
}

/// A fixed sequence for each seed.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    pub(crate) fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    /// An epoch's changes; values are large, so that files are soon worth rewriting.
    pub(crate) fn changes(&mut self, most_bytes: u64) -> Changes {
        let mut changes = Changes::default();
        for _ in 0..self.below(6) {
            let table = [self.below(4).to_le_bytes()[0]];
            let row = self.below(5);
            match self.below(10) {
                0 => changes.drop_table(&table),
                1 | 2 => changes.delete(&table, row),
                _ => {
                    let (length, byte) =
                        (self.index(usize::try_from(most_bytes).unwrap()), self.below(256).to_le_bytes()[0]);
                    changes.put(&table, row, |to| to.resize(to.len() + length, byte));
                }
            }
        }
        changes
    }
}

/// The one file that epochs are in.
pub(crate) fn file(folder: &Path) -> PathBuf {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths.filter(|path| path.extension().is_some_and(|e| e == "epochs")).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}
