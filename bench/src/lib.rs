//! What the generator, the reference and the comparisons agree on.

pub mod calendar;
pub mod cost;
pub mod draw;
pub mod events;
