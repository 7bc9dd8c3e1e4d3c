//! Which series nobody has moved for long, and what becomes of those that are let go.
//!
//! An update says nothing about when it was: a snapshot notes what it told of each series, and one that it tells
//! the same of for long enough is idle. It leaves the table unless someone holds it; but whoever has looked it up
//! before can still move it. So it is kept aside, and looked at again before the next snapshot: what has come since
//! goes to the series of the same labels if there is one by then, or the series comes back with just that. It is
//! kept until nobody can reach it any more. So nothing that was recorded is ever missing from the scrapes.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use crate::cell::{STORE, Totals, totals};
use crate::clock::Clock;
use crate::metric::Metric;
use crate::slot::Slot;
use crate::summary::Observed;
use crate::sync::{self, Arc, AtomicU64, Mutex, Ordering};
use crate::table::{List, Table};

/// When series of a metric are let go.
pub(crate) struct Idle {
    after: u64,
    clock: Clock,
    /// What the last snapshot told of each series; by the place of the series in memory, which is another one's
    /// only when it is gone.
    told: Mutex<HashMap<usize, Told>>,
    expired: AtomicU64,
}

#[derive(Clone, Copy)]
struct Told {
    /// Stands for the values.
    mark: u64,
    /// Since when they are these.
    since: u64,
}

/// A series that was let go and that someone may still reach.
pub(crate) struct Gone {
    slot: Arc<Slot>,
    /// What it was when it was let go, as a snapshot tells it.
    cells: Box<[u64]>,
    level: u64,
    observed: Observed,
}

impl Idle {
    pub(crate) fn new(after: u64, clock: Clock) -> Self {
        Self { after, clock, told: Mutex::default(), expired: AtomicU64::new(0) }
    }

    /// How many series were let go.
    pub(crate) fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Notes what a snapshot tells of the series; gives back those it has told the same of for too long, and what
    /// that is.
    fn note(&self, list: &List, told: &Totals) -> Vec<Gone> {
        let (now, mut idle) = (self.clock.now(), Vec::new());
        let mut known = sync::lock(&self.told);
        let before = std::mem::take(&mut *known);
        for slot in &list.slots {
            let place = &raw const **slot as usize;
            let mark = mark(told.range(slot.range), level(slot), count(slot));
            let same = before.get(&place).filter(|told| told.mark == mark);
            let since = same.map_or(now, |told| told.since);
            // Not at first sight: what has no cells is looked at a moment after it was told, and so only what it
            // was a snapshot ago is surely what was told.
            if same.is_some() && now.saturating_sub(since) >= self.after {
                let gone = Gone::of(slot, told.range(slot.range));
                // One that moves just now is not idle.
                idle.extend((gone.mark() == mark).then_some(gone));
            }
            known.insert(place, Told { mark, since });
        }
        idle
    }
}

impl Gone {
    fn of(slot: &Arc<Slot>, told: &[u64]) -> Self {
        Self { slot: Arc::clone(slot), cells: told.into(), level: level(slot), observed: observed(slot) }
    }

    fn mark(&self) -> u64 {
        mark(&self.cells, self.level, self.observed.count)
    }

    /// What has come since it was `before`.
    fn since(&self, before: &Self, floats: &[u32]) -> Since {
        let mut cells = self.cells.clone();
        totals::subtract(&mut cells, &before.cells, floats);
        let level = (self.level != before.level).then_some(self.level);
        Since { cells, level, observed: self.observed.since(before.observed) }
    }
}

fn level(slot: &Slot) -> u64 {
    slot.level.load(Ordering::Relaxed)
}

fn count(slot: &Slot) -> u64 {
    slot.summary.as_ref().map_or(0, |summary| summary.count())
}

fn observed(slot: &Slot) -> Observed {
    slot.summary.as_ref().map(|summary| summary.observed()).unwrap_or_default()
}

fn mark(cells: &[u64], level: u64, count: u64) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((cells, level, count))
}

impl Metric {
    /// Lets go of what a snapshot, which told these sums, has found idle.
    pub(crate) fn expire(&self, list: &List, told: &Totals) {
        let Some(idle) = &self.idle else { return };
        for gone in idle.note(list, told) {
            let mut table = sync::write(&self.table);
            let out = self.take_out(&mut table, &gone.slot);
            if out.is_ok() {
                table.gone.push(gone);
                idle.expired.fetch_add(1, Ordering::Relaxed);
            }
            drop(table);
            drop(out);
        }
    }

    /// Finds out what was done to series since they were let go. Called before a snapshot looks which there are.
    pub(crate) fn revive(&self) {
        if self.idle.is_none() || sync::read(&self.table).gone.is_empty() {
            return;
        }
        let mut table = sync::write(&self.table);
        let mut gone = std::mem::take(&mut table.gone);
        // Nobody moves what nobody else can reach, so this is asked before the cells are read.
        let reached: Vec<_> = gone.iter_mut().map(|gone| Arc::get_mut(&mut gone.slot).is_none()).collect();
        let mut chunks: Vec<_> =
            gone.iter().filter(|gone| gone.slot.range.len > 0).map(|gone| gone.slot.range.chunk()).collect();
        chunks.sort_unstable();
        chunks.dedup();
        let sums = Totals::gather(&STORE, &chunks);
        let mut done = Vec::new();
        for (gone, is_reached) in gone.into_iter().zip(reached) {
            match self.settle(&mut table, gone, &sums) {
                Some(gone) if is_reached => table.gone.push(gone),
                settled => done.push(settled),
            }
        }
        drop(table);
        // The last references may be here: cells are given back with no lock held.
        drop(done);
    }

    /// Sees to it that what has come since is told. `None` if the series is back.
    fn settle(&self, table: &mut Table, gone: Gone, sums: &Totals) -> Option<Gone> {
        let slot = Arc::clone(&gone.slot);
        let now = self.now(&slot, sums.range(slot.range).to_vec());
        let since = now.since(&gone, &self.shape.floats);
        if since.is_nothing() {
            return Some(gone);
        }
        if let Some(successor) = table.get(&slot.text) {
            self.add_more(successor, &since.cells);
            successor.summary.iter().for_each(|summary| summary.add(since.observed));
            return Some(now);
        }
        self.charge_anyway(&slot);
        table.gone.push(gone);
        self.put_in(table, &slot);
        None
    }

    /// Begins a series anew that is in no scrape: at what has come since it was let go, if it was, and else at
    /// nothing. It is none of those any more that were let go. Gives back what is to be told of its cells, if they
    /// have these sums now.
    pub(crate) fn begin_anew(&self, table: &mut Table, slot: &Arc<Slot>, sums: &[u64]) -> Box<[u64]> {
        let at = table.gone.iter().position(|gone| Arc::ptr_eq(&gone.slot, slot));
        let Some(gone) = at.map(|at| table.gone.swap_remove(at)) else {
            slot.level.store(self.begin_at(0), Ordering::Relaxed);
            slot.summary.iter().for_each(|summary| summary.begin_anew());
            return Box::default();
        };
        let since = self.now(slot, sums.to_vec()).since(&gone, &self.shape.floats);
        slot.level.store(self.begin_at(since.level.unwrap_or_default()), Ordering::Relaxed);
        slot.summary.iter().for_each(|summary| summary.begin_anew_after(gone.observed));
        since.cells
    }

    /// What would be told of a series whose cells have these sums.
    fn now(&self, slot: &Arc<Slot>, mut sums: Vec<u64>) -> Gone {
        self.apply_base(slot.range, &mut sums);
        Gone::of(slot, &sums)
    }
}

impl Table {
    /// A gauge that was let go and that someone may still set. It has to come back when its labels are wanted again:
    /// of two gauges nobody could say which was set last.
    pub(crate) fn gauge_let_go(&self, text: &str) -> Option<Arc<Slot>> {
        let gone = self.gone.iter().find(|gone| *gone.slot.text == *text)?;
        let is_gauge = gone.slot.range.len == 0 && gone.slot.summary.is_none();
        is_gauge.then(|| Arc::clone(&gone.slot))
    }
}

/// What has come to a series since it was let go.
struct Since {
    cells: Box<[u64]>,
    /// The value of a gauge, if it is another one.
    level: Option<u64>,
    observed: Observed,
}

impl Since {
    fn is_nothing(&self) -> bool {
        self.level.is_none() && self.observed.count == 0 && self.cells.iter().all(|cell| *cell == 0)
    }
}
