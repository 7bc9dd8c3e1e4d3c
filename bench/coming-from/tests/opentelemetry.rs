//! opentelemetry 0.33 and its SDK.

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics};
use opentelemetry_sdk::metrics::{InMemoryMetricExporter, Instrument, SdkMeterProvider, Stream};
use std::error::Error;

/// The sums of all counters, with how many labels each has.
fn sums(batches: &[ResourceMetrics]) -> Vec<(Vec<String>, u64)> {
    let metrics = batches.iter().flat_map(ResourceMetrics::scope_metrics).flat_map(ScopeMetrics::metrics);
    let points = metrics.filter_map(|metric| match metric.data() {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => Some(sum.data_points()),
        _ => None,
    });
    let told = points.flatten().map(|point| (point.attributes().map(text).collect(), point.value()));
    told.collect()
}

fn text(label: &KeyValue) -> String {
    format!("{}={}", label.key, label.value)
}

#[test]
fn it_is_used_as_the_guide_shows() -> Result<(), Box<dyn Error>> {
    // Expose; the exporter of a program sends OTLP.
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    // Declare.
    let meter = provider.meter("api");
    let requests = meter.u64_counter("api.requests").with_description("Requests, by status.").build();
    let duration = meter.f64_histogram("api.duration").with_unit("s").with_boundaries(vec![0.1, 1.0]).build();
    // Count, observe.
    requests.add(1, &[KeyValue::new("status", "ok")]);
    duration.record(0.25, &[]);
    // Test.
    provider.force_flush()?;
    let batches = exporter.get_finished_metrics()?;
    let mut metrics = batches[0].scope_metrics().flat_map(ScopeMetrics::metrics);
    assert_eq!(metrics.next().map(Metric::name), Some("api.requests"));
    provider.shutdown()?;
    assert_eq!(sums(&batches), [(vec!["status=ok".to_owned()], 1)]);
    Ok(())
}

#[test]
fn past_the_limit_all_labels_are_gone() -> Result<(), OTelSdkError> {
    let exporter = InMemoryMetricExporter::default();
    let few = |_: &Instrument| Stream::builder().with_cardinality_limit(3).build().ok();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).with_view(few).build();
    let requests = provider.meter("api").u64_counter("api.requests").build();
    for user in 0..10 {
        requests.add(1, &[KeyValue::new("status", "ok"), KeyValue::new("user", user)]);
    }
    provider.force_flush()?;
    let told = sums(&exporter.get_finished_metrics()?);
    let overflow: Vec<_> = told.iter().filter(|(labels, _)| labels.len() == 1).collect();
    assert_eq!(overflow, [&(vec!["otel.metric.overflow=true".to_owned()], 10 - (told.len() as u64 - 1))]);
    Ok(())
}

#[test]
fn a_name_that_is_none_makes_an_instrument_that_does_nothing() -> Result<(), OTelSdkError> {
    let exporter = InMemoryMetricExporter::default();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    provider.meter("api").u64_counter("requests of today").build().add(1, &[]);
    provider.force_flush()?;
    assert_eq!(sums(&exporter.get_finished_metrics()?), []);
    Ok(())
}
