//! Groups of metrics, declared as structs.

use super::{RegisterError, Registry};
use crate::desc::Desc;

/// A group of metrics, declared as a struct.
///
/// Derive it: each field is a metric named prefix, `_`, field; the first paragraph of its doc
/// comment is the HELP text.
///
/// | attribute | where | meaning |
/// |---|---|---|
/// | `#[metrics(prefix = "app")]` | struct | put before every name |
/// | `#[metrics(buckets = LATENCY_MS)]` | histogram | the buckets: `LATENCY_MS`, `SIZE_BYTES`, `THROUGHPUT` or a list |
/// | `#[metrics(quantiles = [0.5, 0.99])]` | summary | other quantiles than the standard ones: a list, or [`Quantiles`](crate::Quantiles) |
/// | `#[metrics(native)]` | histogram | native buckets besides; with `= Native::default()…` others than the standard ones |
/// | `#[metrics(expire_after = Duration::from_secs(300))]` | family | series that nobody moves for so long are let go, see [`Desc::expiring_after`] |
/// | `#[metrics(name = "jobs_total")]` | field | in place of the field name, after the prefix |
/// | `#[metrics(unit = "ms")]` | field | the unit, which the name must end with |
/// | `#[metrics(flatten)]` | field | another group, registered with this one under its own prefix |
///
/// ```
/// use streamgauge_metrics::{Counter, Gauge, Histogram, Metrics, Registry};
///
/// #[derive(Metrics)]
/// #[metrics(prefix = "cache")]
/// struct CacheMetrics {
///     /// Look-ups that found something.
///     hits_total: Counter,
///     /// Bytes held.
///     #[metrics(unit = "bytes")]
///     size_bytes: Gauge,
///     /// Entries evicted at a time.
///     #[metrics(buckets = [1.0, 10.0, 100.0])]
///     evicted_entries: Histogram,
/// }
///
/// let names: Vec<_> = CacheMetrics::describe().iter().map(|d| d.name().to_owned()).collect();
/// assert_eq!(names, ["cache_hits_total", "cache_size_bytes", "cache_evicted_entries"]);
/// CacheMetrics::register(&Registry::new())?.hits_total.inc();
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
///
/// Whatever the registry would refuse by its name alone does not compile, nor does a metric
/// without help:
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     undocumented_total: streamgauge_metrics::Counter,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     /// A counter without `_total`.
///     jobs: streamgauge_metrics::Counter,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     /// Buckets that do not increase.
///     #[metrics(buckets = [2.0, 1.0])]
///     size: streamgauge_metrics::Histogram,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     /// A histogram that does not say its buckets.
///     size: streamgauge_metrics::Histogram,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     /// Percentiles that are no parts of 1.
///     #[metrics(quantiles = [50.0, 99.0])]
///     size: streamgauge_metrics::Summary,
/// }
/// ```
///
/// ```compile_fail
/// #[derive(streamgauge_metrics::Metrics)]
/// struct Bad {
///     /// An attribute that does not exist.
///     #[metrics(bucket = LATENCY_MS)]
///     size: streamgauge_metrics::Histogram,
/// }
/// ```
pub trait Metrics: Sized {
    /// Registers every metric of the group, or finds those that are registered already.
    ///
    /// After an error the metrics before the refused one stay registered.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Metrics, Registry};
    ///
    /// #[derive(Metrics)]
    /// struct Jobs {
    ///     /// Jobs done.
    ///     jobs_total: Counter,
    /// }
    ///
    /// let registry = Registry::new();
    /// let (jobs, same) = (Jobs::register(&registry)?, Jobs::register(&registry)?);
    /// jobs.jobs_total.inc();
    /// assert_eq!(same.jobs_total.get(), 1);
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    fn register(registry: &Registry) -> Result<Self, RegisterError>;

    /// Every metric of the group, without registering any: for a catalogue.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Metrics};
    ///
    /// #[derive(Metrics)]
    /// struct Jobs {
    ///     /// Jobs done.
    ///     jobs_total: Counter,
    /// }
    ///
    /// assert_eq!(Jobs::describe()[0].help(), "Jobs done.");
    /// ```
    fn describe() -> Vec<Desc>;
}
