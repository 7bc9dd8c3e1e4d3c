//! The loop: a block comes, the pipeline judges it, the outputs take what came of it.
//!
//! It never waits for longer than a glance, so that a stop is seen at once: reading happens on another thread.

mod idle;

use std::fmt;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamgauge_flow::{
    Batch, Decoder, Effects, EndToEnd, EventTime, HeaderError, Pipeline, Progress as Step, Span, Stopped, Timing,
    WallTime,
};

use crate::log::escape_controls;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::report::Report;
use crate::signals::Stop;
use crate::sink::{Outputs, WriteError};
use crate::source::{Chunk, Feed, Message, Next, ReadError};
use idle::Idle;

/// How long a stop may go unseen.
const GLANCE: Duration = Duration::from_millis(50);
/// Rows do not stay in the buffer for longer, however busy the input is.
const STALE: Duration = Duration::from_secs(1);

/// Drives one pipeline.
#[derive(Debug)]
pub(crate) struct Worker {
    decoder: Decoder,
    pipeline: Pipeline,
    outputs: Outputs,
    effects: Effects,
    pace: Option<Pace>, // none: as fast as it can be read
    idle: Idle,
    wanted: Vec<usize>, // partitions, in the order in which they are asked for
    stop: Stop,
    progress: Progress,
    started: Instant,
    emitted: Instant,
    flushed: Instant,
    bytes: Bytes,
}

/// What a worker is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) decoder: Decoder,
    pub(crate) pipeline: Pipeline,
    pub(crate) outputs: Outputs,
    pub(crate) pace: Option<Pace>,
    pub(crate) idle_timeout: Duration,
    pub(crate) stop: Stop,
    pub(crate) progress: Progress,
}

/// Why a run ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Every input was read to its end, or the windows were closed on demand.
    Complete,
    /// It was asked to stop.
    Stopped,
}

/// Why a run had to end.
#[derive(Debug)]
pub(crate) enum Failure {
    Source(ReadError),
    Header { source: String, cause: HeaderError },
    Sink(WriteError),
}

/// Bytes that have been judged, decompressed.
#[derive(Debug, Default)]
struct Bytes {
    ended: u64,   // of chunks that are done with
    stored: u64,  // the same as they are stored
    current: u64, // of the chunk in hand
    current_stored: u64,
}

impl Worker {
    pub(crate) fn new(parts: Parts, now: Instant) -> Self {
        Worker {
            decoder: parts.decoder,
            pipeline: parts.pipeline,
            outputs: parts.outputs,
            effects: Effects::default(),
            pace: parts.pace,
            idle: Idle::new(parts.idle_timeout),
            wanted: Vec::new(),
            stop: parts.stop,
            progress: parts.progress,
            started: now,
            emitted: now,
            flushed: now,
            bytes: Bytes::default(),
        }
    }

    /// Runs until the input ends, a stop is asked for or something fails; then writes what is complete.
    ///
    /// `drain` closes the open windows also on a stop.
    ///
    /// # Errors
    /// If an input is lost or an output takes no more.
    pub(crate) fn run(&mut self, from: &Feed, drain: bool) -> Result<Ending, Failure> {
        let ended = match self.read(from) {
            Ok(Ending::Stopped) if !drain => Ok(Ending::Stopped),
            Ok(_) => self.finish().map(|()| Ending::Complete),
            Err(failure) => Err(failure),
        };
        let flushed = self.outputs.flush().map_err(Failure::Sink);
        ended.and_then(|ending| flushed.map(|()| ending))
    }

    /// What has been done so far.
    pub(crate) fn report(&self) -> Report {
        Report::new(
            &self.pipeline.account(),
            self.outputs.written(),
            self.pipeline.open_windows(),
            self.bytes.ended + self.bytes.current,
            self.started.elapsed(),
        )
    }

    /// Gives the outputs back.
    pub(crate) fn into_outputs(self) -> Outputs {
        self.outputs
    }

    fn read(&mut self, from: &Feed) -> Result<Ending, Failure> {
        while !self.stop.is_requested() {
            match self.next(from)? {
                Next::Nothing => self.pass_silence()?,
                Next::Message(_, Message::Opened { source, live }) => {
                    tracing::debug!("reading {}", escape_controls(&source));
                    self.idle.opened(live, self.started.elapsed());
                }
                Next::Message(partition, Message::Block(chunk)) => self.feed(partition, chunk)?,
                Next::Message(partition, Message::Ended) => self.end(partition)?,
                Next::Message(_, Message::Failed(error)) => return Err(Failure::Source(error)),
                Next::Finished => return Ok(Ending::Complete),
                Next::Vanished => return Err(Failure::Source(ReadError::vanished())),
            }
        }
        Ok(Ending::Stopped)
    }

    /// What comes next, or nothing after a glance. Nothing stays buffered while there is nothing to do.
    fn next(&mut self, from: &Feed) -> Result<Next, Failure> {
        self.wanted.extend(self.wanted.len()..from.partitions());
        match from.next(&self.wanted, Duration::ZERO) {
            Next::Nothing => self.flush()?,
            next => return Ok(next),
        }
        Ok(from.next(&self.wanted, GLANCE))
    }

    /// Judges all records of a chunk, each when it is due.
    fn feed(&mut self, partition: usize, chunk: Chunk) -> Result<(), Failure> {
        self.idle.heard(self.started.elapsed());
        let Chunk { source, block, read_at, read, stored } = chunk;
        let decoded = self.decoder.decode(block);
        let (mut from, mut since) = (0, read_at);
        loop {
            let batch = Batch { source: &source, partition, decoded: &decoded, from, in_turn: false };
            let step = self.step(&batch)?;
            from = step.done;
            self.emit(since)?;
            let Some(Stopped::Early(event)) = step.stopped else {
                self.note(read.end - read.start, stored);
                self.bytes.end();
                return Ok(());
            };
            let share = from as f64 / decoded.len() as f64;
            self.note(decoded.offset_behind(from).saturating_sub(read.start), part(stored, share));
            self.flush()?;
            self.wait_for(event);
            if self.stop.is_requested() {
                return Ok(());
            }
            since = Instant::now();
        }
    }

    fn step(&mut self, batch: &Batch<'_>) -> Result<Step, Failure> {
        let until = self.pace.as_ref().map(|pace| pace.until(self.started.elapsed()));
        let step = self.pipeline.step(batch, wall_time(), until, &mut self.effects);
        step.map_err(|cause| Failure::Header { source: batch.source.to_owned(), cause })
    }

    fn end(&mut self, partition: usize) -> Result<(), Failure> {
        let since = Instant::now();
        self.pipeline.end(partition, &mut self.effects);
        self.emit(since)
    }

    /// Hands over what came of a step, and tells the metrics how long it took since `since`.
    fn emit(&mut self, since: Instant) -> Result<(), Failure> {
        let written = self.outputs.write(&self.effects);
        self.effects.clear();
        let now = Instant::now();
        self.emitted = now;
        let processing_ms = now.duration_since(since).as_secs_f64() * 1e3;
        let at = now.duration_since(self.started);
        let overdue = |event| self.pace.as_ref().map_or(0.0, |pace| pace.overdue_ms(event, at));
        let end_to_end = match self.pace {
            None => EndToEnd::Same(processing_ms),
            Some(_) => EndToEnd::Each(&overdue),
        };
        let clock = self.pace.as_ref().map_or_else(|| wall_time().as_event_time(), |pace| pace.until(at));
        self.pipeline.record(&Timing { processing_ms, end_to_end, now: clock });
        written.map_err(Failure::Sink)?;
        if now.duration_since(self.flushed) >= STALE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.flushed = Instant::now();
        self.outputs.flush().map_err(Failure::Sink)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let since = Instant::now();
        self.pipeline.finish(&mut self.effects);
        self.emit(since)
    }

    fn pass_silence(&mut self) -> Result<(), Failure> {
        let Some(silence) = self.idle.silence(self.started.elapsed()) else { return Ok(()) };
        let since = Instant::now();
        let nanos = i64::try_from(silence.as_nanos()).unwrap_or(i64::MAX);
        self.pipeline.pass(Span::from_nanos(nanos), &mut self.effects);
        self.emit(since)
    }

    /// Waits until `event` is due or a stop is asked for.
    fn wait_for(&mut self, event: EventTime) {
        let Some(pace) = &mut self.pace else { return };
        let due = pace.wait_for(event, self.started.elapsed());
        while !self.stop.is_requested() {
            let left = due.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(GLANCE));
        }
    }

    /// Notes how much of the chunk in hand has been judged: of its bytes, and of those as they are stored.
    fn note(&mut self, bytes: u64, stored: u64) {
        self.bytes.current = bytes;
        self.bytes.current_stored = stored;
        self.progress.update(self.bytes.stored + stored, self.pipeline.account().received, self.emitted);
    }
}

impl Bytes {
    /// The chunk in hand is done with.
    fn end(&mut self) {
        self.ended += std::mem::take(&mut self.current);
        self.stored += std::mem::take(&mut self.current_stored);
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Source(error) => error.fmt(f),
            Failure::Header { source, cause } => {
                write!(f, "{}: {}", escape_controls(source), cause.0)?;
                write!(f, "; correct the paths under event, or take the file out of source.file.paths")
            }
            Failure::Sink(error) => error.fmt(f),
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of it is not more than it")]
fn part(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

/// The wall clock. One that stands before 1970 is read as 1970.
fn wall_time() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_nanos(i128::try_from(since_epoch.as_nanos()).unwrap_or(i128::MAX))
}
