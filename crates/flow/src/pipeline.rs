//! Bytes in, effects out: calls the stages in order. Read this first.
//!
//! ```text
//! records ─ decode ─ plausible? ─ filter ─ duplicate? ─ windows ─ watermark ─ due panes
//!             └─ dead letter ┘                             └─ late
//! ```
//! An event is judged by the watermark before it, then moves it: event by event, so that batches change nothing.

use std::fmt;

use streamgauge_metrics::{Metrics, RegisterError, Registry};

use crate::batch::{Account, Batch, Effects, Progress, Reason, SideRow};
use crate::decode::{Decoder, Event, Refusal};
use crate::dedup::Seen;
use crate::record::{Record, Records};
use crate::row::Rows;
use crate::settings::{Format, Keep, Settings};
use crate::telemetry::{PipelineMetrics, Tally, TypeId, Verdict};
use crate::time::{EventTime, Span, WallTime};
use crate::watermark::Watermark;
use crate::window::{Due, Window};

/// How much of a record that is too long goes into its dead letter.
const KEPT_OF_OVERSIZE: usize = 64 << 10;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// One pipeline over one partition.
#[derive(Debug)]
pub struct Pipeline {
    format: Format,
    max_future_skew: Span,
    header_due: bool,
    reader: Reader,
    stages: Stages,
}

/// Records in, events out.
#[derive(Debug)]
struct Reader {
    decoder: Decoder,
    max_record_bytes: usize,
}

/// What stands behind the decoder.
#[derive(Debug)]
struct Stages {
    filter: Vec<Keep>,
    seen: Option<Seen>,
    watermark: Watermark,
    windows: Vec<Window>,
    due: Vec<(usize, Due)>, // reused between firings: which window, which of its panes
    account: Account,
    tally: Tally,
}

/// Why a file cannot be read at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderError(pub String);

/// How long a batch took, for the latency histograms.
#[derive(Debug)]
pub struct Timing<'a> {
    /// From the batch's read to the end of its step, in milliseconds.
    pub processing_ms: f64,
    /// From an event to its completion.
    pub end_to_end: EndToEnd<'a>,
}

/// The end-to-end latency of the events of a batch, in milliseconds.
pub enum EndToEnd<'a> {
    /// The same for all: from read to emission.
    Same(f64),
    /// By event time, for steps that were given a time to stop at.
    Each(&'a dyn Fn(EventTime) -> f64),
}

/// What is needed to judge one record.
#[derive(Clone, Copy)]
struct Judgement {
    plausible_until: EventTime,
    stop_after: Option<EventTime>,
}

impl Pipeline {
    /// A pipeline that registers its metrics in `registry`.
    ///
    /// # Errors
    /// If a metric of the same name but another declaration is there already.
    pub fn new(settings: Settings, registry: &Registry) -> Result<Self, RegisterError> {
        let metrics = PipelineMetrics::register(registry)?;
        let mapping = &settings.mapping;
        let windows: Vec<Window> = settings.windows.iter().map(|w| Window::new(w, mapping)).collect();
        Ok(Pipeline {
            format: settings.format,
            max_future_skew: settings.watermark.max_future_skew,
            header_due: false,
            reader: Reader {
                decoder: Decoder::new(settings.format, mapping),
                max_record_bytes: settings.max_record_bytes,
            },
            stages: Stages {
                filter: settings.filter,
                seen: settings.deduplicate.map(Seen::new),
                watermark: Watermark::new(settings.watermark.max_out_of_orderness),
                tally: Tally::new(metrics, &windows),
                windows,
                due: Vec::new(),
                account: Account::default(),
            },
        })
    }

    /// Judges the records of `batch` event by event; stops before the first event later than `until`.
    ///
    /// # Errors
    /// If the batch begins a CSV file whose header lacks a mapped column.
    pub fn step(
        &mut self,
        batch: &Batch<'_>,
        now: WallTime,
        until: Option<EventTime>,
        effects: &mut Effects,
    ) -> Result<Progress, HeaderError> {
        if batch.offset == 0 {
            self.header_due = self.reader.decoder.wants_header();
        }
        if let Some(length) = batch.oversize {
            self.oversize(batch, length, effects)?;
            return Ok(Progress { consumed: batch.bytes.len(), waits_for: None });
        }
        let judgement = Judgement { plausible_until: now.plausible_until(self.max_future_skew), stop_after: until };
        // Lines are cut at ASCII characters: if the whole is valid UTF-8, so is each of them.
        let text = simdutf8::basic::from_utf8(batch.bytes).ok();
        let mut records = Records::new(batch.bytes, self.format, self.reader.max_record_bytes, true);
        for mut record in &mut records {
            if batch.offset == 0 && record.start == 0 && batch.bytes.starts_with(BYTE_ORDER_MARK) {
                record.start = BYTE_ORDER_MARK.len().min(record.end);
            }
            if record.start == record.end {
                continue;
            }
            if self.header_due {
                self.reader.decoder.header(&batch.bytes[record.start..record.end])?;
                self.header_due = false;
            } else if let Some(time) = self.judge_record(batch, record, text, judgement, effects) {
                return Ok(Progress { consumed: record.start, waits_for: Some(time) });
            }
        }
        Ok(Progress { consumed: batch.bytes.len(), waits_for: None })
    }

    /// Judges one record; its time, if it is too early for it.
    #[inline]
    fn judge_record(
        &mut self,
        batch: &Batch<'_>,
        record: Record,
        text: Option<&str>,
        judgement: Judgement,
        effects: &mut Effects,
    ) -> Option<EventTime> {
        match self.reader.read(batch, record, text, judgement) {
            Ok(event) if judgement.stop_after.is_some_and(|until| event.time > until) => return Some(event.time),
            Ok(event) => {
                let event_type = self.stages.tally.type_of(event.event_type);
                let verdict = self.stages.judge(&event, &mut effects.rows);
                if verdict == Verdict::Dropped(Reason::Late) {
                    effects.late.push(side_row(batch, record, Reason::Late, "no window takes it any more".into()));
                }
                if verdict == Verdict::Processed && judgement.stop_after.is_some() {
                    self.stages.tally.keep_time(event_type, event.time);
                }
                self.stages.count(event_type, verdict);
            }
            Err(refusal) => {
                self.stages.count(Tally::UNKNOWN, Verdict::Dropped(refusal.reason));
                effects.dead.push(dead_letter(batch, record, refusal));
            }
        }
        None
    }

    fn oversize(&mut self, batch: &Batch<'_>, length: u64, effects: &mut Effects) -> Result<(), HeaderError> {
        if self.header_due {
            return Err(HeaderError(format!("the CSV header is longer than {} bytes", self.reader.max_record_bytes)));
        }
        let refusal = too_long(length, self.reader.max_record_bytes);
        self.stages.count(Tally::UNKNOWN, Verdict::Dropped(refusal.reason));
        let whole = Record { start: 0, end: batch.bytes.len() };
        let mut row = side_row(batch, whole, refusal.reason, refusal.detail);
        row.oversize = Some(length);
        effects.dead.push(row);
        Ok(())
    }

    /// The input was silent for `silence`: the watermark moves on as if events had kept coming.
    pub fn idle(&mut self, silence: Span, effects: &mut Effects) {
        if self.stages.watermark.advance_by(silence) {
            self.stages.fire_due(&mut effects.rows);
        }
    }

    /// The input has ended: closes every window.
    pub fn finish(&mut self, effects: &mut Effects) {
        self.stages.fire(None, &mut effects.rows);
    }

    /// Moves the metrics by what happened since the last call. Once per batch.
    pub fn record(&mut self, timing: &Timing<'_>) {
        self.stages.tally.record(timing, &self.stages.windows);
    }

    /// What happened so far.
    pub fn account(&self) -> Account {
        let rows = self.stages.windows.iter().map(Window::printed).sum();
        let evicted = self.stages.seen.as_ref().map_or(0, Seen::evicted);
        Account { rows, evicted, ..self.stages.account }
    }

    /// Panes that are open and not yet printed.
    pub fn open_windows(&self) -> u64 {
        self.stages.windows.iter().map(|window| window.unprinted() as u64).sum()
    }
}

impl Reader {
    /// The event of a record, or why it is none.
    #[inline]
    fn read<'a>(
        &'a mut self,
        batch: &Batch<'a>,
        record: Record,
        text: Option<&'a str>,
        judgement: Judgement,
    ) -> Result<Event<'a>, Refusal> {
        let length = record.end - record.start;
        if length > self.max_record_bytes {
            return Err(too_long(length as u64, self.max_record_bytes));
        }
        let text = match text {
            Some(text) => &text[record.start..record.end],
            None => std::str::from_utf8(&batch.bytes[record.start..record.end]).map_err(|error| {
                Refusal::new(Reason::InvalidUtf8, format!("not valid UTF-8 at byte {}", error.valid_up_to()))
            })?,
        };
        let event = self.decoder.decode(text)?;
        if event.time > judgement.plausible_until {
            let detail = format!("{} is further ahead of the clock than max_future_skew", event.time);
            return Err(Refusal::new(Reason::FutureTimestamp, detail));
        }
        Ok(event)
    }
}

impl Stages {
    /// What becomes of a decoded, plausible event. It moves the watermark whatever becomes of it.
    #[inline]
    fn judge(&mut self, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let verdict = self.verdict(event, rows);
        if self.watermark.advance(event.time) {
            self.fire_due(rows);
        }
        verdict
    }

    #[inline]
    fn verdict(&mut self, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let passes = |keep: &Keep| keep.values.iter().any(|value| value == event.string(keep.field));
        if !self.filter.iter().all(passes) {
            return Verdict::Filtered;
        }
        if let (Some(seen), Some(id)) = (&mut self.seen, event.id)
            && seen.is_duplicate(id, event.time, &self.watermark)
        {
            return Verdict::Duplicate;
        }
        self.take(event, rows)
    }

    #[inline]
    fn take(&mut self, event: &Event<'_>, rows: &mut Rows) -> Verdict {
        let (mut taken, mut folded) = (false, false);
        for window in &mut self.windows {
            let printed = rows.len();
            let result = window.take(event, &self.watermark, rows);
            taken |= result.taken;
            folded |= result.folded;
            self.account.revisions += rows.revisions_from(printed);
        }
        self.account.folded += u64::from(folded);
        if taken { Verdict::Processed } else { Verdict::Dropped(Reason::Late) }
    }

    #[inline]
    fn fire_due(&mut self, rows: &mut Rows) {
        if self.windows.iter().any(|window| window.is_due(&self.watermark)) {
            let mark = self.watermark;
            self.fire(Some(&mark), rows);
        }
    }

    /// Prints the panes that `mark` has passed, all of them without one: by end, window name, key and start.
    #[cold]
    fn fire(&mut self, mark: Option<&Watermark>, rows: &mut Rows) {
        let (windows, mut due) = (&mut self.windows, std::mem::take(&mut self.due));
        for (at, window) in windows.iter().enumerate() {
            window.due(mark, &mut |pane| due.push((at, pane)));
        }
        due.sort_by(|(a, x), (b, y)| {
            let (a, b) = (&windows[*a], &windows[*b]);
            x.end.cmp(&y.end).then_with(|| a.name().cmp(b.name())).then_with(|| a.order(x).cmp(&b.order(y)))
        });
        for (at, pane) in due.drain(..) {
            windows[at].fire(&pane, rows);
        }
        for window in windows {
            window.settle(mark);
        }
        self.due = due;
    }

    #[inline]
    fn count(&mut self, event_type: TypeId, verdict: Verdict) {
        self.tally.count(event_type, verdict);
        let account = &mut self.account;
        account.received += 1;
        *match verdict {
            Verdict::Processed => &mut account.processed,
            Verdict::Filtered => &mut account.filtered,
            Verdict::Duplicate => &mut account.duplicates,
            Verdict::Dropped(Reason::Late) => &mut account.late,
            Verdict::Dropped(_) => &mut account.dead_letters,
        } += 1;
    }
}

fn too_long(length: u64, limit: usize) -> Refusal {
    Refusal::new(Reason::LineTooLong, format!("{length} bytes, at most {limit} are allowed"))
}

fn dead_letter(batch: &Batch<'_>, record: Record, refusal: Refusal) -> SideRow {
    let length = record.end - record.start;
    let oversize = (refusal.reason == Reason::LineTooLong).then_some(length as u64);
    let kept = if oversize.is_some() { length.min(KEPT_OF_OVERSIZE) } else { length };
    let record = Record { start: record.start, end: record.start + kept };
    SideRow { oversize, ..side_row(batch, record, refusal.reason, refusal.detail) }
}

fn side_row(batch: &Batch<'_>, record: Record, reason: Reason, detail: std::borrow::Cow<'static, str>) -> SideRow {
    SideRow {
        reason,
        detail,
        source: batch.source.to_owned(),
        partition: batch.partition,
        offset: batch.offset + record.start as u64,
        payload: batch.bytes[record.start..record.end].to_vec(),
        oversize: None,
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HeaderError {}

impl fmt::Debug for EndToEnd<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndToEnd::Same(latency) => f.debug_tuple("Same").field(latency).finish(),
            EndToEnd::Each(_) => f.write_str("Each(..)"),
        }
    }
}
