//! A series of a summary: what each thread observed, and what all of them share.

use super::digest::Digest;
use super::setup::Setup;
use super::snapshot::SummarySnapshot;
use super::strand::{Reading, Side, Strand};
use super::thread;
use crate::sync::{self, Arc, AtomicU64, Mutex, Ordering};

/// The values of a series.
pub(crate) struct Series {
    /// Never used again in this process. Another one when the series begins anew: then no thread
    /// goes on with what it has.
    id: AtomicU64,
    /// Where threads keep what they have of it.
    place: u32,
    setup: Arc<Setup>,
    /// Slices that are over, of all threads; and what came to threads past their end. Readers hold
    /// it, so that they come one at a time.
    past: Mutex<Side>,
    /// What threads have, also those that have ended: the next one goes on there.
    strands: Mutex<Vec<Arc<Strand>>>,
}

impl Series {
    pub(crate) fn new(setup: &Arc<Setup>) -> Self {
        Self {
            id: AtomicU64::new(sync::serial()),
            place: thread::take_place(),
            setup: Arc::clone(setup),
            past: Mutex::new(Side::default()),
            strands: Mutex::new(Vec::new()),
        }
    }

    /// Takes one value.
    #[inline]
    pub(crate) fn observe(&self, value: f64) {
        thread::observe(self, value);
    }

    /// Where threads keep what they have of it, and which series that must be of.
    #[inline]
    pub(super) fn key(&self) -> (usize, u64) {
        (self.place as usize, self.id.load(Ordering::Relaxed))
    }

    /// Takes a value to what a thread has.
    #[inline]
    pub(super) fn observe_in(&self, strand: &Strand, value: f64) {
        strand.observe(value, &self.setup.times, &self.past);
    }

    /// Something for a thread to keep.
    pub(super) fn join(&self) -> Arc<Strand> {
        let mut strands = sync::lock(&self.strands);
        if let Some(left) = strands.iter().find(|strand| strand.adopt()) {
            return Arc::clone(left);
        }
        let strand = Arc::new(Strand::new());
        strands.push(Arc::clone(&strand));
        strand
    }

    /// Takes a value of a thread that is past its end and keeps nothing.
    pub(super) fn observe_late(&self, value: f64) {
        let times = &self.setup.times;
        let mut past = sync::lock(&self.past);
        let slice = times.slice(times.now());
        past.take(if value.is_nan() { &[] } else { std::slice::from_ref(&value) }, slice, times);
        past.taken += 1;
    }

    /// What it is now.
    pub(crate) fn read(&self) -> SummarySnapshot<'static> {
        let Setup { quantiles, times } = &*self.setup;
        let past = sync::lock(&self.past);
        // Behind the lock: whoever had it before may have begun another slice.
        let now = times.slice(times.now());
        let strands = sync::lock(&self.strands).clone();
        let mut reading = Reading { count: past.taken, ..Reading::default() };
        reading.look_at(&past, now, times.slices());
        for strand in &strands {
            strand.read(now, times.slices(), &mut reading);
        }
        drop(past);
        SummarySnapshot::of(reading, quantiles)
    }

    /// Begins anew at nothing. What a thread observes through a look-up from before goes with what
    /// there was.
    pub(crate) fn begin_anew(&self) {
        self.id.store(sync::serial(), Ordering::Relaxed);
        *sync::lock(&self.past) = Side::default();
        sync::lock(&self.strands).clear();
    }

    /// About what it takes once its window is full, with what one thread has.
    pub(crate) fn bytes(&self) -> usize {
        let slices = usize::try_from(self.setup.times.slices()).unwrap_or(0);
        size_of::<Self>() + size_of::<Strand>() + slices * Digest::USUAL_BYTES
    }
}

impl Drop for Series {
    fn drop(&mut self) {
        thread::give_back_place(self.place);
    }
}
