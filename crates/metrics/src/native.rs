//! Native buckets: exponential ones, as fine as is asked for, that exist once something is in them.
//!
//! ```text
//!  cells of a series:  sum │ buckets │ zero │ places … finest … coarser … coarser │ widest, both signs
//!                                      one    taken by bucket, first come            one each
//! ```
//!
//! They are cells like those of the other buckets and are written by the same record, so the two
//! can never disagree. Which bucket a place is for is decided by the first observation that needs
//! it, for all threads and for good. When no place is left for a new bucket at the finest schema,
//! it takes one at a coarser schema, in the end one of the widest buckets, of which there is one for
//! every number: an observation always counts. Nobody moves what was counted: a reader takes finer
//! buckets together until all are of one schema, and few enough.

use std::fmt;

mod layout;
mod places;
mod snapshot;

pub use self::snapshot::NativeSnapshot;

pub(crate) use self::layout::Layout;
pub(crate) use self::places::{Places, forget};

/// How the native buckets of a histogram are kept, beside its others.
///
/// A schema of `n` has 2ⁿ buckets for each power of two: 3 tells numbers apart that differ by 9 %.
/// Only the [protobuf format](crate::encode::Protocol::Protobuf) can carry native buckets; readers of
/// the others get the buckets that the histogram was declared with.
///
/// Each series takes about 3.5 KB for each thread that observes it, whatever is in it. So
/// switch it on where the resolution is worth it: there is room for a thousand of them in a process,
/// those beyond are told in the widest buckets.
///
/// ```
/// use streamgauge_metrics::{Desc, Histogram, Native, Registry};
///
/// let desc = Desc::of::<Histogram>("wait_ms", "Waiting.").with_native(Native::default().with_schema(5));
/// let wait_ms: Histogram = Registry::new().register(desc)?;
/// wait_ms.observe(3.5);
/// assert_eq!(wait_ms.get().native().map(|native| native.positive().len()), Some(1));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Native {
    schema: i8,
    most_buckets: u16,
    zero_threshold: f64,
}

/// The coarsest schema there is: a bucket is a factor of 2¹⁶ wide.
const WIDEST: i8 = -4;
const FINEST: i8 = 8;
/// More would not leave room for others in what is read at once.
const MOST_BUCKETS: u16 = 160;
const LEAST_BUCKETS: u16 = 8;
/// What Prometheus takes for zero unless told otherwise, and the least that can be.
const LEAST_ZERO: f64 = 1.0 / (1_u128 << 127) as f64 / 2.0;

impl Native {
    /// Another schema than 3: from −4 to 8, 2 to its power is the number of buckets for each power
    /// of two.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().with_schema(0).schema(), 0);
    /// ```
    #[must_use]
    pub const fn with_schema(self, schema: i8) -> Self {
        Self { schema, ..self }
    }

    /// Another limit than 160: from 8 to 160 buckets are told. If there are more, two and two are
    /// taken together until there are not, or they cannot be wider.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().with_most_buckets(100).most_buckets(), 100);
    /// ```
    #[must_use]
    pub const fn with_most_buckets(self, buckets: u16) -> Self {
        Self { most_buckets: buckets, ..self }
    }

    /// Another threshold than 2⁻¹²⁸, the least there can be: what is as close to zero as that
    /// counts as zero.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().with_zero_threshold(0.001).zero_threshold(), 0.001);
    /// ```
    #[must_use]
    pub const fn with_zero_threshold(self, threshold: f64) -> Self {
        Self { zero_threshold: threshold, ..self }
    }

    /// The schema to begin with.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().schema(), 3);
    /// ```
    pub const fn schema(&self) -> i8 {
        self.schema
    }

    /// How many buckets are told at most.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().most_buckets(), 160);
    /// ```
    pub const fn most_buckets(&self) -> u16 {
        self.most_buckets
    }

    /// Up to where a number counts as zero, whatever its sign.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::Native::default().zero_threshold(), 2_f64.powi(-128));
    /// ```
    pub const fn zero_threshold(&self) -> f64 {
        self.zero_threshold
    }

    /// What is wrong with it beside so many other buckets, if anything.
    pub(crate) fn fault(&self, others: usize) -> Option<&'static str> {
        if !(WIDEST..=FINEST).contains(&self.schema) {
            return Some("the schema of native buckets is from -4 to 8");
        }
        if !(LEAST_BUCKETS..=MOST_BUCKETS).contains(&self.most_buckets) {
            return Some("native buckets are limited to a number from 8 to 160");
        }
        if !self.zero_threshold.is_finite() || self.zero_threshold < LEAST_ZERO {
            return Some("the zero threshold of native buckets is a number from 2^-128 on");
        }
        let cells = others + 1 + Layout::of(*self).len() as usize;
        (cells > crate::sync::CHUNK)
            .then_some("native buckets leave room for about 80 others; limit them, or have fewer")
    }
}

impl Default for Native {
    fn default() -> Self {
        Self { schema: 3, most_buckets: MOST_BUCKETS, zero_threshold: LEAST_ZERO }
    }
}

impl fmt::Display for Native {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "schema {}, {} buckets, zero up to {:e}", self.schema, self.most_buckets, self.zero_threshold)
    }
}

/// The bucket that holds a bucket of a schema that is finer by so much. Buckets are numbered by
/// their upper bounds, which are in them.
const fn coarser(index: i32, by: u32) -> i32 {
    (index + (1 << by) - 1) >> by
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::layout::{Key, Tier};
    use super::{LEAST_ZERO, Native, Places};
    use crate::sync::AtomicU32;

    #[test]
    fn the_least_threshold_is_two_to_the_power_of_minus_128() {
        assert_eq!(LEAST_ZERO.to_bits(), 2_f64.powi(-128).to_bits());
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let native = Native::default();
        assert_eq!(native.fault(14), None);
        assert!(native.with_schema(9).fault(14).is_some());
        assert!(native.with_schema(-5).fault(14).is_some());
        assert!(native.with_most_buckets(7).fault(14).is_some());
        assert!(native.with_most_buckets(161).fault(14).is_some());
        for threshold in [0.0, -1.0, f64::NAN, f64::INFINITY, LEAST_ZERO / 2.0] {
            assert!(native.with_zero_threshold(threshold).fault(14).is_some());
        }
        assert_eq!(native.fault(80), None);
        assert!(native.fault(251).is_some());
        assert_eq!(native.with_most_buckets(20).fault(251), None);
    }

    fn key(index: i32) -> Key {
        Key { index, is_negative: index % 3 == 0 }
    }

    #[test]
    fn a_key_is_read_back_as_it_was_written() {
        for index in [-263_000, -1, 0, 1, 7, 262_145] {
            for is_negative in [false, true] {
                let key = Key { index, is_negative };
                assert_eq!(Key::of(key.code()), Some(key));
            }
        }
        assert_eq!(Key::of(0), None);
    }

    #[test]
    fn threads_that_want_the_same_buckets_get_the_same_places() {
        let tier = Tier { schema: 3, first: 1, len: 160 };
        for _ in 0..200 {
            let places: Vec<_> = (0..161).map(|_| AtomicU32::new(0)).collect();
            let places = Places(&places);
            let take = || (0..200).map(|index| places.take(tier, key(index))).collect::<Vec<_>>();
            let (one, other) = thread::scope(|scope| {
                let other = scope.spawn(|| {
                    let mut all: Vec<_> = (0..200).rev().map(|index| places.take(tier, key(index))).collect();
                    all.reverse();
                    all
                });
                (take(), other.join().unwrap())
            });
            for (one, other) in one.iter().zip(&other) {
                assert!(one == other || one.is_none() || other.is_none());
            }
            // Afterwards both find what there is.
            let again = take();
            let taken: Vec<_> = again.iter().flatten().collect();
            assert!(taken.len() > 120, "{}", taken.len());
            assert_eq!(taken.iter().collect::<HashSet<_>>().len(), taken.len());
        }
    }
}
