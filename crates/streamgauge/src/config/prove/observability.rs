//! What the service shows of itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use streamgauge_export::check_web_config;
use streamgauge_metrics::Limits;
use streamgauge_metrics::histogram::bounds_fault;
use streamgauge_yaml::Faults;

use super::super::Reported;
use super::super::scalar::number;
use super::super::value::Value;
use super::super::{Prometheus, Service};
use crate::metrics;

pub(super) fn service(root: &Value) -> Option<Service> {
    let service = root.at("observability.service")?;
    let text = |name| service.get(name)?.text().map(str::to_owned);
    Some(Service {
        name: text("name")?,
        version: text("version")?,
        environment: text("environment")?,
        instance_id: text("instance_id")?,
    })
}

pub(super) fn prometheus(root: &Value, faults: &mut Faults) -> Result<Option<Prometheus>, Reported> {
    let prometheus = root.at("observability.prometheus").ok_or(Reported)?;
    // Where nothing is served, a host name need not be known.
    if prometheus.says("enabled", "false") {
        return Ok(None);
    }
    let limits = limits(root).ok_or(Reported)?;
    endpoint(prometheus, limits, faults).map(Some).ok_or(Reported)
}

fn limits(root: &Value) -> Option<Limits> {
    let (registry, cardinality) =
        (root.at("observability.prometheus.registry")?, root.at("observability.cardinality")?);
    // Two names of one limit; if both are given they are equal.
    let total = cardinality.get("max_total_series").filter(|total| total.is_given());
    let denied = cardinality.get("high_cardinality_labels")?.items()?;
    Some(Limits {
        max_series: total.or(registry.get("max_cardinality"))?.text()?.parse().ok()?,
        max_series_per_metric: cardinality.parse("max_series_per_metric")?,
        warning: cardinality.parse("warning_threshold")?,
        critical: cardinality.parse("critical_threshold")?,
        max_labels: registry.parse("max_labels_per_metric")?,
        max_value_chars: registry.parse("max_label_value_length")?,
        denied_labels: denied.iter().filter_map(|label| label.text().map(str::to_owned)).collect(),
    })
}

fn endpoint(prometheus: &Value, limits: Limits, faults: &mut Faults) -> Option<Prometheus> {
    let address = address(prometheus, faults);
    let path = path(prometheus.at("endpoint.path")?, faults);
    let web_config_file = prometheus.at("endpoint.web_config_file").map(|value| web_config_file(value, faults));
    let mut bounds = |name: &str| match prometheus.at(&format!("histograms.{name}")) {
        None => Ok(None),
        Some(value) => buckets(value, faults).map(Some).ok_or(Reported),
    };
    let latency = bounds("latency_ms_buckets");
    let size = bounds("size_bytes_buckets");
    let throughput = bounds("throughput_buckets");
    let per_metric = per_metric(prometheus.at("histograms.per_metric")?, faults);
    let native = native(prometheus.at("histograms.native")?, faults);
    Some(Prometheus {
        address: address?,
        path: path?,
        web_config_file: web_config_file.flatten(),
        latency_ms_buckets: latency.ok()?,
        size_bytes_buckets: size.ok()?,
        throughput_buckets: throughput.ok()?,
        per_metric_buckets: per_metric?,
        native_histograms: native?,
        limits,
    })
}

fn address(prometheus: &Value, faults: &mut Faults) -> Option<SocketAddr> {
    let host = prometheus.at("endpoint.host")?;
    let port: u16 = prometheus.parse("endpoint.port")?;
    let text = host.text()?;
    let found = (text, port).to_socket_addrs().ok().and_then(|mut all| all.next());
    if found.is_none() {
        let what = format!(
            "\"{text}\" is neither an IP address nor a host name that is known here; expected for example 0.0.0.0 or 127.0.0.1"
        );
        faults.push(host.fault(what));
    }
    found
}

fn path(value: &Value, faults: &mut Faults) -> Option<String> {
    let text = value.text()?;
    let plain = text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic() && !"?#%".contains(c));
    if !plain {
        faults.push(value.fault(format!("\"{text}\" is not a plain path; expected for example /metrics")));
    } else if matches!(text, "/" | "/health" | "/ready" | "/api/cardinality" | "/api/live" | "/api/config") {
        faults.push(value.fault(format!("{text} is served already; expected another path such as /metrics")));
    }
    Some(text.to_owned())
}

/// The file, judged with all that it names.
fn web_config_file(value: &Value, faults: &mut Faults) -> Option<PathBuf> {
    let path = PathBuf::from(value.text()?);
    if let Err(found) = check_web_config(&path) {
        found.to_string().lines().for_each(|fault| faults.push(value.fault(fault)));
    }
    Some(path)
}

/// Names of histograms that this binary has.
fn native(value: &Value, faults: &mut Faults) -> Option<BTreeSet<String>> {
    let names: Vec<_> = value.items()?.iter().map(|one| Some((one, one.text()?))).collect();
    for (place, name) in names.iter().flatten().filter(|(_, name)| !is_histogram(name)) {
        faults.push(place.fault(format!("\"{name}\" is no histogram; expected one of {}", histograms().join(", "))));
    }
    names.into_iter().map(|named| named.map(|(_, name)| name.to_owned())).collect()
}

fn is_histogram(name: &str) -> bool {
    histograms().iter().any(|known| known == name)
}

/// The names of all histograms of this binary.
fn histograms() -> Vec<String> {
    let all = metrics::describe();
    all.iter().filter(|desc| desc.buckets().is_some()).map(|desc| desc.name().to_owned()).collect()
}

/// Bounds by the name of a histogram that this binary has.
fn per_metric(value: &Value, faults: &mut Faults) -> Option<BTreeMap<String, Vec<f64>>> {
    let single = |(name, bounds): &(String, Value)| {
        if !is_histogram(name) {
            faults.push(bounds.fault(format!("is no histogram; expected one of {}", histograms().join(", "))));
        }
        Some((name.clone(), buckets(bounds, faults)?))
    };
    // All of them, so that all faults are told.
    let read: Vec<_> = value.entries().iter().map(single).collect();
    read.into_iter().collect()
}

fn buckets(value: &Value, faults: &mut Faults) -> Option<Vec<f64>> {
    let items = value.items()?;
    let bounds = items.iter().map(|v| v.text().and_then(number)).collect::<Option<Vec<f64>>>()?;
    if bounds.is_empty() {
        faults.push(value.fault("is empty; expected at least one upper bound"));
    } else if let Some(at) = bounds.windows(2).position(|pair| pair[0] >= pair[1]) {
        faults.push(items[at + 1].fault(format!(
            "{} does not come after {}; expected increasing bounds",
            items[at + 1],
            items[at]
        )));
    } else if let Some(fault) = bounds_fault(&bounds) {
        faults.push(value.fault(format!("is refused: {fault}")));
    }
    Some(bounds)
}

/// Settings that are fine each by itself but not together.
pub(super) fn contradictions(root: &Value, faults: &mut Faults) {
    let Some(observability) = root.get("observability") else {
        return;
    };
    let pair = |a: &str, b: &str| Some((observability.at(a)?, observability.at(b)?));
    let numbers = |a: &Value, b: &Value| number(a.text()?).zip(number(b.text()?));
    if let Some((total, registry)) = pair("cardinality.max_total_series", "prometheus.registry.max_cardinality")
        && total.is_given()
        && registry.is_given()
        && numbers(total, registry).is_some_and(|(a, b)| a.total_cmp(&b).is_ne())
    {
        faults.push(total.fault(format!("{total} contradicts {} {registry}; expected the same number", registry.path)));
    }
    if let Some((warning, critical)) = pair("cardinality.warning_threshold", "cardinality.critical_threshold")
        && numbers(warning, critical).is_some_and(|(a, b)| a >= b)
    {
        let at = if warning.is_given() { warning } else { critical };
        faults.push(at.fault(format!("the warning at {warning} would not come before the critical threshold at {critical}; expected warning_threshold to be smaller")));
    }
    if let Some((batch, queue)) =
        pair("opentelemetry.tracing.batch.max_export_batch_size", "opentelemetry.tracing.batch.max_queue_size")
        && numbers(batch, queue).is_some_and(|(a, b)| a > b)
    {
        let at = if batch.is_given() { batch } else { queue };
        faults.push(at.fault(format!("a batch of {batch} never fits a queue of {queue}; expected max_export_batch_size to be at most max_queue_size")));
    }
}
