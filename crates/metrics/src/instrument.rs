//! What a registry and a family need to know of an instrument.

use std::any::Any;

use crate::desc::{Desc, Kind};
use crate::histogram::{Bounds, Buckets};
use crate::label::Label;
use crate::metric::Metric;
use crate::plan::{Part, Plan, Storage};
use crate::slot::Handle;
use crate::sync::Arc;

/// Keeps [`Instrument`] to the types of this crate: a foreign one could break what a scrape
/// promises.
pub trait Sealed {}

/// Anything a registry can hold: an instrument, a [`Group`], or a [`Family`](crate::Family).
///
/// ```
/// use streamgauge_metrics::{Counter, Family, Instrument, LabelSet};
///
/// #[derive(Clone, PartialEq, Eq, Hash, LabelSet)]
/// struct ByTopic {
///     topic: &'static str,
/// }
///
/// assert!(Counter::LABELS.is_empty());
/// assert_eq!(<Family<Counter, ByTopic>>::LABELS[0].name, "topic");
/// ```
pub trait Instrument: Sealed + Clone + Send + Sync + 'static {
    /// The labels of its series, in the order they are written.
    const LABELS: &'static [Label];

    /// Whether the declaration names the labels.
    #[doc(hidden)]
    const LABELS_BY_NAME: bool = false;

    /// How its instruments keep their numbers.
    #[doc(hidden)]
    const STORAGE: &'static [Storage];

    #[doc(hidden)]
    fn attach(metric: &Arc<Metric>) -> Self;
}

/// An [`Instrument`] that has one name on the wire, and so one declaration.
///
/// ```
/// use streamgauge_metrics::{Declared, Desc, Registry, RegisterError};
///
/// fn one<T: Declared>(registry: &Registry, name: &'static str) -> Result<T, RegisterError> {
///     registry.register(Desc::of::<T>(name, "Some metric."))
/// }
///
/// let jobs: streamgauge_metrics::Counter = one(&Registry::new(), "jobs_total")?;
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
pub trait Declared: Instrument {
    /// The kind of metric on the wire.
    const KIND: Kind;
}

/// What a [`Family`](crate::Family) can be a family of: an instrument, or a [`Group`].
///
/// ```
/// use streamgauge_metrics::{Family, Member};
///
/// fn series<M: Member>(family: &Family<M>, topic: &str) -> M {
///     family.handle(&[("topic", topic)])
/// }
///
/// let sent: Family<streamgauge_metrics::Counter> = Family::with_labels(["topic"]);
/// series(&sent, "orders").inc();
/// ```
pub trait Member: Clone + Send + Sync + 'static {
    /// How its instruments keep their numbers.
    #[doc(hidden)]
    const STORAGE: &'static [Storage];

    /// The buckets of its histograms, by their place, where no registry says others.
    #[doc(hidden)]
    fn buckets(_: usize) -> Option<Buckets> {
        Some(Buckets::LatencyMs)
    }

    /// The instruments of one series.
    #[doc(hidden)]
    fn over(handle: &Handle, parts: &[Part]) -> Self;

    /// For what a thread remembers.
    #[doc(hidden)]
    fn keep(self) -> Kept;

    /// What was kept, if it is one of these.
    #[doc(hidden)]
    fn kept(kept: &Kept) -> Option<&Self>;
}

/// A member of some family. Those there are most of are told apart by a tag, which is several
/// times faster than to ask for a type.
#[doc(hidden)]
pub enum Kept {
    Counter(crate::Counter),
    FloatCounter(crate::FloatCounter),
    Gauge(crate::Gauge),
    UpDownCounter(crate::UpDownCounter),
    Histogram(crate::Histogram),
    Summary(crate::Summary),
    Group(Box<dyn Any>),
}

/// A single instrument, which has one name on the wire.
///
/// ```
/// use streamgauge_metrics::{Histogram, Kind, Single};
///
/// assert_eq!(<Histogram as Single>::KIND, Kind::Histogram);
/// ```
pub trait Single: Sealed + Clone + Send + Sync + 'static {
    /// The kind of metric on the wire.
    const KIND: Kind;

    /// How it keeps its numbers.
    #[doc(hidden)]
    const STORAGE: Storage;

    #[doc(hidden)]
    fn over(handle: Handle, bounds: Option<&Bounds>) -> Self;
}

/// Instruments that are one thing: what one [`record`](crate::record) does to them is in a
/// snapshot together or not at all.
///
/// Derive it with `#[metrics(group)]`; the fields are [`Counter`](crate::Counter)s,
/// [`FloatCounter`](crate::FloatCounter)s and [`Histogram`](crate::Histogram)s.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, Histogram, Metrics, Registry, record};
///
/// #[derive(Clone, Metrics)]
/// #[metrics(group, prefix = "http")]
/// struct Requests {
///     /// Requests.
///     requests_total: Counter,
///     /// Requests that failed.
///     errors_total: Counter,
///     /// Time to answer in milliseconds.
///     #[metrics(buckets = LATENCY_MS)]
///     duration_ms: Histogram,
/// }
///
/// let registry = Registry::new();
/// let http = Requests::register(&registry)?;
/// record((http.requests_total.adding(1), http.errors_total.adding(1), http.duration_ms.observing(3.5)));
/// // No scrape can show more errors than requests.
/// assert!(registry.render_prometheus().contains("http_errors_total 1\n"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
///
/// With labels it is a family of groups, `Family<Requests, ByModel>`, which is a field marked
/// `#[metrics(flatten)]` in another group of metrics.
pub trait Group: Clone + Send + Sync + 'static {
    /// How the fields keep their numbers.
    #[doc(hidden)]
    const STORAGE: &'static [Storage];

    /// The declarations of the fields, with the labels of a family that they are in.
    ///
    /// ```
    /// use streamgauge_metrics::{Counter, Group, Metrics};
    ///
    /// #[derive(Clone, Metrics)]
    /// #[metrics(group)]
    /// struct Pages {
    ///     /// Pages asked for.
    ///     pages_total: Counter,
    /// }
    ///
    /// assert_eq!(Pages::declare(&[])[0].name(), "pages_total");
    /// ```
    fn declare(labels: &'static [Label]) -> Vec<Desc>;

    #[doc(hidden)]
    fn assemble(fields: &mut Fields<'_>) -> Self;
}

/// What a group is made of.
#[doc(hidden)]
pub struct Fields<'a> {
    handle: &'a Handle,
    parts: std::slice::Iter<'a, Part>,
}

/// An instrument that a [`Group`] can have.
pub trait Recorded: Single {}

impl Fields<'_> {
    /// The next field.
    pub fn take<S: Recorded>(&mut self) -> S {
        let (first, bounds) = self.parts.next().map_or((0, None), |part| (part.first, part.bounds.as_ref()));
        S::over(self.handle.from(first), bounds)
    }
}

impl<G: Group> Member for G {
    const STORAGE: &'static [Storage] = <G as Group>::STORAGE;

    fn buckets(place: usize) -> Option<Buckets> {
        G::declare(&[]).get(place)?.buckets().cloned()
    }

    fn over(handle: &Handle, parts: &[Part]) -> Self {
        G::assemble(&mut Fields { handle, parts: parts.iter() })
    }

    fn keep(self) -> Kept {
        Kept::Group(Box::new(self))
    }

    fn kept(kept: &Kept) -> Option<&Self> {
        match kept {
            Kept::Group(group) => group.downcast_ref(),
            _ => None,
        }
    }
}

macro_rules! single_instruments {
    ($($instrument:ident),*) => {$(
        impl Member for crate::$instrument {
            const STORAGE: &'static [Storage] = &[<Self as Single>::STORAGE];

            fn over(handle: &Handle, parts: &[Part]) -> Self {
                Single::over(handle.from(0), parts.first().and_then(|part| part.bounds.as_ref()))
            }

            fn keep(self) -> Kept {
                Kept::$instrument(self)
            }

            #[inline]
            fn kept(kept: &Kept) -> Option<&Self> {
                match kept {
                    Kept::$instrument(instrument) => Some(instrument),
                    _ => None,
                }
            }
        }

        impl Instrument for crate::$instrument {
            const LABELS: &'static [Label] = &[];
            const STORAGE: &'static [Storage] = <Self as Member>::STORAGE;

            fn attach(metric: &Arc<Metric>) -> Self {
                Member::over(&metric.only(), &metric.parts)
            }
        }

        impl Declared for crate::$instrument {
            const KIND: Kind = <Self as Single>::KIND;
        }
    )*};
}

single_instruments!(Counter, FloatCounter, Gauge, UpDownCounter, Histogram, Summary);

/// An instrument in no registry.
pub(crate) fn alone<S: Single + Instrument>(bounds: Option<&Bounds>) -> S {
    let plan = Plan::new([(<S as Single>::STORAGE, bounds.cloned())]);
    S::attach(&Metric::alone(plan, Box::new([])))
}
