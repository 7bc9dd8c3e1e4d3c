//! What does not change, and what is one of several.

use std::fmt;
use std::marker::PhantomData;

use crate::desc::Kind;
use crate::family::Family;
use crate::gauge::Gauge;
use crate::histogram::Bounds;
use crate::instrument::{Declared, Instrument, Sealed, Single};
use crate::label::{Label, LabelSet, LabelValue};
use crate::metric::Metric;
use crate::plan::Storage;
use crate::slot::Handle;
use crate::sync::{Arc, Ordering};

/// Something worth knowing that has no number, told in labels: `build_info{version="1.2"} 1`.
///
/// ```
/// use streamgauge_metrics::{Desc, Info, LabelSet, Registry};
///
/// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
/// struct Build {
///     version: &'static str,
/// }
///
/// let registry = Registry::new();
/// let info: Info<Build> = registry.register(Desc::of::<Info<Build>>("build_info", "What is running."))?;
/// info.set(&Build { version: "1.2.0" });
/// assert!(registry.render_prometheus().contains("build_info{version=\"1.2.0\"} 1\n"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
pub struct Info<L> {
    series: Family<Gauge, L>,
}

/// Which of several states something is in: one series for each state, 1 for the present one.
///
/// ```
/// use streamgauge_metrics::{Desc, LabelValue, Registry, StateSet};
///
/// #[derive(Clone, Copy, LabelValue)]
/// enum Breaker {
///     Closed,
///     Open,
/// }
///
/// let registry = Registry::new();
/// let desc = Desc::of::<StateSet<Breaker>>("breaker", "Whether requests go through.");
/// let breaker: StateSet<Breaker> = registry.register(desc)?;
/// breaker.set(&Breaker::Open);
/// assert!(registry.render_prometheus().contains("breaker{breaker=\"open\"} 1\n"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
pub struct StateSet<S> {
    handle: Handle,
    states: PhantomData<fn(S)>,
}

impl<L: LabelSet> Info<L> {
    /// Replaces what was told before; a scrape at that moment may show both. Past a limit what is
    /// told has the labels of the [overflow](crate::cardinality::OVERFLOW).
    ///
    /// ```
    /// use streamgauge_metrics::{Info, LabelSet};
    ///
    /// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
    /// struct Plan {
    ///     digest: String,
    /// }
    ///
    /// let plan = Info::<Plan>::default();
    /// plan.set(&Plan { digest: "a1".to_owned() });
    /// plan.set(&Plan { digest: "b2".to_owned() }); // a1 is told no more
    /// ```
    pub fn set(&self, labels: &L) {
        // What is held stays: this one, or what stands for it past a limit.
        let told = self.series.handle(labels);
        told.set(1.0);
        self.series.retain(|_| false);
    }
}

impl<S: LabelValue> StateSet<S> {
    /// Goes over to a state. Only one is present in a scrape.
    ///
    /// ```
    /// let on = streamgauge_metrics::StateSet::<bool>::default();
    /// assert!(on.is(&false));
    /// on.set(&true);
    /// assert!(on.is(&true));
    /// ```
    pub fn set(&self, state: &S) {
        if !cfg!(feature = "noop") {
            self.handle.slot.level.store(state.index() as u64, Ordering::Relaxed);
        }
    }

    /// Whether it is in this state. It begins in the first one.
    ///
    /// ```
    /// use streamgauge_metrics::StateSet;
    ///
    /// let on: StateSet<bool> = StateSet::default();
    /// on.set(&true);
    /// assert!(on.is(&true));
    /// ```
    pub fn is(&self, state: &S) -> bool {
        self.handle.slot.level.load(Ordering::Relaxed) == state.index() as u64
    }
}

impl<L: LabelSet> Default for Info<L> {
    fn default() -> Self {
        Self { series: Family::default() }
    }
}

impl<L> Clone for Info<L> {
    fn clone(&self) -> Self {
        Self { series: self.series.clone() }
    }
}

impl<L> fmt::Debug for Info<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Info").field("series", &self.series).finish()
    }
}

impl<L> Sealed for Info<L> {}

impl<L: LabelSet> Instrument for Info<L> {
    const LABELS: &'static [Label] = L::LABELS;
    const STORAGE: &'static [Storage] = &[Storage::Level];

    fn attach(metric: &Arc<Metric>) -> Self {
        Self { series: Family::attach(metric) }
    }
}

impl<L: LabelSet> Declared for Info<L> {
    const KIND: Kind = Kind::Info;
}

impl<S> Clone for StateSet<S> {
    fn clone(&self) -> Self {
        Self { handle: self.handle.clone(), states: PhantomData }
    }
}

impl<S> fmt::Debug for StateSet<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateSet").field("handle", &self.handle).finish()
    }
}

impl<S: LabelValue + 'static> Default for StateSet<S> {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

impl<S> Sealed for StateSet<S> {}

impl<S: LabelValue + 'static> StateSet<S> {
    const STATES: &'static [&'static str] = match S::VALUES {
        Some(states) => states,
        None => panic!("the states of a StateSet are a closed set: derive LabelValue on an enum"),
    };
}

impl<S: LabelValue + 'static> Single for StateSet<S> {
    const KIND: Kind = Kind::StateSet;
    const STORAGE: Storage = Storage::State(Self::STATES);

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle, states: PhantomData }
    }
}

impl<S: LabelValue + 'static> Instrument for StateSet<S> {
    const LABELS: &'static [Label] = &[];
    const STORAGE: &'static [Storage] = &[<Self as Single>::STORAGE];

    fn attach(metric: &Arc<Metric>) -> Self {
        Single::over(metric.only(), None)
    }
}

impl<S: LabelValue + 'static> Declared for StateSet<S> {
    const KIND: Kind = Kind::StateSet;
}
