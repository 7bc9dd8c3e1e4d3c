//! A count of things that happened.

use crate::desc::Kind;
use crate::histogram::Bounds;
use crate::instrument::{Instrument, Sealed, Unlabelled};
use crate::label::Label;
use crate::snapshot::{Series, Value};
use crate::sync::{Arc, AtomicU64, Ordering};

/// A number that only grows, exact up to 2⁶⁴ − 1.
///
/// A clone is another handle to the same number.
///
/// ```
/// let served = streamgauge_metrics::Counter::default();
/// let same = served.clone();
/// served.inc();
/// same.inc_by(2);
/// assert_eq!(served.get(), 3);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Counter {
    total: Arc<AtomicU64>,
}

impl Counter {
    /// Adds one.
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `step`. A step is unsigned: a counter cannot be told to go back.
    pub fn inc_by(&self, step: u64) {
        // Relaxed: the number orders nothing else, and no addition is lost at any ordering.
        self.total.fetch_add(step, Ordering::Relaxed);
    }

    /// The total so far.
    pub fn get(&self) -> u64 {
        self.total.load(Ordering::Relaxed)
    }
}

impl Sealed for Counter {}

impl Instrument for Counter {
    const KIND: Kind = Kind::Counter;
    const LABELS: &'static [Label] = &[];

    fn build(_: Option<&Bounds>) -> Self {
        Self::default()
    }

    fn collect(&self) -> Vec<Series> {
        vec![Series::unlabelled(self.read())]
    }
}

impl Unlabelled for Counter {
    fn read(&self) -> Value {
        Value::Counter(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::Counter;

    #[test]
    fn counts_exactly_beyond_the_integers_a_float_can_hold() {
        let counter = Counter::default();
        counter.inc_by(1 << 53);
        counter.inc();
        assert_eq!(counter.get(), (1 << 53) + 1);
    }

    #[test]
    fn loses_nothing_when_many_threads_count() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..20_000).for_each(|_| counter.inc()));
            }
        });
        assert_eq!(counter.get(), 160_000);
    }
}
