//! What the generator, the reference and the comparison agree on.

pub mod calendar;
pub mod draw;
pub mod events;
