//! How long things took, as the caller measured it.

use std::fmt;

use crate::time::EventTime;

/// How long a batch took, for the latency histograms.
#[derive(Debug)]
pub struct Timing<'a> {
    /// From the batch's read to the end of its step, in milliseconds.
    pub processing_ms: f64,
    /// From an event to its completion.
    pub end_to_end: EndToEnd<'a>,
    /// The event time that is now: what the wall clock says, shifted for paced input.
    pub now: EventTime,
}

/// The end-to-end latency of the events of a batch, in milliseconds.
pub enum EndToEnd<'a> {
    /// The same for all: from read to emission.
    Same(f64),
    /// By event time, for a pipeline that [keeps the times](crate::Pipeline::keeping_times).
    Each(&'a dyn Fn(EventTime) -> f64),
}

impl fmt::Debug for EndToEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndToEnd::Same(latency) => f.debug_tuple("Same").field(latency).finish(),
            EndToEnd::Each(_) => f.write_str("Each(..)"),
        }
    }
}
