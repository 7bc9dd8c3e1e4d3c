//! Values that are fetched when a scrape asks for them, by code that may be late, fail or panic.
//!
//! ```text
//!   round of scrapes ── take_turn ──► Run ◄── collect, in time? apply ── Job, a thread of its own
//!                       wait, for its deadline at most
//! ```
//!
//! What a collector fetches is applied as a whole or not at all, so what it moves goes on showing
//! the last good value. Each run has a thread to itself, also that of an async collector: one that
//! blocks where it should wait costs its own thread, not the one that serves sockets.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout_at;

mod error;
mod job;
mod metrics;
mod run;

use self::job::{Failure, Job};
use self::run::{Ended, Run};

pub use self::error::CollectorError;
pub use self::metrics::CollectorMetrics;

/// What a collector gets that does not say how long it may take.
const USUAL_DEADLINE: Duration = Duration::from_secs(1);
/// No collector is waited for longer, whatever it or a scrape allows.
const LONGEST_DEADLINE: Duration = Duration::from_mins(1);
/// Each may cost a thread that is stuck, and has series of its own.
const MOST_COLLECTORS: usize = 64;
const LONGEST_NAME: usize = 128;

/// Waits for a value until the moment it is given or the endpoint is gone, if that can be broken off.
type Collect = dyn Fn(Instant, Endpoint) -> Result<Apply, Failure> + Send + Sync;
type Apply = Box<dyn FnOnce()>;
/// Says when the endpoint is gone: the sender is, before the timers of its runtime are.
type Endpoint = watch::Receiver<()>;

/// Fetches a value for each scrape, and moves metrics by it.
///
/// `collect` fetches, in at most a second or [what it is given](Self::within); `apply` is called
/// only with a value that came in time. A run that fails, panics or is late leaves the metrics as
/// they are, and is counted in [`CollectorMetrics`].
///
/// ```
/// use std::time::Duration;
/// use streamgauge_export::{Collector, Collectors};
/// use streamgauge_metrics::{Desc, Family, Gauge, LabelSet, Registry};
///
/// #[derive(Clone, Copy, PartialEq, Eq, Hash, LabelSet)]
/// struct Of {
///     partition: u32,
/// }
/// # struct Consumer;
/// # impl Consumer {
/// #     async fn lag(&self) -> std::io::Result<Vec<(u32, u64)>> { Ok(vec![(0, 7)]) }
/// # }
/// # let (registry, consumer) = (Registry::new(), Consumer);
///
/// let desc = Desc::of::<Family<Gauge, Of>>("consumer_lag", "Messages behind, by partition.");
/// let lag: Family<Gauge, Of> = registry.register(desc)?;
/// let ask = async move || consumer.lag().await;
/// let show = move |partitions| {
///     for (partition, messages) in partitions {
///         lag.get_or_create(&Of { partition }).set(messages as f64);
///     }
/// };
///
/// let collectors = Collectors::default();
/// collectors.add(Collector::new("consumer_lag", ask, show).within(Duration::from_millis(500)))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Collector {
    name: String,
    deadline: Duration,
    collect: Box<Collect>,
}

/// The collectors of a scrape endpoint. A clone is another handle to the same list.
///
/// They run for every scrape, since nobody knows which metrics they move: all at the same time,
/// before the snapshot is taken. Scrapes that overlap share a run. Together they get half the time
/// of a scrape at most, so that the page comes whatever they do.
///
/// Async code that is late is dropped. Blocking code that is late cannot be stopped: its value is
/// thrown away when it comes, and until then it is not called again.
#[derive(Clone, Default)]
pub struct Collectors {
    members: Arc<Mutex<Vec<Arc<Member>>>>,
}

/// The collectors as one endpoint runs them, and counts what comes of it.
#[derive(Clone)]
pub(crate) struct Collecting {
    pub(crate) collectors: Collectors,
    pub(crate) metrics: CollectorMetrics,
}

/// A collector that was added.
struct Member {
    collector: Collector,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last run; there is no other before it is over.
    run: Option<Arc<Run>>,
    /// When the value came that is shown.
    good: Option<Instant>,
    /// How the last run failed, if it did: a change of it is worth a line in the log.
    failure: Option<metrics::Reason>,
}

/// What a round has to do with a collector.
enum Turn {
    /// It started the run, so it counts what comes of it.
    Own(Arc<Run>),
    /// It waits for the run of another round.
    Shared(Arc<Run>),
    /// A run that was given up is still under way.
    Stuck,
}

impl Collector {
    /// An async collector. Its future is polled by a thread of its own, and dropped at the deadline.
    ///
    /// ```
    /// use streamgauge_export::Collector;
    /// use streamgauge_metrics::Gauge;
    ///
    /// # async fn ping() -> std::io::Result<f64> { Ok(1.0) }
    /// let round_trip = Gauge::default();
    /// let collector = Collector::new("ping", ping, move |millis| round_trip.set(millis));
    /// ```
    pub fn new<T: 'static, E: fmt::Display>(
        name: impl Into<String>,
        collect: impl AsyncFn() -> Result<T, E> + Send + Sync + 'static,
        apply: impl Fn(T) + Send + Sync + 'static,
    ) -> Self {
        Self::of(name.into(), apply, move |until, mut endpoint| {
            let in_time = Handle::current().block_on(async {
                tokio::select! {
                    // First: a timer that is polled when its runtime has ended panics.
                    biased;
                    _ = endpoint.changed() => Err(Failure::Late),
                    in_time = timeout_at(until.into(), collect()) => in_time.map_err(|_| Failure::Late),
                }
            });
            in_time?.map_err(|error| Failure::Error(error.to_string()))
        })
    }

    /// A collector that blocks while it fetches.
    ///
    /// ```
    /// use streamgauge_export::Collector;
    /// use streamgauge_metrics::Gauge;
    ///
    /// let load = Gauge::default();
    /// let read = || std::fs::read_to_string("/proc/loadavg");
    /// let collector = Collector::blocking("load", read, move |text| {
    ///     load.set(text.split(' ').next().and_then(|minute| minute.parse().ok()).unwrap_or(f64::NAN));
    /// });
    /// ```
    pub fn blocking<T: 'static, E: fmt::Display>(
        name: impl Into<String>,
        collect: impl Fn() -> Result<T, E> + Send + Sync + 'static,
        apply: impl Fn(T) + Send + Sync + 'static,
    ) -> Self {
        Self::of(name.into(), apply, move |_, _| collect().map_err(|error| Failure::Error(error.to_string())))
    }

    fn of<T: 'static>(
        name: String,
        apply: impl Fn(T) + Send + Sync + 'static,
        collect: impl Fn(Instant, Endpoint) -> Result<T, Failure> + Send + Sync + 'static,
    ) -> Self {
        let apply = Arc::new(apply);
        let collect = move |until, endpoint| {
            let (value, apply) = (collect(until, endpoint)?, Arc::clone(&apply));
            Ok(Box::new(move || apply(value)) as Apply)
        };
        Self { name, deadline: USUAL_DEADLINE, collect: Box::new(collect) }
    }

    /// The same with another deadline than a second; a minute is the longest. A scrape that has less
    /// time than twice of it waits for half its own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamgauge_export::Collector;
    ///
    /// let read = || "7".parse::<u32>();
    /// let patient = Collector::blocking("seven", read, |_| {}).within(Duration::from_secs(3));
    /// ```
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self { deadline: deadline.min(LONGEST_DEADLINE), ..self }
    }
}

impl Collectors {
    /// Adds a collector, for as long as the list lives.
    ///
    /// # Errors
    /// If its name is taken, empty or longer than 128 bytes, or if there are 64 already.
    ///
    /// ```
    /// use streamgauge_export::{Collector, Collectors};
    ///
    /// let collectors = Collectors::default();
    /// let answer = || Collector::blocking("answer", || "42".parse::<u32>(), |_| {});
    /// collectors.add(answer())?;
    /// assert!(collectors.add(answer()).is_err());
    /// # Ok::<(), streamgauge_export::CollectorError>(())
    /// ```
    pub fn add(&self, collector: Collector) -> Result<(), CollectorError> {
        let name = &collector.name;
        let mut members = lock(&self.members);
        if !(1..=LONGEST_NAME).contains(&name.len()) {
            return Err(CollectorError::Name { name: name.clone() });
        }
        if members.iter().any(|member| member.collector.name == *name) {
            return Err(CollectorError::Taken { name: name.clone() });
        }
        if members.len() >= MOST_COLLECTORS {
            return Err(CollectorError::TooMany { name: name.clone() });
        }
        members.push(Arc::new(Member { collector, state: Mutex::default() }));
        Ok(())
    }

    fn members(&self) -> Vec<Arc<Member>> {
        lock(&self.members).clone()
    }
}

impl Collecting {
    /// When a round is done with them that begins now and has this much time for them.
    pub(crate) fn until(&self, time: Duration) -> Instant {
        let deadlines = lock(&self.collectors.members).iter().map(|member| member.collector.deadline).max();
        Instant::now() + time.min(deadlines.unwrap_or_default())
    }

    /// Runs them all, or waits for those that run, until then at most. To be called where one may
    /// block, on a thread of a runtime.
    pub(crate) fn refresh(&self, until: Instant, endpoint: &Endpoint) {
        let members = self.collectors.members();
        let turns: Vec<_> = members.iter().map(|member| member.take_turn(until, endpoint)).collect();
        for (member, turn) in members.iter().zip(turns) {
            match turn {
                Turn::Own(run) => self.note(member, &run.wait(until)),
                Turn::Shared(run) => drop(run.wait(until)),
                Turn::Stuck => self.note(member, &Ended::now(Failure::Stuck)),
            }
        }
        for member in members {
            let good = lock(&member.state).good;
            self.metrics.show_age(&member.collector.name, good.map(|good| good.elapsed()));
        }
    }

    fn note(&self, member: &Member, ended: &Ended) {
        let name = &member.collector.name;
        let failure = ended.outcome.as_ref().err();
        self.metrics.note(name, ended.took, failure.map(Failure::reason));
        let before = std::mem::replace(&mut lock(&member.state).failure, failure.map(Failure::reason));
        match failure {
            Some(failure) if before != Some(failure.reason()) => {
                tracing::warn!("the collector `{name}` brought nothing, its last value stays: {failure}");
            }
            None if before.is_some() => tracing::info!("the collector `{name}` brings values again"),
            _ => {}
        }
    }
}

impl Member {
    /// One run at a time: whoever comes meanwhile waits for that one, unless it was given up.
    fn take_turn(self: &Arc<Self>, until: Instant, endpoint: &Endpoint) -> Turn {
        let mut state = lock(&self.state);
        match &state.run {
            Some(run) if run.is_given_up() => return Turn::Stuck,
            Some(run) if !run.is_over() => return Turn::Shared(Arc::clone(run)),
            _ => {}
        }
        let run = Arc::new(Run::new(until, self.collector.deadline));
        state.run = Some(Arc::clone(&run));
        Job::start(Arc::clone(self), Arc::clone(&run), endpoint.clone());
        Turn::Own(run)
    }
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Collector");
        shown.field("name", &self.name).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}

impl fmt::Debug for Collectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(lock(&self.members).iter().map(|member| &member.collector.name)).finish()
    }
}

/// A panic cannot leave what stands behind these locks half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
