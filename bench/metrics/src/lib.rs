//! The same work for our metrics crate and for its rivals, one file a crate.
//!
//! `metrics-bench` runs a process of its own per crate and round, in turn, and prints the medians.

pub mod contender;
#[cfg(feature = "ours")]
pub mod endpoint;
#[cfg(feature = "ours")]
pub mod facts;
pub mod heap;
pub mod input;
#[cfg(feature = "ours")]
pub mod ours;
pub mod page;
pub mod report;
pub mod rivals;
pub mod row;
pub mod sheet;
pub mod snapshot;
