//! Finding the bucket of a value without a search.
//!
//! The bits of a positive float, read as an integer, grow with it. Without their lowest ones they
//! number steps in which floats lie, each as wide as a fraction of its power of two. If there is
//! at most one bound in a step, the step of a value says all but one comparison: 12 instructions
//! in place of a search, in which each step waits for the one before.

/// The steps of some bounds.
#[derive(Clone, Debug)]
pub(super) struct Steps {
    /// How many bits are left out.
    shift: u32,
    /// The step before the one of the lowest bound.
    lowest: i64,
    /// How many bounds are in the steps below each, counted from `lowest`.
    below: [u8; MOST],
}

/// Steps there may be, the first and the last for all values beyond the bounds.
const MOST: usize = 256;
const LAST: i64 = 255;

/// A power of two in 1 step, in 2, in 4 …: as many as are needed, and no more.
const SHIFTS: std::ops::RangeInclusive<u32> = 40..=52;

impl Steps {
    /// The steps for bounds that increase; `None` if some are too close together for the range
    /// of all, or not positive.
    pub(super) fn of(upper: &[f64]) -> Option<Self> {
        if upper.first().is_none_or(|lowest| *lowest <= 0.0) {
            return None;
        }
        SHIFTS.rev().find_map(|shift| Self::with_shift(upper, shift))
    }

    fn with_shift(upper: &[f64], shift: u32) -> Option<Self> {
        let lowest = step(*upper.first()?, shift) - 1;
        let mut below = [0; MOST];
        let mut last = 0;
        for bound in upper {
            let place = usize::try_from(step(*bound, shift) - lowest).ok()?;
            // Two in a step are too many, and the last step is for what is above all.
            if place <= last || place >= MOST - 1 {
                return None;
            }
            below[place + 1..].iter_mut().for_each(|count| *count += 1);
            last = place;
        }
        Some(Self { shift, lowest, below })
    }

    /// How many bounds a value is above, but for the next, to which it has to be compared.
    #[inline]
    #[expect(clippy::cast_sign_loss, reason = "clamped to an index")]
    pub(super) fn below(&self, value: f64) -> usize {
        let place = (step(value, self.shift) - self.lowest).clamp(0, LAST);
        usize::from(self.below[place as usize])
    }
}

/// Negative floats are negative integers, and all below the first step.
#[inline]
const fn step(value: f64, shift: u32) -> i64 {
    value.to_bits().cast_signed() >> shift
}

#[cfg(test)]
mod tests {
    use super::Steps;
    use crate::Bounds;

    /// Each bound, its neighbours, and what is far from all.
    fn values(upper: &[f64]) -> Vec<f64> {
        let near = upper.iter().flat_map(|bound| [*bound, bound.next_down(), bound.next_up(), -bound, bound * 1.1]);
        let far = [0.0, -0.0, f64::MIN_POSITIVE, f64::from_bits(1), f64::MAX, f64::INFINITY, f64::NEG_INFINITY, -7.5];
        near.chain(far).collect()
    }

    fn check(upper: &[f64]) {
        let bounds = Bounds::new(upper).unwrap();
        for value in values(upper) {
            let place = upper.iter().filter(|bound| value > **bound).count();
            assert_eq!(bounds.place_of(value) as usize, place, "{value} in {upper:?}");
        }
    }

    #[test]
    fn a_step_says_what_a_search_says() {
        let mut seed = 7_u64;
        let mut random = move |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        for _ in 0..2_000 {
            let spread = 1.0 + random(1000) as f64 / 200.0;
            let lowest = 10_f64.powi(i32::try_from(random(30)).unwrap() - 15);
            let count = 1 + usize::try_from(random(60)).unwrap();
            let mut upper: Vec<_> = (0_i32..).map(|i| lowest * spread.powi(i)).take(count).collect();
            upper.dedup();
            check(&upper);
        }
        for linear in [1.0, 0.1, 64.0] {
            check(&(1..=100).map(|i| f64::from(i) * linear).collect::<Vec<_>>());
        }
        check(&[-5.0, 0.0, 5.0]);
        check(&[f64::from_bits(1), f64::MAX]);
    }

    #[test]
    fn the_usual_bounds_have_steps_and_crowded_ones_have_none() {
        let usual = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0];
        assert!(Steps::of(&usual).is_some());
        assert!(Steps::of(&[1.0, 1e10]).is_some());
        assert!(Steps::of(&[1.0, 1.000_000_1, 1e10]).is_none());
        assert!(Steps::of(&[-1.0, 1.0]).is_none());
    }
}
