//! A series of a summary as it ships, but for the time and for where threads keep what they have.

#[path = "../../src/summary/digest.rs"]
mod digest;
#[path = "../../src/summary/points.rs"]
mod points;
#[path = "../../src/summary/series.rs"]
mod series;
mod setup;
#[path = "../../src/summary/snapshot.rs"]
mod snapshot;
#[path = "../../src/summary/strand.rs"]
mod strand;
mod thread;
mod times;
#[path = "../../src/summary/window.rs"]
mod window;

pub(crate) use self::series::Series;
pub(crate) use self::setup::Setup;
pub(crate) use self::snapshot::SummarySnapshot;
pub(crate) use self::strand::Observed;

use self::strand::Strand;
use crate::sync::Arc;

/// What a thread of a model has of a series, which it gives back when it is done.
pub(crate) struct Own<'a> {
    series: &'a Series,
    id: u64,
    strand: Arc<Strand>,
}

impl<'a> Own<'a> {
    pub(crate) fn of(series: &'a Series) -> Self {
        Self { series, id: series.key().1, strand: series.join() }
    }

    /// As a thread finds what it has: none of it, if the series has begun anew.
    pub(crate) fn find_again(&mut self) {
        if self.series.key().1 != self.id {
            *self = Self::of(self.series);
        }
    }

    pub(crate) fn observe(&self, value: f64) {
        self.series.observe_in(&self.strand, value);
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.strand.leave();
    }
}
