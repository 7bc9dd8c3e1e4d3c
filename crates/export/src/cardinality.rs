//! Who fills the registry, for people: as JSON, and once a minute in the log if there is something to say.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use streamgauge_metrics::{CardinalityLevel, CardinalityReport, LabelCardinality, MetricCardinality, Registry};
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

/// How often the log is told.
const EVERY: Duration = Duration::from_mins(1);

/// A report as JSON, as it is at `/api/cardinality`.
pub(crate) fn json(report: &CardinalityReport) -> Value {
    json!({
        "series": report.series,
        "limit": report.limit,
        "level": report.level.to_string(),
        "metrics": report.metrics.iter().map(metric).collect::<Vec<_>>(),
    })
}

fn metric(metric: &MetricCardinality) -> Value {
    json!({
        "name": metric.name,
        "series": metric.series,
        "limit": metric.limit,
        "level": metric.level.to_string(),
        "folded_series": metric.folded,
        "refused": metric.refused,
        "declared_at": metric.declared_at,
        "looked_up_at": metric.looked_up_at,
        "labels": metric.labels.iter().map(label).collect::<Vec<_>>(),
    })
}

fn label(label: &LabelCardinality) -> Value {
    json!({
        "name": label.name,
        "values": label.values,
        "folded": label.is_folded,
        "samples": label.samples,
    })
}

/// Tells the log once a minute, as warnings, which metrics came near to a limit since, and which refused something.
/// It does not end; [`Server`](crate::Server) has it running, other programs spawn it.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
/// # let _guard = runtime.enter();
/// use streamgauge_export::watch_cardinality;
/// use streamgauge_metrics::Registry;
///
/// tokio::spawn(watch_cardinality(Registry::new()));
/// # Ok::<(), std::io::Error>(())
/// ```
pub async fn watch_cardinality(registry: Registry) {
    let (mut ticks, mut told) = (interval(EVERY), Told::default());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // Counting the values of ten thousand series takes longer than this thread may be busy.
        let registry = registry.clone();
        if let Ok(report) = tokio::task::spawn_blocking(move || registry.report()).await {
            told.news(&report).for_each(|news| warn!("{news}"));
        }
    }
}

/// What the log was told of each metric last: its level, and how often it had refused something.
#[derive(Default)]
struct Told(HashMap<String, (CardinalityLevel, u64)>);

impl Told {
    fn news<'a>(&mut self, report: &'a CardinalityReport) -> impl Iterator<Item = &'a MetricCardinality> {
        report.metrics.iter().filter(|metric| {
            let now = (metric.level, metric.refused);
            let before = self.0.insert(metric.name.clone(), now).unwrap_or_default();
            now.0 > before.0 || now.1 > before.1
        })
    }
}

#[cfg(test)]
mod tests {
    use streamgauge_metrics::{Counter, Desc, Family, Limits, Options, Registry};

    use super::{Told, json};

    fn full() -> (Registry, Family<Counter>) {
        let limits = Limits { max_series_per_metric: 10, ..Limits::default() };
        let registry = Registry::with_options(Options { limits, ..Options::default() }).unwrap();
        let desc = Desc::of::<Family<Counter>>("sent_total", "Sent.").with_labels(["topic"]);
        let sent = registry.register(desc).unwrap();
        (registry, sent)
    }

    fn count(sent: &Family<Counter>, topics: std::ops::Range<u32>) {
        topics.for_each(|topic| sent.get_or_create(&[("topic", format!("topic-{topic}").as_str())]).inc());
    }

    #[test]
    fn what_was_told_is_told_again_only_if_there_is_more_of_it() {
        let (registry, sent) = full();
        let mut told = Told::default();
        let mut news = || told.news(&registry.report()).map(ToString::to_string).collect::<Vec<_>>();
        count(&sent, 0..3);
        assert_eq!(news(), Vec::<String>::new());
        count(&sent, 0..8);
        assert!(news()[0].starts_with("metric `sent_total` is warning: 8 of 10 series"));
        assert_eq!(news(), Vec::<String>::new());
        count(&sent, 0..2_000);
        let line = news().concat();
        assert!(line.contains("is full: 10 of 10 series, 1990 refused; label `topic` has about "), "{line}");
        assert!(line.contains("such as [\"topic-10\", \"topic-11\""), "{line}");
        assert!(line.contains("declared at ") && line.contains(", looked up at "), "{line}");
        assert_eq!(news(), Vec::<String>::new());
        count(&sent, 2_000..2_001);
        assert_eq!(news().len(), 1);
    }

    #[test]
    fn the_report_as_json_names_metric_label_estimate_samples_and_place() {
        let (registry, sent) = full();
        count(&sent, 0..100);
        let report = json(&registry.report());
        let metric = &report["metrics"][0];
        assert_eq!(metric["name"], "sent_total");
        assert_eq!((&metric["level"], &metric["refused"]), (&"full".into(), &90.into()));
        let label = &metric["labels"][0];
        assert_eq!((&label["name"], &label["folded"]), (&"topic".into(), &true.into()));
        assert!(label["values"].as_u64().unwrap().abs_diff(100) <= 3);
        assert_eq!(label["samples"][0], "topic-10");
        assert!(metric["looked_up_at"].as_str().unwrap().contains("cardinality.rs:"));
    }
}
