//! Metrics for Rust services: typed labels, plain registries, snapshots that tell the truth.
//!
//! ```text
//!   your threads            their cells            the registry
//!  ───────────────      ──────────────────     ────────────────────
//!  Counter::inc ───┐    thread 1 │ 12 │ ─┐
//!  Histogram::     ├──► thread 2 │  3 │ ─┼──► Family    labels → series
//!    observe       │    ended    │ 40 │ ─┘       ▼
//!  record((…)) ────┘      each its own         Registry  names, limits
//!                                                 ▼
//!  Gauge::set ────────► one shared number ───► Snapshot  55, plain data ─┬─► encode ─► a scrape
//!                                                                        └─► test: a value, a diff
//! ```
//!
//! An update is a load, an addition and a store in cells that only its thread writes. Sums over
//! threads are made when someone asks: a [`Registry`] takes a [`Snapshot`], an encoder writes it.
//!
//! # Declaring
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
//! The instruments are [`Counter`], [`FloatCounter`], [`Gauge`], [`UpDownCounter`], [`Histogram`],
//! [`Summary`], [`Info`] and [`StateSet`]; a clone of one is another handle to the same number. The attributes
//! are those of [`Metrics`](trait@Metrics). What is named at run time is a [`Desc`], and
//! [`Registry::register`] takes it; [`Registry::scoped`] adds a prefix and constant labels.
//!
//! # Everyday patterns
//!
//! ```
//! use std::time::Instant;
//! use streamgauge_metrics::{Counter, Family, Histogram, Metrics, Registry, UpDownCounter};
//!
//! #[derive(Metrics)]
//! #[metrics(prefix = "api")]
//! struct ApiMetrics {
//!     /// Requests, by status.
//!     #[metrics(name = "requests_total", labels = ["status"])]
//!     requests: Family<Counter>,
//!     /// Time to answer in milliseconds.
//!     #[metrics(buckets = LATENCY_MS, unit = "ms")]
//!     duration_ms: Histogram,
//!     /// Requests being answered.
//!     in_flight: UpDownCounter,
//! }
//!
//! # fn do_work() -> Result<(), std::io::Error> { Ok(()) }
//! let registry = Registry::new();
//! let metrics = ApiMetrics::register(&registry)?;
//! let in_flight = &metrics.in_flight;
//! {
//!     let _guard = in_flight.track(); // falls again on every way out, a panic included
//!     let start = Instant::now();
//!     match do_work() {
//!         Ok(()) => metrics.requests.get_or_create(&[("status", "success")]).inc(),
//!         Err(_) => metrics.requests.get_or_create(&[("status", "error")]).inc(),
//!     }
//!     metrics.duration_ms.observe(start.elapsed().as_millis() as f64);
//! }
//! let page = registry.render_prometheus();
//! assert!(page.contains("api_requests_total{status=\"success\"} 1\n"));
//! assert!(page.contains("api_in_flight 0\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! [`Histogram::start_timer`] is the same measurement as a guard, to the nanosecond.
//!
//! # Native buckets and exemplars
//!
//! A histogram that is declared [`native`](Native) tells exponential buckets besides, as fine as is
//! asked for, to readers that scrape by protobuf. [`Exemplar`]s say what a number came from.
//!
//! ```
//! use streamgauge_metrics::{Exemplar, Histogram, Metrics, Registry};
//!
//! #[derive(Metrics)]
//! struct Answers {
//!     /// Time to answer in milliseconds.
//!     #[metrics(buckets = LATENCY_MS, native)]
//!     answer_ms: Histogram,
//! }
//!
//! let answers = Answers::register(&Registry::new())?;
//! let (trace_id, span_id) = (0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736, 0x00f0_67aa_0ba9_02b7);
//! answers.answer_ms.observe_with_exemplar(3.5, Exemplar::of_span(trace_id, span_id));
//! assert_eq!(answers.answer_ms.get().native().map(|native| native.count()), Some(1));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! # Quantiles
//!
//! A [`Summary`] tells quantiles of the last minute, of values whose size nobody knows beforehand; the
//! rank of a quantile is off by at most 0.07 · √(q(1 − q)) of them. Its window goes by the [`Clock`] of the
//! registry, which a test can set.
//!
//! ```
//! use streamgauge_metrics::{Metrics, Registry, Summary};
//!
//! #[derive(Metrics)]
//! struct Answers {
//!     /// Length of an answer in tokens.
//!     #[metrics(quantiles = [0.5, 0.99])]
//!     answer_tokens: Summary,
//! }
//!
//! let registry = Registry::new();
//! let answers = Answers::register(&registry)?;
//! answers.answer_tokens.observe(512.0);
//! assert!(registry.render_prometheus().contains("answer_tokens{quantile=\"0.99\"} 512\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! # Groups
//!
//! Numbers that are compared with each other belong in a [`Group`]: what one [`record`] does to
//! them is in a snapshot together or not at all, so that errors never exceed requests.
//!
//! ```
//! use streamgauge_metrics::{Counter, Histogram, Metrics, Registry, record};
//!
//! #[derive(Clone, Metrics)]
//! #[metrics(group, prefix = "http")]
//! struct Requests {
//!     /// Requests.
//!     requests_total: Counter,
//!     /// Requests that failed.
//!     errors_total: Counter,
//!     /// Time to answer in milliseconds.
//!     #[metrics(buckets = LATENCY_MS)]
//!     duration_ms: Histogram,
//! }
//!
//! let http = Requests::register(&Registry::new())?;
//! record((http.requests_total.adding(1), http.errors_total.adding(1), http.duration_ms.observing(3.5)));
//! assert_eq!(http.requests_total.get(), 1);
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! # Labels
//!
//! | labels | a look-up is | declared as |
//! |---|---|---|
//! | enums and `bool` | an index: of a counter, to its cell | `#[derive(LabelSet)]` on a struct of them, up to 1024 label sets |
//! | strings, numbers | a hash in a table of the thread | the same derive; fields of `&'static str`, `String`, `Arc<str>`, integers |
//! | pairs | the same | `Family<Counter>` and `labels = ["status"]`, looked up with `&[("status", "ok")]` |
//!
//! Two label sets are one series when their values are equal, never because their hashes are; the
//! order of pairs says nothing. A look-up borrows: it does not keep a series from being removed. A
//! [handle](Family::handle) does, and needs no look-up.
//!
//! # What a scrape promises
//!
//! Of a snapshot, and so of a scrape:
//!
//! - **No update is lost.** What happened before the snapshot was begun is in it, of every thread:
//!   also of those that have ended, and what the destructors of their thread-locals recorded.
//! - **A histogram is whole.** Its count, its buckets and its sum are of the same observations. Of a
//!   summary this holds for count and sum, and its quantiles are of those of them that came lately.
//! - **A group is whole.** Of one [`record`] on one group, or on one series of a family of groups,
//!   all is there or nothing.
//! - **Counters do not run backwards** from one snapshot to the next, nor do counts and buckets;
//!   an [`UpDownCounter`] whose every step down follows its step up is never below 0.
//! - **A writer never waits** for a reader or for another writer. An update takes no lock;
//!   what a reader may ask of the thread that writes is one copy of at most 512 numbers.
//! - A series appears once; families come sorted by name, series in a stable order.
//! - A hook or callback that panics costs its own metric, never the scrape, and is counted.
//!
//! Not promised:
//!
//! - One cut through all threads, or through metrics that are no group: while others write, the
//!   snapshot reads one thread after the other. An update it misses is in the next one.
//! - The last digit of sums of floats: they are added in another order than they came.
//! - Anything of a series that is removed while a look-up of it is being written to: what went into
//!   it goes with it. Hold a handle, and it is not removed, unless the whole metric is
//!   [unregistered](Registry::unregister).
//! - That a removed series goes on: if it comes back it begins at 0, which Prometheus takes for a
//!   restart. If all labels are enums the same cells go on and what they held is subtracted, so a
//!   sum of floats then begins at 0 up to rounding.
//!
//! And where waiting is possible after all: a [`Gauge`] is one number for all threads, so `add` and
//! its like try again when another thread was first. A thread makes its cells at its first update,
//! and looks a series up under the lock of the metric until it remembers it. What a thread records
//! past its end, or beyond 589 824 cells in the process, goes to shared cells under a lock. The first
//! observation of a thread for a series of a [`Summary`] takes a lock that readers have for a moment.
//!
//! # Limits
//!
//! A registry has [`Limits`]: 10 000 series, 1 000 a metric, 10 labels, 256 characters a value, and
//! label names that are refused. Past a limit nothing panics, blocks or grows: the label that explodes becomes
//! [`__overflow__`](cardinality::OVERFLOW) and the others stay, so no sum is lost; the refusal is counted in
//! `metrics_registry_refused_total`, [`Registry::report`] says who it was, and [`Family::try_get_or_create`]
//! says why. Series that nobody moves leave if [asked to](Options::expire_after).
//! Beside those a histogram has at most 250 bounds, a [`record`] 32 cells (more do not compile) and a
//! group 512.
//!
//! Numbers have limits, too. A counter that is full, at 2⁶⁴ − 1, stays full; a [`FloatCounter`]
//! takes no step that is negative, infinite or no number; `NaN` counts in the `+Inf` bucket of a
//! histogram and is left out of its sum, as it is of sum and quantiles of a summary. Each is counted as refused, except that a
//! [`record`] that does not fit fills its counter without a word.
//!
//! A registry bills itself: `metrics_registry_total_series`, `metrics_registry_metric_series`,
//! `metrics_registry_metric_bytes`, `metrics_registry_refused_total`, `metrics_registry_expired_total`,
//! `metrics_registry_hook_panics_total` and the levels of cardinality are on every page.
//!
//! # Formats
//!
//! [`encode`] writes a snapshot as Prometheus text, `OpenMetrics` or protobuf, whichever an `Accept`
//! header asks for. A metric whose name is not plain, such as `http.requests_total`, is declared
//! [as such](Desc::with_utf8_names), and told to each reader in the way it understands.
//!
//! # Tests
//!
//! [`assert_metrics!`] compares values by name and tells what differs line by line;
//! [`Snapshot::since`] tells what a piece of code changed. See [`mod@test`].
//!
//! # Guides
//!
//! [Names and labels](guides::naming_and_labels), [cardinality](guides::cardinality),
//! [testing](guides::testing), [what a scrape promises](guides::what_a_scrape_promises), and how to come from
//! [prometheus](guides::coming_from_prometheus), [prometheus-client](guides::coming_from_prometheus_client), the
//! [metrics facade](guides::coming_from_metrics) or [OpenTelemetry](guides::coming_from_opentelemetry).
//!
//! # Features
//!
//! `noop` (off by default): every update and look-up does nothing, reads no clock and makes no
//! series, so that what instrumentation costs is the difference to a build with it. All of the
//! interface is there, and every number is 0.
//!
//! `metrics-facade` (off by default): `Facade` is a recorder for the `metrics` crate, so that what a
//! program counts with the macros of that crate is in a registry here, labels, help and units too.
//!
//! # Measured
//!
//! Nanoseconds an update on one thread / on each of two that write the same series; bytes of the
//! heap; microseconds of CPU for a snapshot (where a crate has none, its text) while eight writers
//! rest / write. Medians of five processes in turn, `make bench-metrics`, on two virtual cores of
//! an AMD EPYC where an empty loop takes 0.273 / 0.276 ns:
//!
//! | | this crate | prometheus | prometheus-client | measured | metrics | fastmetrics | opentelemetry | fast-telemetry | foundations |
//! |---|---|---|---|---|---|---|---|---|---|
//! | counter inc, held handle | 0.99 / 0.99 | 1.70 / 9.53 | 1.70 / 8.16 | 1.69 / 11.2 | 4.32 / 35.3 | 1.71 / 12.6 | 7.47 / 25.0 | 1.70 / 1.70 | 1.60 / 1.60 |
//! | histogram observe, 13 bounds | 5.44 / 5.48 | 8.24 / 18.5 | 10.0 / 21.4 | 13.4 / 122.0 | 15.6 / 103.0 | 8.59 / 55.8* | 21.3 / 47.8 | 7.17 / 7.21* | 12.3 / 26.5 |
//! | 2 counters + histogram, together | 6.80 / 6.84 | – | – | – | – | – | – | – | – |
//! | 2 counters + histogram, in turn | 7.42 / 7.95 | 12.6 / 138.7 | 9.97 / 27.7 | 15.5 / 150.5 | 23.4 / 160.1 | 11.9 / 106.4* | 39.9 / 112.8 | 13.2 / 13.2* | 15.6 / 35.6 |
//! | enum labels: look up + inc | 1.82 / 1.87 | – | 21.9 / 61.8 | 3.42 / 9.64 | – | 10.4 / 66.8 | – | 2.19 / 2.21* | 3.14 / 3.58 |
//! | static strings: look up + inc | 7.42 / 7.49 | 14.7 / 81.7* | 32.3 / 102.5 | 18.4 / 29.8 | 68.7 / 149.8 | 15.4 / 67.5 | 66.8 / 180.6 | 87.8 / 108.2 | 34.0 / 77.0 |
//! | run-time strings: look up + inc | 17.0 / 17.2 | 23.2 / 87.1* | 52.4 / 215.7 | 31.9 / 100.5 | 108.1 / 216.9 | 38.4 / 157.7 | 101.7 / 234.6 | 60.6 / 67.0 | 54.7 / 150.0 |
//! | bytes: counter series | 145 | 410 | 165 | 150 | 333 | 197 | 176 | 504 | 693 |
//! | bytes: histogram series | 261 | 876 | 605 | 395 | 1071 | 453* | 344 | 4736* | 621 |
//! | snapshot, µs: 10,000 counters | 31 / 34 | 5528 / 5738 | 897 / 876 | 385 / 396 | 8714 / 12324 | 1081 / 1206 | 1734 / 1659 | 1148 / 1733 | 6907 / 7445 |
//! | snapshot, µs: 1,000 histograms | 104 / 117 | 346 / 27718 | 2201 / 2255 | 1385 / 1526 | 6457 / 75236 | 965 / 1006* | 242 / 252 | 246 / 728* | 334 / 348 |
//!
//! And, three processes in turn (`metrics-bench --rounds 3 --only streamgauge,prometheus-client,metrics`), quantiles,
//! the macros of the `metrics` crate with our recorder beside its own, and microseconds of CPU for a page,
//! snapshot and text:
//!
//! | | this crate | prometheus-client | metrics |
//! |---|---|---|---|
//! | summary observe, merging included | 18.6 / 18.7 | 26.7 / 53.5 (native histogram) | 28.9 / 86.4 |
//! | bytes: summary series | 5365 | 4445 (native histogram) | 464259 |
//! | `counter!`, static strings | 29.4 / 32.5 | – | 69.7 / 146.8 |
//! | `counter!`, run-time strings | 52.9 / 82.7 | – | 106.9 / 217.4 |
//! | page, µs: 10,000 counters | 159 / 160 | 990 / 949 | – |
//! | page, µs: 100,000 counters | 2263 / 2480 | 22916 / 10877 | – |
//! | page, µs: 1,000 histograms | 405 / 426 | 2310 / 2494 | – |
//!
//! A look-up that is refused takes 180 ns (three labels, one of which takes ten million values: 0.1 MB more at the
//! end), and makes look-ups of others in between slower by 7 % (`metrics-bench --facts`).
//!
//! Observations, records, look-ups by enum and bytes of this crate were measured again since the others were.
//!
//! prometheus 0.14, prometheus-client 0.25, measured 0.0.25, metrics 0.24 with its Prometheus
//! exporter 0.18, fastmetrics 0.7, opentelemetry_sdk 0.33, fast-telemetry 0.10, foundations-metrics
//! 0.1 beta. –: no means for it. *: does less than asked. prometheus tells label values apart by a
//! hash alone; the histograms of fastmetrics and fast-telemetry can be torn, and the latter's take
//! whole numbers only and its metrics one enum label.
//!
//! What the rest is made of: nothing waits for memory or for the update before (eight histograms in
//! turn take as long as one and the same), so an update costs its instructions. A third of an
//! observation is the place of its bucket; the others write a record, which is the old value, the
//! index and the new value of each cell, and two words that say where it begins and ends.

// The derives name this crate by its outside name; its own unit tests need to know it too.
extern crate self as streamgauge_metrics;

pub mod cardinality;
mod cell;
mod clock;
mod counter;
pub mod desc;
pub mod encode;
mod exemplar;
#[cfg(feature = "metrics-facade")]
mod facade;
mod family;
mod firewall;
mod gauge;
#[cfg(doc)]
pub mod guides;
pub mod histogram;
mod idle;
mod info;
mod instrument;
mod label;
mod metric;
mod native;
mod plan;
mod record;
mod registry;
mod shown;
mod slot;
pub mod snapshot;
pub mod summary;
mod sync;
mod table;
pub mod test;

pub use cardinality::{Limits, SeriesError};
pub use clock::Clock;
pub use counter::{Counter, FloatCounter};
pub use desc::{Desc, DescError, Kind};
pub use exemplar::{Exemplar, Taken};
#[cfg(feature = "metrics-facade")]
pub use facade::{Facade, Refused};
pub use family::{Family, Found};
pub use firewall::{CardinalityAlert, CardinalityLevel, CardinalityReport, LabelCardinality, MetricCardinality};
pub use gauge::{Gauge, Tracked, UpDownCounter};
pub use histogram::{Bounds, BoundsError, Buckets, Histogram, Timer};
pub use info::{Info, StateSet};
pub use instrument::{Declared, Group, Instrument, Member, Single};
pub use label::{Label, LabelSet, LabelValue, Labels, Lookup, Pairs, label_sets};
pub use metric::Removal;
pub use native::{Native, NativeSnapshot};
pub use record::{Adding, Observing, record};
pub use registry::{Metrics, Options, OptionsError, RegisterError, Registry};
pub use snapshot::Snapshot;
pub use summary::{Quantiles, Summary, SummarySnapshot};

/// The derive of [`LabelSet`](trait@LabelSet).
///
/// ```
/// #[derive(Clone, PartialEq, Eq, Hash, streamgauge_metrics::LabelSet)]
/// struct ByTopic {
///     topic: String,
///     #[label("to")]
///     region: &'static str,
/// }
/// ```
pub use streamgauge_metrics_derive::LabelSet;
/// The derive of [`LabelValue`](trait@LabelValue).
///
/// ```
/// #[derive(streamgauge_metrics::LabelValue)]
/// enum Status {
///     Ok,
///     #[label("5xx")]
///     ServerError,
/// }
/// ```
pub use streamgauge_metrics_derive::LabelValue;
/// The derive of [`Metrics`](trait@Metrics), and with `#[metrics(group)]` of [`Group`].
///
/// ```
/// #[derive(streamgauge_metrics::Metrics)]
/// #[metrics(prefix = "app")]
/// struct Jobs {
///     /// Jobs done.
///     jobs_total: streamgauge_metrics::Counter,
/// }
/// ```
pub use streamgauge_metrics_derive::Metrics;

/// The example in the README, which must not grow old.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

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
    pub use crate::plan::Storage;
}
