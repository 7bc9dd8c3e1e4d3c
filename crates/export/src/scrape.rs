//! Answers scrapes: what is asked for, one gather and one page a format for all who ask at a time,
//! and never later than a deadline.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::HeaderMap;
use streamgauge_metrics::{LabelValue, Metrics, RegisterError, Registry};
use tracing::error;

use crate::collect::{Collecting, CollectorMetrics, Collectors};

mod ask;
mod compression;
mod metrics;
mod round;

use self::ask::Ask;
use self::round::{Gather, Rounds};

pub(crate) use self::ask::Writing;
pub use self::metrics::ScrapeMetrics;

/// Why there is no page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
pub(crate) enum ScrapeError {
    /// More is asked for by name than is looked for.
    #[label("query")]
    BadQuery,
    /// It takes longer than the deadline.
    #[label("deadline")]
    TooSlow,
    /// Too many gathers are under way, each for other names.
    #[label("busy")]
    Busy,
    /// It panicked, or could not be compressed.
    #[label("panic")]
    Broken,
}

#[derive(Clone)]
pub(crate) struct Scrape {
    rounds: Arc<Rounds>,
    metrics: ScrapeMetrics,
    deadline: Duration,
}

impl ScrapeError {
    const ALL: [Self; 4] = [Self::BadQuery, Self::TooSlow, Self::Busy, Self::Broken];
}

impl Scrape {
    pub(crate) fn new(registry: Registry, collectors: Collectors, deadline: Duration) -> Result<Self, RegisterError> {
        let metrics = ScrapeMetrics::new(&registry)?;
        let collecting = Collecting { collectors, metrics: CollectorMetrics::register(&registry)? };
        let gather = move |names: &ask::Names| registry.snapshot_of(|desc| names.want(desc));
        Ok(Self::with(Arc::new(gather), collecting, metrics, deadline))
    }

    fn with(gather: Arc<Gather>, collecting: Collecting, metrics: ScrapeMetrics, deadline: Duration) -> Self {
        Self { rounds: Arc::new(Rounds::new(gather, collecting, metrics.clone())), metrics, deadline }
    }

    /// The whole body of an answer, written as was negotiated.
    pub(crate) async fn page(&self, writing: Writing, headers: &HeaderMap, query: &str) -> Result<Bytes, ScrapeError> {
        let (since, _waits) = (Instant::now(), self.metrics.requests_in_flight.track());
        let page = match Ask::new(writing, headers, query) {
            Ok(ask) => self.in_time(&ask).await,
            Err(error) => Err(error),
        };
        self.metrics.note(writing.format.protocol(), since.elapsed(), &page);
        page
    }

    async fn in_time(&self, ask: &Ask) -> Result<Bytes, ScrapeError> {
        let deadline = ask.within.map_or(self.deadline, |within| within.min(self.deadline));
        // Half for collectors, the rest to gather and to write: the page comes whatever they do.
        let page = self.rounds.page(&ask.names, ask.writing, deadline / 2);
        tokio::time::timeout(deadline, page).await.unwrap_or_else(|_| {
            error!("a scrape takes longer than {deadline:?}");
            Err(ScrapeError::TooSlow)
        })
    }
}

#[cfg(test)]
mod tests;
