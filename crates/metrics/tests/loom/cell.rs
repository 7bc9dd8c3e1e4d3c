//! The cells as they ship, but for a table of chunks and a thread's arena that loom knows of.

#[path = "../../src/cell/arena.rs"]
pub(crate) mod arena;
pub(crate) mod chunks;
#[path = "../../src/cell/pair.rs"]
pub(crate) mod pair;
#[path = "../../src/cell/ranges.rs"]
pub(crate) mod ranges;
#[path = "../../src/cell/store.rs"]
pub(crate) mod store;
mod thread;
#[path = "../../src/cell/totals.rs"]
pub(crate) mod totals;
#[path = "../../src/cell/update.rs"]
pub(crate) mod update;

pub(crate) use self::arena::{chunk_of, offset};
pub(crate) use self::ranges::{Pool, Range, Row, Shape};
pub(crate) use self::thread::{STORE, change};
pub(crate) use self::totals::Totals;
pub(crate) use self::update::Change;
