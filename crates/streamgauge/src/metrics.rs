//! Every metric of the binary: the sum of the groups that are declared beside the code that moves them.

use streamgauge_export::process::{ProcessMetrics, StandardMetrics};
use streamgauge_export::{CollectorMetrics, ScrapeMetrics, WebMetrics};
use streamgauge_flow::{ErrorType, LlmMetrics, PipelineMetrics};
use streamgauge_metrics::{Counter, Desc, Metrics, Native, Options, OptionsError, RegisterError, Registry};
use streamgauge_state::{CommitError, StateMetrics};

use crate::config::Prometheus;
use crate::stage::StageMetrics;
use crate::worker::Failure;

/// Failures of a run that are not the fault of an event.
#[derive(Clone, Debug)]
pub(crate) struct Failures {
    source: Counter,
    sink: Counter,
    state: Counter,
}

/// Every metric that this binary can export, sorted by name.
pub(crate) fn describe() -> Vec<Desc> {
    let mut all = Registry::new().describe(); // its own
    all.extend(PipelineMetrics::describe());
    all.extend(LlmMetrics::describe());
    all.extend(StageMetrics::describe());
    all.extend(StateMetrics::describe());
    all.extend(ProcessMetrics::describe());
    all.extend(StandardMetrics::describe());
    all.extend(ScrapeMetrics::describe());
    all.extend(CollectorMetrics::describe());
    all.extend(WebMetrics::describe());
    all.sort_by(|a, b| a.name().cmp(b.name()));
    all
}

/// An empty registry with the configured buckets and limits.
///
/// # Errors
/// If the buckets cannot be used.
pub(crate) fn registry(endpoint: Option<&Prometheus>) -> Result<Registry, OptionsError> {
    let Some(endpoint) = endpoint else { return Ok(Registry::new()) };
    Registry::with_options(Options {
        latency_ms: endpoint.latency_ms_buckets.clone(),
        size_bytes: endpoint.size_bytes_buckets.clone(),
        throughput: endpoint.throughput_buckets.clone(),
        per_metric: endpoint.per_metric_buckets.clone(),
        native: endpoint.native_histograms.iter().map(|name| (name.clone(), Native::default())).collect(),
        limits: endpoint.limits.clone(),
        ..Options::default()
    })
}

impl Failures {
    /// Finds the counters that the pipeline shares, so that all failures show as 0 from the start.
    ///
    /// # Errors
    /// If a metric of the same name but another declaration is there already.
    pub(crate) fn register(registry: &Registry) -> Result<Self, RegisterError> {
        let errors = PipelineMetrics::register(registry)?.errors_total;
        let of = |error_type| errors.handle(&ErrorType { error_type });
        Ok(Failures { source: of("source"), sink: of("sink"), state: of("state") })
    }

    /// What counts the failures of the source, for those that do not end the run.
    pub(crate) fn of_source(&self) -> Counter {
        self.source.clone()
    }

    /// Counts a failure under the part that failed.
    pub(crate) fn count(&self, failure: &Failure) {
        match failure {
            Failure::Source(_) | Failure::Header { .. } => self.source.inc(),
            Failure::Sink(_) | Failure::State(CommitError::Output(_)) => self.sink.inc(),
            Failure::State(_) => self.state.inc(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_described_can_be_registered_together() {
        let registry = registry(None).unwrap();
        Failures::register(&registry).unwrap();
        LlmMetrics::register(&registry).unwrap();
        StageMetrics::register(&registry).unwrap();
        StateMetrics::register(&registry).unwrap();
        ProcessMetrics::register(&registry).unwrap();
        StandardMetrics::register(&registry).unwrap();
        ScrapeMetrics::register(&registry).unwrap();
        CollectorMetrics::register(&registry).unwrap();
        WebMetrics::register(&registry).unwrap();
        let names = |all: &[Desc]| all.iter().map(|d| d.name().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&describe()), names(&registry.describe()));
    }

    #[test]
    fn failures_show_as_zero_before_there_are_any() {
        let registry = registry(None).unwrap();
        Failures::register(&registry).unwrap();
        let text = registry.render_prometheus();
        for kind in ["source", "sink", "state"] {
            let line = format!("stream_processor_errors_total{{error_type=\"{kind}\"}} 0\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
