//! What a page says, whatever its format.

use std::collections::{BTreeMap, BTreeSet};

use streamgauge_metrics::Snapshot;
use streamgauge_metrics::encode::{self, Escaping, Format, Protocol};

use crate::{protobuf, text};

/// A metric of a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) help: String,
    pub(crate) unit: Option<String>,
    pub(crate) samples: Vec<Sample>,
    /// The native buckets of each series, in protobuf.
    pub(crate) natives: Vec<Native>,
    /// When each series began, in protobuf: milliseconds since 1970.
    pub(crate) created: Vec<u64>,
}

/// A sample; of a histogram in protobuf, one for each line that it would be as text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: Number,
    pub(crate) exemplar: Option<Exemplar>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exemplar {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) value: Number,
    pub(crate) millis: u64,
}

/// Native buckets, those that have something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Native {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) schema: i64,
    pub(crate) zero_threshold: Number,
    pub(crate) zero_count: u64,
    pub(crate) positive: Vec<(i64, u64)>,
    pub(crate) negative: Vec<(i64, u64)>,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// A float that is the same as another if the bits are, or if both are none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Number(u64);

impl Number {
    pub(crate) fn float(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self(if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() })
    }
}

impl std::fmt::Debug for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:e}", f64::from_bits(self.0))
    }
}

impl Sample {
    pub(crate) fn new(name: &str, labels: &[(&str, &str)], value: f64) -> Self {
        let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { name: name.to_owned(), labels, value: value.into(), exemplar: None }
    }

    pub(crate) fn with(self, label: &str, value: &str) -> Self {
        let mut labels = self.labels;
        assert!(labels.insert(label.to_owned(), value.to_owned()).is_none(), "the label {label} is there twice");
        Self { labels, ..self }
    }
}

/// Reads a page strictly; no family and no series may be there twice.
pub(crate) fn read(body: &[u8], format: Format) -> Vec<Family> {
    let text = || std::str::from_utf8(body).expect("a text page is UTF-8");
    let families = match format.protocol() {
        Protocol::Text004 | Protocol::Text100 => text::read(text()),
        Protocol::OpenMetrics001 | Protocol::OpenMetrics100 => text::read_open_metrics(text()),
        Protocol::Protobuf => protobuf::read(body),
    };
    if format.escaping() != Escaping::AllowUtf8 {
        let names = families.iter().flat_map(|family| family.samples.iter().map(|sample| &sample.name));
        let labels = families.iter().flat_map(|family| family.samples.iter().flat_map(|sample| sample.labels.keys()));
        let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(names.chain(labels).all(|name| plain(name)), "a name is not plain");
    }
    refuse_doubles(&families);
    families.iter().for_each(refuse_exemplars_of_other_buckets);
    families
}

/// No oracle looks for these either.
fn refuse_exemplars_of_other_buckets(family: &Family) {
    let mut lower = (BTreeMap::new(), f64::NEG_INFINITY);
    for sample in &family.samples {
        let mut series = sample.labels.clone();
        let Some(bound) = series.remove("le").filter(|_| sample.name.ends_with("_bucket")) else {
            assert!(sample.exemplar.is_none() || family.kind == "counter", "an exemplar of a {}", family.kind);
            continue;
        };
        let (bound, below) = (bound.parse().unwrap(), if lower.0 == series { lower.1 } else { f64::NEG_INFINITY });
        if let Some(exemplar) = &sample.exemplar {
            let value = exemplar.value.float();
            assert!(value <= bound && (value > below || below == f64::NEG_INFINITY), "{value} in ({below}, {bound}]");
            assert!(sample.value.float() > 0.0, "an exemplar of a bucket that is empty");
        }
        lower = (series, bound);
    }
}

/// No oracle looks for these.
fn refuse_doubles(families: &[Family]) {
    let names: BTreeSet<_> = families.iter().map(|family| &family.name).collect();
    assert_eq!(names.len(), families.len(), "a family is there twice");
    let mut series = BTreeSet::new();
    for sample in families.iter().flat_map(|family| &family.samples) {
        assert!(series.insert((&sample.name, &sample.labels)), "a series is there twice: {sample:?}");
    }
}

/// The families of a snapshot in a format, without those of the registry about itself.
pub(crate) fn told(snapshot: &Snapshot, format: Format) -> Vec<Family> {
    let page = encode::encode(snapshot, format);
    let mut families = read(&page.body, format);
    families.retain(|family| !family.name.starts_with("metrics_registry_"));
    families
}

/// Every format there is.
pub(crate) fn formats() -> BTreeSet<Format> {
    let of = |protocol| Escaping::ALL.map(|escaping| Format::new(protocol, escaping));
    Protocol::ALL.into_iter().flat_map(of).collect()
}
