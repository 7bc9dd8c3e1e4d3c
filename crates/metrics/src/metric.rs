//! A metric: what its series have in common, and the table of them.

use std::collections::HashMap;
use std::fmt;

use crate::cardinality::{Limits, OVERFLOW, Refusals, SeriesError};
use crate::cell::{Pool, Range, Row, STORE, Shape, Totals, totals};
use crate::clock::Clock;
use crate::exemplar::{ByCell, Exemplars};
use crate::firewall::{Budget, Firewall, Fold};
use crate::idle::Idle;
use crate::label::{self, Label, Labels};
use crate::plan::{Part, Plan};
use crate::shown::Shown;
use crate::slot::{Handle, Slot};
use crate::summary::{Series, Setup};
use crate::sync::{self, Arc, Mutex, OnceLock, Ordering, RwLock, Weak};
use crate::table::{ByText, List, Table};

pub struct Metric {
    /// Never used again in this process.
    pub(crate) id: u64,
    /// The name on the wire, of the first instrument if it is a group.
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
    pub(crate) parts: Box<[Part]>,
    pub(crate) labels: Box<[Label]>,
    /// Labels that every series begins with.
    constant: Box<str>,
    /// The labels of the series for what has no room; that series counts towards no limit.
    overflow_text: Box<str>,
    overflow: OnceLock<Arc<Slot>>,
    max_value_chars: usize,
    pub(crate) firewall: Firewall,
    pub(crate) budget: Arc<Budget>,
    pub(crate) refusals: Refusals,
    pub(crate) exemplars: Exemplars,
    setup: Option<Arc<Setup>>,
    /// What a look-up by label sets of a closed set needs to know of the table.
    pub(crate) shown: Shown,
    pub(crate) table: RwLock<Table>,
    /// When series are let go, if ever.
    pub(crate) idle: Option<Idle>,
    clock: Clock,
    /// By its first cell, what the cells of a series do not say.
    bases: Mutex<HashMap<u32, Base>>,
    this: Weak<Metric>,
}

/// How the numbers of a series differ from what its cells hold.
#[derive(Default)]
struct Base {
    /// What they held when it was begun anew.
    less: Box<[u64]>,
    /// What came to others of its labels, after they were let go.
    more: Box<[u64]>,
}

/// What became of a series that was to be removed.
///
/// ```
/// use streamgauge_metrics::{Counter, Family, Removal};
///
/// let sent: Family<Counter> = Family::with_labels(["topic"]);
/// let held = sent.handle(&[("topic", "orders")]);
/// assert_eq!(sent.remove(&[("topic", "orders")]), Removal::Held);
/// assert_eq!(sent.remove(&[("topic", "returns")]), Removal::Absent);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It is in no scrape any more. If it comes back it begins at 0.
    Removed,
    /// Someone holds a handle to it, so it stays: what is recorded through the handle would be
    /// lost without a trace.
    Held,
    /// There is no such series.
    Absent,
}

impl Metric {
    pub(crate) fn new(
        name: &str,
        plan: Plan,
        labels: Box<[Label]>,
        constant: &str,
        limits: &Limits,
        budget: &Arc<Budget>,
    ) -> Arc<Self> {
        let mut overflow_text = constant.to_owned();
        labels.iter().for_each(|label| label::push(&mut overflow_text, &label.name, OVERFLOW));
        Arc::new_cyclic(|this| Self {
            id: sync::serial(),
            name: name.into(),
            shape: plan.shape,
            parts: plan.parts,
            labels,
            constant: constant.into(),
            overflow_text: overflow_text.into(),
            overflow: OnceLock::new(),
            max_value_chars: limits.max_value_chars,
            firewall: Firewall::new(limits),
            budget: Arc::clone(budget),
            refusals: Refusals::default(),
            exemplars: Exemplars::default(),
            setup: plan.setup,
            shown: Shown::new(),
            table: RwLock::default(),
            idle: plan.expire_after.map(|after| Idle::new(after, plan.clock.clone())),
            clock: plan.clock,
            bases: Mutex::default(),
            this: Weak::clone(this),
        })
    }

    /// A metric in no registry.
    pub(crate) fn alone(plan: Plan, labels: Box<[Label]>) -> Arc<Self> {
        let limits = Limits::default();
        Self::new("", plan, labels, "", &limits, &Arc::new(Budget::new(&limits)))
    }

    /// The only series of a metric without labels.
    pub(crate) fn only(&self) -> Handle {
        let mut table = sync::write(&self.table);
        let slot = table.series.get(&*self.constant).map(|known| Arc::clone(&known.0));
        Handle::held(&slot.unwrap_or_else(|| self.insert(&mut table, self.constant.clone())))
    }

    /// The series with these label values, in the order of the declaration, if it is there.
    pub(crate) fn find(&self, values: &[impl AsRef<str>]) -> Option<Arc<Slot>> {
        let text = self.text(values).ok()?;
        sync::read(&self.table).series.get(text.as_str()).map(|known| Arc::clone(&known.0))
    }

    /// The series with these label values, made if need be.
    pub(crate) fn create(&self, values: &[impl AsRef<str>]) -> Result<Arc<Slot>, SeriesError> {
        self.create_as(&self.text(values)?)
    }

    /// The series with these labels as they are on the wire, made if need be.
    pub(crate) fn create_as(&self, text: &str) -> Result<Arc<Slot>, SeriesError> {
        if *text == *self.overflow_text {
            return Ok(Arc::clone(self.overflow()));
        }
        let mut table = sync::write(&self.table);
        // Whoever was first to the lock made the series.
        if let Some(known) = table.series.get(text) {
            return Ok(Arc::clone(&known.0));
        }
        self.charge(text)?;
        let slot = match table.gauge_let_go(text) {
            Some(slot) => {
                self.put_in(&mut table, &slot);
                slot
            }
            None => self.insert(&mut table, text.into()),
        };
        drop(table);
        self.firewall.tell(&self.name, &self.budget, false);
        Ok(slot)
    }

    /// Which labels of a look-up are folded, if there is surely neither a series nor room for one.
    pub(crate) fn turns_away(&self, values: &[impl AsRef<str>]) -> Option<Fold> {
        let (fold, refusal) = self.firewall.turns_away(values, &self.budget)?;
        self.refusals.count(refusal);
        Some(fold)
    }

    /// Counts a refusal, and says which labels are folded in place of it.
    #[cold]
    pub(crate) fn refuse(&self, error: &SeriesError, values: &[impl AsRef<str>], at: &dyn fmt::Display) -> Fold {
        self.refusals.count(error.refusal());
        match error {
            SeriesError::MetricFull { .. } | SeriesError::RegistryFull { .. } => {
                let table = sync::write(&self.table);
                let series = table.series.iter().map(|series| self.own_labels(&series.0.text));
                let fold = self.firewall.refuse(values, at, series);
                drop(table);
                self.firewall.tell(&self.name, &self.budget, true);
                fold
            }
            SeriesError::ValueTooLong { label, .. } => {
                self.labels.iter().position(|own| own.name == *label).map_or(Fold::ALL, Fold::only)
            }
            SeriesError::OtherLabels { .. } => Fold::ALL,
        }
    }

    /// The labels of a series as they are on the wire, some of them folded.
    pub(crate) fn write_folded(&self, text: &mut String, values: &[impl AsRef<str>], fold: Fold) {
        text.clear();
        text.push_str(&self.constant);
        for (i, (label, value)) in self.labels.iter().zip(values).enumerate() {
            let value = value.as_ref();
            let is_folded = fold.has(i) || self.is_too_long(value);
            label::push(text, &label.name, if is_folded { OVERFLOW } else { value });
        }
    }

    /// The labels of a series but for the constant ones.
    fn own_labels<'a>(&self, text: &'a str) -> Labels<'a> {
        Labels::of(text.get(self.constant.len()..).unwrap_or_default())
    }

    /// The series for updates that have none of their own.
    pub(crate) fn overflow(&self) -> &Arc<Slot> {
        let slot =
            self.overflow.get_or_init(|| self.new_hidden(self.take_cells(), self.overflow_text.clone(), usize::MAX));
        if !cfg!(feature = "noop") && !slot.is_there() {
            self.put_in(&mut sync::write(&self.table), slot);
        }
        slot
    }

    /// A series for each of a closed set of label sets, in no scrape until it is
    /// [shown](Self::show). Their cells are side by side if they fit in a chunk.
    pub(crate) fn closed(&self, sets: &[Vec<&str>]) -> (Box<[Arc<Slot>]>, Row) {
        let row = u32::try_from(sets.len()).ok().and_then(|count| STORE.take_row(&self.shape, count));
        let begin = row.as_deref().and_then(<[Range]>::first).map_or(Row::NONE, |first| Row::from(*first));
        let mut row = row.into_iter().flatten();
        let slots = sets.iter().enumerate().map(|(nth, values)| {
            let mut text = String::from(&*self.constant);
            self.labels.iter().zip(values).for_each(|(label, value)| label::push(&mut text, &label.name, value));
            self.new_hidden(row.next().unwrap_or_else(|| self.take_cells()), text.into(), nth)
        });
        (slots.collect(), begin)
    }

    /// Puts a series that has been hidden, or removed, into the scrapes. It begins at 0.
    pub(crate) fn show(&self, slot: &Arc<Slot>) -> Result<(), SeriesError> {
        let mut table = sync::write(&self.table);
        if !slot.is_there() {
            self.charge(&slot.text)?;
            self.put_in(&mut table, slot);
        }
        drop(table);
        self.firewall.tell(&self.name, &self.budget, false);
        Ok(())
    }

    fn charge(&self, text: &str) -> Result<(), SeriesError> {
        self.is_folded(text).map_or(Ok(()), |folded| self.firewall.take(folded, &self.budget))
    }

    /// Takes room for what was there before, beyond the limits if need be.
    pub(crate) fn charge_anyway(&self, slot: &Slot) {
        if let Some(folded) = self.is_folded(&slot.text) {
            self.firewall.take_anyway(folded, &self.budget);
        }
    }

    /// Whether some labels of a series are folded; `None` if it counts towards no limit: it has no labels, or
    /// all of them are folded.
    fn is_folded(&self, text: &str) -> Option<bool> {
        const FOLDED: &str = "=\"__overflow__\"";
        let counts = !self.labels.is_empty() && *text != *self.overflow_text;
        counts.then(|| text.contains(FOLDED))
    }

    fn insert(&self, table: &mut Table, text: Box<str>) -> Arc<Slot> {
        self.firewall.note(self.own_labels(&text));
        let slot = Slot::new(self.take_cells(), text, Weak::clone(&self.this));
        let slot = Arc::new(slot.with_summary(self.summary()));
        slot.level.store(self.begin_at(0), Ordering::Relaxed);
        table.series.insert(ByText(Arc::clone(&slot)));
        table.list = None;
        slot
    }

    fn new_hidden(&self, range: Range, text: Box<str>, nth: usize) -> Arc<Slot> {
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        Arc::new(Slot::hidden(range, text, Weak::clone(&self.this), nth).with_summary(self.summary()))
    }

    /// The values of a new series, if it is one of a summary.
    fn summary(&self) -> Option<Series> {
        self.setup.as_ref().map(Series::new)
    }

    fn take_cells(&self) -> Range {
        match self.shape.len {
            0 => Range { first: 0, len: 0, pool: Pool::Single },
            _ => STORE.take(&self.shape),
        }
    }

    /// Puts a series back into the table: what its cells hold is from before.
    pub(crate) fn put_in(&self, table: &mut Table, slot: &Arc<Slot>) {
        if slot.is_there() {
            return;
        }
        // Read once: what comes after it is counted on top.
        let cells = totals::read(&STORE, slot.range);
        let more = self.begin_anew(table, slot, &cells);
        self.exemplars.forget(slot.range);
        let based = cells.iter().any(|cell| *cell > 0);
        if based {
            sync::lock(&self.bases).insert(slot.range.first, Base { less: cells.into(), more });
        }
        self.firewall.note(self.own_labels(&slot.text));
        slot.come_back(based);
        self.shown.set(slot.nth(), true);
        table.series.insert(ByText(Arc::clone(slot)));
        table.list = None;
    }

    /// What a series has that begins now beside its cells.
    pub(crate) fn begin_at(&self, level: u64) -> u64 {
        if self.shape.len > 0 || self.setup.is_some() { self.clock.wall_millis() } else { level }
    }

    fn text(&self, values: &[impl AsRef<str>]) -> Result<String, SeriesError> {
        if values.len() != self.labels.len() {
            return Err(self.other_labels());
        }
        let mut text = String::from(&*self.constant);
        for (label, value) in self.labels.iter().zip(values) {
            let value = value.as_ref();
            if self.is_too_long(value) {
                return Err(SeriesError::ValueTooLong { label: label.name.to_string(), limit: self.max_value_chars });
            }
            label::push(&mut text, &label.name, value);
        }
        Ok(text)
    }

    /// Bytes are at least as many as characters, and known at once.
    fn is_too_long(&self, value: &str) -> bool {
        value.len() > self.max_value_chars && value.chars().nth(self.max_value_chars).is_some()
    }

    pub(crate) fn other_labels(&self) -> SeriesError {
        SeriesError::OtherLabels { declared: self.labels.iter().map(|label| label.name.to_string()).collect() }
    }

    /// The series, in a stable order.
    pub(crate) fn list(&self) -> Arc<List> {
        if let Some(list) = &sync::read(&self.table).list {
            return Arc::clone(list);
        }
        let mut table = sync::write(&self.table);
        let list = Arc::new(List::of(table.series.iter().map(|series| Arc::clone(&series.0)).collect()));
        table.list = Some(Arc::clone(&list));
        list
    }

    pub(crate) fn len(&self) -> usize {
        sync::read(&self.table).series.len()
    }

    /// Takes a series out, unless it is held.
    pub(crate) fn remove(&self, slot: &Arc<Slot>) -> Removal {
        let mut table = sync::write(&self.table);
        let out = match self.take_out(&mut table, slot) {
            Ok(out) => out,
            Err(why) => return why,
        };
        drop(table);
        // The last reference may be here: cells are given back with no lock held.
        drop(out);
        Removal::Removed
    }

    /// Takes a series out of the table, with the list that it was in, unless it is held.
    pub(crate) fn take_out(&self, table: &mut Table, slot: &Arc<Slot>) -> Result<impl Sized + use<>, Removal> {
        if !table.get(&slot.text).is_some_and(|known| Arc::ptr_eq(known, slot)) {
            return Err(Removal::Absent);
        }
        if !slot.try_go() {
            return Err(Removal::Held);
        }
        self.shown.set(slot.nth(), false);
        let out = table.series.take(&*slot.text);
        let list = table.list.take();
        if let Some(folded) = self.is_folded(&slot.text) {
            self.firewall.give_back(folded, &self.budget);
        }
        self.firewall.forget(table.series.iter().map(|series| self.own_labels(&series.0.text)));
        Ok((out, list))
    }

    /// A series that was removed and is wanted again, or what has taken its place since: held, as
    /// `gone` is. It begins at 0.
    pub(crate) fn bring_back(&self, gone: &Arc<Slot>) -> Arc<Slot> {
        let mut table = sync::write(&self.table);
        if let Some(now) = table.series.get(&*gone.text) {
            let now = Arc::clone(&now.0);
            if !Arc::ptr_eq(&now, gone) {
                gone.pass_hold(&now);
            }
            return now;
        }
        self.charge_anyway(gone);
        self.put_in(&mut table, gone);
        Arc::clone(gone)
    }

    /// Makes the numbers of series of the sums of their cells.
    pub(crate) fn apply_bases(&self, totals: &mut Totals) {
        for (first, base) in sync::lock(&self.bases).iter() {
            let range = Range { first: *first, len: self.shape.len, pool: self.shape.pool };
            base.apply(totals.range_mut(range), &self.shape.floats);
        }
    }

    /// The exemplars of an instrument.
    pub(crate) fn exemplars(&self, list: &List, part: &Part) -> ByCell {
        let told = |(i, slot): (usize, &Arc<Slot>)| {
            let told = self.exemplars.tell(slot.range.first + part.first, part.len);
            told.into_iter().map(move |(cell, taken)| (i, cell, taken))
        };
        // Most metrics have none, and their series are not looked at.
        if self.exemplars.are_none() { Vec::new() } else { list.slots.iter().enumerate().flat_map(told).collect() }
    }

    /// Makes the numbers of a series of the sums of its cells.
    pub(crate) fn apply_base(&self, range: Range, cells: &mut [u64]) {
        if let Some(base) = sync::lock(&self.bases).get(&range.first) {
            base.apply(cells, &self.shape.floats);
        }
    }

    /// Adds numbers to those of a series. Called with the table locked.
    pub(crate) fn add_more(&self, slot: &Slot, more: &[u64]) {
        if more.is_empty() {
            return;
        }
        let mut bases = sync::lock(&self.bases);
        let base = bases.entry(slot.range.first).or_default();
        if base.more.is_empty() {
            base.more = more.into();
        } else {
            totals::add_to(&mut base.more, more, &self.shape.floats);
        }
        slot.has_base();
    }

    pub(crate) fn forget_base(&self, range: Range) {
        sync::lock(&self.bases).remove(&range.first);
    }
}

impl Base {
    fn apply(&self, cells: &mut [u64], floats: &[u32]) {
        if !self.less.is_empty() {
            totals::subtract(cells, &self.less, floats);
        }
        if !self.more.is_empty() {
            totals::add_to(cells, &self.more, floats);
        }
    }
}

impl Drop for Metric {
    fn drop(&mut self) {
        self.budget.give_back(self.firewall.charged());
    }
}
