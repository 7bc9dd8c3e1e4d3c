//! Events in, effects out: calls the stages in order. Read this first.
//!
//! ```text
//! decoded ─ plausible? ─ filter ─ duplicate? ─ windows ─ watermark ─ due panes
//!    └──────────┴─ dead letter                    └─ late
//! ```
//! An event is judged by the watermark before it, then moves it: event by event, so that batches change nothing.

mod saved;
mod survey;

use streamgauge_metrics::{Metrics, RegisterError, Registry};

use crate::batch::{Account, Batch, Effects, Progress, SideRow, Stopped};
use crate::decode::{Event, HeaderError, Refusal};
use crate::dedup::Seen;
use crate::explosion::KeyExplosion;
use crate::key::AHEAD;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::row::Rows;
use crate::settings::{Keep, Settings};
use crate::telemetry::{LlmMetrics, LlmTally, Outcome, PipelineMetrics, Standing, Tally, Timing, TypeId, Verdict};
use crate::time::{EventTime, Span, WallTime};
use crate::watermark::{PartitionMark, Watermark, Watermarks};
use crate::window::Window;
pub use saved::RestoreError;
pub use survey::{Survey, WindowSurvey};

/// Judges the events of all partitions.
#[derive(Debug)]
pub struct Pipeline {
    max_future_skew: Span,
    keeps_times: bool,
    plan: Plan,
    plan_saved: bool,
    stages: Stages,
}

/// What stands behind the decoder.
#[derive(Debug)]
struct Stages {
    filter: Vec<Keep>,
    seen: Option<Seen>,
    watermarks: Watermarks,
    windows: Vec<Window>,
    by_name: Vec<usize>, // the order in which rows of one end are printed
    account: Account,
    tally: Tally,
    llm: Option<LlmTally>,
}

impl Pipeline {
    /// A pipeline that registers its metrics in `registry`. It has one partition, 0, until others are opened.
    ///
    /// # Errors
    /// If a metric of the same name but another declaration is there already.
    pub fn new(settings: Settings, registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = PipelineMetrics::register(registry)?;
        let llm = match settings.llm {
            Some(fields) => Some(LlmTally::new(fields, LlmMetrics::register(registry)?)),
            None => None,
        };
        let plan = Plan::of(&settings);
        let mapping = &settings.mapping;
        let windows: Vec<Window> = settings.windows.iter().map(|w| Window::new(w, mapping)).collect();
        let mut by_name: Vec<usize> = (0..windows.len()).collect();
        by_name.sort_by_key(|at| windows[*at].name());
        Ok(Pipeline {
            max_future_skew: settings.watermark.max_future_skew,
            keeps_times: false,
            plan,
            plan_saved: false,
            stages: Stages {
                filter: settings.filter,
                seen: settings.deduplicate.map(Seen::new),
                watermarks: Watermarks::new(settings.watermark.max_out_of_orderness),
                tally: Tally::new(metrics, &windows),
                windows,
                by_name,
                account: Account::default(),
                llm,
            },
        })
    }

    /// The same with latency measured from when each event happened: the times are kept until they are
    /// [recorded](Self::record), with [`EndToEnd::Each`](crate::EndToEnd::Each).
    #[must_use]
    pub fn keeping_times(self, keeps_times: bool) -> Self {
        Pipeline { keeps_times, ..self }
    }

    /// Judges the records of `batch` event by event; stops before the first event later than `until`.
    ///
    /// # Errors
    /// If nothing of the file can be read, because its CSV header lacks a mapped column.
    pub fn step(
        &mut self,
        batch: &Batch<'_>,
        now: WallTime,
        until: Option<EventTime>,
        effects: &mut Effects,
    ) -> Result<Progress, HeaderError> {
        if let Some(fault) = batch.decoded.header_fault() {
            return Err(fault.clone());
        }
        self.stages.watermarks.turn_to(batch.partition);
        if let Some(seen) = &mut self.stages.seen {
            seen.turn_to_others();
        }
        let (first_row, first) = (effects.rows.len(), batch.from);
        let progress = self.judge(batch, now, until, effects);
        self.stages.account.received += (progress.done - first) as u64;
        self.stages.account.revisions += effects.rows.revisions_from(first_row);
        Ok(progress)
    }

    #[inline]
    fn judge(&mut self, batch: &Batch<'_>, now: WallTime, until: Option<EventTime>, effects: &mut Effects) -> Progress {
        let plausible_until = now.plausible_until(self.max_future_skew);
        for at in batch.from..batch.decoded.len() {
            if (at - batch.from).is_multiple_of(AHEAD) {
                let next = at..batch.decoded.len().min(at + AHEAD);
                self.stages
                    .windows
                    .iter_mut()
                    .for_each(|window| window.look_ahead(batch.decoded.events_of(next.clone())));
            }
            let stopped = |stopped| Progress { done: at, stopped: Some(stopped) };
            if batch.in_turn && self.stages.watermarks.is_ahead() {
                return stopped(Stopped::Ahead);
            }
            match batch.decoded.event(at) {
                Err(refusal) => self.stages.refuse(batch, at, refusal.clone(), effects),
                Ok(event) if event.time > plausible_until => {
                    self.stages.refuse(batch, at, too_far_ahead(event.time), effects);
                }
                Ok(event) if until.is_some_and(|until| event.time > until) => {
                    return stopped(Stopped::Early(event.time));
                }
                Ok(event) => self.stages.accept(batch, at, &event, self.keeps_times, effects),
            }
        }
        Progress { done: batch.decoded.len(), stopped: None }
    }

    /// A partition begins, or goes on after its end: it holds the others back until it says something or is idle.
    pub fn open(&mut self, partition: usize) {
        self.stages.watermarks.open(partition);
    }

    /// How far event time is in a partition.
    pub fn mark_of(&self, partition: usize) -> PartitionMark {
        self.stages.watermarks.mark_of(partition)
    }

    /// A partition goes on where it was when the state was saved.
    pub fn set_mark(&mut self, partition: usize, mark: PartitionMark) {
        self.stages.watermarks.set_mark(partition, mark);
    }

    /// Nobody waits for a silent partition any longer, until it says something.
    pub fn idle(&mut self, partition: usize, effects: &mut Effects) {
        if self.stages.watermarks.idle(partition) {
            self.stages.fire_due(&mut effects.rows);
        }
    }

    /// Nothing comes any more from a partition.
    pub fn end(&mut self, partition: usize, effects: &mut Effects) {
        if self.stages.watermarks.end(partition) {
            self.stages.fire_due(&mut effects.rows);
        }
    }

    /// The partition that is to be read first: the active one with the lowest watermark, then the lowest number.
    pub fn lowest(&self) -> Option<usize> {
        self.stages.watermarks.lowest()
    }

    /// The partitions that have not ended, in the order in which they are to be read where nobody knows who will say
    /// something next: lowest first, without those that are further than `max_drift` ahead of the lowest, then the idle ones.
    pub fn wanted(&self, max_drift: Span, out: &mut Vec<usize>) {
        self.stages.watermarks.wanted(max_drift, out);
    }

    /// The watermark that events are judged by.
    pub fn watermark(&self) -> Watermark {
        *self.stages.watermarks.combined()
    }

    /// How far one partition is by itself.
    pub fn watermark_of(&self, partition: usize) -> Watermark {
        self.stages.watermarks.of(partition)
    }

    /// Whether nobody waits for a partition.
    pub fn is_idle(&self, partition: usize) -> bool {
        self.stages.watermarks.is_idle(partition)
    }

    /// All partitions have been silent for `silence`: the watermark moves on as if events had kept coming.
    pub fn pass(&mut self, silence: Span, effects: &mut Effects) {
        if self.stages.watermarks.pass(silence) {
            self.stages.fire_due(&mut effects.rows);
        }
    }

    /// The input has ended: closes every window.
    pub fn finish(&mut self, effects: &mut Effects) {
        self.stages.fire(None, &mut effects.rows);
    }

    /// Moves the metrics by what happened since the last call. Once per batch.
    pub fn record(&mut self, timing: &Timing<'_>) {
        self.stages.record(timing);
    }

    /// What happened so far.
    pub fn account(&self) -> Account {
        let rows = self.stages.windows.iter().map(|window| window.printed() + window.taken_back()).sum();
        let evicted = self.stages.seen.as_ref().map_or(0, Seen::evicted);
        Account { rows, evicted, ..self.stages.account }
    }

    /// When the first window closes that was not printed yet, if one is open.
    pub fn first_end(&self) -> Option<EventTime> {
        self.stages.windows.iter().filter_map(Window::first_open).map(|(_, end)| end).min()
    }

    /// What is known of each window definition whose keys were too many.
    pub fn explosions(&self) -> impl Iterator<Item = KeyExplosion> {
        self.stages.windows.iter().filter_map(Window::explosion)
    }

    /// How often an event found the state of its key, and how often it began with an empty one.
    pub fn lookups(&self) -> (u64, u64) {
        let both = self.stages.windows.iter().map(Window::lookups);
        both.fold((0, 0), |(found, new), (taken, opened)| (found + taken - opened, new + opened))
    }

    /// About how many bytes windows and ids take in the process.
    pub fn bytes(&self) -> usize {
        let windows: usize = self.stages.windows.iter().map(Window::bytes).sum();
        windows + self.stages.seen.as_ref().map_or(0, Seen::bytes)
    }

    /// Panes that are open and not yet printed, counted one by one.
    pub fn open_windows(&self) -> u64 {
        self.stages.windows.iter().map(Window::unprinted).sum()
    }
}

impl Stages {
    /// Judges a decoded, plausible event.
    #[inline]
    fn accept(&mut self, batch: &Batch<'_>, at: usize, event: &Event<'_>, keep_time: bool, effects: &mut Effects) {
        let event_type = self.tally.type_of(event);
        let behind = self.watermarks.combined().get().filter(|mark| event.time < *mark);
        let verdict = self.judge(batch, at, event, &mut effects.rows);
        if let Some(mark) = behind {
            self.note_late(verdict, mark - event.time);
        }
        match verdict {
            Verdict::Processed => {
                if let Some(llm) = &mut self.llm {
                    llm.count(event);
                }
                if keep_time {
                    self.tally.keep_time(event_type, event.time);
                }
            }
            Verdict::Dropped(Reason::Late) => effects.late.push(late_row(batch, at)),
            _ => {}
        }
        self.count(event_type, verdict);
    }

    #[cold]
    fn note_late(&mut self, verdict: Verdict, lateness: Span) {
        match verdict {
            Verdict::Processed => self.tally.late(Outcome::Accepted, lateness),
            Verdict::Dropped(Reason::Late) => self.tally.late(Outcome::Dropped, lateness),
            _ => {}
        }
    }

    fn record(&mut self, timing: &Timing<'_>) {
        let standing = Standing {
            watermarks: &self.watermarks,
            windows: &self.windows,
            seen: self.seen.as_ref(),
            now: timing.now,
        };
        self.tally.record(timing, &standing);
        if let Some(llm) = &mut self.llm {
            llm.record();
        }
    }

    #[cold]
    fn refuse(&mut self, batch: &Batch<'_>, at: usize, refusal: Refusal, effects: &mut Effects) {
        self.count(Tally::UNKNOWN, Verdict::Dropped(refusal.reason));
        effects.dead.push(side_row(batch, at, refusal));
    }

    /// What becomes of an event. It moves the watermark whatever becomes of it.
    #[inline]
    fn judge(&mut self, batch: &Batch<'_>, at: usize, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let verdict = self.verdict(batch, at, event, rows);
        if self.watermarks.advance(event.time) {
            self.fire_due(rows);
        }
        verdict
    }

    #[inline]
    fn verdict(&mut self, batch: &Batch<'_>, at: usize, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let passes = |keep: &Keep| keep.values.iter().any(|value| value == event.string(keep.field));
        if !self.filter.iter().all(passes) {
            return Verdict::Filtered;
        }
        if let Some(seen) = &mut self.seen
            && seen.is_duplicate(batch.decoded, at, event.time, self.watermarks.combined())
        {
            return Verdict::Duplicate;
        }
        self.take(event, rows)
    }

    #[inline]
    fn take(&mut self, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let (mut taken, mut folded) = (false, false);
        for window in &mut self.windows {
            let result = window.take(event, self.watermarks.combined(), rows);
            taken |= result.taken;
            folded |= result.folded;
        }
        self.account.folded += u64::from(folded);
        if taken { Verdict::Processed } else { Verdict::Dropped(Reason::Late) }
    }

    #[inline]
    fn fire_due(&mut self, rows: &mut Rows) {
        let mark = *self.watermarks.combined();
        if self.windows.iter().any(|window| window.is_due(&mark)) {
            self.fire(Some(&mark), rows);
        }
    }

    /// Prints the panes that `mark` has passed, all of them without one: by end, window name, key and start. One end at a
    /// time, so that no more is merged and sorted at once than what ends together.
    #[cold]
    fn fire(&mut self, mark: Option<&Watermark>, rows: &mut Rows) {
        let windows = &mut self.windows;
        while let Some(end) = windows.iter_mut().filter_map(|window| window.next_end(mark)).min() {
            for at in &self.by_name {
                let panes = windows[*at].fire(end, rows);
                self.tally.fired(*at, end, panes);
            }
        }
        for window in windows {
            window.settle(mark);
        }
    }

    #[inline]
    fn count(&mut self, event_type: TypeId, verdict: Verdict) {
        self.tally.count(event_type, verdict);
        let account = &mut self.account;
        *match verdict {
            Verdict::Processed => &mut account.processed,
            Verdict::Filtered => &mut account.filtered,
            Verdict::Duplicate => &mut account.duplicates,
            Verdict::Dropped(Reason::Late) => &mut account.late,
            Verdict::Dropped(_) => &mut account.dead_letters,
        } += 1;
    }
}

#[cold]
fn late_row(batch: &Batch<'_>, at: usize) -> SideRow {
    side_row(batch, at, Refusal::new(Reason::Late, "no window takes it any more"))
}

#[cold]
fn too_far_ahead(time: EventTime) -> Refusal {
    Refusal::new(Reason::FutureTimestamp, format!("{time} is further ahead of the clock than max_future_skew"))
}

fn side_row(batch: &Batch<'_>, at: usize, refusal: Refusal) -> SideRow {
    let (offset, payload, oversize) = batch.decoded.record(at);
    SideRow {
        reason: refusal.reason,
        detail: refusal.detail,
        source: batch.source.to_owned(),
        partition: batch.partition,
        offset,
        payload: payload.to_vec(),
        oversize,
    }
}
