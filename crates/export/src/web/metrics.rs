//! What the web configuration tells about itself.

use streamgauge_metrics::{Counter, Family, Gauge, LabelSet, LabelValue, Metrics, RegisterError, Registry};

use super::guard::Refusal;

/// The metrics of a web configuration; they are there if a server has one.
///
/// ```
/// use streamgauge_export::WebMetrics;
/// use streamgauge_metrics::Metrics;
///
/// assert_eq!(WebMetrics::describe()[0].name(), "metrics_web_config_reloads_total");
/// ```
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "metrics_web")]
pub struct WebMetrics {
    /// Changes of the web configuration or of a file it names, by result; after a failure what was in force stays so.
    config_reloads_total: Family<Counter, To>,
    /// Whether the web configuration in force is what the files say, 1 or 0.
    config_last_reload_successful: Gauge,
    /// Requests that were refused before anything was looked up, by reason.
    requests_refused_total: Family<Counter, Because>,
    /// Connections that never became TLS: no handshake, none in time, or no certificate that was asked for.
    handshakes_failed_total: Counter,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct To {
    result: Reload,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
struct Because {
    reason: Refusal,
}

/// How a reload ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, LabelValue)]
pub(super) enum Reload {
    Success,
    Failure,
}

impl WebMetrics {
    /// Registers them, with everything at 0 before there is any.
    pub(super) fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = Self::register(registry)?;
        for result in [Reload::Success, Reload::Failure] {
            metrics.config_reloads_total.get_or_create(&To { result });
        }
        for reason in Refusal::ALL {
            metrics.requests_refused_total.get_or_create(&Because { reason });
        }
        metrics.config_last_reload_successful.set(1.0);
        Ok(metrics)
    }

    pub(super) fn note_reload(&self, result: Reload) {
        self.config_reloads_total.get_or_create(&To { result }).inc();
        self.config_last_reload_successful.set(if result == Reload::Success { 1.0 } else { 0.0 });
    }

    pub(super) fn note_refusal(&self, reason: Refusal) {
        self.requests_refused_total.get_or_create(&Because { reason }).inc();
    }

    pub(super) fn note_failed_handshake(&self) {
        self.handshakes_failed_total.inc();
    }
}
