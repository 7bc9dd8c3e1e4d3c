//! Decodes blocks on threads of their own. Each block is a promise that is kept when it was decoded: promises stand in the
//! order of the input, so it does not matter which thread was faster.
//!
//! ```text
//! source ─ Block ─┬─► decode ─┐
//!                 ├─► decode ─┼─ kept ─► worker takes the promises in order
//!                 └─ promise ─┘
//! ```

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use streamgauge_flow::{Block, Decoded, Decoder};
use streamgauge_metrics::Gauge;

use crate::spares::Spares;
use crate::stage::{Laps, Stage, StageMetrics, State, TOLD_AFTER};

/// Where blocks are handed in. The threads end when the last clone is gone.
#[derive(Clone, Debug)]
pub(crate) struct Decoders {
    jobs: Option<Sender<Job>>, // none: whoever takes a promise decodes for himself
    threads: usize,
    spares: Spares,
    waiting: Gauge,
}

/// A block that is being decoded.
#[derive(Debug)]
pub(crate) struct Promise(Stand);

#[derive(Debug)]
enum Stand {
    Raw(Block),
    Coming(Receiver<Decoded>),
}

#[derive(Debug)]
struct Job {
    block: Block,
    keep: SyncSender<Decoded>,
}

/// The thread that had a block has ended without a word.
#[derive(Debug)]
pub(crate) struct Broken;

impl Decoders {
    /// Starts `threads` of them; with one or none the taker decodes for himself.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub(crate) fn start(
        threads: usize,
        decoder: impl Fn() -> Decoder,
        spares: Spares,
        metrics: &StageMetrics,
    ) -> io::Result<Self> {
        let waiting = metrics.waiting(Stage::Decode);
        if threads <= 1 {
            return Ok(Decoders { jobs: None, threads: 0, spares, waiting });
        }
        let (jobs, from) = channel();
        let from = Arc::new(Mutex::new(from));
        for number in 0..threads {
            let (from, waiting) = (Arc::clone(&from), waiting.clone());
            let (decoder, laps) = (decoder(), Laps::new(metrics, Stage::Decode));
            let spares = spares.clone();
            let work = move || work(&from, decoder, &spares, laps, &waiting);
            thread::Builder::new().name(format!("decode-{number}")).spawn(work)?;
        }
        Ok(Decoders { jobs: Some(jobs), threads, spares, waiting })
    }

    /// Memory for a block, if there is some.
    pub(crate) fn spare_block(&self) -> Option<Vec<u8>> {
        self.spares.block()
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Hands a block in. How many are under way is bounded by who keeps the promises.
    pub(crate) fn decode(&self, block: Block) -> Promise {
        let Some(jobs) = &self.jobs else { return Promise(Stand::Raw(block)) };
        let (keep, coming) = sync_channel(1);
        self.waiting.inc();
        match jobs.send(Job { block, keep }) {
            Ok(()) => Promise(Stand::Coming(coming)),
            Err(back) => Promise(Stand::Raw(back.0.block)), // the threads are gone: it still can be decoded
        }
    }
}

impl Promise {
    /// The block, decoded; `None` if it is not done within `wait`, and the promise stands.
    ///
    /// # Errors
    /// If it never will be.
    pub(crate) fn take(
        &mut self,
        own: &mut Decoder,
        spares: &Spares,
        wait: Duration,
    ) -> Result<Option<Decoded>, Broken> {
        match &mut self.0 {
            Stand::Raw(block) => Ok(Some(own.decode_reusing(std::mem::take(block), spares.records()))),
            Stand::Coming(coming) => match coming.recv_timeout(wait) {
                Ok(decoded) => Ok(Some(decoded)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(Broken),
            },
        }
    }
}

fn work(from: &Mutex<Receiver<Job>>, mut decoder: Decoder, spares: &Spares, mut laps: Laps, waiting: &Gauge) {
    loop {
        // Whoever waits holds the lock; the others wait for it, which comes to the same.
        let job = from.lock().unwrap_or_else(PoisonError::into_inner).recv_timeout(TOLD_AFTER);
        laps.lap(State::Idle);
        match job {
            Ok(Job { block, keep }) => {
                waiting.dec();
                // Nobody may want it any more: the run has ended.
                let _ = keep.send(decoder.decode_reusing(block, spares.records()));
                laps.lap(State::Busy);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
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
            Decoders { jobs: None, threads: 0, spares: Spares::default(), waiting: Gauge::default() }
        }
    }

    impl Promise {
        /// What has not been decoded yet.
        pub(crate) fn block(&self) -> &Block {
            match &self.0 {
                Stand::Raw(block) => block,
                Stand::Coming(_) => panic!("it is being decoded"),
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
    fn a_promise_that_nobody_can_keep_is_told_from_one_that_takes_time() {
        let (keep, coming) = sync_channel(1);
        let mut promise = Promise(Stand::Coming(coming));
        assert!(promise.take(&mut decoder(), &Spares::default(), Duration::ZERO).unwrap().is_none());
        drop(keep);
        assert!(promise.take(&mut decoder(), &Spares::default(), LONG).is_err());
    }
}
