//! What time it is, for what looks back: the windows of summaries.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::sync::{Arc, AtomicU64, Ordering};

/// Tells the time that has passed, from the system or as a test sets it.
///
/// ```
/// use std::time::Duration;
/// use streamgauge_metrics::{Clock, Desc, Options, Registry, Summary};
///
/// let clock = Clock::manual();
/// let registry = Registry::with_options(Options { clock: clock.clone(), ..Options::default() })?;
/// let wait_ms: Summary = registry.register(Desc::of::<Summary>("wait_ms", "Waiting."))?;
/// wait_ms.observe(3.5);
/// assert_eq!(wait_ms.get().quantile(0.5), Some(3.5));
/// clock.advance(Duration::from_secs(61));
/// assert!(wait_ms.get().quantile(0.5).unwrap().is_nan());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Nanoseconds; `None` if the system tells them.
    manual: Option<Arc<AtomicU64>>,
}

/// When the first one here asked the system.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Clock {
    /// The monotonic clock of the system: what a registry has unless told otherwise.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Clock::system(), streamgauge_metrics::Clock::default());
    /// ```
    pub const fn system() -> Self {
        Self { manual: None }
    }

    /// A clock that stands still until it is [advanced](Self::advance). A clone is the same clock.
    ///
    /// ```
    /// use streamgauge_metrics::Clock;
    ///
    /// let clock = Clock::manual();
    /// assert_eq!(clock, clock.clone());
    /// assert_ne!(clock, Clock::manual());
    /// ```
    pub fn manual() -> Self {
        Self { manual: Some(Arc::default()) }
    }

    /// Lets time pass on a manual clock, of 584 years in all; that of the system goes by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use streamgauge_metrics::Clock;
    ///
    /// Clock::manual().advance(Duration::from_secs(12));
    /// ```
    pub fn advance(&self, by: Duration) {
        if let Some(nanos) = &self.manual {
            nanos.fetch_add(whole_nanos(by), Ordering::Relaxed);
        }
    }

    /// Nanoseconds since some moment.
    pub(crate) fn now(&self) -> u64 {
        match &self.manual {
            Some(nanos) => nanos.load(Ordering::Relaxed),
            None => whole_nanos(BEGIN.elapsed()),
        }
    }

    /// Milliseconds since 1970, which a manual clock begins at.
    pub(crate) fn wall_millis(&self) -> u64 {
        let time = match &self.manual {
            Some(nanos) => Duration::from_nanos(nanos.load(Ordering::Relaxed)),
            // A clock that is before 1970 tells nothing better than 1970.
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        };
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether to look costs nothing.
    pub(crate) const fn is_manual(&self) -> bool {
        self.manual.is_some()
    }
}

fn whole_nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl PartialEq for Clock {
    fn eq(&self, other: &Self) -> bool {
        match (&self.manual, &other.manual) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        }
    }
}
