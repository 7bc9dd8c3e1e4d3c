//! Owns the metrics, refuses clashes, takes snapshots.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};

#[cfg(feature = "metrics-facade")]
mod beside;
mod cardinality;
mod claims;
mod entries;
mod error;
mod metrics;
mod options;
mod own;
mod scope;

use self::entries::{Entries, Entry, Registered, Source};
use self::options::Proven;
use self::own::Own;
use self::scope::Scope;
use crate::cardinality::{Refusal, Refusals};
use crate::desc::{Desc, Kind};
use crate::encode;
use crate::family::Family;
use crate::firewall::Budget;
use crate::instrument::{Declared, Group, Instrument, Member as _};
use crate::label::LabelSet;
use crate::metric::Metric;
use crate::plan::{Plan, Storage};
use crate::snapshot::{self, FamilySnapshot, Member, Snapshot, Value};
use crate::sync::{self, Arc, CHUNK, Mutex, RwLock};
use crate::table::List;

pub use self::error::RegisterError;
pub use self::metrics::Metrics;
pub use self::options::{Options, OptionsError};

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
    scope: Arc<Scope>,
}

type Hook = Arc<dyn Fn() + Send + Sync>;

struct Inner {
    options: Proven,
    budget: Arc<Budget>,
    entries: RwLock<Entries>,
    hooks: RwLock<Vec<Hook>>,
    /// Held by a snapshot that lets series go, so that no other one tells of them later than that.
    expiring: Mutex<()>,
    own: Own,
}

impl Registry {
    /// An empty registry with the standard buckets and limits.
    ///
    /// ```
    /// use streamgauge_metrics::{Registry, test::ABSENT, assert_metrics};
    ///
    /// assert_metrics!(Registry::new(), { "metrics_registry_hook_panics_total" => 0, "jobs_total" => ABSENT });
    /// ```
    pub fn new() -> Self {
        Self::proven(Proven::default())
    }

    /// An empty registry with limits of its own, or that gives the named bucket sets, or single
    /// histograms, other bounds.
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
        options.prove().map(Self::proven)
    }

    /// The same registry, for metrics whose names begin with `prefix` and whose series all have
    /// these labels. Both are added to what this registry adds itself.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let eu = registry.scoped("store", &[("region", "eu")])?;
    /// let us = registry.scoped("store", &[("region", "us")])?;
    /// let desc = || Desc::of::<Counter>("reads_total", "Reads.");
    /// eu.register::<Counter>(desc())?.inc();
    /// us.register::<Counter>(desc())?.inc_by(2);
    /// let page = registry.render_prometheus();
    /// assert!(page.contains("store_reads_total{region=\"eu\"} 1\nstore_reads_total{region=\"us\"} 2\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn scoped(&self, prefix: &str, labels: &[(&str, &str)]) -> Result<Self, RegisterError> {
        let scope = Arc::new(self.scope.inner(prefix, labels)?);
        Ok(Self { inner: Arc::clone(&self.inner), scope })
    }

    /// Registers a metric, or gives back the one that was registered with the same declaration.
    ///
    /// Refused is what breaks a rule by itself, clashes with what is registered, has a label that
    /// the limits deny, or is declared as another type; the error names both places.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc();
    ///
    /// let clash = Desc::of::<Counter>("jobs_total", "Other jobs.");
    /// let error = registry.register::<Counter>(clash).unwrap_err();
    /// assert!(error.to_string().contains("make the two declarations equal or rename one"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn register<T: Declared>(&self, desc: Desc) -> Result<T, RegisterError> {
        if desc.kind() != T::KIND || !T::LABELS_BY_NAME && desc.labels() != T::LABELS {
            return Err(RegisterError::other_type(&desc, Location::caller(), None));
        }
        self.register_parts(vec![desc], T::STORAGE, T::attach)
    }

    /// Registers the instruments of a [`Group`], all or none; [`Metrics::register`] of the group
    /// calls this.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Metrics, Registry, record};
    ///
    /// #[derive(Clone, Metrics)]
    /// #[metrics(group)]
    /// struct Pages {
    ///     /// Pages asked for.
    ///     pages_total: Counter,
    ///     /// Pages that were in the cache.
    ///     hits_total: Counter,
    /// }
    ///
    /// let pages: Pages = Registry::new().register_group()?;
    /// record((pages.pages_total.adding(1), pages.hits_total.adding(1)));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn register_group<G: Group>(&self) -> Result<G, RegisterError> {
        let attach = |metric: &Arc<Metric>| G::over(&metric.only(), &metric.parts);
        self.register_parts(G::declare(&[]), <G as Group>::STORAGE, attach)
    }

    #[track_caller]
    fn register_parts<T: Clone + Send + Sync + 'static>(
        &self,
        descs: Vec<Desc>,
        storage: &[Storage],
        attach: impl FnOnce(&Arc<Metric>) -> T,
    ) -> Result<T, RegisterError> {
        let at = Location::caller();
        let descs = self.proven_descs(descs)?;
        let mut entries = sync::write(&self.inner.entries);
        if let Some(known) = entries.find::<T>(&descs, &self.scope.constant, at)? {
            // A group is cloned by its own code, with no lock held.
            drop(entries);
            return Ok(T::clone(&known));
        }
        entries.make_room(&descs, at)?;
        let metric = self.metric(&descs, storage)?;
        let typed = Arc::new(attach(&metric));
        for (desc, part) in descs.into_iter().zip(&metric.parts) {
            let handle: Arc<dyn Any + Send + Sync> = Arc::clone(&typed) as _;
            let source = Source::Part { metric: Arc::clone(&metric), part: part.clone(), handle };
            entries.add(desc, at, Registered { constant: Arc::clone(&self.scope.constant), source });
        }
        drop(entries);
        Ok(T::clone(&typed))
    }

    fn proven_descs(&self, descs: Vec<Desc>) -> Result<Vec<Desc>, RegisterError> {
        let descs: Vec<_> = descs.into_iter().map(|desc| desc.prefixed(&self.scope.prefix)).collect();
        for desc in &descs {
            desc.validate()?;
            self.scope.refuse_doubles(desc)?;
            self.inner.options.refuse_labels(desc, self.scope.labels())?;
        }
        Ok(descs)
    }

    fn metric(&self, descs: &[Desc], storage: &[Storage]) -> Result<Arc<Metric>, RegisterError> {
        let options = &self.inner.options;
        let bounds = descs.iter().map(|desc| options.bounds(desc));
        let setup = descs.iter().find_map(|desc| options.setup(desc));
        let expire_after = descs.first().and_then(|desc| options.expire_after(desc));
        let plan = Plan::new(storage.iter().copied().zip(bounds)).with_setup(setup);
        let plan = plan.with_clock(options.clock(), expire_after);
        let labels = descs.first().map_or(&[][..], Desc::labels);
        if plan.shape.len as usize > CHUNK {
            return Err(RegisterError::GroupTooLarge { first: descs.first().map(|d| d.name().to_owned()) });
        }
        let limits = self.inner.options.limits();
        let name = descs.first().map_or("", Desc::name);
        Ok(Metric::new(name, plan, labels.into(), &self.scope.constant, limits, &self.inner.budget))
    }

    /// Registers a counter or gauge whose value is read when a snapshot is taken.
    ///
    /// No lock is held while `read` runs. If it panics, or gives a counter a value that is none
    /// (negative, infinite or no number), the metric is missing from that snapshot and the failure
    /// is counted in `metrics_registry_hook_panics_total` or `metrics_registry_refused_total`.
    ///
    /// ```
    /// use streamgauge_metrics::{Desc, Gauge, Registry};
    ///
    /// let registry = Registry::new();
    /// registry.register_fn(Desc::of::<Gauge>("answer", "The answer."), || 42.0)?;
    /// assert_eq!(registry.snapshot().gauge("answer", &[]), Some(42.0));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    #[track_caller]
    pub fn register_fn(&self, desc: Desc, read: impl Fn() -> f64 + Send + Sync + 'static) -> Result<(), RegisterError> {
        let at = Location::caller();
        if !desc.labels().is_empty() || !matches!(desc.kind(), Kind::Counter | Kind::Gauge) {
            return Err(RegisterError::other_type(&desc, Location::caller(), None));
        }
        let descs = self.proven_descs(vec![desc])?;
        let mut entries = sync::write(&self.inner.entries);
        entries.refuse_second(&descs, &self.scope.constant, at)?;
        entries.make_room(&descs, at)?;
        let source = Source::Read { read: Arc::new(read), refusals: Arc::default() };
        let registered = Registered { constant: Arc::clone(&self.scope.constant), source };
        for desc in descs {
            entries.add(desc, at, registered.clone());
        }
        Ok(())
    }

    /// Takes a metric out, with all its series: true if it was there. Handles to it go on
    /// counting for themselves; to register it again is to begin a new one.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let _: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// assert!(registry.unregister("jobs_total"));
    /// assert!(!registry.render_prometheus().contains("jobs_total"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn unregister(&self, name: &str) -> bool {
        let name = self.scope.name(name);
        let out = sync::write(&self.inner.entries).remove(&name, &self.scope.constant);
        // Dropped here, with no lock held: what is in it may be the caller's.
        !out.is_empty()
    }

    /// Every declaration registered so far, those of the registry about itself included, sorted by
    /// name.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// assert!(registry.describe().iter().any(|desc| desc.name() == "jobs_total"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn describe(&self) -> Vec<Desc> {
        let entries = sync::read(&self.inner.entries);
        let mut descs: Vec<_> = entries.by_name.values().map(|entry| Desc::clone(&entry.desc)).collect();
        descs.extend(own::describe());
        descs.sort_by(|a, b| a.name().cmp(b.name()));
        descs
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

    /// The values of all metrics now; hooks and callbacks run first. What belongs together in it is
    /// told on the [front page](crate#what-a-scrape-promises).
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc_by(2);
    /// let snapshot = registry.snapshot();
    /// jobs.inc();
    /// assert_eq!(snapshot.counter("jobs_total", &[]), Some(2));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_of(|_| true)
    }

    /// The values of some metrics now: what is not wanted is not read, and its callbacks do not
    /// run. Hooks do, since nobody knows which metrics they refresh.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc();
    /// let snapshot = registry.snapshot_of(|desc| desc.is_called("jobs_total"));
    /// assert_eq!((snapshot.families().len(), snapshot.counter("jobs_total", &[])), (1, Some(1)));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn snapshot_of(&self, wanted: impl Fn(&Desc) -> bool) -> Snapshot {
        self.run_hooks();
        let all: Vec<Entry> = sync::read(&self.inner.entries).by_name.values().cloned().collect();
        let entries: Vec<&Entry> = all.iter().filter(|entry| wanted(&entry.desc)).collect();
        let mut given: Vec<_> = entries.iter().map(|entry| self.read(entry)).collect();
        // Code of the caller ran for the last time: from here to the end there may be a lock.
        let expiring = entries.iter().any(|entry| entry.metrics().any(|metric| metric.idle.is_some()));
        let _alone = expiring.then(|| sync::lock(&self.inner.expiring));
        let read: BTreeSet<u64> = entries.iter().flat_map(|entry| entry.metrics()).map(|metric| metric.id).collect();
        entries.iter().flat_map(|entry| entry.metrics()).for_each(|metric| metric.revive());
        // What the registry tells about itself is about all metrics, read or not.
        let lists = lists(&all);
        let read = lists.values().filter(|(metric, _)| read.contains(&metric.id));
        // Before the sums, so that what an exemplar tells of is in them.
        let parts = entries.iter().zip(&mut given).map(|(entry, given)| members(entry, given, &lists));
        let members: Vec<_> = parts.collect();
        let totals = snapshot::sums(read.clone().map(|(metric, list)| (&**metric, &**list)));
        read.for_each(|(metric, list)| metric.expire(list, &totals));
        let family = |(entry, members): (&Entry, _)| FamilySnapshot::new(Arc::clone(&entry.desc), &totals, members);
        let mut families: Vec<_> = entries.into_iter().zip(members).map(family).collect();
        let series = families.iter().map(FamilySnapshot::len).sum();
        families.extend(self.inner.own.families(&all, &lists, &self.inner.budget, series, &totals, wanted));
        families.sort_by(|a, b| a.desc().name().cmp(b.desc().name()));
        Snapshot::new(families)
    }

    /// A snapshot as Prometheus text, version 0.0.4; [`encode`] has the other formats, and tells which
    /// families have no way to be told.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Desc, Registry};
    ///
    /// let registry = Registry::new();
    /// let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
    /// jobs.inc();
    /// assert!(registry.render_prometheus().contains("# TYPE jobs_total counter\njobs_total 1\n"));
    /// # Ok::<(), streamgauge_metrics::RegisterError>(())
    /// ```
    pub fn render_prometheus(&self) -> String {
        encode::plain_text(&self.snapshot())
    }

    fn proven(options: Proven) -> Self {
        let budget = Arc::new(Budget::new(options.limits()));
        let mut entries = Entries::default();
        let claimed = own::describe().iter().try_for_each(|desc| entries.claims.claim(desc, Location::caller()));
        debug_assert!(claimed.is_ok(), "the registry's own names do not clash");
        let inner = Inner {
            options,
            budget,
            entries: RwLock::new(entries),
            hooks: RwLock::default(),
            expiring: Mutex::default(),
            own: Own::default(),
        };
        Self { inner: Arc::new(inner), scope: Arc::default() }
    }

    fn run_hooks(&self) {
        let hooks: Vec<Hook> = sync::read(&self.inner.hooks).clone();
        for hook in hooks {
            // A hook that broke off half way leaves gauges stale, which is all it could do before.
            self.contain(|| hook());
        }
    }

    /// Runs code of the caller; a panic is counted and goes no further.
    fn contain<T>(&self, code: impl FnOnce() -> T) -> Option<T> {
        let outcome = catch_unwind(AssertUnwindSafe(code)).ok();
        if outcome.is_none() {
            self.inner.own.hook_panics.inc();
        }
        outcome
    }

    /// The values that have to be asked for.
    fn read(&self, entry: &Entry) -> Vec<Option<Member>> {
        let member = |registered: &Registered| match &registered.source {
            Source::Part { .. } => None,
            Source::Read { read, refusals } => {
                let value = self.contain(|| read())?;
                given(entry.desc.kind(), &registered.constant, value, refusals)
            }
        };
        entry.registered.iter().map(member).collect()
    }
}

/// The series that are registered under a name; `given` are those whose values were asked for.
fn members(entry: &Entry, given: &mut [Option<Member>], lists: &Lists) -> Vec<Member> {
    let member = |(registered, given): (&Registered, &mut Option<Member>)| match &registered.source {
        Source::Part { metric, part, .. } => {
            let (_, list) = lists.get(&metric.id)?;
            Some(Member::of(metric, list, part, entry.desc.name()))
        }
        Source::Read { .. } => given.take(),
    };
    entry.registered.iter().zip(given).filter_map(member).collect()
}

/// The series of a value that was read, unless it is to be a count and is none.
fn given(kind: Kind, constant: &str, value: f64, refusals: &Refusals) -> Option<Member> {
    let value = if kind == Kind::Counter {
        if let Some(refusal) = Refusal::of_count(value) {
            refusals.count(refusal);
            return None;
        }
        Value::FloatCounter(value)
    } else {
        Value::Gauge(value)
    };
    Some(Member::Given(vec![(constant.into(), value)]))
}

/// The series of each metric, by its id: read once, so that the instruments of a group have the
/// same.
type Lists = BTreeMap<u64, (Arc<Metric>, Arc<List>)>;

fn lists(entries: &[Entry]) -> Lists {
    let mut lists = Lists::new();
    for metric in entries.iter().flat_map(Entry::metrics) {
        lists.entry(metric.id).or_insert_with(|| (Arc::clone(metric), metric.list()));
    }
    lists
}

/// A family of groups is a group of families.
impl<G: Group, L: LabelSet> Metrics for Family<G, L> {
    #[track_caller]
    fn register(registry: &Registry) -> Result<Self, RegisterError> {
        const { assert!(!L::LABELS.is_empty(), "a family of groups needs a label set") };
        registry.register_parts(G::declare(L::LABELS), <G as Group>::STORAGE, Self::attach)
    }

    fn describe() -> Vec<Desc> {
        G::declare(L::LABELS)
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
