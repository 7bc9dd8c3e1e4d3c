//! Owns the metrics, refuses clashes, takes snapshots.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

mod claims;
mod error;
mod options;

use self::claims::Claims;
use self::options::StandardBounds;
use crate::counter::Counter;
use crate::desc::Desc;
use crate::encode;
use crate::gauge::Gauge;
use crate::instrument::Instrument;
use crate::snapshot::{FamilySnapshot, Series, Snapshot, Value};
use crate::sync::{self, Arc, RwLock};

pub use self::error::RegisterError;
pub use self::options::{Options, OptionsError};

const TOTAL_SERIES: &str = "metrics_registry_total_series";
const HOOK_PANICS: &str = "metrics_registry_hook_panics_total";

/// A group of metrics, declared as a struct.
///
/// Derive it: each field is a metric named prefix, `_`, field; the first paragraph of its doc
/// comment is the HELP text.
///
/// | attribute | where | meaning |
/// |---|---|---|
/// | `#[metrics(prefix = "app")]` | struct | put before every name |
/// | `#[metrics(buckets = LATENCY_MS)]` | histogram | the buckets: `LATENCY_MS`, `SIZE_BYTES`, `THROUGHPUT` or a list |
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
///     /// An attribute that does not exist.
///     #[metrics(bucket = LATENCY_MS)]
///     size: streamgauge_metrics::Histogram,
/// }
/// ```
pub trait Metrics: Sized {
    /// Registers every metric of the group, or finds those that are registered already.
    ///
    /// After an error the metrics before the refused one stay registered.
    fn register(registry: &Registry) -> Result<Self, RegisterError>;

    /// Every metric of the group, without registering any.
    fn describe() -> Vec<Desc>;
}

/// Holds metrics and takes snapshots of them. A plain value: there is no global one.
///
/// A clone is another handle to the same registry.
///
/// ```
/// use streamgauge_metrics::{Counter, Desc, Registry};
///
/// let registry = Registry::new();
/// let declaration = Desc::of::<Counter>("jobs_total", "Jobs done.");
/// let one: Counter = registry.register(declaration.clone())?;
/// let same: Counter = registry.register(declaration)?;
/// one.inc();
/// assert_eq!(same.get(), 1);
///
/// let other = Desc::of::<Counter>("jobs_total", "Something else.");
/// assert!(registry.register::<Counter>(other).is_err());
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

struct Inner {
    bounds: StandardBounds,
    entries: RwLock<Entries>,
    hooks: RwLock<Vec<Hook>>,
    hook_panics: Counter,
}

#[derive(Default)]
struct Entries {
    by_name: BTreeMap<String, Entry>,
    claims: Claims,
}

#[derive(Clone)]
struct Entry {
    desc: Arc<Desc>,
    instrument: Arc<dyn Registered>,
}

/// An instrument whose type is forgotten.
trait Registered: Send + Sync {
    fn collect(&self) -> Vec<Series>;
    fn as_any(&self) -> &dyn Any;
}

impl Registry {
    /// An empty registry with the standard buckets.
    pub fn new() -> Self {
        Self::with_bounds(StandardBounds::default())
    }

    /// An empty registry that gives the named bucket sets, or single histograms, other bounds.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Histogram, Options, Registry};
    ///
    /// let registry = Registry::with_options(Options {
    ///     latency_ms: Some(vec![0.5, 1.0]),
    ///     ..Options::default()
    /// })?;
    /// let h: Histogram = registry.register(Desc::of::<Histogram>("wait_ms", "Waiting."))?;
    /// assert_eq!(h.bounds().as_slice(), [0.5, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_options(options: Options) -> Result<Self, OptionsError> {
        options.prove().map(Self::with_bounds)
    }

    /// Registers a metric, or gives back the one that was registered with the same declaration.
    pub fn register<T: Instrument>(&self, desc: Desc) -> Result<T, RegisterError> {
        desc.validate()?;
        if desc.kind() != T::KIND || desc.labels() != T::LABELS {
            return Err(RegisterError::other_type(&desc));
        }
        let mut entries = sync::write(&self.inner.entries);
        if let Some(known) = entries.by_name.get(desc.name()) {
            return known.give_back(&desc);
        }
        entries.claims.claim(&desc)?;
        let instrument = T::build(self.inner.bounds.resolve(&desc).as_ref());
        let name = desc.name().to_owned();
        entries.by_name.insert(name, Entry::new(desc, &instrument));
        Ok(instrument)
    }

    /// Every declaration registered so far, sorted by name.
    pub fn describe(&self) -> Vec<Desc> {
        let entries = sync::read(&self.inner.entries);
        let descs = entries.by_name.values();
        descs.map(|entry| Desc::clone(&entry.desc)).collect()
    }

    /// Runs `hook` before each snapshot, to refresh gauges that nobody moves.
    ///
    /// No lock is held while it runs, so it may register and look up. A panic ends that run of
    /// the hook and is counted in `metrics_registry_hook_panics_total`. A hook lives as long as
    /// the registry: it must not take a snapshot of it, nor own a clone of it.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// let answer: Gauge = registry.register(Desc::of::<Gauge>("answer", "The answer."))?;
    /// registry.on_scrape(move || answer.set(42.0));
    /// assert_eq!(registry.snapshot().gauge("answer", &[]), Some(42.0));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn on_scrape(&self, hook: impl Fn() + Send + Sync + 'static) {
        sync::write(&self.inner.hooks).push(Arc::new(hook));
    }

    /// The values of all metrics now.
    pub fn snapshot(&self) -> Snapshot {
        self.run_hooks();
        let entries: Vec<Entry> = {
            let entries = sync::read(&self.inner.entries);
            entries.by_name.values().cloned().collect()
        };
        let mut families: Vec<_> = entries.iter().map(Entry::collect).collect();
        count_series(&mut families);
        Snapshot::new(families)
    }

    /// A snapshot as Prometheus text, version 0.0.4.
    pub fn render_prometheus(&self) -> String {
        encode::text::encode(&self.snapshot())
    }

    fn with_bounds(bounds: StandardBounds) -> Self {
        let hook_panics = Counter::default();
        let mut entries = Entries::default();
        entries.add_own(TOTAL_SERIES, TOTAL_SERIES_HELP, &Gauge::default());
        entries.add_own(HOOK_PANICS, HOOK_PANICS_HELP, &hook_panics);
        Self { inner: Arc::new(Inner { bounds, entries: RwLock::new(entries), hooks: RwLock::default(), hook_panics }) }
    }

    fn run_hooks(&self) {
        let hooks: Vec<Hook> = sync::read(&self.inner.hooks).clone();
        for hook in hooks {
            // A hook that broke off half way leaves gauges stale, which is all it could do before.
            if catch_unwind(AssertUnwindSafe(|| hook())).is_err() {
                self.inner.hook_panics.inc();
            }
        }
    }
}

const TOTAL_SERIES_HELP: &str = "Series in this scrape: one for each metric and label set, this one included.";
const HOOK_PANICS_HELP: &str = "Scrape hooks that panicked.";

/// Puts the number of series into the family that stands for it. The gauge itself is not used:
/// two scrapes at a time would show each other's number.
fn count_series(families: &mut [FamilySnapshot]) {
    let total: usize = families.iter().map(|family| family.series().len()).sum();
    for family in families {
        if family.desc().name() == TOTAL_SERIES {
            family.replace(vec![Series::unlabelled(Value::Gauge(total as f64))]);
        }
    }
}

impl Entries {
    /// Adds a metric of the registry's own; nothing is there yet that it could clash with.
    fn add_own<T: Instrument>(&mut self, name: &'static str, help: &'static str, own: &T) {
        let desc = Desc::of::<T>(name, help);
        let claimed = self.claims.claim(&desc);
        debug_assert!(claimed.is_ok() && desc.validate().is_ok());
        self.by_name.insert(name.to_owned(), Entry::new(desc, own));
    }
}

impl Entry {
    fn new<T: Instrument>(desc: Desc, instrument: &T) -> Self {
        Self { desc: Arc::new(desc), instrument: Arc::new(instrument.clone()) }
    }

    fn give_back<T: Instrument>(&self, desc: &Desc) -> Result<T, RegisterError> {
        if *self.desc != *desc {
            return Err(RegisterError::different(&self.desc, desc));
        }
        let same_type = self.instrument.as_any().downcast_ref::<T>();
        same_type.cloned().ok_or_else(|| RegisterError::other_type(desc))
    }

    fn collect(&self) -> FamilySnapshot {
        FamilySnapshot::new(Arc::clone(&self.desc), self.instrument.collect())
    }
}

impl<T: Instrument> Registered for T {
    fn collect(&self) -> Vec<Series> {
        Instrument::collect(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metrics = sync::read(&self.inner.entries).by_name.len();
        f.debug_struct("Registry").field("metrics", &metrics).finish_non_exhaustive()
    }
}
