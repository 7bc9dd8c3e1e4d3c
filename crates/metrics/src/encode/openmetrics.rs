//! `OpenMetrics` text, version 1.0.0.
//!
//! ```
//! use streamgauge_metrics::encode::{Escaping, openmetrics};
//! use streamgauge_metrics::{Desc, Histogram, Registry, histogram::Buckets};
//!
//! let registry = Registry::new();
//! let desc = Desc::of::<Histogram>("wait_ms", "Waiting.").with_unit("ms").with_buckets(Buckets::Custom(vec![1.0, 2.5].into()));
//! let wait: Histogram = registry.register(desc)?;
//! wait.observe(2.0);
//! let page = openmetrics::encode(&registry.snapshot(), Escaping::default());
//! assert!(page.contains("# TYPE wait_ms histogram\n# UNIT wait_ms ms\n# HELP wait_ms Waiting.\nwait_ms_bucket{le=\"1.0\"} 0\n"));
//! assert!(page.ends_with("# EOF\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```

use std::borrow::Cow;

use super::lines::Lines;
use super::{Escaping, number};
use crate::desc::{Desc, Kind};
use crate::label;
use crate::snapshot::Snapshot;

/// The `Content-Type` of this format, but for its `escaping`.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes a snapshot: per family TYPE, UNIT and HELP, then the samples; `# EOF` at the end.
///
/// The family of a counter is its name without `_total`, that of an info its name without `_info`. `_created` is not written:
/// Prometheus takes it for a series of its own unless it is told otherwise.
#[must_use]
pub fn encode(snapshot: &Snapshot, escaping: Escaping) -> String {
    let mut out = String::new();
    for family in snapshot.families() {
        let desc = family.desc();
        metadata(&mut out, &escaping.spell(&family_name(desc)), desc);
        let mut lines = Lines { out: &mut out, escaping, bound: canonical, sums_of_negatives: false };
        lines.samples(&escaping.spell(desc.name()), family);
    }
    out.push_str("# EOF\n");
    out
}

fn metadata(out: &mut String, name: &str, desc: &Desc) {
    out.extend(["# TYPE ", name, " ", desc.kind().as_str(), "\n"]);
    let has_unit = !matches!(desc.kind(), Kind::Info | Kind::StateSet);
    if let Some(unit) = desc.unit().filter(|_| has_unit) {
        out.extend(["# UNIT ", name, " ", unit, "\n"]);
    }
    out.extend(["# HELP ", name, " "]);
    label::escape(out, desc.help(), &['\\', '"', '\n']);
    out.push('\n');
}

/// What all samples of a metric have in front of what the format adds.
fn family_name(desc: &Desc) -> Cow<'_, str> {
    let suffix = match desc.kind() {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        Kind::Gauge | Kind::Histogram | Kind::StateSet => "",
    };
    desc.name().strip_suffix(suffix).unwrap_or(desc.name()).into()
}

/// The canonical spelling of a number that tells series apart: that of Go, with `.0` where it would look whole.
fn canonical(bound: f64) -> String {
    let mut text = String::new();
    number::append(&mut text, bound);
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') {
        text.push_str(".0");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn trap_3_bounds_are_spelled_in_the_canonical_way() {
        let spelled =
            [(1.0, "1.0"), (-2.0, "-2.0"), (0.5, "0.5"), (1e-5, "1e-05"), (1e6, "1e+06"), (f64::INFINITY, "+Inf")];
        for (bound, want) in spelled {
            assert_eq!(canonical(bound), want);
        }
    }
}
