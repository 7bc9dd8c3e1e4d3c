//! What scrapes tell about themselves.

use std::time::Duration;

use axum::body::Bytes;
use streamgauge_metrics::encode::{Dropped, Fault, Protocol};
use streamgauge_metrics::{
    Counter, Family, Gauge, Histogram, LabelSet, LabelValue, Metrics, RegisterError, Registry, UpDownCounter,
};

use super::ScrapeError;

/// The metrics of the scrape endpoint. They are of the scrapes before the one that shows them.
///
/// ```
/// use streamgauge_export::ScrapeMetrics;
/// use streamgauge_metrics::Metrics;
///
/// assert_eq!(ScrapeMetrics::describe()[0].name(), "metrics_scrape_requests_total");
/// ```
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "metrics_scrape")]
pub struct ScrapeMetrics {
    /// Scrapes that were answered, by format and status.
    pub(super) requests_total: Family<Counter, Answered>,
    /// Scrapes that wait for their answer.
    pub(super) requests_in_flight: UpDownCounter,
    /// Time a scrape waited for its page, in milliseconds, by format; what is shared with others is in the time of each.
    #[metrics(buckets = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0], unit = "ms")]
    pub(super) duration_ms: Family<Histogram, InFormat>,
    /// Time to write a page and to compress it, in milliseconds, by format.
    #[metrics(buckets = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0], unit = "ms")]
    pub(super) render_duration_ms: Family<Histogram, InFormat>,
    /// Bytes of the last page, as it was sent, by format.
    #[metrics(unit = "bytes")]
    pub(super) body_bytes: Family<Gauge, InFormat>,
    /// Scrapes that got no page, by cause.
    pub(super) errors_total: Family<Counter, Because>,
    /// Families left out of pages that have no way to tell them, by reason.
    pub(super) dropped_families_total: Family<Counter, For>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
pub(super) struct Answered {
    pub(super) format: Protocol,
    pub(super) code: Code,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
pub(super) struct InFormat {
    pub(super) format: Protocol,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
pub(super) struct Because {
    pub(super) cause: ScrapeError,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
pub(super) struct For {
    pub(super) reason: Fault,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
pub(super) enum Code {
    #[label("200")]
    Ok,
    #[label("400")]
    BadRequest,
    #[label("500")]
    Failed,
    #[label("503")]
    Unavailable,
}

impl ScrapeMetrics {
    /// Registers them, with errors at 0 before there are any.
    pub(super) fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = Self::register(registry)?;
        for cause in ScrapeError::ALL {
            metrics.errors_total.get_or_create(&Because { cause });
        }
        Ok(metrics)
    }

    /// Notes what a scrape was answered with, and how long it waited.
    pub(super) fn note(&self, format: Protocol, waited: Duration, page: &Result<Bytes, ScrapeError>) {
        let code = page.as_ref().map_or_else(|error| error.code(), |_| Code::Ok);
        self.requests_total.get_or_create(&Answered { format, code }).inc();
        match page {
            Ok(page) => {
                self.duration_ms.get_or_create(&InFormat { format }).observe(millis(waited));
                self.body_bytes.get_or_create(&InFormat { format }).set(page.len() as f64);
            }
            Err(cause) => self.errors_total.get_or_create(&Because { cause: *cause }).inc(),
        }
    }

    /// Notes what was written for all who wait for it.
    pub(super) fn note_page(&self, format: Protocol, took: Duration, dropped: &[Dropped]) {
        self.render_duration_ms.get_or_create(&InFormat { format }).observe(millis(took));
        for family in dropped {
            self.dropped_families_total.get_or_create(&For { reason: family.fault }).inc();
        }
    }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

impl ScrapeError {
    const fn code(self) -> Code {
        match self {
            Self::BadQuery => Code::BadRequest,
            Self::Broken => Code::Failed,
            Self::TooSlow | Self::Busy => Code::Unavailable,
        }
    }
}
