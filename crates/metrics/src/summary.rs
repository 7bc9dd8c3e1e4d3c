//! Quantiles of what was observed lately.

use std::fmt;

mod digest;
mod points;
mod series;
mod setup;
mod snapshot;
mod strand;
mod thread;
mod times;
mod window;

use crate::cardinality::Refusal;
use crate::desc::Kind;
use crate::histogram::Bounds;
use crate::instrument::{Sealed, Single};
use crate::plan::Storage;
use crate::slot::Handle;

pub use self::setup::{Quantiles, quantiles_fault};
pub use self::snapshot::SummarySnapshot;

pub(crate) use self::series::Series;
pub(crate) use self::setup::Setup;
pub(crate) use self::strand::Observed;

/// Tells quantiles of what was observed in the last minute, and counts and adds up everything.
///
/// Its quantiles cannot be put together with those of other series or processes: where that is
/// wanted, and wherever buckets can be named beforehand, take a [`Histogram`](crate::Histogram).
/// A summary is for values whose size nobody knows beforehand, and for the eye of whoever reads
/// the page.
///
/// - *How exact.* The quantile *q* is a value whose rank differs from *q* by at most
///   0.07 · √(q(1 − q)) of the observations in the window: 0.035 at 0.5, 0.021 at 0.9, 0.015 at 0.95,
///   0.007 at 0.99. That is the widest a centroid of the t-digest can be; no test needs half of it,
///   whatever the distribution, over threads and slices too. The least and the greatest value are
///   exact.
/// - *Of when.* The window slides slice by slice ([`Quantiles`]). Its clock is looked at once in a
///   while: as often as values come if they come slowly, else for each 128th. So when a thread begins
///   again after a pause, up to 127 observations can be taken for as old as its last one, unless
///   somebody took a snapshot in between.
/// - *Whole.* Count and sum of a snapshot are of the same observations, and the quantiles of those of
///   them that are in the window.
/// - *Without waiting.* A thread keeps the last 128 values by itself and puts them to its digest when
///   there are so many. Nobody else holds what it needs for that at that moment; see the comments
///   in `summary/strand.rs`.
/// - *Any number.* `NaN` is counted, is left out of the sum and of the quantiles, and is counted as
///   refused. Infinities are at the ends of the order. A sum, once a number, stays one: `-∞` after
///   `+∞` is left out.
///
/// A clone is another handle to the same series. A summary is no part of a [`Group`](crate::Group).
///
/// ```
/// use streamgauge_metrics::{Metrics, Registry, Summary};
///
/// #[derive(Metrics)]
/// struct Answers {
///     /// Length of an answer in tokens.
///     #[metrics(quantiles = [0.5, 0.99])]
///     answer_tokens: Summary,
/// }
///
/// let registry = Registry::new();
/// let answers = Answers::register(&registry)?;
/// (1..=100_u32).for_each(|tokens| answers.answer_tokens.observe(tokens.into()));
/// let page = registry.render_prometheus();
/// assert!(page.contains("answer_tokens{quantile=\"0.5\"} 50.5\n"));
/// assert!(page.contains("answer_tokens_sum 5050\nanswer_tokens_count 100\n"));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone)]
pub struct Summary {
    handle: Handle,
}

impl Summary {
    /// Takes one observation in, in the unit that the name of the metric says.
    ///
    /// ```
    /// let tokens = streamgauge_metrics::Summary::default();
    /// tokens.observe(512.0);
    /// assert_eq!(tokens.get().quantile(0.5), Some(512.0));
    /// ```
    #[inline]
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            self.handle.refuse(Refusal::NotANumber);
        }
        if let Some(series) = &self.handle.slot.summary {
            series.observe(value);
        }
    }

    /// What has been observed so far.
    ///
    /// ```
    /// let tokens = streamgauge_metrics::Summary::default();
    /// tokens.observe(512.0);
    /// tokens.observe(256.0);
    /// assert_eq!((tokens.get().count(), tokens.get().sum()), (2, 768.0));
    /// ```
    pub fn get(&self) -> SummarySnapshot<'static> {
        self.handle.slot.read_summary()
    }
}

impl Default for Summary {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary").field("handle", &self.handle).finish()
    }
}

impl Sealed for Summary {}

impl Single for Summary {
    const KIND: Kind = Kind::Summary;
    const STORAGE: Storage = Storage::Quantiles;

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle }
    }
}
