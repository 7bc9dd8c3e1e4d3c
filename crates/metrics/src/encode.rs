//! Snapshots as bytes on the wire. An encoder writes what is declared and edits nothing.
//!
//! | [`Format`] | `Content-Type` | counters | info, state sets |
//! |---|---|---|---|
//! | `Text` | `text/plain; version=0.0.4; charset=utf-8` | as declared | gauges |
//! | `Text1` | `text/plain; version=1.0.0; charset=utf-8; escaping=…` | as declared | gauges |
//! | `OpenMetrics` | `application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=…` | the family without `_total` | as such |
//! | `Protobuf` | `application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=…` | as declared | gauges |
//!
//! ```
//! use streamgauge_metrics::{Counter, Desc, Registry, encode::Format};
//!
//! let registry = Registry::new();
//! let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
//! jobs.inc();
//! let format = Format::negotiate("application/openmetrics-text;version=1.0.0;q=0.6, text/plain;version=0.0.4;q=0.3");
//! let page = String::from_utf8(format.encode(&registry.snapshot()))?;
//! assert!(page.starts_with("# TYPE jobs counter\n# HELP jobs Jobs done.\njobs_total 1\n"));
//! assert!(page.ends_with("\n# EOF\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod escaping;
mod lines;
mod negotiate;
mod number;
pub mod openmetrics;
pub mod protobuf;
pub mod text;

use std::borrow::Cow;

pub use escaping::Escaping;

use crate::snapshot::Snapshot;

/// How a snapshot is written, and whether its names are spelled as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// The Prometheus text format, version 0.0.4: what everybody reads.
    #[default]
    Text,
    /// Its version 1.0.0.
    Text1(Escaping),
    /// `OpenMetrics` text, version 1.0.0.
    OpenMetrics(Escaping),
    /// The Prometheus protobuf format: `MetricFamily` messages, each behind its length.
    Protobuf(Escaping),
}

impl Format {
    /// What an `Accept` header asks for: the range with the highest `q` that is a format of ours; of several the first one.
    /// `*/*`, and whatever is not understood, is [`Text`](Self::Text). Nothing of the header comes back in an answer.
    ///
    /// Source: Prometheus, "Scrape protocol content negotiation"; RFC 9110, section 12.5.1.
    ///
    /// ```
    /// use streamgauge_metrics::encode::{Escaping, Format};
    ///
    /// assert_eq!(Format::negotiate("text/plain;q=0.5, application/openmetrics-text;q=0.4"), Format::Text);
    /// assert_eq!(Format::negotiate("text/plain;version=1.0.0;escaping=dots"), Format::Text1(Escaping::Dots));
    /// assert_eq!(Format::negotiate("image/png"), Format::Text);
    /// ```
    #[must_use]
    pub fn negotiate(accept: &str) -> Self {
        negotiate::format(accept).unwrap_or_default()
    }

    /// The `Content-Type` to serve it with; Prometheus 3 refuses a scrape without one that it knows.
    ///
    /// ```
    /// use streamgauge_metrics::encode::Format;
    ///
    /// assert_eq!(Format::Text.content_type(), "text/plain; version=0.0.4; charset=utf-8");
    /// ```
    #[must_use]
    pub fn content_type(self) -> Cow<'static, str> {
        let (kind, escaping) = match self {
            Format::Text => return text::CONTENT_TYPE.into(),
            Format::Text1(escaping) => ("text/plain; version=1.0.0; charset=utf-8", escaping),
            Format::OpenMetrics(escaping) => (openmetrics::CONTENT_TYPE, escaping),
            Format::Protobuf(escaping) => (protobuf::CONTENT_TYPE, escaping),
        };
        format!("{kind}; escaping={}", escaping.name()).into()
    }

    /// Writes a snapshot in this format.
    #[must_use]
    pub fn encode(self, snapshot: &Snapshot) -> Vec<u8> {
        match self {
            Format::Text => text::encode(snapshot).into_bytes(),
            Format::Text1(escaping) => text::encode_escaped(snapshot, escaping).into_bytes(),
            Format::OpenMetrics(escaping) => openmetrics::encode(snapshot, escaping).into_bytes(),
            Format::Protobuf(escaping) => protobuf::encode(snapshot, escaping),
        }
    }
}
