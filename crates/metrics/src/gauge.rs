//! A level that goes up and down.

use crate::desc::Kind;
use crate::histogram::Bounds;
use crate::instrument::{Instrument, Sealed, Unlabelled};
use crate::label::Label;
use crate::snapshot::{Series, Value};
use crate::sync::{Arc, AtomicU64, Ordering};

/// A number that is set, raised and lowered at will.
///
/// A clone is another handle to the same number.
///
/// ```
/// let depth = streamgauge_metrics::Gauge::default();
/// depth.set(4.0);
/// depth.dec();
/// assert_eq!(depth.get(), 3.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    /// The bits of an `f64`; all zeros are `0.0`.
    bits: Arc<AtomicU64>,
}

/// Holds a gauge one higher for as long as it lives; see [`Gauge::track`].
#[derive(Debug)]
#[must_use = "the gauge falls again as soon as this is dropped"]
pub struct Tracked {
    gauge: Gauge,
}

impl Gauge {
    /// Replaces the value.
    pub fn set(&self, value: f64) {
        self.bits.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds one.
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Takes one away.
    pub fn dec(&self) {
        self.sub(1.0);
    }

    /// Adds `amount`.
    pub fn add(&self, amount: f64) {
        self.update(|old| old + amount);
    }

    /// Takes `amount` away.
    pub fn sub(&self, amount: f64) {
        self.update(|old| old - amount);
    }

    /// Raises the value to `value` if that is higher; `NaN` changes nothing.
    pub fn set_max(&self, value: f64) {
        self.update(|old| old.max(value));
    }

    /// Lowers the value to `value` if that is lower; `NaN` changes nothing.
    pub fn set_min(&self, value: f64) {
        self.update(|old| old.min(value));
    }

    /// The value now.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }

    /// Adds one now and takes it away when the guard is dropped, also when a panic drops it.
    ///
    /// ```
    /// let in_flight = streamgauge_metrics::Gauge::default();
    /// let request = in_flight.track();
    /// assert_eq!(in_flight.get(), 1.0);
    /// drop(request);
    /// assert_eq!(in_flight.get(), 0.0);
    /// ```
    pub fn track(&self) -> Tracked {
        self.inc();
        Tracked { gauge: self.clone() }
    }

    fn update(&self, change: impl Fn(f64) -> f64) {
        let mut old = self.bits.load(Ordering::Relaxed);
        loop {
            let new = change(f64::from_bits(old)).to_bits();
            match self.bits.compare_exchange_weak(old, new, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => old = current,
            }
        }
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

impl Sealed for Gauge {}

impl Instrument for Gauge {
    const KIND: Kind = Kind::Gauge;
    const LABELS: &'static [Label] = &[];

    fn build(_: Option<&Bounds>) -> Self {
        Self::default()
    }

    fn collect(&self) -> Vec<Series> {
        vec![Series::unlabelled(self.read())]
    }
}

impl Unlabelled for Gauge {
    fn read(&self) -> Value {
        Value::Gauge(self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::Gauge;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_guard_gives_its_one_back_when_the_code_it_watches_panics() {
        let gauge = Gauge::default();
        let watched = gauge.clone();
        let outcome = std::thread::spawn(move || {
            let _guard = watched.track();
            panic!("on purpose");
        })
        .join();
        assert!(outcome.is_err());
        assert!(close(gauge.get(), 0.0));
    }

    #[test]
    fn additions_from_many_threads_all_arrive() {
        let gauge = Gauge::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..10_000).for_each(|_| gauge.add(0.5)));
            }
        });
        assert!(close(gauge.get(), 20_000.0));
    }

    #[test]
    fn extremes_only_move_outwards_and_ignore_nan() {
        let gauge = Gauge::default();
        gauge.set_max(3.0);
        gauge.set_max(2.0);
        gauge.set_max(f64::NAN);
        assert!(close(gauge.get(), 3.0));
        gauge.set_min(-1.0);
        gauge.set_min(0.0);
        assert!(close(gauge.get(), -1.0));
    }
}
