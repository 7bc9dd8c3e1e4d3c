//! A state that lives no longer than its process: the plainest reading of the contract.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Change, Changes, Entry, Epoch, Epochs, Size, State, StateError};

/// A state in memory. Its clones are the same state, so that a test can let its holder die and open it again.
#[derive(Clone, Debug, Default)]
pub struct MemoryState {
    shared: Arc<Mutex<Shared>>,
    token: u64,
}

#[derive(Debug, Default)]
struct Shared {
    tables: BTreeMap<Vec<u8>, BTreeMap<u64, Vec<u8>>>,
    epochs: Epochs,
    staged: Changes,
    token: u64, // of the present holder
}

impl MemoryState {
    /// An empty state, held.
    pub fn new() -> Self {
        MemoryState::default().open()
    }

    /// Takes the same state over from whoever holds it.
    #[must_use]
    pub fn open(&self) -> Self {
        let shared = Arc::clone(&self.shared);
        let token = {
            let mut state = lock(&shared);
            state.token += 1;
            state.token
        };
        MemoryState { shared, token }
    }

    fn held(&self) -> Result<MutexGuard<'_, Shared>, StateError> {
        let shared = lock(&self.shared);
        if shared.token == self.token { Ok(shared) } else { Err(StateError::Fenced) }
    }
}

impl State for MemoryState {
    fn epochs(&self) -> Epochs {
        lock(&self.shared).epochs
    }

    fn load(&mut self, each: &mut dyn FnMut(Entry<'_>)) -> Result<(), StateError> {
        for (table, rows) in &self.held()?.tables {
            for (row, value) in rows {
                each(Entry { table, row: *row, value });
            }
        }
        Ok(())
    }

    fn stage(&mut self, epoch: Epoch, changes: &Changes) -> Result<(), StateError> {
        let mut shared = self.held()?;
        shared.epochs.may_stage(epoch)?;
        shared.staged = changes.clone();
        shared.epochs.staged = Some(epoch);
        Ok(())
    }

    fn promote(&mut self, epoch: Epoch) -> Result<(), StateError> {
        let mut shared = self.held()?;
        shared.epochs.may_decide(epoch)?;
        let staged = std::mem::take(&mut shared.staged);
        staged.iter().for_each(|change| shared.apply(change));
        shared.epochs = Epochs { promoted: epoch, staged: None };
        Ok(())
    }

    fn discard(&mut self, epoch: Epoch) -> Result<(), StateError> {
        let mut shared = self.held()?;
        shared.epochs.may_decide(epoch)?;
        shared.staged.clear();
        shared.epochs.staged = None;
        Ok(())
    }

    fn size(&self) -> Size {
        let shared = lock(&self.shared);
        let mut size = Size { tables: shared.tables.len() as u64, ..Size::default() };
        for (table, rows) in &shared.tables {
            size.rows += rows.len() as u64;
            size.live += rows.values().map(|value| (table.len() + size_of::<u64>() + value.len()) as u64).sum::<u64>();
        }
        size.stored = size.live;
        size
    }

    fn token(&self) -> u64 {
        self.token
    }
}

impl Shared {
    fn apply(&mut self, change: Change<'_>) {
        match change {
            Change::Put { table, row, value } => {
                self.tables.entry(table.to_vec()).or_default().insert(row, value.to_vec());
            }
            Change::Delete { table, row } => {
                if let Some(rows) = self.tables.get_mut(table) {
                    rows.remove(&row);
                    if rows.is_empty() {
                        self.tables.remove(table);
                    }
                }
            }
            Change::Drop { table } => {
                self.tables.remove(table);
            }
        }
    }
}

/// A holder that panicked left nothing half done but the order that it panicked in, which nobody was told had worked.
fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
