//! Writes one snapshot in every format, a file each, for others to judge:
//! `cargo run -p streamgauge-metrics --example pages -- FOLDER`. A file's `Content-Type` stands in
//! `index.tsv` beside it, and so does what was left out.

use std::error::Error;
use std::fmt::Write;
use std::path::PathBuf;

use streamgauge_metrics::encode::{self, Escaping, Format, Protocol};
use streamgauge_metrics::{
    Buckets, Counter, Desc, Exemplar, Family, FloatCounter, Gauge, Histogram, Info, LabelSet, LabelValue, Native,
    Quantiles, RegisterError, Registry, StateSet, Summary,
};

#[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
struct Build {
    version: &'static str,
}

#[derive(Clone, Copy, LabelValue)]
enum Breaker {
    Closed,
    Open,
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: pages FOLDER")?);
    std::fs::create_dir_all(&folder)?;
    let registry = Registry::new();
    plain(&registry)?;
    named_freely(&registry)?;
    let snapshot = registry.snapshot();
    let mut index = String::new();
    for format in formats() {
        let page = encode::encode(&snapshot, format);
        let name = format!("{}-{}", format.protocol().text(), format.escaping().as_str());
        std::fs::write(folder.join(&name), page.body)?;
        let dropped: Vec<_> = page.dropped.into_iter().map(|dropped| dropped.family).collect();
        writeln!(index, "{name}\t{}\t{}", format.content_type(), dropped.join(","))?;
    }
    std::fs::write(folder.join("index.tsv"), index)?;
    Ok(())
}

fn formats() -> Vec<Format> {
    let mut all: Vec<_> =
        Protocol::ALL.into_iter().flat_map(|protocol| Escaping::ALL.map(|to| Format::new(protocol, to))).collect();
    all.dedup();
    all
}

/// Every instrument, with values that are easily lost on the way.
fn plain(registry: &Registry) -> Result<(), RegisterError> {
    let desc = Desc::of::<Family<Counter>>("sent_bytes_total", "Sent \"bytes\" \\ and\na line feed.");
    let sent: Family<Counter> = registry.register(desc.with_labels(["topic"]).with_unit("bytes"))?;
    for (topic, bytes) in [("a\\b\"c\nd", 1), ("日本, {x=\"y\"}", 1 << 53), ("", 7)] {
        sent.get_or_create(&[("topic", topic)]).inc_by(bytes);
    }
    let cost: FloatCounter = registry.register(Desc::of::<FloatCounter>("cost_total", "What it cost."))?;
    cost.inc_by_with_exemplar(0.1 + 0.2, Exemplar::of_labels(&[("order", "A-17, {日本}")]));
    let levels: Family<Gauge> = registry.register(Desc::of::<Family<Gauge>>("level", "Levels.").with_labels(["of"]))?;
    let special =
        [("nan", f64::NAN), ("up", f64::INFINITY), ("down", f64::NEG_INFINITY), ("tiny", 5e-324), ("big", 1e300)];
    for (of, level) in special {
        levels.get_or_create(&[("of", of)]).set(level);
    }
    let buckets = |bounds: &[f64]| Buckets::Custom(bounds.to_vec().into());
    let desc =
        Desc::of::<Histogram>("wait_ms", "Waiting.").with_unit("ms").with_buckets(buckets(&[1e-5, 1.0, 2.5, 1e6]));
    let wait: Histogram = registry.register(desc)?;
    for value in [1e-6, 0.5, 2.0, 3.0, 1e9] {
        wait.observe(value);
    }
    let desc = Desc::of::<Histogram>("drift", "Both ways.").with_buckets(buckets(&[-1.0, 0.0, 1.0]));
    let drift: Histogram = registry.register(desc)?;
    for value in [-2.0, 0.5] {
        drift.observe(value);
    }
    natively(registry)?;
    lately(registry)?;
    registry
        .register::<Info<Build>>(Desc::of::<Info<Build>>("build_info", "What runs."))?
        .set(&Build { version: "1.2" });
    let breaker =
        registry.register::<StateSet<Breaker>>(Desc::of::<StateSet<Breaker>>("breaker", "What goes through."))?;
    breaker.set(&Breaker::Closed);
    breaker.set(&Breaker::Open);
    registry.register::<Family<Gauge>>(Desc::of::<Family<Gauge>>("empty", "Nothing yet.").with_labels(["x"]))?;
    Ok(())
}

/// Summaries: of many values, of nothing, and with a sum that falls.
fn lately(registry: &Registry) -> Result<(), RegisterError> {
    let desc = Desc::of::<Family<Summary>>("latest_ms", "Lately.").with_labels(["topic"]).with_unit("ms");
    let latest: Family<Summary> = registry.register(desc.with_quantiles([0.0, 1e-5, 0.5, 0.999, 1.0]))?;
    for nth in 1..=1001_u32 {
        latest.get_or_create(&[("topic", "a\"b\\\n")]).observe(f64::from(nth * 7919 % 1001));
    }
    latest.get_or_create(&[("topic", "none")]);
    let desc = Desc::of::<Summary>("change", "Both ways.").with_quantiles(Quantiles::default());
    let change: Summary = registry.register(desc)?;
    for value in [-3.0, 1.0, f64::NAN] {
        change.observe(value);
    }
    Ok(())
}

/// Native buckets of several resolutions, and exemplars in some.
fn natively(registry: &Registry) -> Result<(), RegisterError> {
    let of = |name, native| registry.register::<Histogram>(Desc::of::<Histogram>(name, "Many.").with_native(native));
    let fine = of("fine", Native::default().with_schema(8))?;
    let few = of("few", Native::default().with_most_buckets(8))?;
    let far = of("far", Native::default().with_schema(0).with_zero_threshold(0.5))?;
    let _ = of("none", Native::default())?;
    for nth in 1..=1000_u32 {
        let value = f64::from(nth) / 10.0;
        fine.observe(1.0 + value / 1e4);
        few.observe_with_exemplar(value, Exemplar::of_span(nth.into(), 7));
    }
    for value in [0.0, -0.5, -3.0, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
        far.observe(value);
    }
    Ok(())
}

/// Names that are not plain, and two that become another's if they are escaped.
fn named_freely(registry: &Registry) -> Result<(), RegisterError> {
    let desc = Desc::of::<Family<Counter>>("http.requests_total", "Requests.").with_utf8_names();
    let requests: Family<Counter> = registry.register(desc.with_labels(["http.method", "größe"]))?;
    requests.get_or_create(&[("http.method", "GET"), ("größe", "klein")]).inc_by(3);
    let desc = Desc::of::<Histogram>("温度 {°C}", "Temperatures.").with_utf8_names();
    let bounds = Buckets::Custom(vec![10.0, 20.0].into());
    registry.register::<Histogram>(desc.with_buckets(bounds))?.observe(15.0);
    for name in ["a_b", "a.b", "a-b"] {
        registry.register::<Gauge>(Desc::of::<Gauge>(name, "One of three.").with_utf8_names())?.set(1.0);
    }
    Ok(())
}
