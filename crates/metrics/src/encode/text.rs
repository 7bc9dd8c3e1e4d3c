//! The Prometheus text format, version 0.0.4.
//!
//! ```
//! use streamgauge_metrics::{Counter, Desc, Registry, encode::text};
//!
//! let registry = Registry::new();
//! let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
//! jobs.inc();
//! let page = text::encode(&registry.snapshot());
//! assert!(page.starts_with("# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\njobs_total 1\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```

use super::lines::Lines;
use super::{Escaping, number};
use crate::desc::{Desc, Kind};
use crate::label;
use crate::snapshot::Snapshot;

/// The `Content-Type` this format has to be served with; Prometheus 3 refuses a scrape without it.
///
/// ```
/// let header = format!("Content-Type: {}\r\n", streamgauge_metrics::encode::text::CONTENT_TYPE);
/// assert!(header.contains("version=0.0.4"));
/// ```
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes a snapshot: per family HELP, TYPE, then the samples. A metric that has no series yet
/// shows its HELP and TYPE, so that what exists can be seen before it moves.
///
/// ```
/// use streamgauge_metrics::{Registry, encode::text};
///
/// let registry = Registry::new();
/// assert_eq!(text::encode(&registry.snapshot()), registry.render_prometheus());
/// ```
pub fn encode(snapshot: &Snapshot) -> String {
    encode_escaped(snapshot, Escaping::Underscores)
}

/// The same in version 1.0.0, with names as the reader wants them.
pub(super) fn encode_escaped(snapshot: &Snapshot, escaping: Escaping) -> String {
    let mut out = String::new();
    for family in snapshot.families() {
        let name = &*escaping.spell(family.desc().name());
        metadata(&mut out, name, family.desc());
        let mut lines = Lines { out: &mut out, escaping, bound: number_text, sums_of_negatives: true };
        lines.samples(name, family);
    }
    out
}

fn metadata(out: &mut String, name: &str, desc: &Desc) {
    out.extend(["# HELP ", name, " "]);
    escape_help(out, desc.help());
    out.extend(["\n# TYPE ", name, " ", type_name(desc.kind()), "\n"]);
}

/// A number as this format spells it.
pub(crate) fn number_text(number: f64) -> String {
    let mut text = String::new();
    number::append(&mut text, number);
    text
}

/// The word in the TYPE line: what this format has no word for is a gauge.
const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Info | Kind::StateSet => "gauge",
        Kind::Counter | Kind::Gauge | Kind::Histogram => kind.as_str(),
    }
}

/// HELP is escaped in `\` and line feed only; a quotation mark stays as it is.
fn escape_help(out: &mut String, text: &str) {
    label::escape(out, text, &['\\', '\n']);
}

#[cfg(test)]
mod tests {
    use super::escape_help;

    #[test]
    fn trap_2_a_help_text_is_escaped_in_two_characters_only() {
        let mut escaped = String::new();
        escape_help(&mut escaped, "a\\b\nc \"d\"");
        assert_eq!(escaped, "a\\\\b\\nc \"d\"");
    }
}
