//! What the generator, the reference and the comparisons agree on.

pub mod arguments;
pub mod calendar;
pub mod callgrind;
pub mod contender;
pub mod cost;
pub mod draw;
pub mod events;
pub mod instructions;
pub mod jobs;
pub mod leftovers;
pub mod names;
pub mod rows;
pub mod samples;
pub mod scrape;
pub mod stages;
