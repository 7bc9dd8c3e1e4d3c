//! Levels that go up and down.

use crate::cell::{Change, pair};
use crate::desc::Kind;
use crate::histogram::Bounds;
use crate::instrument::{Sealed, Single};
use crate::plan::Storage;
use crate::slot::Handle;
use crate::sync::{AtomicU64, Ordering};

/// A number that is set, raised and lowered at will.
///
/// All threads share one number, since the last one to set it is right; for what is only counted
/// up and down [`UpDownCounter`] is several times faster. A clone is another handle to the same
/// number.
///
/// ```
/// let depth = streamgauge_metrics::Gauge::default();
/// depth.set(4.0);
/// depth.dec();
/// assert_eq!(depth.get(), 3.0);
/// ```
#[derive(Clone, Debug)]
pub struct Gauge {
    handle: Handle,
}

/// A whole number that is counted up and down, such as the requests in flight.
///
/// Each thread counts for itself, so counting costs what it costs a [`Counter`](crate::Counter).
/// It is written as a gauge. A clone is another handle to the same number.
///
/// ```
/// let in_flight = streamgauge_metrics::UpDownCounter::default();
/// in_flight.inc();
/// in_flight.add(-3);
/// assert_eq!(in_flight.get(), -2);
/// ```
#[derive(Clone, Debug)]
pub struct UpDownCounter {
    handle: Handle,
}

/// Holds a number one higher for as long as it lives; see [`Gauge::track`] and
/// [`UpDownCounter::track`].
///
/// ```
/// use streamgauge_metrics::{Tracked, UpDownCounter};
///
/// struct Request {
///     _open: Tracked<UpDownCounter>,
/// }
///
/// let open = UpDownCounter::default();
/// let request = Request { _open: open.track() };
/// assert_eq!(open.get(), 1);
/// drop(request);
/// assert_eq!(open.get(), 0);
/// ```
#[derive(Debug)]
#[must_use = "the number falls again as soon as this is dropped"]
pub struct Tracked<T: Tracks> {
    number: T,
}

/// A number that [`Tracked`] can raise and lower.
pub trait Tracks: Sealed {
    /// Takes one away.
    #[doc(hidden)]
    fn fall(&self);
}

impl Gauge {
    /// Replaces the value. Any number will do, `NaN` and the infinities included.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// depth.set(4.5);
    /// assert_eq!(depth.get(), 4.5);
    /// ```
    #[inline]
    pub fn set(&self, value: f64) {
        if !cfg!(feature = "noop") {
            self.bits().store(value.to_bits(), Ordering::Relaxed);
        }
    }

    /// Adds one.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// depth.inc();
    /// assert_eq!(depth.get(), 1.0);
    /// ```
    #[inline]
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Takes one away.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// depth.dec();
    /// assert_eq!(depth.get(), -1.0);
    /// ```
    #[inline]
    pub fn dec(&self) {
        self.sub(1.0);
    }

    /// Adds `amount`.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// depth.add(2.5);
    /// depth.add(-1.0);
    /// assert_eq!(depth.get(), 1.5);
    /// ```
    #[inline]
    pub fn add(&self, amount: f64) {
        self.update(|old| old + amount);
    }

    /// Takes `amount` away.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// depth.sub(2.5);
    /// assert_eq!(depth.get(), -2.5);
    /// ```
    #[inline]
    pub fn sub(&self, amount: f64) {
        self.update(|old| old - amount);
    }

    /// Raises the value to `value` if that is higher; `NaN` changes nothing.
    ///
    /// ```
    /// let most = streamgauge_metrics::Gauge::default();
    /// most.set_max(3.0);
    /// most.set_max(2.0);
    /// assert_eq!(most.get(), 3.0);
    /// ```
    #[inline]
    pub fn set_max(&self, value: f64) {
        self.update(|old| old.max(value));
    }

    /// Lowers the value to `value` if that is lower; `NaN` changes nothing.
    ///
    /// ```
    /// let least = streamgauge_metrics::Gauge::default();
    /// least.set(9.0);
    /// least.set_min(7.0);
    /// least.set_min(8.0);
    /// assert_eq!(least.get(), 7.0);
    /// ```
    #[inline]
    pub fn set_min(&self, value: f64) {
        self.update(|old| old.min(value));
    }

    /// The value now.
    ///
    /// ```
    /// let depth = streamgauge_metrics::Gauge::default();
    /// assert_eq!(depth.get(), 0.0);
    /// ```
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits().load(Ordering::Relaxed))
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
    pub fn track(&self) -> Tracked<Self> {
        self.inc();
        Tracked { number: self.clone() }
    }

    fn bits(&self) -> &AtomicU64 {
        &self.handle.slot.level
    }

    #[inline]
    fn update(&self, change: impl Fn(f64) -> f64) {
        if cfg!(feature = "noop") {
            return;
        }
        let new = |bits| Some(change(f64::from_bits(bits)).to_bits());
        let done = self.bits().fetch_update(Ordering::Relaxed, Ordering::Relaxed, new);
        debug_assert!(done.is_ok(), "the closure never refuses");
    }
}

impl UpDownCounter {
    /// Adds one.
    ///
    /// ```
    /// let open = streamgauge_metrics::UpDownCounter::default();
    /// open.inc();
    /// assert_eq!(open.get(), 1);
    /// ```
    #[inline]
    pub fn inc(&self) {
        self.go(pair::UP, 1);
    }

    /// Takes one away.
    ///
    /// ```
    /// let open = streamgauge_metrics::UpDownCounter::default();
    /// open.inc();
    /// open.dec();
    /// assert_eq!(open.get(), 0);
    /// ```
    #[inline]
    pub fn dec(&self) {
        self.go(pair::DOWN, 1);
    }

    /// Adds `amount`, or takes it away if it is negative.
    ///
    /// ```
    /// let open = streamgauge_metrics::UpDownCounter::default();
    /// open.add(5);
    /// open.add(-2);
    /// assert_eq!(open.get(), 3);
    /// ```
    #[inline]
    pub fn add(&self, amount: i64) {
        self.go(if amount < 0 { pair::DOWN } else { pair::UP }, amount.unsigned_abs());
    }

    #[inline]
    fn go(&self, side: u32, amount: u64) {
        self.handle.change(side, Change::add(amount), pair::ordering(side));
    }

    /// The number now. What went down is looked at first, so that what is counted up and then
    /// down never shows as less than nothing.
    ///
    /// ```
    /// let open = streamgauge_metrics::UpDownCounter::default();
    /// std::thread::scope(|scope| {
    ///     scope.spawn(|| open.add(3));
    ///     scope.spawn(|| open.dec());
    /// });
    /// assert_eq!(open.get(), 2);
    /// ```
    pub fn get(&self) -> i64 {
        difference(&self.handle.read(2))
    }

    /// Adds one now and takes it away when the guard is dropped, also when a panic drops it.
    ///
    /// ```
    /// let in_flight = streamgauge_metrics::UpDownCounter::default();
    /// {
    ///     let _request = in_flight.track();
    ///     assert_eq!(in_flight.get(), 1);
    /// }
    /// assert_eq!(in_flight.get(), 0);
    /// ```
    pub fn track(&self) -> Tracked<Self> {
        self.inc();
        Tracked { number: self.clone() }
    }
}

/// The number that the cells of an [`UpDownCounter`] are.
pub(crate) fn difference(cells: &[u64]) -> i64 {
    match cells {
        // Within i64 as long as the number itself is.
        [down, up, ..] => up.wrapping_sub(*down).cast_signed(),
        _ => 0,
    }
}

impl Tracks for Gauge {
    fn fall(&self) {
        self.dec();
    }
}

impl Tracks for UpDownCounter {
    fn fall(&self) {
        self.dec();
    }
}

impl<T: Tracks> Drop for Tracked<T> {
    fn drop(&mut self) {
        self.number.fall();
    }
}

impl Sealed for Gauge {}

impl Single for Gauge {
    const KIND: Kind = Kind::Gauge;
    const STORAGE: Storage = Storage::Level;

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle }
    }
}

impl Default for Gauge {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

impl Sealed for UpDownCounter {}

impl Single for UpDownCounter {
    const KIND: Kind = Kind::Gauge;
    const STORAGE: Storage = Storage::Pair;

    fn over(handle: Handle, _: Option<&Bounds>) -> Self {
        Self { handle }
    }
}

impl Default for UpDownCounter {
    fn default() -> Self {
        crate::instrument::alone(None)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gauge, UpDownCounter};

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn a_guard_gives_its_one_back_when_the_code_it_watches_panics() {
        let (gauge, counter) = (Gauge::default(), UpDownCounter::default());
        let watched = (gauge.clone(), counter.clone());
        let outcome = std::thread::spawn(move || {
            let _guards = (watched.0.track(), watched.1.track());
            panic!("on purpose");
        })
        .join();
        assert!(outcome.is_err());
        assert!(close(gauge.get(), 0.0));
        assert_eq!(counter.get(), 0);
    }

    #[test]
    fn additions_from_many_threads_all_arrive() {
        let (gauge, counter) = (Gauge::default(), UpDownCounter::default());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..10_000).for_each(|_| {
                        gauge.add(0.5);
                        counter.add(-2);
                    });
                });
            }
        });
        assert!(close(gauge.get(), 20_000.0));
        assert_eq!(counter.get(), -80_000);
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

    /// Guards that move between threads begin on one and end on another. A reader that looked at
    /// one thread after the other, ups and downs together, saw ends without their beginnings.
    #[test]
    fn what_is_in_flight_is_never_less_than_nothing() {
        let counter = UpDownCounter::default();
        let (send, receive) = std::sync::mpsc::sync_channel(8);
        std::thread::scope(|scope| {
            scope.spawn(|| (0..50_000).for_each(|_| send.send(counter.track()).unwrap()));
            let ends = scope.spawn(move || receive.iter().take(50_000).for_each(drop));
            while !ends.is_finished() {
                let now = counter.get();
                assert!(now >= 0, "{now} in flight");
            }
        });
        assert_eq!(counter.get(), 0);
    }
}
