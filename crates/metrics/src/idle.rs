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
}

impl Idle {
    pub(crate) fn new(after: u64, clock: Clock) -> Self {
        Self { after, clock, told: Mutex::default(), expired: AtomicU64::new(0) }
    }

    /// How many series were let go.
    pub(crate) fn expired(&self) -> u64 {
        self.expired.load(Ordering::Relaxed)
    }

    /// Notes what a snapshot tells of the series; gives back those it has told the same of for too long.
    fn note<'a>(&self, list: &'a List, told: &Totals) -> Vec<&'a Arc<Slot>> {
        let (now, mut idle) = (self.clock.now(), Vec::new());
        let mut known = sync::lock(&self.told);
        let before = std::mem::take(&mut *known);
        for slot in &list.slots {
            let (place, mark) = (&raw const **slot as usize, mark(told.range(slot.range), level(slot)));
            let same = before.get(&place).filter(|told| told.mark == mark);
            let since = same.map_or(now, |told| told.since);
            if now.saturating_sub(since) >= self.after {
                idle.push(slot);
            }
            known.insert(place, Told { mark, since });
        }
        idle
    }
}

fn level(slot: &Slot) -> u64 {
    slot.level.load(Ordering::Relaxed)
}

fn mark(cells: &[u64], level: u64) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((cells, level))
}

impl Metric {
    /// Lets go of what a snapshot, which told these sums, has found idle.
    pub(crate) fn expire(&self, list: &List, told: &Totals) {
        let Some(idle) = &self.idle else { return };
        for slot in idle.note(list, told) {
            let mut table = sync::write(&self.table);
            let out = self.take_out(&mut table, slot);
            if out.is_ok() {
                // What was told, and not what is there now: that may be more.
                let cells = told.range(slot.range).into();
                table.gone.push(Gone { slot: Arc::clone(slot), cells, level: level(slot) });
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
        let (since, told) = self.since(&gone, sums.range(slot.range).to_vec());
        if since.is_nothing() {
            return Some(gone);
        }
        if let Some(successor) = table.get(&slot.text) {
            self.add_more(successor, &since.cells);
            return Some(Gone { cells: told, level: level(&slot), ..gone });
        }
        self.charge_anyway(&slot);
        table.gone.push(gone);
        self.put_in(table, &slot);
        None
    }

    /// What has come to a series with these sums since it was let go, if it was; it is none of those any more.
    pub(crate) fn since_gone(&self, table: &mut Table, slot: &Arc<Slot>, sums: &[u64]) -> Since {
        let at = table.gone.iter().position(|gone| Arc::ptr_eq(&gone.slot, slot));
        let gone = at.map(|at| table.gone.swap_remove(at));
        gone.map_or(Since::default(), |gone| self.since(&gone, sums.to_vec()).0)
    }

    /// What has come to a series whose cells have these sums, and what it would be told as.
    fn since(&self, gone: &Gone, mut sums: Vec<u64>) -> (Since, Box<[u64]>) {
        self.apply_base(gone.slot.range, &mut sums);
        let told: Box<[u64]> = sums.clone().into();
        totals::subtract(&mut sums, &gone.cells, &self.shape.floats);
        let now = level(&gone.slot);
        (Since { cells: sums.into(), level: if now == gone.level { 0 } else { now } }, told)
    }
}

/// What has come to a series since it was let go.
#[derive(Default)]
pub(crate) struct Since {
    pub(crate) cells: Box<[u64]>,
    /// The value of a gauge; 0 if it is what it was.
    pub(crate) level: u64,
}

impl Since {
    fn is_nothing(&self) -> bool {
        self.level == 0 && self.cells.iter().all(|cell| *cell == 0)
    }
}
