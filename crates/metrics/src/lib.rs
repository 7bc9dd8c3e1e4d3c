//! Metrics for Rust services: typed labels, plain registries, snapshots that tell the truth.
//!
//! ```text
//!   your code                     this crate                              the world
//!  ───────────                ──────────────────                        ─────────────
//!  Counter::inc ───┐
//!  Gauge::set ─────┼─► Family ─► Registry ─► Snapshot ─► encode::text ─► a scrape
//!  Histogram:: ────┘   labels    refuses     plain       bytes
//!  observe             → series  clashes     data
//!                                   ▲
//!               on_scrape hooks ────┘  refresh gauges just before a snapshot
//! ```
//!
//! A metric is declared once, as a field beside the code that moves it. The field name is the
//! name on the wire (after the prefix), the doc comment is the HELP text, and nothing is added:
//!
//! ```
//! use streamgauge_metrics::{Counter, Family, Histogram, LabelSet, LabelValue, Metrics, Registry};
//!
//! #[derive(Clone, PartialEq, Eq, Hash, LabelValue)]
//! enum Reason {
//!     TooLate,
//!     #[label("bad-json")]
//!     BadJson,
//! }
//!
//! #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
//! struct Dropped {
//!     reason: Reason,
//! }
//!
//! #[derive(Metrics)]
//! #[metrics(prefix = "intake")]
//! struct IntakeMetrics {
//!     /// Events seen.
//!     events_total: Counter,
//!     /// Events dropped, by reason.
//!     dropped_total: Family<Counter, Dropped>,
//!     /// Time to decode an event.
//!     #[metrics(buckets = LATENCY_MS)]
//!     decode_duration_ms: Histogram,
//! }
//!
//! let registry = Registry::new();
//! let metrics = IntakeMetrics::register(&registry)?;
//! metrics.events_total.inc();
//! metrics.dropped_total.get_or_create(&Dropped { reason: Reason::TooLate }).inc();
//! metrics.decode_duration_ms.observe(0.4);
//!
//! let text = registry.render_prometheus();
//! assert!(text.contains("intake_dropped_total{reason=\"too_late\"} 1\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! # What a scrape promises
//!
//! - No update is lost: totals are exact whatever the number of threads.
//! - The count of a histogram equals the sum of its buckets in every snapshot.
//! - Counters never run backwards from one snapshot to the next.
//! - A series appears once; families come sorted by name, series in a stable order.
//! - A hook that panics costs its own refresh, never the scrape.
//!
//! Not promised yet: that two *different* metrics, or the sum and the count of one histogram,
//! are read at the same instant while other threads write.

// The derives name this crate by its outside name; its own unit tests need to know it too.
extern crate self as streamgauge_metrics;

pub mod cardinality;
mod cell;
mod counter;
pub mod desc;
pub mod encode;
mod family;
mod gauge;
pub mod histogram;
mod info;
mod instrument;
mod label;
mod metric;
mod record;
mod registry;
mod slot;
pub mod snapshot;
mod sync;
pub mod test;

pub use cardinality::{Limits, SeriesError};
pub use counter::{Counter, FloatCounter};
pub use desc::{Desc, DescError, Kind};
pub use family::{Family, Found};
pub use gauge::{Gauge, Tracked, UpDownCounter};
pub use histogram::{Bounds, BoundsError, Buckets, Histogram, Timer};
pub use info::{Info, StateSet};
pub use instrument::{Declared, Group, Instrument, Member, Single};
pub use label::{Label, LabelSet, LabelValue, Labels, Lookup, Pairs, label_sets};
pub use metric::Removal;
pub use record::{Adding, Observing, record};
pub use registry::{Metrics, Options, OptionsError, RegisterError, Registry};
pub use snapshot::Snapshot;
pub use streamgauge_metrics_derive::{LabelSet, LabelValue, Metrics};

/// What the derives write down; no part of what is promised.
#[doc(hidden)]
pub mod derived {
    use crate::{Desc, Label};

    /// A declaration for a family with these labels.
    pub fn labelled(desc: Desc, labels: &'static [Label]) -> Desc {
        desc.labelled(labels)
    }

    pub use crate::family::Remembered;
    pub use crate::instrument::{Fields, Recorded, Single};
    pub use crate::metric::Storage;
}
