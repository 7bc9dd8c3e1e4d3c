//! What a page has to say of a snapshot, written to be obviously right and not to be fast.

use std::collections::BTreeMap;

use streamgauge_metrics::encode::{Format, Protocol};
use streamgauge_metrics::snapshot::{FamilySnapshot, HistogramSnapshot, Series, Value};
use streamgauge_metrics::{Desc, Kind, Snapshot, SummarySnapshot, Taken};

use crate::page::{Exemplar, Family, Native, Sample};

/// The families of a snapshot that are not `dropped`, as a format tells them.
pub(crate) fn families(snapshot: &Snapshot, format: Format, dropped: &[String]) -> Vec<Family> {
    let kept = snapshot.families().iter().filter(|family| !dropped.iter().any(|name| name == family.desc().name()));
    kept.map(|family| told(family, format)).collect()
}

fn is_open_metrics(format: Format) -> bool {
    matches!(format.protocol(), Protocol::OpenMetrics001 | Protocol::OpenMetrics100)
}

fn told(family: &FamilySnapshot, format: Format) -> Family {
    let desc = family.desc();
    let name = format.escaping().escape(desc.name()).into_owned();
    let samples = family.series().flat_map(|series| samples(&name, &series, format)).collect();
    let (name, kind) = if is_open_metrics(format) {
        (stem(desc, &name).to_owned(), desc.kind().as_str())
    } else {
        (name, if matches!(desc.kind(), Kind::Info | Kind::StateSet) { "gauge" } else { desc.kind().as_str() })
    };
    let has_unit = !matches!(format.protocol(), Protocol::Text004 | Protocol::Text100)
        && !matches!(desc.kind(), Kind::Info | Kind::StateSet);
    let unit = desc.unit().filter(|_| has_unit);
    let unit = unit.filter(|unit| stem(desc, &name).ends_with(&format!("_{unit}"))).map(str::to_owned);
    let of = |series: Series<'_>| native(&series, format);
    let natives = match format.protocol() {
        Protocol::Protobuf => family.series().filter_map(of).collect(),
        _ => Vec::new(),
    };
    let began = |series: Series<'_>| series.started_at().map(|at| u64::try_from(at.as_millis()).unwrap());
    let created = match format.protocol() {
        Protocol::Protobuf => family.series().filter_map(began).collect(),
        _ => Vec::new(),
    };
    Family { name, kind: kind.to_owned(), help: desc.help().to_owned(), unit, samples, natives, created }
}

fn stem<'a>(desc: &Desc, name: &'a str) -> &'a str {
    match desc.kind() {
        Kind::Counter => name.strip_suffix("_total").unwrap_or(name),
        Kind::Info => name.strip_suffix("_info").unwrap_or(name),
        _ => name,
    }
}

fn samples(name: &str, series: &Series<'_>, format: Format) -> Vec<Sample> {
    let labels = labels(series, format);
    let sample = |ending: &str, value: f64| Sample {
        name: format!("{name}{ending}"),
        labels: labels.clone(),
        value: value.into(),
        exemplar: None,
    };
    let has_exemplars = !matches!(format.protocol(), Protocol::Text004 | Protocol::Text100);
    let exemplars: Vec<_> = series.exemplars().filter(|_| has_exemplars).map(exemplar).collect();
    let counted = |value| vec![Sample { exemplar: exemplars.first().cloned(), ..sample("", value) }];
    match series.value() {
        Value::Counter(total) => counted(*total as f64),
        Value::FloatCounter(value) | Value::Gauge(value) => counted(*value),
        Value::Histogram(histogram) => histogram_samples(histogram, format, &exemplars, sample),
        Value::Summary(summary) => summary_samples(summary, format, sample),
    }
}

fn labels(series: &Series<'_>, format: Format) -> BTreeMap<String, String> {
    let escaped = |name| format.escaping().escape(name).into_owned();
    series.labels().map(|(name, value)| (escaped(name), value.into_owned())).collect()
}

fn exemplar(taken: &Taken) -> Exemplar {
    let labels = taken.labels().map(|(name, value)| (name.to_owned(), value.into_owned())).collect();
    Exemplar { labels, value: taken.value().into(), millis: u64::try_from(taken.at().as_millis()).unwrap() }
}

fn native(series: &Series<'_>, format: Format) -> Option<Native> {
    let Value::Histogram(histogram) = series.value() else { return None };
    let native = histogram.native()?;
    let side = |side: &[(i32, u64)]| side.iter().map(|(index, count)| (i64::from(*index), *count)).collect();
    Some(Native {
        labels: labels(series, format),
        schema: native.schema().into(),
        zero_threshold: native.zero_threshold().into(),
        zero_count: native.zero_count(),
        positive: side(native.positive()),
        negative: side(native.negative()),
        exemplars: series.exemplars().map(exemplar).collect(),
    })
}

fn histogram_samples(
    of: &HistogramSnapshot<'_>,
    format: Format,
    exemplars: &[Exemplar],
    sample: impl Fn(&str, f64) -> Sample,
) -> Vec<Sample> {
    let bounds = of.bounds().as_slice();
    let mut all = Vec::new();
    for (i, bound) in bounds.iter().copied().chain([f64::INFINITY]).enumerate() {
        let below: u64 = of.buckets()[..=i].iter().sum();
        let lower = if i == 0 { f64::NEG_INFINITY } else { bounds[i - 1] };
        let inside = |value: f64| value <= bound && (value > lower || i == 0);
        let exemplar = exemplars.iter().find(|exemplar| inside(exemplar.value.float())).cloned();
        all.push(Sample { exemplar, ..sample("_bucket", below as f64).with("le", &bound.to_string()) });
    }
    // In protobuf, what is no number has to be in the sum if native buckets are to be believed.
    let is_protobuf = format.protocol() == Protocol::Protobuf;
    let has_nan = of.native().is_some_and(|native| is_protobuf && native.count() < of.count());
    let sum = if has_nan { f64::NAN } else { of.sum() };
    let falls = bounds[0] < 0.0 || of.sum().is_nan() || of.sum() < 0.0;
    if !(is_open_metrics(format) && falls) {
        all.push(sample("_sum", sum));
        all.push(sample("_count", of.count() as f64));
    }
    all
}

fn summary_samples(of: &SummarySnapshot<'_>, format: Format, sample: impl Fn(&str, f64) -> Sample) -> Vec<Sample> {
    let quantiles =
        of.quantiles().iter().filter(|(_, value)| !is_open_metrics(format) || value.is_nan() || *value >= 0.0);
    let mut all: Vec<_> =
        quantiles.map(|(part, value)| sample("", *value).with("quantile", &part.to_string())).collect();
    if !is_open_metrics(format) || of.sum() >= 0.0 {
        all.push(sample("_sum", of.sum()));
    }
    all.push(sample("_count", of.count() as f64));
    all
}

/// Makes two pages alike in what does not matter: the order of families and samples, and how the
/// bounds of buckets and quantiles are spelled.
pub(crate) fn in_order(mut families: Vec<Family>) -> Vec<Family> {
    for family in &mut families {
        for sample in &mut family.samples {
            for (_, bound) in sample.labels.iter_mut().filter(|(name, _)| ["le", "quantile"].contains(&name.as_str())) {
                *bound = bound.parse::<f64>().unwrap().to_string();
            }
        }
        family.samples.sort();
    }
    families.sort_by(|a, b| a.name.cmp(&b.name));
    families
}
