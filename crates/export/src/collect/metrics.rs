//! What collectors bring, and what keeps them from it.

use std::time::Duration;

use streamgauge_metrics::{Counter, Family, Gauge, LabelSet, LabelValue, Metrics};

/// The metrics of the collectors of an endpoint. Unlike those of the scrapes, they are of the very scrape that shows them.
///
/// ```
/// use streamgauge_export::CollectorMetrics;
/// use streamgauge_metrics::Metrics;
///
/// assert_eq!(CollectorMetrics::describe()[0].name(), "metrics_collector_failures_total");
/// ```
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "metrics_collector")]
pub struct CollectorMetrics {
    /// Scrapes for which a collector brought nothing, by reason: it was late, failed, panicked, or is stuck since it was late.
    failures_total: Family<Counter, Failed>,
    /// Age of the value that a collector brought last, in seconds; NaN before the first.
    #[metrics(unit = "seconds")]
    age_seconds: Family<Gauge, Of>,
    /// How long the last run of a collector took or was waited for, in milliseconds.
    #[metrics(unit = "ms")]
    duration_ms: Family<Gauge, Of>,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Of {
    collector: String,
}

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Failed {
    collector: String,
    reason: Reason,
}

/// Why a collector brought nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
pub(super) enum Reason {
    Deadline,
    Error,
    Panic,
    Stuck,
}

impl Reason {
    const ALL: [Self; 4] = [Self::Deadline, Self::Error, Self::Panic, Self::Stuck];
}

impl CollectorMetrics {
    /// Notes what came of a run. Every reason shows, at 0 before it was one.
    pub(super) fn note(&self, collector: &str, took: Duration, failure: Option<Reason>) {
        for reason in Reason::ALL {
            let failed = Failed { collector: collector.to_owned(), reason };
            self.failures_total.get_or_create(&failed).inc_by(u64::from(failure == Some(reason)));
        }
        // A run that was not even begun says nothing of how long they take.
        if failure != Some(Reason::Stuck) {
            self.duration_ms.get_or_create(&of(collector)).set(took.as_secs_f64() * 1e3);
        }
    }

    pub(super) fn show_age(&self, collector: &str, age: Option<Duration>) {
        let age = age.map_or(f64::NAN, |age| age.as_secs_f64());
        self.age_seconds.get_or_create(&of(collector)).set(age);
    }
}

fn of(collector: &str) -> Of {
    Of { collector: collector.to_owned() }
}
