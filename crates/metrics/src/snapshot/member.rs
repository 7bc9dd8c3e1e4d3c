//! Series that were registered together, at one moment.

use std::borrow::Cow;
use std::fmt;

use super::{HistogramSnapshot, Series, Value};
use crate::cell::Totals;
use crate::exemplar;
use crate::gauge;
use crate::histogram::Bounds;
use crate::label;
use crate::metric::Metric;
use crate::plan::{Part, Storage};
use crate::slot::Slot;
use crate::summary::SummarySnapshot;
use crate::sync::{Arc, Ordering};
use crate::table::List;

/// Series that were registered together.
#[derive(Clone)]
pub(crate) enum Member {
    /// Those with cells.
    Summed {
        /// The series.
        list: Arc<List>,
        /// Which of their instruments.
        part: Part,
        /// What their numbers came from, where that is known.
        exemplars: exemplar::ByCell,
    },
    /// Those whose values were read one by one, in the order of the list.
    Levels {
        /// The series.
        list: Arc<List>,
        /// The bits of their values.
        levels: Box<[u64]>,
    },
    /// Summaries, in the order of the list.
    Summaries {
        /// The series.
        list: Arc<List>,
        /// What they had observed.
        summaries: Box<[SummarySnapshot<'static>]>,
    },
    /// Others.
    Given(Vec<(Box<str>, Value<'static>)>),
}

impl Member {
    /// Reads the series of an instrument of a metric, except for those that `totals` will have.
    pub(crate) fn of(metric: &Metric, list: &Arc<List>, part: &Part, name: &str) -> Self {
        let level = |slot: &Arc<Slot>| slot.level.load(Ordering::Relaxed);
        let list = Arc::clone(list);
        match part.storage {
            Storage::Level => {
                let levels = list.slots.iter().map(level).collect();
                Self::Levels { list, levels }
            }
            Storage::Quantiles => {
                let summaries = list.slots.iter().map(|slot| slot.read_summary()).collect();
                Self::Summaries { list, summaries }
            }
            Storage::State(states) => {
                let slots = list.slots.iter();
                Self::Given(slots.flat_map(|slot| state_series(&slot.text, name, states, level(slot))).collect())
            }
            Storage::Integer | Storage::Float | Storage::Pair | Storage::Buckets => {
                debug_assert!(metric.shape.len > 0);
                let exemplars = metric.exemplars(&list, part);
                Self::Summed { list, part: part.clone(), exemplars }
            }
        }
    }

    /// The series and the place of their totals, if they are counters without exemplars.
    pub(super) fn plain_counts(&self) -> Option<(&List, usize)> {
        match self {
            Self::Summed { list, part, exemplars } if part.storage == Storage::Integer && exemplars.is_empty() => {
                Some((list, part.first as usize))
            }
            _ => None,
        }
    }

    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Summed { list, .. } | Self::Levels { list, .. } | Self::Summaries { list, .. } => list.text_bytes,
            Self::Given(series) => series.iter().map(|(text, _)| text.len()).sum(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Summed { list, .. } | Self::Levels { list, .. } | Self::Summaries { list, .. } => list.slots.len(),
            Self::Given(series) => series.len(),
        }
    }

    #[inline]
    pub(super) fn series<'a>(&'a self, i: usize, totals: &'a Totals) -> Option<Series<'a>> {
        match self {
            Self::Summed { list, part, exemplars } => {
                let slot = list.slots.get(i)?;
                let cells = totals.range(slot.range).get(part.first as usize..)?.get(..part.len as usize)?;
                let exemplars = exemplar::of_series(exemplars, i);
                let started_at = list.started.get(i).copied().unwrap_or_default();
                Some(Series { text: &slot.text, value: part.value(cells, slot), started_at, exemplars })
            }
            Self::Levels { list, levels } => {
                let value = Value::Gauge(f64::from_bits(*levels.get(i)?));
                Some(Series { text: &list.slots.get(i)?.text, value, started_at: 0, exemplars: &[] })
            }
            Self::Summaries { list, summaries } => {
                let value = Value::Summary(summaries.get(i)?.borrowed());
                let started_at = list.started.get(i).copied().unwrap_or_default();
                Some(Series { text: &list.slots.get(i)?.text, value, started_at, exemplars: &[] })
            }
            Self::Given(series) => {
                let (text, value) = series.get(i)?;
                Some(Series { text, value: value.clone(), started_at: 0, exemplars: &[] })
            }
        }
    }
}

/// One series for each state. As `OpenMetrics` wants it, the label has the name of the metric.
fn state_series<'a>(
    labels: &'a str,
    name: &'a str,
    states: &'static [&'static str],
    present: u64,
) -> impl Iterator<Item = (Box<str>, Value<'static>)> + use<'a> {
    (0..).zip(states).map(move |(i, state)| {
        let mut text = labels.to_owned();
        label::push(&mut text, name, state);
        (text.into(), Value::Gauge(if i == present { 1.0 } else { 0.0 }))
    })
}

impl Part {
    fn value<'a>(&self, cells: &'a [u64], slot: &Slot) -> Value<'a> {
        let first = cells.first().copied().unwrap_or_default();
        match (self.storage, &self.bounds) {
            (Storage::Buckets, Some(bounds)) => self.distribution(bounds, cells, slot),
            (Storage::Float, _) => Value::FloatCounter(f64::from_bits(first)),
            (Storage::Pair, _) => Value::Gauge(gauge::difference(cells) as f64),
            _ => Value::Counter(first),
        }
    }

    /// Apart, so that a loop over counters stays a small one.
    #[inline(never)]
    fn distribution<'a>(&self, bounds: &Bounds, cells: &'a [u64], slot: &Slot) -> Value<'a> {
        let places = bounds.places(slot.range.first + self.first);
        Value::Histogram(HistogramSnapshot::new(bounds.clone(), Cow::Borrowed(cells), places))
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("series", &self.len()).finish()
    }
}
