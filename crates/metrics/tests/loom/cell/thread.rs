//! The arena of a thread of a model, which keeps it.

use super::arena::Arena;
use super::store::Store;
use super::update::Change;
use crate::sync::{Forever, Ordering};

loom::lazy_static! {
    pub(crate) static ref STORE: Store = Store::new();
}

loom::thread_local! {
    static CURRENT: Forever<Arena> = STORE.adopt();
}

pub(crate) fn change(index: u32, change: Change, ordering: Ordering) -> bool {
    CURRENT.with(|arena| arena.change(index, change, ordering))
}
