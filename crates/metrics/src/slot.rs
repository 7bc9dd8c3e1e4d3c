//! A series: cells, labels, and who holds on to it.

use std::fmt;

use crate::cell::{self, Change, Range, STORE};
use crate::exemplar::Exemplar;
use crate::metric::Metric;
use crate::native;
use crate::summary::{Series, SummarySnapshot};
use crate::sync::{Arc, AtomicU64, AtomicUsize, Ordering, Step, Weak, at};

/// The one place of a series. The cells go back when the last reference is gone.
pub(crate) struct Slot {
    /// Held handles × [`ONE`] | [`BASED`] | [`GONE`].
    state: AtomicUsize,
    /// The value of a gauge; where the values are in cells, when the series began: milliseconds since 1970.
    pub(crate) level: AtomicU64,
    /// The values of a summary.
    pub(crate) summary: Option<Box<Series>>,
    pub(crate) range: Range,
    /// The labels as they are on the wire.
    pub(crate) text: Box<str>,
    /// Its place in a closed set of label sets.
    nth: u32,
    home: Weak<Metric>,
}

/// The series is in no scrape any more.
const GONE: usize = 1;
/// Its cells held something when it was last begun anew; the metric knows what.
const BASED: usize = 2;
const ONE: usize = 4;

/// A way to the cells of a series.
///
/// The handle that a caller owns holds the series in its metric; one that was only looked up does
/// not, but its cells stay its own as long as it is there.
pub struct Handle {
    pub(crate) slot: Arc<Slot>,
    /// The first cell of the instrument.
    pub(crate) index: u32,
    holds: bool,
}

impl Slot {
    /// A series in the scrapes of its metric.
    pub(crate) fn new(range: Range, text: Box<str>, home: Weak<Metric>) -> Self {
        Self { state: AtomicUsize::new(0), level: AtomicU64::new(0), summary: None, range, text, nth: u32::MAX, home }
    }

    /// A series that is hidden from the scrapes of its metric.
    pub(crate) fn hidden(range: Range, text: Box<str>, home: Weak<Metric>, nth: u32) -> Self {
        let mut slot = Self::new(range, text, home);
        (slot.state, slot.nth) = (AtomicUsize::new(GONE), nth);
        slot
    }

    /// The same with the values of a summary.
    pub(crate) fn with_summary(mut self, summary: Option<Series>) -> Self {
        self.summary = summary.map(Box::new);
        self
    }

    /// Whether the series is in the scrapes of its metric.
    pub(crate) fn is_there(&self) -> bool {
        self.state.load(Ordering::Relaxed) & GONE == 0
    }

    /// The same for a look-up, which counts as soon as it knows.
    #[inline]
    pub(crate) fn is_shown(&self) -> bool {
        self.state.load(at(Step::FindShown, Ordering::Acquire)) & GONE == 0
    }

    /// Its place in a closed set of label sets, or beyond all.
    pub(crate) fn nth(&self) -> usize {
        self.nth as usize
    }

    /// Takes the series out unless it is held. Called with the table of the metric locked.
    pub(crate) fn try_go(&self) -> bool {
        let mut state = self.state.load(Ordering::Relaxed);
        loop {
            if state >= ONE {
                return false;
            }
            let order = at(Step::TakeOut, Ordering::AcqRel);
            match self.state.compare_exchange_weak(state, state | GONE, order, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => state = now,
            }
        }
    }

    /// Puts the series back, with a base if there is one. Called with the table of the metric
    /// locked.
    pub(crate) fn come_back(&self, based: bool) {
        if based {
            self.has_base();
        }
        self.state.fetch_and(!GONE, at(Step::Show, Ordering::Release));
    }

    /// Hands a hold on this series over to another. Called with the table of the metric locked.
    pub(crate) fn pass_hold(&self, other: &Self) {
        other.state.fetch_add(ONE, Ordering::Relaxed);
        // Relaxed: nothing was done through this hold yet.
        self.state.fetch_sub(ONE, Ordering::Relaxed);
    }

    /// Notes that the metric has a base for the series.
    pub(crate) fn has_base(&self) {
        self.state.fetch_or(BASED, Ordering::Relaxed);
    }

    /// Whether the metric has a base for the series.
    pub(crate) fn is_based(&self) -> bool {
        self.state.load(Ordering::Relaxed) & BASED != 0
    }

    /// What it takes, with the cells of one thread.
    pub(crate) fn bytes(&self) -> usize {
        let summary = self.summary.as_ref().map_or(0, |summary| summary.bytes());
        size_of::<Self>() + self.text.len() + self.range.len as usize * size_of::<u64>() + summary
    }

    pub(crate) fn home(&self) -> Option<Arc<Metric>> {
        self.home.upgrade()
    }

    /// What it has of a summary.
    pub(crate) fn read_summary(&self) -> SummarySnapshot<'static> {
        self.summary.as_ref().map(|summary| summary.read()).unwrap_or_default()
    }

    /// The sums of its cells.
    pub(crate) fn read(&self) -> Vec<u64> {
        let mut cells = cell::totals::read(&STORE, self.range);
        // The base is looked up in any case: its lock orders this with a series that comes back,
        // what `state` says may be older than the cells.
        if let Some(home) = self.home() {
            home.apply_base(self.range, &mut cells);
        }
        cells
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.is_based()
            && let Some(home) = self.home()
        {
            home.forget_base(self.range);
        }
        if self.range.len > 0 {
            if let Some(home) = self.home() {
                home.exemplars.forget(self.range);
            }
            native::forget(self.range);
            STORE.give_back(self.range);
        }
    }
}

impl Handle {
    /// A way to a series that does not hold it.
    pub(crate) fn borrowed(slot: &Arc<Slot>) -> Self {
        Self { slot: Arc::clone(slot), index: slot.range.first, holds: false }
    }

    /// A way to a series that holds it. Called with the table of the metric locked, or before
    /// anyone else knows of the series.
    pub(crate) fn held(slot: &Arc<Slot>) -> Self {
        slot.state.fetch_add(ONE, Ordering::Relaxed);
        Self { slot: Arc::clone(slot), index: slot.range.first, holds: true }
    }

    /// The same series, from another cell on.
    pub(crate) fn from(&self, first: u32) -> Self {
        let mut handle = self.clone_as_it_is();
        handle.index += first;
        handle
    }

    fn clone_as_it_is(&self) -> Self {
        if self.holds {
            return self.clone();
        }
        Self { slot: Arc::clone(&self.slot), index: self.index, holds: false }
    }

    /// Changes one cell outside of any record.
    #[inline]
    pub(crate) fn change(&self, offset: u32, change: Change, ordering: Ordering) -> bool {
        cell::change(self.index + offset, change, ordering)
    }

    /// The sums of `len` cells from the first one of the instrument.
    pub(crate) fn read(&self, len: usize) -> Vec<u64> {
        let mut cells = self.slot.read();
        let first = (self.index - self.slot.range.first) as usize;
        cells.drain(..first.min(cells.len()));
        cells.truncate(len);
        cells
    }

    /// Offers an exemplar of what was counted in a cell, counted from the first one of the instrument.
    pub(crate) fn offer(&self, cell: u32, value: f64, exemplar: Exemplar<'_>) {
        if cfg!(feature = "noop") {
            return;
        }
        if let Some(metric) = self.slot.home()
            && let Err(refusal) = metric.exemplars.offer(self.index + cell, value, exemplar)
        {
            metric.refusals.count(refusal);
        }
    }

    /// Counts what could not be done.
    #[cold]
    pub(crate) fn refuse(&self, refusal: crate::cardinality::Refusal) {
        if !cfg!(feature = "noop")
            && let Some(metric) = self.slot.home()
        {
            metric.refusals.count(refusal);
        }
    }
}

/// A clone holds the series, whatever the original did.
impl Clone for Handle {
    fn clone(&self) -> Self {
        let before = self.slot.state.fetch_add(ONE, Ordering::Relaxed);
        let offset = self.index - self.slot.range.first;
        // A handle that was looked up can outlive the removal of its series; to hold it is to
        // bring it back, or to take what stands in its place.
        let slot = match self.slot.home() {
            Some(home) if before & GONE != 0 && !cfg!(feature = "noop") => home.bring_back(&self.slot),
            _ => Arc::clone(&self.slot),
        };
        Self { index: slot.range.first + offset, slot, holds: true }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.holds {
            self.slot.state.fetch_sub(ONE, at(Step::LetGo, Ordering::Release));
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("index", &self.index).field("labels", &self.slot.text).finish_non_exhaustive()
    }
}
