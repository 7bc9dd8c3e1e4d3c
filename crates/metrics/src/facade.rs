//! For programs that count through the macros of the [`metrics`] crate: a recorder that keeps what they say in
//! a [`Registry`](crate::Registry).
//!
//! ```text
//!  counter!("jobs_total", "queue" => "a")      what this thread has looked up: name and labels ─► handle
//!        describe_counter!(…)                             │ else
//!                 └──────────────► name ─► declaration ─► Family of these labels ─► series
//! ```
//!
//! A macro asks the recorder for its series each time it is run. So each thread remembers what it asked for, and
//! what it is given is its own: no lock is taken and no count of references is shared.
//!
//! A part of the crate and not one beside it, since it needs what a registry keeps to itself: labels that nobody has
//! declared, and declarations that learn later what they are of.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

mod instruments;
mod names;
mod remembered;

use ::metrics::{Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString, Unit};

use self::instruments::Lost;
use self::names::{Described, Names};
use crate::counter::Counter;
use crate::desc::Desc;
use crate::family::Family;
use crate::gauge::Gauge;
use crate::histogram::{Buckets, Histogram};
use crate::registry::{RegisterError, Registry};
use crate::sync::{self, Arc, Mutex};

pub use self::names::Refused;

/// Keeps in a registry what the macros of the `metrics` crate count, set and record.
///
/// | macro | becomes |
/// |---|---|
/// | `counter!` | a [`Counter`](crate::Counter), whose name gets the ending `_total` if it has another |
/// | `gauge!` | a [`Gauge`](crate::Gauge) |
/// | `histogram!` | a [`Histogram`](crate::Histogram) with the [buckets](Self::with_buckets) that are given here |
/// | `describe_counter!` … | the help; the unit if the name ends with it, else as a word in the help |
///
/// Labels are kept, and those of one name can differ from place to place. A label without a value is as none, as it is
/// to Prometheus. Names that are not plain, such as `http.requests`, are told to each reader in the way it
/// understands. The limits of the registry hold as they do for its own metrics; of families, each set of label names
/// counted, there are at most 10 000.
///
/// What cannot be kept is no panic: a name that is taken by another kind of metric, or that the registry refuses. Each
/// update that is lost so is counted in `metrics_facade_refused_total`, and [`refused`](Self::refused) says why.
///
/// Nothing of the facade holds a series: those that nobody moves leave if the registry is
/// [asked to let go of them](crate::Options::expire_after), and whoever has one still brings it back. Of a look-up that
/// was refused the [report](crate::Registry::report) knows the module it came from, which is what macros tell.
///
/// ```
/// use metrics::{counter, describe_counter};
/// use streamgauge_metrics::{Facade, Registry};
///
/// let registry = Registry::new();
/// let facade = Facade::new(&registry)?;
/// // A program does this once: `facade.install()`.
/// metrics::with_local_recorder(&facade, || {
///     describe_counter!("jobs_total", "Jobs done.");
///     counter!("jobs_total", "queue" => "night").increment(3);
/// });
/// let page = registry.render_prometheus();
/// assert!(page.contains("# HELP jobs_total Jobs done.\n"));
/// assert!(page.contains("jobs_total{queue=\"night\"} 3\n"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Facade {
    shared: Arc<Shared>,
}

struct Shared {
    /// Never used again in this process.
    id: u64,
    registry: Registry,
    names: Mutex<Names>,
    /// Updates that nobody keeps, by name.
    lost: Family<Counter>,
}

impl Facade {
    /// A recorder for this registry, or for a [scope](Registry::scoped) of it. Histograms have buckets for seconds,
    /// from 0.005 to 10.
    ///
    /// ```
    /// use streamgauge_metrics::{Facade, Registry};
    ///
    /// let registry = Registry::new();
    /// let facade = Facade::new(&registry.scoped("shop", &[("region", "eu")])?)?;
    /// metrics::with_local_recorder(&facade, || metrics::gauge!("open_carts").set(7.0));
    /// assert!(registry.render_prometheus().contains("shop_open_carts{region=\"eu\"} 7\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn new(registry: &Registry) -> Result<Self, RegisterError> {
        let help = "Updates through the metrics facade that were lost, since their metric was refused.";
        let lost = Desc::of::<Family<Counter>>("metrics_facade_refused_total", help).with_labels(["metric"]);
        let lost = registry.register(lost)?;
        let (id, names) = (sync::serial(), Mutex::new(Names::default()));
        Ok(Self { shared: Arc::new(Shared { id, registry: registry.clone(), names, lost }) })
    }

    /// The same with other buckets, for histograms that are not there yet. Single ones can be given theirs by
    /// [`with_buckets_of`](Self::with_buckets_of), or when the registry is made ([`Options`](crate::Options)).
    ///
    /// ```
    /// use streamgauge_metrics::{Buckets, Facade, Registry};
    ///
    /// let registry = Registry::new();
    /// let facade = Facade::new(&registry)?.with_buckets(Buckets::Custom(vec![1.0].into()));
    /// metrics::with_local_recorder(&facade, || metrics::histogram!("wait").record(0.5));
    /// assert!(registry.render_prometheus().contains("wait_bucket{le=\"1\"} 1\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn with_buckets(self, buckets: Buckets) -> Self {
        sync::lock(&self.shared.names).buckets = buckets;
        self
    }

    /// The same with other buckets for the histogram of this name.
    ///
    /// ```
    /// use streamgauge_metrics::{Buckets, Facade, Registry};
    ///
    /// let registry = Registry::new();
    /// let facade = Facade::new(&registry)?.with_buckets_of("body_bytes", Buckets::SizeBytes);
    /// metrics::with_local_recorder(&facade, || metrics::histogram!("body_bytes").record(2000.0));
    /// assert!(registry.render_prometheus().contains("body_bytes_bucket{le=\"10240\"} 1\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[must_use]
    pub fn with_buckets_of(self, name: &str, buckets: Buckets) -> Self {
        sync::lock(&self.shared.names).buckets_of.insert(name.to_owned(), buckets);
        self
    }

    /// Makes it the recorder of the process, for which there can be one.
    ///
    /// ```
    /// use streamgauge_metrics::{Facade, Registry};
    ///
    /// let registry = Registry::new();
    /// Facade::new(&registry)?.install()?;
    /// metrics::counter!("jobs_total").increment(1);
    /// assert!(registry.render_prometheus().contains("jobs_total 1\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install(self) -> Result<(), SetRecorderError<Self>> {
        ::metrics::set_global_recorder(self)
    }

    /// What could not be kept, the first hundred metrics.
    ///
    /// ```
    /// use streamgauge_metrics::{Facade, Registry};
    ///
    /// let registry = Registry::new();
    /// let facade = Facade::new(&registry)?;
    /// metrics::with_local_recorder(&facade, || {
    ///     metrics::gauge!("depth").set(1.0);
    ///     metrics::histogram!("depth").record(1.0);
    /// });
    /// assert_eq!(facade.refused()[0].name, "depth");
    /// assert!(registry.render_prometheus().contains("metrics_facade_refused_total{metric=\"depth\"} 1\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn refused(&self) -> Vec<Refused> {
        sync::lock(&self.shared.names).refused.clone()
    }

    /// What takes the updates of a metric that is refused.
    fn lost(&self, name: &str) -> Arc<Lost> {
        let values = [name.into()];
        Arc::new(Lost(self.shared.lost.find_by_values(&values, &"the metrics facade")))
    }

    fn describe<T: names::Kept>(&self, name: &KeyName, unit: Option<Unit>, help: &str) {
        let described = Described { help: help.to_owned(), unit };
        sync::lock(&self.shared.names).describe::<T>(&self.shared.registry, name.as_str(), described);
    }

    /// The series of a key, unless it is refused.
    fn series<T: names::Kept>(&self, key: &Key, of: &Metadata<'_>) -> Option<Arc<T>> {
        // The last of equal names counts. One without a value is none to Prometheus, so it makes no series of its own.
        let labels: BTreeMap<&str, &str> = key.labels().map(|label| (label.key(), label.value())).collect();
        let labels: Vec<_> = labels.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let family = sync::lock(&self.shared.names).family::<T>(&self.shared.registry, key.name(), &labels)?;
        // With no lock held: whoever is told of the number of series may count through the facade.
        let values: Vec<_> = labels.iter().map(|(_, value)| Cow::Borrowed(*value)).collect();
        Some(Arc::new(family.find_by_values(&values, &of.module_path().unwrap_or(of.target()))))
    }
}

impl Recorder for Facade {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe::<Counter>(&key, unit, &description);
    }

    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe::<Gauge>(&key, unit, &description);
    }

    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe::<Histogram>(&key, unit, &description);
    }

    fn register_counter(&self, key: &Key, of: &Metadata<'_>) -> ::metrics::Counter {
        if cfg!(feature = "noop") {
            return ::metrics::Counter::noop();
        }
        remembered::counter(self.shared.id, key, || match self.series::<Counter>(key, of) {
            Some(counter) => ::metrics::Counter::from_arc(counter),
            None => ::metrics::Counter::from_arc(self.lost(key.name())),
        })
    }

    fn register_gauge(&self, key: &Key, of: &Metadata<'_>) -> ::metrics::Gauge {
        if cfg!(feature = "noop") {
            return ::metrics::Gauge::noop();
        }
        remembered::gauge(self.shared.id, key, || match self.series::<Gauge>(key, of) {
            Some(gauge) => ::metrics::Gauge::from_arc(gauge),
            None => ::metrics::Gauge::from_arc(self.lost(key.name())),
        })
    }

    fn register_histogram(&self, key: &Key, of: &Metadata<'_>) -> ::metrics::Histogram {
        if cfg!(feature = "noop") {
            return ::metrics::Histogram::noop();
        }
        remembered::histogram(self.shared.id, key, || match self.series::<Histogram>(key, of) {
            Some(histogram) => ::metrics::Histogram::from_arc(histogram),
            None => ::metrics::Histogram::from_arc(self.lost(key.name())),
        })
    }
}

impl fmt::Debug for Facade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Facade").field("registry", &self.shared.registry).finish_non_exhaustive()
    }
}
