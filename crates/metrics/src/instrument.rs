//! What the registry needs to know of an instrument.

use crate::desc::Kind;
use crate::histogram::Bounds;
use crate::label::Label;
use crate::snapshot::{Series, Value};

/// Keeps [`Instrument`] to the types of this crate: how they store their numbers is going to
/// change, and a foreign one could break what a scrape promises.
pub trait Sealed {}

/// Anything a registry can hold: a [`Counter`](crate::Counter), a [`Gauge`](crate::Gauge), a
/// [`Histogram`], or a [`Family`] of one of them.
///
/// [`Histogram`]: crate::Histogram
/// [`Family`]: crate::Family
pub trait Instrument: Sealed + Clone + Send + Sync + 'static {
    /// The kind of metric on the wire.
    const KIND: Kind;

    /// The labels of its series, in the order they are written.
    const LABELS: &'static [Label];

    /// A new one, at zero. Only histograms look at `bounds`.
    #[doc(hidden)]
    fn build(bounds: Option<&Bounds>) -> Self;

    /// Its series now, in a stable order.
    #[doc(hidden)]
    fn collect(&self) -> Vec<Series>;
}

/// An instrument that is a single series, and so can be a member of a [`Family`](crate::Family).
pub trait Unlabelled: Instrument {
    /// Its value now.
    #[doc(hidden)]
    fn read(&self) -> Value;
}
