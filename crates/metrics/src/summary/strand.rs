//! What one thread observed of one series, and how others read it meanwhile.
//!
//! ```text
//!  owner:   value ─► ring ──── when it is full, or its slice over ───► one of two sides
//!                    │ │ │ │                                           ┌ a ┐   ┌ b ┐
//!  reader:  copies the ring first ····· then looks at one side, ······►│   │··►│   │
//!           takes of the ring what no side has                         └───┘   └───┘
//! ```
//!
//! A side is behind a lock, which its owner tries and never waits for. Readers of a series come one
//! at a time and have one side at a time, so one of the two is free at any moment. The second
//! one is there for that only, and has nothing in it most of the time.
//!
//! Every value is read once, in the ring or in a side. Values are numbered; a side knows up to which
//! number all were taken out of the ring when it took its last ones. Of the ring's copy a reader takes
//! what is beyond both:
//! - `Fill` → `ReadHead`: the values that are counted are in the ring.
//! - `Overwrite` → `FenceAfterRing`: whoever sees a value in the place of an earlier one comes
//!   after the earlier one was taken to a side, and finds it there.
//! - While a reader has the first side the owner goes to the second, which the reader looks at next.
//!   When the reader has left the first, the owner is back there: so what is missing in the copy of
//!   the first side is either in the second or still in the ring's copy, or came later.
//! - `Leave` → `Adopt`: a thread that goes on where another ended has all of the other's behind it.

use super::points::Points;
use super::times::Times;
use super::window::{Window, is_seen};
use crate::sync::{self, AtomicU64, AtomicUsize, Cell, Mutex, Ordering, RING, Step, at, fence_at};

use Ordering::{Acquire, Relaxed, Release};

/// The values of one thread.
pub(crate) struct Strand {
    /// The last values. The owner writes it.
    ring: [Cell; RING],
    /// How many values there were. The owner writes it.
    head: Cell,
    /// How many of them are in a side. The owner writes it.
    taken: Cell,
    /// The slice of time that what is in the ring is of. The owner writes it.
    slice: Cell,
    /// When the owner looks at the clock: as soon as there were so many values. A reader puts 0 here,
    /// so that what comes after it is not taken for older; if it meets the owner here, that one is
    /// looking already.
    look_at: AtomicU64,
    /// How many values to the next look. The owner writes it.
    stride: Cell,
    /// When the owner looked last. The owner writes it.
    looked: Cell,
    /// 1 as long as there is an owner.
    owned: AtomicUsize,
    sides: [Mutex<Side>; 2],
}

/// Values that somebody took out of where they came to.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// Up to where all were taken.
    pub(super) taken: u64,
    pub(super) sum: Sum,
    pub(super) window: Window,
}

/// A sum that stays a number: what would make it none is left out.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(f64);

/// How much was observed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Observed {
    pub(crate) count: u64,
    pub(super) sum: Sum,
}

/// What somebody reads of a series.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(super) all: Observed,
    pub(super) points: Points,
}

/// A part of a slice: if so many values come in less, the clock is looked at less often.
const SHORT: u64 = 256;

impl Strand {
    /// An empty one, which has an owner.
    pub(super) fn new() -> Self {
        let cell = || Cell::new(0);
        Self {
            ring: std::array::from_fn(|_| cell()),
            head: cell(),
            taken: cell(),
            slice: cell(),
            look_at: AtomicU64::new(0),
            stride: cell(),
            looked: cell(),
            owned: AtomicUsize::new(1),
            sides: [Mutex::new(Side::default()), Mutex::new(Side::default())],
        }
    }

    /// Takes one value. For the owner.
    #[inline]
    pub(super) fn observe(&self, value: f64, times: &Times, past: &Mutex<Side>) {
        let head = self.head.own();
        if head >= self.look_at.load(Relaxed) {
            self.look(head, times, past);
        }
        self.ring[place(head)].store(value.to_bits(), at(Step::Overwrite, Release));
        self.head.store(head + 1, at(Step::Fill, Release));
    }

    /// Makes room, and begins another slice if it is time.
    #[cold]
    #[inline(never)]
    fn look(&self, head: u64, times: &Times, past: &Mutex<Side>) {
        let (now, before) = (times.now(), self.slice.own());
        let slice = times.slice(now);
        if slice != before || head == self.taken.own() + RING as u64 {
            self.hand_over(head, times);
        }
        if slice != before {
            self.slice.store(slice, Relaxed);
            self.retire(slice, times, past);
        }
        let is_short = now.saturating_sub(self.looked.own()) < times.slice_nanos() / SHORT;
        let most = if times.is_manual() { 1 } else { RING as u64 };
        let stride = if is_short { (2 * self.stride.own()).clamp(1, most) } else { 1 };
        self.looked.store(now, Relaxed);
        self.stride.store(stride, Relaxed);
        self.look_at.store((head + stride).min(self.taken.own() + RING as u64), Relaxed);
    }

    /// Takes all values out of the ring to a side.
    fn hand_over(&self, head: u64, times: &Times) {
        let taken = self.taken.own();
        if taken == head {
            return;
        }
        let mut room = [0.0; RING];
        let values = (taken..head).map(|number| f64::from_bits(self.ring[place(number)].own()));
        let values = sorted(values, &mut room);
        // At the second try, unless a reader goes on from one to the other just then.
        for side in self.sides.iter().cycle() {
            if let Some(mut side) = sync::try_lock(side) {
                side.take(values, self.slice.own(), times);
                side.taken = head;
                break;
            }
        }
        self.taken.store(head, Relaxed);
    }

    /// Gives slices that are over to what all threads share, so that a thread keeps one. If
    /// somebody is there, at another time.
    fn retire(&self, now: u64, times: &Times, past: &Mutex<Side>) {
        let Some(mut past) = sync::try_lock(past) else { return };
        for mut side in self.sides.iter().filter_map(sync::try_lock) {
            past.window.absorb(&mut side.window, now, times.slices());
        }
    }

    /// Leaves it to another thread. For the owner.
    pub(super) fn leave(&self) {
        self.owned.store(0, at(Step::Leave, Release));
    }

    /// Whether it was left, and is the caller's from now on.
    pub(super) fn adopt(&self) -> bool {
        self.owned.compare_exchange(0, 1, at(Step::Adopt, Acquire), Relaxed).is_ok()
    }

    /// How many values there were; of those that come just now, some.
    pub(super) fn count(&self) -> u64 {
        self.head.load(Relaxed)
    }

    /// How much was observed. The caller keeps readers out.
    pub(super) fn observed(&self) -> Observed {
        let mut reading = Reading::default();
        // No slice is seen so late.
        self.read(u64::MAX, 0, &mut reading);
        reading.all
    }

    /// Reads it. The caller keeps other readers out.
    pub(super) fn read(&self, now: u64, slices: u64, reading: &mut Reading) {
        let head = self.head.load(at(Step::ReadHead, Acquire));
        let slice = self.slice.load(Relaxed);
        let ring: [u64; RING] = std::array::from_fn(|place| self.ring[place].load(Relaxed));
        fence_at(Step::FenceAfterRing, Acquire);
        let mut taken = 0;
        for side in &self.sides {
            let side = sync::lock(side);
            taken = taken.max(side.taken);
            reading.look_at(&side, now, slices);
        }
        reading.all.count += taken.max(head);
        let mut room = [0.0; RING];
        let pending = sorted((taken..head).map(|number| f64::from_bits(ring[place(number)])), &mut room);
        reading.all.sum.add_all(pending);
        if is_seen(slice, now, slices) {
            reading.points.add_values(pending);
        }
        self.look_at.store(0, Relaxed);
    }
}

/// Where the value with this number is in a ring.
#[expect(clippy::cast_possible_truncation, reason = "a remainder")]
const fn place(number: u64) -> usize {
    (number % RING as u64) as usize
}

/// At most a ring of values, sorted, without what is no number.
fn sorted(values: impl Iterator<Item = f64>, room: &mut [f64; RING]) -> &[f64] {
    let (mut keys, mut count) = ([0; RING], 0);
    for (key, value) in keys.iter_mut().zip(values.filter(|value| !value.is_nan())) {
        *key = order(value);
        count += 1;
    }
    // As integers they are sorted in half the time.
    keys[..count].sort_unstable();
    room.iter_mut().zip(&keys[..count]).for_each(|(value, key)| *value = unordered(*key));
    &room[..count]
}

/// A number whose order is that of the values.
const fn order(value: f64) -> u64 {
    let bits = value.to_bits();
    if value.is_sign_negative() { !bits } else { bits ^ SIGN }
}

const fn unordered(key: u64) -> f64 {
    f64::from_bits(if key & SIGN == 0 { !key } else { key ^ SIGN })
}

const SIGN: u64 = 1 << 63;

impl Side {
    /// Takes sorted values in.
    pub(super) fn take(&mut self, values: &[f64], slice: u64, times: &Times) {
        self.sum.add_all(values);
        self.window.slice(slice, times.slices()).take(values);
    }
}

impl Sum {
    /// Adds values up.
    fn add_all(&mut self, values: &[f64]) {
        // Four sums do not wait for each other.
        let (fours, rest) = values.as_chunks::<4>();
        let lanes = fours.iter().fold([0.0; 4], |lanes, four| std::array::from_fn(|i| lanes[i] + four[i]));
        let all = lanes.iter().chain(rest).sum::<f64>();
        if all.is_nan() {
            for value in values {
                self.add(*value);
            }
        } else {
            self.add(all);
        }
    }

    pub(super) fn add(&mut self, value: f64) {
        let sum = self.0 + value;
        if !sum.is_nan() {
            self.0 = sum;
        }
    }

    pub(super) const fn get(self) -> f64 {
        self.0
    }
}

impl Observed {
    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum.add(other.sum.0);
    }

    /// What came after `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        let mut since = Self { count: self.count.saturating_sub(before.count), sum: Sum::default() };
        // Sums of the same values can differ in their last bits: they were added up in another order.
        if since.count > 0 {
            since.sum.add(self.sum.0 - before.sum.0);
        }
        since
    }
}

impl Reading {
    /// Reads what was taken to a side.
    pub(super) fn look_at(&mut self, side: &Side, now: u64, slices: u64) {
        self.all.sum.add(side.sum.get());
        side.window.seen(now, slices).for_each(|digest| self.points.add(digest));
    }
}

#[cfg(test)]
mod tests {
    use super::{Sum, order, unordered};

    #[test]
    fn the_order_of_keys_is_that_of_values() {
        let values = [f64::NEG_INFINITY, f64::MIN, -3.0, -5e-324, -0.0, 0.0, 5e-324, 0.5, f64::MAX, f64::INFINITY];
        assert!(values.map(order).is_sorted_by(|a, b| a < b));
        assert_eq!(values.map(|value| unordered(order(value)).to_bits()), values.map(f64::to_bits));
    }

    #[test]
    fn trap_5_opposite_infinities_do_not_make_the_sum_nan() {
        let mut sum = Sum::default();
        sum.add_all(&[f64::NEG_INFINITY, 1.0, 2.0, 3.0, 4.0, f64::INFINITY]);
        assert!(sum.get().is_infinite());
        let mut finite = Sum::default();
        (0..9).for_each(|count| finite.add_all(&vec![1.0; count]));
        assert_eq!(finite.get().to_bits(), 36.0_f64.to_bits());
    }
}
