//! What becomes of label sets that a metric has no room for: only the label that explodes is folded.
//!
//! ```text
//!  look-up ─► known to the thread? ─► in the table? ─► room? ─► a series of its own
//!                                          │            no
//!                                          │             ▼
//!       full, and surely not in the table ─┴──► which label grows? its value becomes __overflow__
//! ```
//!
//! A metric that has refused something is watched from then on: for each of its labels an estimate of
//! how many values there were, and what that was when it came to be full. The label that has grown most since
//! is the one that explodes. If what is folded grows by itself, the next label is folded, too; in the end
//! all of them are, and that series has room always.

use std::fmt;
use std::hash::BuildHasher;

use foldhash::quality::RandomState;

mod alert;
mod budget;
mod estimate;
mod known;
mod report;

use self::estimate::Estimate;
use self::known::Known;
use crate::cardinality::{Limits, Refusal, SeriesError};
use crate::label::Labels;
use crate::sync::{self, AtomicU8, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering};

use self::alert::Thresholds;
pub use self::alert::{CardinalityAlert, CardinalityLevel};
pub(crate) use self::budget::Budget;
pub use self::report::{CardinalityReport, LabelCardinality, MetricCardinality};

/// The room of one metric.
pub(crate) struct Firewall {
    limit: usize,
    thresholds: Thresholds,
    /// Series that count towards the limit. Changed with the table of the metric locked.
    series: AtomicUsize,
    /// Series with some labels folded, which have a limit of their own.
    folded: AtomicUsize,
    /// What was told of last.
    level: AtomicU8,
    watch: OnceLock<Box<Watch>>,
}

/// What is known of a metric that has refused something.
struct Watch {
    hashes: RandomState,
    known: Known,
    labels: Box<[Watched]>,
    refusals: AtomicU64,
    /// Which labels are folded, a bit each.
    fold: AtomicU64,
    /// How many of them are.
    depth: AtomicUsize,
    /// Where something was looked up that was refused, first.
    at: Box<str>,
}

/// A label of such a metric.
struct Watched {
    estimate: Estimate,
    /// The estimate when the metric came to be full.
    before: u64,
    samples: Mutex<Vec<Box<str>>>,
}

/// Some labels of a metric, which are folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fold(u64);

/// Labels that are watched; others are folded with all the rest only.
const WATCHED: usize = 16;
const SAMPLES: usize = 5;
/// Refusals whose values may be samples.
const SAMPLED: u64 = 64;
/// How often it is asked which label has grown most, once it was asked at each power of two before.
const ASKED_EVERY: u64 = 1 << 16;

impl Firewall {
    pub(crate) fn new(limits: &Limits) -> Self {
        let limit = limits.max_series_per_metric;
        Self {
            limit,
            thresholds: Thresholds::of(limits, limit),
            series: AtomicUsize::new(0),
            folded: AtomicUsize::new(0),
            level: AtomicU8::new(0),
            watch: OnceLock::new(),
        }
    }

    /// Series that count towards a limit.
    pub(crate) fn charged(&self) -> usize {
        self.series.load(Ordering::Relaxed) + self.folded.load(Ordering::Relaxed)
    }

    /// Takes room for a series. Called with the table of the metric locked, as is all that changes numbers.
    pub(crate) fn take(&self, is_folded: bool, budget: &Budget) -> Result<(), SeriesError> {
        let (count, limit) = self.count(is_folded);
        if count.load(Ordering::Relaxed) >= limit {
            return Err(SeriesError::MetricFull { limit: self.limit });
        }
        budget.take()?;
        count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes room for what was there before, beyond the limit if need be.
    pub(crate) fn take_anyway(&self, is_folded: bool, budget: &Budget) {
        budget.take_anyway(1);
        self.count(is_folded).0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn give_back(&self, is_folded: bool, budget: &Budget) {
        self.count(is_folded).0.fetch_sub(1, Ordering::Relaxed);
        budget.give_back(1);
        self.level.fetch_min(self.now() as u8, Ordering::Relaxed);
    }

    fn count(&self, is_folded: bool) -> (&AtomicUsize, usize) {
        if is_folded { (&self.folded, self.room_for_folded()) } else { (&self.series, self.limit) }
    }

    /// A quarter of the limit while one label is folded, three eighths with two and so on: each time there is
    /// room left for what is folded then, and never is it half of the limit.
    fn room_for_folded(&self) -> usize {
        let depth = self.watch.get().map_or(1, |watch| watch.depth.load(Ordering::Relaxed)).max(1);
        let half = self.limit / 2;
        (half - half.checked_shr(u32::try_from(depth).unwrap_or(u32::MAX)).unwrap_or(0)).max(1)
    }

    fn now(&self) -> CardinalityLevel {
        self.thresholds.level(self.series.load(Ordering::Relaxed))
    }

    /// Tells of a level that was not reached before. Called with no lock held.
    pub(crate) fn tell(&self, metric: &str, budget: &Budget, refused: bool) {
        let level = if refused { CardinalityLevel::Full } else { self.now() };
        if alert::rises(&self.level, level) {
            let series = self.series.load(Ordering::Relaxed);
            budget.alert(&CardinalityAlert { metric: Some(metric), level, series, limit: self.limit });
        }
        budget.tell();
    }

    pub(crate) fn level(&self) -> CardinalityLevel {
        CardinalityLevel::of(self.level.load(Ordering::Relaxed)).max(self.now())
    }

    /// Whether labels surely have no series and there is no room for one: which of them are folded, and
    /// whose room there is none in.
    pub(crate) fn turns_away(&self, values: &[impl AsRef<str>], budget: &Budget) -> Option<(Fold, Refusal)> {
        let watch = self.watch.get()?;
        let refusal = match () {
            () if self.series.load(Ordering::Relaxed) >= self.limit => Refusal::MetricFull,
            () if budget.is_full() => Refusal::RegistryFull,
            () => return None,
        };
        let hashes = watch.hash(values.iter().map(AsRef::as_ref));
        (!watch.known.may_have(combined(&hashes))).then(|| (watch.refuse(&hashes, values), refusal))
    }

    /// Notes a refusal that was found out with the table of the metric locked, whose series these are.
    pub(crate) fn refuse<'a>(
        &self,
        values: &[impl AsRef<str>],
        at: &dyn fmt::Display,
        series: impl Iterator<Item = Labels<'a>>,
    ) -> Fold {
        let watch = self.watch.get_or_init(|| Box::new(Watch::of(self.limit, values.len(), at, series)));
        watch.refuse(&watch.hash(values.iter().map(AsRef::as_ref)), values)
    }

    /// Folds one label more, if these are the ones that are folded.
    pub(crate) fn fold_more(&self, fold: Fold) -> Fold {
        self.watch.get().map_or(Fold::ALL, |watch| watch.fold_more(fold))
    }

    /// Notes a new series. Called before anybody can look it up.
    pub(crate) fn note(&self, labels: Labels<'_>) {
        if let Some(watch) = self.watch.get() {
            watch.known.add(combined(&watch.hash_labels(labels)));
        }
    }

    /// Notes that a series is gone; `rest` are those that are not.
    pub(crate) fn forget<'a>(&self, rest: impl Iterator<Item = Labels<'a>>) {
        if let Some(watch) = self.watch.get()
            && watch.known.is_stale_without(self.limit)
        {
            watch.known.fill(rest.map(|labels| combined(&watch.hash_labels(labels))));
            watch.depth.store(1, Ordering::Relaxed);
        }
    }
}

impl Watch {
    fn of<'a>(limit: usize, labels: usize, at: &dyn fmt::Display, series: impl Iterator<Item = Labels<'a>>) -> Self {
        let labels = (0..labels.min(WATCHED)).map(|_| Watched::new()).collect();
        let (refusals, fold, depth) = (AtomicU64::new(0), AtomicU64::new(0), AtomicUsize::new(1));
        let at = at.to_string().into();
        let mut watch =
            Self { hashes: RandomState::default(), known: Known::of(limit), labels, refusals, fold, depth, at };
        let series: Vec<_> = series.map(|labels| watch.hash_labels(labels)).collect();
        for hashes in &series {
            watch.estimate(hashes);
        }
        watch.known.fill(series.iter().map(combined));
        watch.labels.iter_mut().for_each(|label| label.before = label.estimate.get());
        watch
    }

    fn hash<'v>(&self, values: impl Iterator<Item = &'v str>) -> [u64; WATCHED] {
        let mut hashes = [0; WATCHED];
        values.enumerate().for_each(|(i, value)| {
            // Beyond the last one they are still part of what a series is.
            hashes[i % WATCHED] ^= self.hashes.hash_one(value).rotate_left(u32::try_from(i / WATCHED).unwrap_or(0));
        });
        hashes
    }

    fn hash_labels(&self, labels: Labels<'_>) -> [u64; WATCHED] {
        let values: Vec<_> = labels.map(|(_, value)| value).collect();
        self.hash(values.iter().map(AsRef::as_ref))
    }

    fn estimate(&self, hashes: &[u64; WATCHED]) {
        self.labels.iter().zip(hashes).for_each(|(label, hash)| label.estimate.add(*hash));
    }

    fn refuse(&self, hashes: &[u64; WATCHED], values: &[impl AsRef<str>]) -> Fold {
        self.estimate(hashes);
        let nth = self.refusals.fetch_add(1, Ordering::Relaxed) + 1;
        if nth.is_power_of_two() || nth.is_multiple_of(ASKED_EVERY) {
            self.choose();
        }
        let fold = Fold(self.fold.load(Ordering::Relaxed));
        if nth <= SAMPLED {
            let folded = self.labels.iter().zip(values).enumerate().filter(|(i, _)| fold.has(*i));
            folded.for_each(|(_, (label, value))| label.sample(value.as_ref()));
        }
        fold
    }

    /// Folds the labels that have grown most.
    fn choose(&self) {
        let mut grown: Vec<_> = self.labels.iter().enumerate().map(|(i, label)| (label.grown(), i)).collect();
        // Of two that have grown alike the first one.
        grown.sort_by(|(a, i), (b, j)| b.cmp(a).then(i.cmp(j)));
        let depth = self.depth.load(Ordering::Relaxed);
        let fold = if depth >= self.labels.len() { Fold::ALL.0 } else { bits(grown.iter().take(depth)) };
        self.fold.store(fold, Ordering::Relaxed);
    }

    fn fold_more(&self, fold: Fold) -> Fold {
        if self.fold.load(Ordering::Relaxed) == fold.0 {
            self.depth.fetch_add(1, Ordering::Relaxed);
            self.choose();
        }
        let now = Fold(self.fold.load(Ordering::Relaxed));
        // Whoever asks has to come to an end.
        if now == fold { Fold::ALL } else { now }
    }
}

fn bits<'a>(labels: impl Iterator<Item = &'a ((u64, u64), usize)>) -> u64 {
    labels.fold(0, |bits, (_, i)| bits | 1 << i)
}

/// What stands for all values together.
fn combined(hashes: &[u64; WATCHED]) -> u64 {
    hashes.iter().fold(0, |all, hash| (all.rotate_left(23) ^ hash).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

impl Watched {
    fn new() -> Self {
        Self { estimate: Estimate::new(), before: 0, samples: Mutex::default() }
    }

    /// How many values there were since, and in all.
    fn grown(&self) -> (u64, u64) {
        let now = self.estimate.get();
        (now.saturating_sub(self.before), now)
    }

    fn sample(&self, value: &str) {
        // Who has the lock leaves a sample.
        if let Some(mut samples) = sync::try_lock(&self.samples)
            && samples.len() < SAMPLES
            && !samples.iter().any(|known| **known == *value)
        {
            samples.push(value.into());
        }
    }
}

impl Fold {
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The label with this number alone.
    pub(crate) const fn only(label: usize) -> Self {
        if label < 64 { Self(1 << label) } else { Self::ALL }
    }

    pub(crate) const fn has(self, label: usize) -> bool {
        self.0 == u64::MAX || label < 64 && self.0 >> label & 1 == 1
    }

    /// Whether all of so many labels are folded.
    pub(crate) fn is_all_of(self, labels: usize) -> bool {
        (0..labels).all(|label| self.has(label))
    }
}
