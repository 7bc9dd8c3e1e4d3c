//! Where the numbers are: each thread writes cells of its own, a reader adds them up.
//!
//! ```text
//!            thread 1      thread 2      past their end
//!           ┌ arena ──┐   ┌ arena ──┐   ┌ late ───┐
//!  range A  │  12     │   │   3     │   │         │  ──► 15
//!  range B  │   0     │   │  40     │   │   1     │  ──► 41
//!           └─────────┘   └─────────┘   └─────────┘
//! ```
//!
//! A series is a range of indices, the same in every arena. An update is a load, an addition and
//! a store by the only thread that writes there: no lock, no read-modify-write, no shared cache
//! line. Sums over threads are made when someone asks.

mod arena;
mod chunks;
pub(crate) mod pair;
mod ranges;
mod store;
mod thread;
pub(crate) mod totals;
mod update;

pub(crate) use self::arena::{chunk_of, offset};
pub(crate) use self::ranges::{Pool, Range, Row, Shape};
pub(crate) use self::thread::{STORE, change, change_in_row, record};
pub(crate) use self::totals::Totals;
pub(crate) use self::update::{Change, Update, WithNative};
