//! The loop: a block comes, the pipeline judges it, the outputs take what came of it.
//!
//! It never waits for longer than a glance, so that a stop is seen at once: reading and decoding happen on other threads.

mod epochs;
mod partitions;
mod watch;

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use streamgauge_export::Health;
use streamgauge_flow::{
    Batch, Decoder, Effects, EndToEnd, EventTime, HeaderError, Pipeline, Progress as Step, Span, Stopped, Timing,
    WallTime,
};
use streamgauge_state::CommitError;

use crate::config;
use crate::durable::{Commits, Ended, Usage};
use crate::log::escape_controls;
use crate::pace::Pace;
use crate::progress::Progress;
use crate::report::Report;
use crate::signals::Stop;
use crate::sink::{Outputs, WriteError};
use crate::source::{Chunk, Feed, Message, Next, Origin, ReadError};
use crate::spares::Spares;
use crate::stage::{Laps, State};
use partitions::{Head, Partitions};
use watch::{Seen, Watch};

/// How long a stop may go unseen.
const GLANCE: Duration = Duration::from_millis(50);
/// Rows do not stay in the buffer for longer, however busy the input is.
const STALE: Duration = Duration::from_secs(1);

/// Drives one pipeline.
#[derive(Debug)]
pub(crate) struct Worker {
    parts: Parts,
    effects: Effects,
    partitions: Partitions,
    wanted: Vec<usize>,       // partitions, in the order in which they are asked for
    unsettled: Option<usize>, // a partition that will say whether it goes on before another one is turned to
    watch: Watch,
    looked: Duration, // when it was looked for silent partitions last
    started: Instant,
    emitted: Instant,
    flushed: Instant,
    bytes: Bytes,
    before: Duration, // how long earlier runs on the same state have taken
    received_before: u64,
}

/// What a worker is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// For blocks that no thread of its own decodes.
    pub(crate) decoder: Decoder,
    /// Where the memory of blocks goes that have been judged.
    pub(crate) spares: Spares,
    pub(crate) pipeline: Pipeline,
    pub(crate) outputs: Outputs,
    /// None: the state does not outlive the process.
    pub(crate) commits: Option<Commits>,
    pub(crate) usage: Usage,
    pub(crate) split: config::Partitions,
    /// The inputs that are known from the start, in their order.
    pub(crate) origins: Vec<Arc<Origin>>,
    /// None: as fast as it can be read.
    pub(crate) pace: Option<Pace>,
    pub(crate) idle_timeout: Duration,
    /// A live partition that is further ahead than this is not read on.
    pub(crate) max_drift: Span,
    /// Events happen now, or as if they did: their latency counts from when they happened.
    pub(crate) live: bool,
    pub(crate) stop: Stop,
    pub(crate) progress: Progress,
    pub(crate) health: Health,
    pub(crate) judging: Laps,
    pub(crate) writing: Laps,
    /// The wall clock.
    pub(crate) clock: fn() -> WallTime,
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
    State(CommitError),
}

/// Bytes that have been judged.
#[derive(Debug, Default)]
struct Bytes {
    read: u64,   // decompressed
    stored: u64, // as they are stored
}

impl Worker {
    pub(crate) fn new(parts: Parts, now: Instant) -> Self {
        let partitions = Partitions::new(parts.idle_timeout);
        let received_before = parts.pipeline.account().received;
        let record = parts.commits.as_ref().map(|commits| commits.record().clone()).unwrap_or_default();
        let number = |origin: &Arc<Origin>| Some(origin.number) == record.unsettled;
        let unsettled = parts.origins.iter().position(number).filter(|_| parts.split == config::Partitions::PerFile);
        Worker {
            parts,
            effects: Effects::default(),
            partitions,
            wanted: Vec::new(),
            unsettled,
            watch: Watch::default(),
            looked: Duration::ZERO,
            started: now,
            emitted: now,
            flushed: now,
            bytes: Bytes { read: record.bytes_in, stored: record.bytes_stored },
            before: Duration::from_millis(record.elapsed_ms),
            received_before,
        }
    }

    /// Runs until the input ends, a stop is asked for or something fails; then writes what is complete.
    ///
    /// `drain` closes the open windows also on a stop.
    ///
    /// # Errors
    /// If an input is lost or an output takes no more.
    pub(crate) fn run(&mut self, from: &Feed, drain: bool) -> Result<Ending, Failure> {
        let (result, ended) = match self.read(from) {
            Ok(Ending::Stopped) if !drain => (Ok(Ending::Stopped), None),
            Ok(Ending::Stopped) => (self.finish(), Some(Ended::Drained)),
            Ok(Ending::Complete) => (self.finish(), Some(Ended::Input)),
            Err(failure) => (Err(failure), None),
        };
        // Whatever has not been told yet is told at the end.
        self.warn_of_keys(Duration::MAX);
        let saved = match &result {
            // What an output has lost is not to count as done, and a state that has failed takes nothing more.
            Err(Failure::Sink(_) | Failure::State(_)) => self.parts.outputs.flush().map_err(Failure::Sink),
            Ok(_) | Err(Failure::Source(_) | Failure::Header { .. }) => self.commit_last(ended),
        };
        result.and_then(|ending| saved.map(|()| ending))
    }

    /// What has been done so far.
    pub(crate) fn report(&self) -> Report {
        let pipeline = &self.parts.pipeline;
        Report::new(
            &pipeline.account(),
            self.parts.outputs.written(),
            pipeline.open_windows(),
            self.bytes.read + self.partitions.judged_bytes(),
            self.before + self.started.elapsed(),
        )
    }

    /// Gives the outputs back.
    pub(crate) fn into_outputs(self) -> Outputs {
        self.parts.outputs
    }

    fn read(&mut self, from: &Feed) -> Result<Ending, Failure> {
        while !self.parts.stop.is_requested() {
            self.greet(from);
            let lowest =
                self.parts.pipeline.lowest().filter(|p| self.unsettled.is_none() && self.partitions.has_head(*p));
            match lowest {
                Some(partition) => self.judge(partition)?,
                None => {
                    if let Some(ending) = self.take(from)? {
                        return Ok(ending);
                    }
                }
            }
            self.heed_silence(from)?;
            self.commit_if_due()?;
        }
        Ok(Ending::Stopped)
    }

    /// Opens the partitions that have come.
    fn greet(&mut self, from: &Feed) {
        for partition in self.partitions.len()..from.partitions() {
            self.parts.pipeline.open(partition);
            self.partitions.add(self.started.elapsed());
            let mark = self.parts.commits.as_ref().and_then(|commits| match self.parts.split {
                config::Partitions::One => Some(commits.ledger.highest_before()),
                config::Partitions::PerFile => commits.ledger.mark_before(self.parts.origins.get(partition)?.number),
            });
            self.go_on(partition, mark);
        }
    }

    /// Takes the next message, if one comes within a glance.
    fn take(&mut self, from: &Feed) -> Result<Option<Ending>, Failure> {
        let next = self.next(from)?;
        // Those that have come meanwhile hold the others back from now on.
        self.greet(from);
        match next {
            Next::Nothing => {}
            Next::Message(partition, Message::Opened { origin, live }) => self.opened(partition, &origin, live),
            Next::Message(partition, Message::Block(chunk)) => self.meet(partition, chunk)?,
            Next::Message(partition, Message::Closed(closing)) => {
                self.change(|commits| commits.ledger.close(partition, closing));
            }
            Next::Message(_, Message::Forgotten(origin)) => {
                self.change(|commits| commits.ledger.forget(origin.number));
            }
            Next::Message(partition, Message::Ended) => self.end(partition)?,
            Next::Message(_, Message::Failed(error)) => return Err(Failure::Source(error)),
            Next::Finished => return Ok(Some(Ending::Complete)),
            Next::Vanished => return Err(Failure::Source(ReadError::vanished())),
        }
        Ok(None)
    }

    fn opened(&mut self, partition: usize, origin: &Origin, live: bool) {
        tracing::debug!("reading {}", escape_controls(&origin.name));
        self.partitions.opened(partition, live, self.started.elapsed());
        if live && self.parts.split == config::Partitions::PerFile {
            let mark = self.parts.commits.as_ref().and_then(|commits| commits.ledger.mark_before(origin.number));
            self.go_on(partition, mark);
        }
    }

    /// What comes next, or nothing after a glance. Nothing stays buffered while there is nothing to do.
    fn next(&mut self, from: &Feed) -> Result<Next, Failure> {
        self.want();
        match from.next(&self.wanted, Duration::ZERO) {
            Next::Nothing => self.flush()?,
            next => return Ok(next),
        }
        let next = from.next(&self.wanted, GLANCE);
        self.parts.judging.lap(State::Idle);
        Ok(next)
    }

    /// Chooses whom to ask. Of inputs that end by themselves it is the one that is furthest behind, however long it takes;
    /// of live ones any that is not too far ahead, since nobody knows when the others will say something.
    fn want(&mut self) {
        self.wanted.clear();
        if self.unsettled.is_some() || !self.partitions.any_live() {
            self.wanted.extend(self.unsettled.or(self.parts.pipeline.lowest()).filter(|p| *p < self.partitions.len()));
        } else {
            self.parts.pipeline.wanted(self.parts.max_drift, &mut self.wanted);
        }
        if self.wanted.is_empty() {
            self.wanted.extend(0..self.partitions.len());
        }
    }

    /// A block came: waits until it is decoded. It is judged when its partition is.
    fn meet(&mut self, partition: usize, chunk: Chunk) -> Result<(), Failure> {
        let Chunk { origin, head, mut records, read_at, read, stored } = chunk;
        let decoded = loop {
            match records.take(&mut self.parts.decoder, &self.parts.spares, GLANCE) {
                Ok(Some(decoded)) => break decoded,
                Ok(None) if self.parts.stop.is_requested() => return Ok(()),
                Ok(None) => {}
                Err(_) => return Err(Failure::Source(ReadError::vanished())),
            }
        };
        self.unsettled = None;
        let head = Head { origin, head, decoded, done: 0, since: read_at, read, stored };
        self.partitions.put(partition, head, self.started.elapsed());
        // What a live input says is judged as it comes: others may be silent for long.
        if self.partitions.any_live() { self.judge(partition) } else { Ok(()) }
    }

    fn end(&mut self, partition: usize) -> Result<(), Failure> {
        self.unsettled = None;
        self.partitions.end(partition);
        self.parts.pipeline.end(partition, &mut self.effects);
        self.change(|_| {});
        self.write()
    }

    /// Judges the records of a partition, each when it is due, until there are no more or another partition is further behind.
    fn judge(&mut self, partition: usize) -> Result<(), Failure> {
        let Some(mut head) = self.partitions.take_head(partition) else { return Ok(()) };
        loop {
            let step = self.step(partition, &head)?;
            head.done = step.done;
            self.write()?;
            match step.stopped {
                None => return self.conclude(partition, head),
                Some(Stopped::Ahead) => {
                    self.partitions.put_back(partition, head);
                    return Ok(());
                }
                Some(Stopped::Early(event)) => {
                    self.record(&head);
                    self.flush()?;
                    self.partitions.put_back(partition, head);
                    self.wait_for(event)?;
                    if self.parts.stop.is_requested() {
                        return Ok(());
                    }
                    let Some(waiting) = self.partitions.take_head(partition) else { return Ok(()) };
                    head = Head { since: Instant::now(), ..waiting };
                }
            }
        }
    }

    fn step(&mut self, partition: usize, head: &Head) -> Result<Step, Failure> {
        let in_turn = self.partitions.len() > 1 && !self.partitions.any_live();
        let batch = Batch { source: &head.origin.name, partition, decoded: &head.decoded, from: head.done, in_turn };
        let until = self.parts.pace.as_ref().map(|pace| pace.until(self.started.elapsed()));
        let step = self.parts.pipeline.step(&batch, (self.parts.clock)(), until, &mut self.effects);
        self.change(|_| {});
        step.map_err(|cause| Failure::Header { source: head.origin.name.to_string(), cause })
    }

    /// All records of a block have been judged.
    fn conclude(&mut self, partition: usize, head: Head) -> Result<(), Failure> {
        self.record(&head);
        self.change(|commits| commits.ledger.reach(head.reached(partition)));
        self.bytes.read += head.length();
        self.bytes.stored += head.stored;
        self.parts.spares.put(head.decoded);
        // The end of a partition counts from its last record on: whether this was the last is to be known before another
        // partition is turned to, lest it depend on how fast the files are read.
        self.unsettled = (self.partitions.len() > 1 && self.partitions.is_bounded(partition)).then_some(partition);
        self.flush_if_stale()
    }

    /// Hands over what came of a step.
    fn write(&mut self) -> Result<(), Failure> {
        if self.effects.is_empty() {
            return Ok(());
        }
        self.parts.judging.lap(State::Busy);
        self.parts.writing.lap(State::Idle);
        let written = self.parts.outputs.write(&self.effects);
        self.effects.clear();
        self.parts.writing.lap(State::Busy);
        self.parts.judging.lap(State::Blocked);
        written.map_err(Failure::Sink)
    }

    /// Tells the metrics and the progress bar how far a block is and how long it took.
    fn record(&mut self, head: &Head) {
        self.emitted = Instant::now();
        let stored = self.bytes.stored + part(head.stored, head.share());
        let received = self.parts.pipeline.account().received - self.received_before;
        self.parts.progress.update(stored, received, self.emitted);
        self.tell(self.emitted.duration_since(head.since));
        let took = self.parts.judging.lap(State::Busy);
        self.parts.usage.note(took, &self.parts.pipeline);
    }

    /// Moves the metrics by what happened since the last time, which took so long.
    fn tell(&mut self, took: Duration) {
        let processing_ms = took.as_secs_f64() * 1e3;
        let at = self.emitted.duration_since(self.started);
        let wall = (self.parts.clock)().as_event_time();
        let pace = self.parts.pace.as_ref();
        let age = |event| match pace {
            Some(pace) => pace.overdue_ms(event, at),
            None => (wall - event).as_millis_f64().max(0.0),
        };
        let end_to_end = if self.parts.live { EndToEnd::Each(&age) } else { EndToEnd::Same(processing_ms) };
        let now = pace.map_or(wall, |pace| pace.until(at));
        self.parts.pipeline.record(&Timing { processing_ms, end_to_end, now });
    }

    fn flush_if_stale(&mut self) -> Result<(), Failure> {
        if self.emitted.duration_since(self.flushed) >= STALE { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        self.flushed = Instant::now();
        self.parts.outputs.flush().map_err(Failure::Sink)
    }

    fn finish(&mut self) -> Result<Ending, Failure> {
        let since = Instant::now();
        self.parts.pipeline.finish(&mut self.effects);
        self.write()?;
        self.emitted = Instant::now();
        self.tell(self.emitted.duration_since(since));
        self.change(|_| {});
        Ok(Ending::Complete)
    }

    /// Lets silent partitions go, time move on when all are silent, and says why nothing comes out. Every glance or so.
    fn heed_silence(&mut self, from: &Feed) -> Result<(), Failure> {
        let now = self.started.elapsed();
        if now.saturating_sub(self.looked) < GLANCE {
            return Ok(());
        }
        self.looked = now;
        for partition in self.partitions.fallen_silent(now, |partition| from.has_message(partition)) {
            self.parts.pipeline.idle(partition, &mut self.effects);
            self.change(|_| {});
        }
        if let Some(silence) = self.partitions.silence_of_all(now) {
            let nanos = i64::try_from(silence.as_nanos()).unwrap_or(i64::MAX);
            self.parts.pipeline.pass(Span::from_nanos(nanos), &mut self.effects);
            self.change(|_| {});
        }
        self.write()?;
        if let Some(seen) = self.watch.look(now, &self.parts.pipeline, &self.partitions) {
            self.emitted = Instant::now();
            self.tell(Duration::ZERO);
            self.parts.usage.measure(&self.parts.pipeline);
            if let Some(commits) = &self.parts.commits {
                commits.tell(now);
            }
            self.say(&seen);
            self.warn_of_keys(now);
        }
        Ok(())
    }

    fn warn_of_keys(&mut self, now: Duration) {
        for explosion in self.watch.explosions(now, &self.parts.pipeline) {
            tracing::warn!("{}", escape_controls(&explosion.to_string()));
        }
    }

    fn say(&self, seen: &Seen) {
        let quiet = seen.quiet.map(|quiet| quiet.to_string());
        self.parts.health.note("rows", quiet.as_ref().map(|quiet| format!("do not come: {quiet}")));
        if let Some(quiet) = quiet.filter(|_| seen.aloud) {
            tracing::info!("no row for a while: {quiet}");
        }
    }

    /// Waits until `event` is due or a stop is asked for.
    fn wait_for(&mut self, event: EventTime) -> Result<(), Failure> {
        let Some(pace) = &mut self.parts.pace else { return Ok(()) };
        let due = pace.wait_for(event, self.started.elapsed());
        while !self.parts.stop.is_requested() {
            let left = due.saturating_sub(self.started.elapsed());
            if left.is_zero() {
                break;
            }
            thread::sleep(left.min(GLANCE));
            self.commit_if_due()?;
        }
        self.parts.judging.lap(State::Idle);
        Ok(())
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
            Failure::State(error) => {
                write!(f, "state: {error}; what was committed before is there, and the next start goes on with it")
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of it is not more than it")]
fn part(of: u64, share: f64) -> u64 {
    (of as f64 * share) as u64
}

/// The wall clock. One that stands before 1970 is read as 1970.
pub(crate) fn wall_time() -> WallTime {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime::from_nanos(i128::try_from(since_epoch.as_nanos()).unwrap_or(i128::MAX))
}

#[cfg(test)]
mod tests;
