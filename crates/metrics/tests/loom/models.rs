//! What is modelled. Two cells a record unless a model says otherwise.

pub(crate) mod arenas;
pub(crate) mod counters;
pub(crate) mod expiry;
pub(crate) mod natives;
pub(crate) mod readers;
pub(crate) mod series;
pub(crate) mod snapshots;
pub(crate) mod summaries;
