//! How the numbers of a metric are laid out.

use crate::cell::{Pool, Shape};
use crate::clock::Clock;
use crate::histogram::Bounds;
use crate::summary::Setup;
use crate::sync::Arc;

/// How an instrument keeps its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// One cell that adds up integers.
    Integer,
    /// One cell that adds up floats.
    Float,
    /// No cell: one number that is set.
    Level,
    /// What went down, what went up.
    Pair,
    /// The sum, then the buckets.
    Buckets,
    /// No cell: values of its own.
    Quantiles,
    /// No cell: which of these states it is in.
    State(&'static [&'static str]),
}

/// One instrument of a series; most have just one.
#[derive(Clone, Debug)]
pub struct Part {
    pub(crate) storage: Storage,
    /// Its first cell, counted from the first of the series.
    pub(crate) first: u32,
    pub(crate) len: u32,
    pub(crate) bounds: Option<Bounds>,
}

/// What can be known of a metric before it has a series.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) parts: Box<[Part]>,
    pub(crate) shape: Shape,
    /// What the series of a summary have in common.
    pub(crate) setup: Option<Arc<Setup>>,
    /// After how long series are let go, in nanoseconds.
    pub(crate) expire_after: Option<u64>,
    pub(crate) clock: Clock,
}

impl Plan {
    /// Lays out instruments one behind the other.
    pub(crate) fn new(instruments: impl IntoIterator<Item = (Storage, Option<Bounds>)>) -> Self {
        let (mut parts, mut floats, mut first) = (Vec::new(), Vec::new(), 0);
        for (storage, bounds) in instruments {
            debug_assert!(storage != Storage::Buckets || bounds.is_some(), "a histogram has buckets");
            let len = storage.cells(bounds.as_ref());
            if matches!(storage, Storage::Float | Storage::Buckets) {
                floats.push(first);
            }
            parts.push(Part { storage, first, len, bounds });
            first += len;
        }
        let pool = pool_of(&parts);
        let setup = parts.iter().any(|part| part.storage == Storage::Quantiles).then(Setup::standard);
        let shape = Shape { pool, len: first, floats: floats.into() };
        Self { parts: parts.into(), shape, setup, expire_after: None, clock: Clock::default() }
    }

    /// The same for a summary that is set up otherwise.
    pub(crate) fn with_setup(self, setup: Option<Arc<Setup>>) -> Self {
        Self { setup: setup.or(self.setup), ..self }
    }

    /// The same by another clock, with series that are let go when they were idle for long.
    pub(crate) fn with_clock(self, clock: Clock, expire_after: Option<u64>) -> Self {
        Self { expire_after, clock, ..self }
    }
}

fn pool_of(parts: &[Part]) -> Pool {
    match parts {
        [Part { storage: Storage::Pair, .. }] => Pool::Paired,
        [Part { storage: Storage::Buckets, .. }] | [] | [_, _, ..] => Pool::Recorded,
        [_] => Pool::Single,
    }
}

impl Storage {
    fn cells(self, bounds: Option<&Bounds>) -> u32 {
        match self {
            Self::Level | Self::State(_) | Self::Quantiles => 0,
            Self::Integer | Self::Float => 1,
            Self::Pair => 2,
            Self::Buckets => bounds.map_or(0, Bounds::cells),
        }
    }
}
