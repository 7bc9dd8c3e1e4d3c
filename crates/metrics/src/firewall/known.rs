//! Which series there are, as far as can be told without a lock.

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// A Bloom filter of the series of a metric that is full. It may take what is new for known, which costs
/// a look into the table; never the other way round.
pub(super) struct Known {
    words: Box<[AtomicU64]>,
    /// False while it is filled anew: then everything may be known.
    is_ready: AtomicBool,
    /// Series that are gone and have left their bits.
    gone: AtomicUsize,
}

/// With three bits for each series one in two hundred that are new is taken for known.
const BITS_PER_SERIES: usize = 16;
const WORD: usize = u64::BITS as usize;

impl Known {
    /// Nothing is new to it until it is [filled](Self::fill).
    pub(super) fn of(series: usize) -> Self {
        let words = series.saturating_mul(BITS_PER_SERIES).div_ceil(WORD).next_power_of_two();
        let words = (0..words).map(|_| AtomicU64::new(0)).collect();
        Self { words, is_ready: AtomicBool::new(false), gone: AtomicUsize::new(0) }
    }

    /// Whether this series may be there.
    pub(super) fn may_have(&self, hash: u64) -> bool {
        // Acquire: whoever finds it ready finds all that was filled in.
        !self.is_ready.load(Ordering::Acquire)
            || self.places(hash).all(|(word, bit)| self.words[word].load(Ordering::Relaxed) & bit != 0)
    }

    /// Adds a series. Called with the table of the metric locked, before anybody can look it up.
    pub(super) fn add(&self, hash: u64) {
        for (word, bit) in self.places(hash) {
            self.words[word].fetch_or(bit, Ordering::Relaxed);
        }
    }

    /// Replaces what is in it. Called with the table of the metric locked.
    pub(super) fn fill(&self, series: impl Iterator<Item = u64>) {
        self.is_ready.store(false, Ordering::Relaxed);
        self.words.iter().for_each(|word| word.store(0, Ordering::Relaxed));
        series.for_each(|hash| self.add(hash));
        self.gone.store(0, Ordering::Relaxed);
        self.is_ready.store(true, Ordering::Release);
    }

    /// Notes that a series is gone: true if so many are that it should be filled anew.
    pub(super) fn is_stale_without(&self, series: usize) -> bool {
        (self.gone.fetch_add(1, Ordering::Relaxed) + 1) * BITS_PER_SERIES > series * WORD
    }

    fn places(&self, hash: u64) -> impl Iterator<Item = (usize, u64)> {
        let mask = self.words.len() - 1;
        let place = move |nth: u32| {
            let bits = hash.rotate_left(21 * nth);
            ((bits >> 6) as usize & mask, 1 << (bits & 63))
        };
        (0..3).map(place)
    }
}
