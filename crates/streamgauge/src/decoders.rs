//! Decodes blocks on threads of their own. Each block is a promise that is kept when it was decoded: promises stand in the
//! order of the input, so it does not matter which thread was faster.
//!
//! ```text
//! source ─ Block ─┬─► decode ─┐
//!                 ├─► decode ─┼─ kept ─► worker takes the promises in order, and helps where one is not kept yet
//!                 └─ promise ─┘
//! ```
//!
//! Whoever has nothing else to do decodes: the worker, too. So no core waits for another one while there is a block left.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use streamgauge_flow::{Block, Decoded, Decoder};
use streamgauge_metrics::Gauge;

use crate::spares::Spares;
use crate::stage::{Laps, Stage, StageMetrics, State, TOLD_AFTER};

/// Where blocks are handed in. The threads end when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Decoders {
    helpers: usize, // beside whoever takes the promises
    spares: Spares,
    jobs: Jobs,
    _open: Arc<Open>,
}

/// A block that is being decoded.
#[derive(Debug)]
pub(crate) struct Promise {
    job: Arc<Job>,
    jobs: Jobs,
}

/// The blocks that nobody has begun with, the oldest first; and some that were begun with since.
#[derive(Clone, Debug, Default)]
struct Jobs {
    shared: Arc<Shared>,
    waiting: Gauge,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<Arc<Job>>,
    idle: usize, // threads that wait for one
    closed: bool,
}

#[derive(Debug)]
struct Job {
    stand: Mutex<Stand>,
    kept: Condvar,
}

#[derive(Debug)]
enum Stand {
    Raw(Block),
    Begun { awaited: bool },
    Kept(Decoded),
    Broken,
}

/// Closes the queue when nobody can hand in any more.
#[derive(Debug)]
struct Open(Arc<Shared>);

/// The thread that had a block has ended without a word.
#[derive(Debug)]
pub(crate) struct Broken;

impl Decoders {
    /// Starts as many of them as make `threads` with whoever takes the promises.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub(crate) fn start(
        threads: usize,
        decoder: impl Fn() -> Decoder,
        spares: Spares,
        metrics: &StageMetrics,
    ) -> io::Result<Self> {
        let jobs = Jobs { shared: Arc::default(), waiting: metrics.waiting(Stage::Decode) };
        let helpers = threads.saturating_sub(1);
        let decoders = Decoders { helpers, spares, _open: Arc::new(Open(Arc::clone(&jobs.shared))), jobs };
        for number in 0..helpers {
            let (decoder, laps) = (decoder(), Laps::new(metrics, Stage::Decode));
            let (jobs, spares) = (decoders.jobs.clone(), decoders.spares.clone());
            let work = move || work(&jobs, decoder, &spares, laps);
            thread::Builder::new().name(format!("decode-{number}")).spawn(work)?;
        }
        Ok(decoders)
    }

    /// Memory for a block, if there is some.
    pub(crate) fn spare_block(&self) -> Option<Vec<u8>> {
        self.spares.block()
    }

    /// How many threads there are, beside whoever takes the promises.
    pub(crate) fn helpers(&self) -> usize {
        self.helpers
    }

    /// Hands a block in. How many are under way is bounded by who keeps the promises.
    pub(crate) fn decode(&self, block: Block) -> Promise {
        let job = Arc::new(Job { stand: Mutex::new(Stand::Raw(block)), kept: Condvar::new() });
        self.jobs.waiting.inc();
        if self.helpers > 0 {
            self.jobs.push(&job);
        }
        Promise { job, jobs: self.jobs.clone() }
    }
}

impl Promise {
    /// The block, decoded; `None` if it is not done within `wait`, and the promise stands. Decodes what nobody has begun with:
    /// this block, and as long as it is in another's hands those that come after it.
    ///
    /// # Errors
    /// If it never will be.
    pub(crate) fn take(
        &mut self,
        own: &mut Decoder,
        spares: &Spares,
        wait: Duration,
    ) -> Result<Option<Decoded>, Broken> {
        let until = Instant::now().checked_add(wait);
        loop {
            if let Some(block) = self.jobs.begin(&self.job) {
                return Ok(Some(own.decode_reusing(block, spares.records())));
            }
            if let Some(decoded) = self.job.take()? {
                return Ok(Some(decoded));
            }
            if let Some((job, block)) = self.jobs.next() {
                job.keep(own.decode_reusing(block, spares.records()));
            } else if !self.job.wait_until(until) {
                return Ok(None);
            }
        }
    }
}

impl Jobs {
    fn push(&self, job: &Arc<Job>) {
        let mut queue = lock(&self.shared.queue);
        queue.jobs.push_back(Arc::clone(job));
        let is_awaited = queue.idle > 0;
        drop(queue);
        if is_awaited {
            self.shared.arrived.notify_one();
        }
    }

    /// The oldest block that nobody has begun with.
    fn next(&self) -> Option<(Arc<Job>, Block)> {
        loop {
            let job = lock(&self.shared.queue).jobs.pop_front()?;
            if let Some(block) = self.begin(&job) {
                return Some((job, block));
            }
        }
    }

    /// The block, if nobody has begun with it: now the caller has.
    fn begin(&self, job: &Job) -> Option<Block> {
        let mut stand = lock(&job.stand);
        let Stand::Raw(block) = &mut *stand else { return None };
        let block = std::mem::take(block);
        *stand = Stand::Begun { awaited: false };
        self.waiting.dec();
        Some(block)
    }

    /// Waits for a job; false if none can come.
    fn wait(&self) -> bool {
        let mut queue = lock(&self.shared.queue);
        if queue.jobs.is_empty() && !queue.closed {
            queue.idle += 1;
            queue = wait_on(&self.shared.arrived, queue, TOLD_AFTER);
            queue.idle -= 1;
        }
        !queue.closed || !queue.jobs.is_empty()
    }
}

impl Job {
    fn keep(&self, decoded: Decoded) {
        self.conclude(Stand::Kept(decoded));
    }

    fn conclude(&self, outcome: Stand) {
        let before = std::mem::replace(&mut *lock(&self.stand), outcome);
        if matches!(before, Stand::Begun { awaited: true }) {
            self.kept.notify_one();
        }
    }

    fn take(&self) -> Result<Option<Decoded>, Broken> {
        match &mut *lock(&self.stand) {
            Stand::Kept(decoded) => Ok(Some(std::mem::take(decoded))),
            Stand::Broken => Err(Broken),
            Stand::Raw(_) | Stand::Begun { .. } => Ok(None),
        }
    }

    /// Waits for whoever has begun with it; false if that takes longer.
    fn wait_until(&self, until: Option<Instant>) -> bool {
        let mut stand = lock(&self.stand);
        while let Stand::Begun { awaited } = &mut *stand {
            let left = until.map_or(TOLD_AFTER, |until| until.saturating_duration_since(Instant::now()));
            *awaited = !left.is_zero();
            if left.is_zero() {
                return false;
            }
            stand = wait_on(&self.kept, stand, left);
        }
        true
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.0.queue).closed = true;
        self.0.arrived.notify_all();
    }
}

/// A thread that panicked with one of these locks left nothing half done: every change under them is one step.
fn lock<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits for a sign, at most so long; a wait may also end without one.
fn wait_on<'a, T>(sign: &Condvar, guard: MutexGuard<'a, T>, most: Duration) -> MutexGuard<'a, T> {
    sign.wait_timeout(guard, most).unwrap_or_else(PoisonError::into_inner).0
}

/// Tells whoever waits if the thread panics over a block.
struct InHand<'a>(&'a Job);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.conclude(Stand::Broken);
        }
    }
}

fn work(jobs: &Jobs, mut decoder: Decoder, spares: &Spares, mut laps: Laps) {
    while jobs.wait() {
        laps.lap(State::Idle);
        while let Some((job, block)) = jobs.next() {
            let in_hand = InHand(&job);
            job.keep(decoder.decode_reusing(block, spares.records()));
            drop(in_hand);
            laps.lap(State::Busy);
        }
    }
}

#[cfg(test)]
mod tests {
    use streamgauge_flow::{Format, Mapping, TimeFormat, TypeFrom};
    use streamgauge_metrics::{Metrics as _, Registry};

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    impl Decoders {
        /// None, so that a promise holds the block as it is.
        pub(crate) fn none() -> Self {
            let jobs = Jobs::default();
            let open = Arc::new(Open(Arc::clone(&jobs.shared)));
            Decoders { helpers: 0, spares: Spares::default(), jobs, _open: open }
        }
    }

    impl Promise {
        /// What has not been decoded yet.
        pub(crate) fn block(&self) -> Block {
            match &*lock(&self.job.stand) {
                Stand::Raw(block) => block.clone(),
                other => panic!("{other:?}"),
            }
        }
    }

    fn decoder() -> Decoder {
        let mapping = Mapping {
            id: None,
            event_type: TypeFrom::Value("t".to_owned()),
            time: "/t".parse().unwrap(),
            time_format: TimeFormat::UnixSeconds,
            strings: vec![],
            numbers: vec![],
        };
        Decoder::new(Format::Ndjson, &mapping, 1 << 20)
    }

    fn block(lines: usize) -> Block {
        Block { bytes: "{\"t\":1}\n".repeat(lines).into_bytes(), ..Block::default() }
    }

    #[test]
    fn trap_3_promises_are_kept_in_their_order_by_any_number_of_threads() {
        let metrics = StageMetrics::register(&Registry::new()).unwrap();
        for threads in [0, 1, 2, 7] {
            let spares = Spares::default();
            let decoders = Decoders::start(threads, decoder, spares.clone(), &metrics).unwrap();
            // The first ones take longest, so that threads overtake each other.
            let promises: Vec<_> = (0..50).rev().map(|n| decoders.decode(block(n * 100))).collect();
            for (n, mut promise) in (0..50).rev().zip(promises) {
                let decoded = promise.take(&mut decoder(), &spares, LONG).unwrap().unwrap();
                assert_eq!(decoded.len(), n * 100);
                spares.put(decoded);
            }
        }
        let waiting = metrics.waiting(Stage::Decode).get();
        assert!(waiting.abs() < 1e-9, "{waiting} blocks are left");
    }

    #[test]
    fn whoever_waits_for_a_block_decodes_those_that_come_after_it() {
        let metrics = StageMetrics::register(&Registry::new()).unwrap();
        let decoders = Decoders { helpers: 1, ..Decoders::start(0, decoder, Spares::default(), &metrics).unwrap() };
        let [mut first, mut second] = [1, 2].map(|lines| decoders.decode(block(lines)));
        let (job, raw) = decoders.jobs.next().unwrap();
        let take = |promise: &mut Promise, wait| promise.take(&mut decoder(), &Spares::default(), wait).unwrap();
        assert!(take(&mut first, Duration::ZERO).is_none(), "another has it");
        assert!(decoders.jobs.next().is_none(), "and this one was done meanwhile");
        thread::scope(|scope| {
            scope.spawn(|| job.keep(decoder().decode(raw)));
            assert_eq!(take(&mut first, LONG).unwrap().len(), 1);
        });
        assert_eq!(take(&mut second, Duration::ZERO).unwrap().len(), 2);
    }

    #[test]
    fn a_promise_that_nobody_can_keep_is_told_from_one_that_takes_time() {
        let decoders = Decoders { helpers: 1, ..Decoders::none() };
        let mut promise = decoders.decode(block(1));
        let (job, _) = decoders.jobs.next().unwrap();
        assert!(promise.take(&mut decoder(), &Spares::default(), Duration::ZERO).unwrap().is_none());
        let outcome = thread::spawn(move || {
            let _in_hand = InHand(&job);
            panic!("on purpose");
        });
        assert!(promise.take(&mut decoder(), &Spares::default(), LONG).is_err());
        assert!(outcome.join().is_err());
    }
}
