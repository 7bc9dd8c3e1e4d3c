//! Which cell an observation goes to.

use super::places::Places;
use super::{FINEST, Native, WIDEST, coarser};

/// The cells of the native buckets of a series, counted from the first of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    native: Native,
    /// Upper bounds of the buckets from ½ to 1, at the finest schema that is kept.
    fractions: Box<[f64]>,
    tiers: Box<[Tier]>,
    /// The first of the widest buckets.
    widest: u32,
}

/// Places of one schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tier {
    pub(super) schema: i8,
    pub(super) first: u32,
    pub(super) len: u32,
}

/// Where what is as good as zero is counted.
const ZERO: u32 = 0;
/// The widest buckets there are on one side: from the one above 2⁻¹²⁸ to that of `+Inf`.
const LOWEST: i32 = -7;
const HIGHEST: i32 = 65;
const SIDE: u32 = (HIGHEST - LOWEST + 1) as u32;
/// By how much each tier is coarser than the first one, and which share of its places it has.
const STEPS: [(i8, u16); 3] = [(0, 1), (1, 2), (3, 4)];

/// What the cells of a bucket say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bucket {
    Zero,
    /// A bucket of a schema.
    Of {
        schema: i8,
        key: Key,
    },
}

/// A bucket: its number and its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) index: i32,
    pub(super) is_negative: bool,
}

impl Layout {
    pub(crate) fn of(native: Native) -> Self {
        let mut first = ZERO + 1;
        let schemas = STEPS.iter().map(|(step, share)| (native.schema - step, native.most_buckets / share));
        let tiers = schemas.take_while(|(schema, _)| *schema > WIDEST).map(|(schema, places)| {
            let tier = Tier { schema, first, len: u32::from(places) };
            first += tier.len;
            tier
        });
        let tiers: Box<[_]> = tiers.collect();
        Self { native, fractions: fractions(finest(native.schema)), tiers, widest: first }
    }

    pub(super) const fn native(&self) -> Native {
        self.native
    }

    /// How many cells there are.
    pub(crate) const fn len(&self) -> u32 {
        self.widest + 2 * SIDE
    }

    /// The cell for a number; none is for what is no number.
    pub(crate) fn cell_for(&self, value: f64, places: Places<'_>) -> Option<u32> {
        if value.is_nan() {
            return None;
        }
        let size = value.abs();
        if size <= self.native.zero_threshold {
            return Some(ZERO);
        }
        let (index, is_negative) = (self.index_of(size), value < 0.0);
        let key = |schema: i8| Key { index: coarser(index, self.coarser_by(schema)), is_negative };
        let taken = self.tiers.iter().find_map(|tier| places.take(*tier, key(tier.schema)));
        Some(taken.unwrap_or_else(|| self.widest_cell(key(WIDEST))))
    }

    /// What the cell is for.
    pub(super) fn bucket(&self, cell: u32, place: Option<Key>) -> Option<Bucket> {
        if cell == ZERO {
            return Some(Bucket::Zero);
        }
        if let Some(nth) = cell.checked_sub(self.widest) {
            let index = LOWEST + i32::try_from(nth % SIDE).ok()?;
            return Some(Bucket::Of { schema: WIDEST, key: Key { index, is_negative: nth >= SIDE } });
        }
        let tier = self.tiers.iter().rfind(|tier| tier.first <= cell)?;
        Some(Bucket::Of { schema: tier.schema, key: place? })
    }

    /// The number of a bucket at the finest schema. `size` is a normal number.
    fn index_of(&self, size: f64) -> i32 {
        let (bits, beyond) = if size.is_infinite() { (f64::MAX.to_bits(), 1) } else { (size.to_bits(), 0) };
        // A fraction from ½ on, times a power of two.
        let fraction = f64::from_bits(bits & MANTISSA | 0.5_f64.to_bits());
        let power = i32::try_from(bits >> 52).unwrap_or(0) - 1022;
        let (above, all) = (self.fractions.partition_point(|bound| *bound < fraction), self.fractions.len());
        // At most 256 of them.
        let number = |count: usize| i32::try_from(count).unwrap_or(0);
        number(above) + (power - 1) * number(all) + beyond
    }

    fn coarser_by(&self, schema: i8) -> u32 {
        u32::from(finest(self.native.schema).abs_diff(schema))
    }

    fn widest_cell(&self, key: Key) -> u32 {
        let nth = u32::try_from(key.index.clamp(LOWEST, HIGHEST) - LOWEST).unwrap_or(0);
        self.widest + nth + if key.is_negative { SIDE } else { 0 }
    }
}

const MANTISSA: u64 = (1 << 52) - 1;

/// The schema in which buckets are looked up: a power of two is the least.
const fn finest(schema: i8) -> i8 {
    if schema < 0 { 0 } else { schema }
}

/// The upper bounds of the buckets from ½ (which is the bound of the one before) to below 1.
fn fractions(schema: i8) -> Box<[f64]> {
    debug_assert!((0..=FINEST).contains(&schema));
    let buckets = 1_u16 << schema;
    (0..buckets).map(|nth| (f64::from(nth) / f64::from(buckets)).exp2() / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::{Layout, fractions};
    use crate::native::Native;

    /// Schoolbook arithmetic on numbers of any length, the lowest digits first.
    fn product(a: &[u32], b: &[u32]) -> Vec<u32> {
        let mut out = vec![0_u32; a.len() + b.len()];
        for (i, x) in a.iter().enumerate() {
            let mut carry = 0_u64;
            for (j, y) in b.iter().enumerate() {
                let sum = u64::from(*x) * u64::from(*y) + u64::from(out[i + j]) + carry;
                out[i + j] = u32::try_from(sum & 0xffff_ffff).unwrap();
                carry = sum >> 32;
            }
            out[i + b.len()] = u32::try_from(carry).unwrap();
        }
        out
    }

    /// `base` to the power of `2^squarings`, against 2 to the power of `bit`.
    fn is_below(base: u64, squarings: i8, bit: usize) -> bool {
        let mut power = vec![u32::try_from(base & 0xffff_ffff).unwrap(), u32::try_from(base >> 32).unwrap()];
        for _ in 0..squarings {
            power = product(&power, &power);
        }
        let highest = power
            .iter()
            .rposition(|digit| *digit > 0)
            .map_or(0, |at| at * 32 + 31 - usize::try_from(power[at].leading_zeros()).unwrap());
        highest < bit
    }

    #[test]
    fn trap_38_bounds_are_the_doubles_nearest_to_the_roots_of_two() {
        for schema in 0..=8_i8 {
            let buckets = 1_usize << schema;
            for (nth, bound) in fractions(schema).iter().enumerate() {
                // bound = mantissa / 2^53; the true one is 2^(nth / buckets - 1). Half a unit below
                // and above it are (2 mantissa ∓ 1) / 2^54, to be compared by their powers.
                let mantissa = bound.to_bits() & ((1 << 52) - 1) | 1 << 52;
                let bit = nth + 53 * buckets;
                if nth == 0 {
                    assert!((bound - 0.5).abs() < f64::EPSILON / 4.0);
                    continue;
                }
                assert!(is_below(2 * mantissa - 1, schema, bit), "{schema} {nth}");
                assert!(!is_below(2 * mantissa + 1, schema, bit), "{schema} {nth}");
            }
        }
    }

    #[test]
    fn trap_38_a_bound_is_in_its_bucket_and_what_is_above_in_the_next() {
        for schema in -4..=8_i8 {
            let layout = Layout::of(Native::default().with_schema(schema));
            let fine = super::finest(schema);
            for power in [-127, -3, 0, 1, 50, 1023] {
                let bounds = fractions(fine);
                for (nth, fraction) in bounds.iter().enumerate() {
                    let bound = fraction * 2_f64.powi(power);
                    let index = i32::try_from(nth).unwrap() + (power - 1) * i32::try_from(bounds.len()).unwrap();
                    assert_eq!(layout.index_of(bound), index);
                    assert_eq!(layout.index_of(bound.next_up()), index + 1);
                }
            }
        }
        let layout = Layout::of(Native::default());
        assert_eq!(layout.index_of(f64::MAX), 1024 * 8);
        assert_eq!(layout.index_of(f64::INFINITY), 1024 * 8 + 1);
    }
}
