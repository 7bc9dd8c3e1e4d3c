//! A series of a summary: what each thread observed, and what all of them share.

use super::digest::Digest;
use super::setup::Setup;
use super::snapshot::SummarySnapshot;
use super::strand::{Observed, Reading, Side, Strand};
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
    /// What threads had when the series began anew: one may be on its way there.
    former: Mutex<Vec<Former>>,
}

struct Former {
    strand: Arc<Strand>,
    /// How much of it was told before.
    told: Observed,
}

impl Series {
    pub(crate) fn new(setup: &Arc<Setup>) -> Self {
        Self {
            id: AtomicU64::new(sync::serial()),
            place: thread::take_place(),
            setup: Arc::clone(setup),
            past: Mutex::new(Side::default()),
            strands: Mutex::new(Vec::new()),
            former: Mutex::new(Vec::new()),
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
        SummarySnapshot::of(self.gather(&sync::lock(&self.past)), &self.setup.quantiles)
    }

    /// How much was observed.
    pub(crate) fn observed(&self) -> Observed {
        self.gather(&sync::lock(&self.past)).all
    }

    /// How many values were observed; of those that come just now, some.
    pub(crate) fn count(&self) -> u64 {
        let late = sync::lock(&self.past).taken;
        let former = |former: &Former| former.strand.count().saturating_sub(former.told.count);
        let former: u64 = sync::lock(&self.former).iter().map(former).sum();
        late + former + sync::lock(&self.strands).iter().map(|strand| strand.count()).sum::<u64>()
    }

    fn gather(&self, past: &Side) -> Reading {
        let times = &self.setup.times;
        // Behind the lock: whoever had it before may have begun another slice.
        let (now, slices) = (times.slice(times.now()), times.slices());
        let mut reading = Reading { all: Observed { count: past.taken, ..Observed::default() }, ..Reading::default() };
        reading.look_at(past, now, slices);
        let strands = sync::lock(&self.strands).clone();
        for strand in &strands {
            strand.read(now, slices, &mut reading);
        }
        for Former { strand, told } in sync::lock(&self.former).iter() {
            let before = std::mem::take(&mut reading.all);
            strand.read(now, slices, &mut reading);
            reading.all = reading.all.since(*told);
            reading.all.add(before);
        }
        reading
    }

    /// Takes over what came to another series of the same labels.
    pub(crate) fn add(&self, other: Observed) {
        let mut past = sync::lock(&self.past);
        past.taken += other.count;
        past.sum.add(other.sum.get());
    }

    /// Begins anew at nothing. What a thread observes through a look-up from before goes with what
    /// there was.
    pub(crate) fn begin_anew(&self) {
        let mut past = sync::lock(&self.past);
        self.id.store(sync::serial(), Ordering::Relaxed);
        *past = Side::default();
        sync::lock(&self.strands).clear();
        sync::lock(&self.former).clear();
    }

    /// Begins anew at what has come since so much was told. The window stays what it is.
    pub(crate) fn begin_anew_after(&self, told: Observed) {
        let mut past = sync::lock(&self.past);
        self.id.store(sync::serial(), Ordering::Relaxed);
        let mut former = sync::lock(&self.former);
        former.extend(sync::lock(&self.strands).drain(..).map(|strand| Former { strand, told: Observed::default() }));
        let mut now = Observed { count: past.taken, sum: past.sum };
        former.retain_mut(|former| {
            // Nobody writes what nobody else can reach, so this is asked before it is read.
            let is_reached = Arc::get_mut(&mut former.strand).is_none();
            let all = former.strand.observed();
            now.add(all.since(former.told));
            former.told = all;
            is_reached
        });
        let since = now.since(told);
        (past.taken, past.sum) = (since.count, since.sum);
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
