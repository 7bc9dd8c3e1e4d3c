//! What scrapes cost, and what became of them.

use std::time::Duration;

use streamgauge_metrics::encode::Format;
use streamgauge_metrics::{Counter, Family, Gauge, Histogram, LabelSet, LabelValue, Metrics, UpDownCounter};

use crate::shared::ShareError;

/// The metrics of the scrape endpoint. They are of the scrapes before the one that shows them.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "metrics_scrape")]
pub struct ScrapeMetrics {
    /// Scrapes that were answered, by the format that was asked for and the status.
    pub requests_total: Family<Counter, ByAnswer>,
    /// Scrapes that wait for their answer.
    pub requests_in_flight: UpDownCounter,
    /// Time to gather the metrics, write and pack them, in milliseconds; what is shared with others is in the time of each.
    #[metrics(buckets = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 1000.0, 10_000.0], unit = "ms")]
    pub duration_ms: Family<Histogram, ByFormat>,
    /// Bytes of the last body, as it was sent.
    #[metrics(unit = "bytes")]
    pub body_bytes: Family<Gauge, ByFormat>,
}

/// A format, and what was answered.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByAnswer {
    /// Such as openmetrics.
    pub format: FormatName,
    /// Such as 200.
    pub code: Code,
}

/// A format.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByFormat {
    /// Such as openmetrics.
    pub format: FormatName,
}

/// A format, whatever its escaping.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FormatName {
    /// Text 0.0.4.
    Text,
    /// Text 1.0.0.
    Text1,
    /// `OpenMetrics` 1.0.
    #[label("openmetrics")]
    OpenMetrics,
    /// Prometheus protobuf.
    Protobuf,
}

/// The status of an answer.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The page.
    #[label("200")]
    Ok,
    /// Gathering has panicked.
    #[label("500")]
    Panicked,
    /// It took too long.
    #[label("503")]
    TooSlow,
}

impl ScrapeMetrics {
    /// Notes what a scrape was answered with: so many bytes, or why there were none.
    pub(super) fn note(&self, format: Format, took: Duration, answer: Result<usize, ShareError>) {
        let format = FormatName::of(format);
        let code = match answer {
            Ok(_) => Code::Ok,
            Err(ShareError::Panicked) => Code::Panicked,
            Err(ShareError::TooSlow) => Code::TooSlow,
        };
        self.requests_total.handle(&ByAnswer { format, code }).inc();
        if let Ok(bytes) = answer {
            self.duration_ms.handle(&ByFormat { format }).observe(took.as_secs_f64() * 1e3);
            self.body_bytes.handle(&ByFormat { format }).set(bytes as f64);
        }
    }
}

impl FormatName {
    fn of(format: Format) -> Self {
        match format {
            Format::Text => FormatName::Text,
            Format::Text1(_) => FormatName::Text1,
            Format::OpenMetrics(_) => FormatName::OpenMetrics,
            Format::Protobuf(_) => FormatName::Protobuf,
        }
    }
}
