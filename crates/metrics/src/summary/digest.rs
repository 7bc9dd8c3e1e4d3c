//! A t-digest: a distribution in few numbers, fine at both ends.
//!
//! Values that are next to each other are kept as one *centroid*, their mean and how many they
//! are. How many they may be depends on where they are in the order. With *q* the part of all
//! values that is below, the scale function k₁ of Dunning and Ertl,
//!
//! ```text
//!   k₁(q) = δ / 2π · arcsin(2q − 1)
//! ```
//!
//! is steep at both ends, and a centroid covers at most 1 on that scale. Around *q* that is the part
//! 2 sin(π/δ) · √(q(1 − q)) of all values; squared on both sides it takes neither sine nor root
//! to compare. At the ends themselves it is nothing, so the least and the greatest value are
//! centroids of their own, and the extremes are exact.
//!
//! (T. Dunning, O. Ertl: Computing Extremely Accurate Quantiles Using t-Digests, arXiv:1902.04023,
//! sections 2.2 and 3.)

/// δ: two neighbours cover more than 1 on a scale of δ/2, so there are about 67 centroids.
#[cfg(test)]
const COMPRESSION: f64 = 90.0;
/// (2 sin(π/δ))²
const LIMIT: f64 = 0.004_871_899_480_351_504;
/// More than there ever are; if there were, the last would take the rest.
const MOST: usize = 128;

/// Values next to each other. Packed: half of what a summary takes are these.
#[derive(Clone, Copy, Debug, Default)]
#[repr(Rust, packed(4))]
pub(super) struct Centroid {
    pub(super) mean: f64,
    pub(super) weight: u32,
}

/// A distribution.
#[derive(Clone, Debug, Default)]
pub(super) struct Digest {
    /// By their means; all finite.
    centroids: Vec<Centroid>,
    /// Their weights together.
    weight: u64,
    /// How often −∞ came.
    lowest: u64,
    /// How often +∞ came.
    highest: u64,
}

/// Puts sorted centroids together as far as they may.
struct Merge {
    merged: [Centroid; MOST],
    len: usize,
    /// All weights, also those to come.
    total: f64,
    /// The weights of `merged`.
    before: f64,
    open: Open,
}

/// A centroid that may still grow.
#[derive(Clone, Copy, Default)]
struct Open {
    weight: f64,
    /// The mean of what came first. Sums of differences to it are exact where all values are the
    /// same, and do not overflow where values are large.
    first: f64,
    /// Of what came last: no mean is above.
    last: f64,
    /// How much more than `first` all are, together.
    excess: f64,
}

impl Centroid {
    /// One value.
    pub(super) const fn of(value: f64) -> Self {
        Self { mean: value, weight: 1 }
    }
}

impl Digest {
    /// What many values take.
    pub(super) const USUAL_BYTES: usize = 67 * size_of::<Centroid>();

    /// Takes values in, sorted, infinite ones too; none of them is no number.
    pub(super) fn take(&mut self, sorted: &[f64]) {
        let first = sorted.partition_point(|value| *value == f64::NEG_INFINITY);
        let end = sorted.partition_point(|value| *value < f64::INFINITY);
        self.lowest += first as u64;
        self.highest += (sorted.len() - end) as u64;
        let finite = &sorted[first..end];
        self.merge(finite.iter().map(|value| Centroid::of(*value)), finite.len() as u64);
    }

    /// Takes all of another one in.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.lowest += other.lowest;
        self.highest += other.highest;
        self.merge(other.centroids.iter().copied(), other.weight);
    }

    /// Gives back the room for centroids that are not there.
    pub(super) fn close(&mut self) {
        self.centroids.shrink_to_fit();
    }

    /// Its centroids, with what came of each infinity.
    pub(super) fn parts(&self) -> (&[Centroid], [u64; 2]) {
        (&self.centroids, [self.lowest, self.highest])
    }

    fn merge(&mut self, others: impl Iterator<Item = Centroid>, weight: u64) {
        self.weight += weight;
        let mut merge = Merge::of(self.weight as f64);
        let mut others = others.peekable();
        for own in &self.centroids {
            while let Some(other) = others.next_if(|other| other.mean < own.mean) {
                merge.push(other);
            }
            merge.push(*own);
        }
        others.for_each(|other| merge.push(other));
        let merged = merge.finish();
        self.centroids.clear();
        // In steps, so that a number that goes up and down is no allocation each time.
        self.centroids.reserve_exact(merged.len().next_multiple_of(8));
        self.centroids.extend_from_slice(merged);
    }
}

impl Merge {
    fn of(total: f64) -> Self {
        Self { merged: [Centroid::default(); MOST], len: 0, total, before: 0.0, open: Open::default() }
    }

    #[inline]
    fn push(&mut self, next: Centroid) {
        let (weight, mean) = (f64::from(next.weight), next.mean);
        let together = self.open.weight + weight;
        let behind = self.before + together;
        let room = LIMIT * (self.before * (self.total - self.before)).min(behind * (self.total - behind));
        if together * together <= room || self.len == MOST - 1 {
            self.open.weight = together;
            self.open.excess += (mean - self.open.first) * weight;
            self.open.last = mean;
        } else {
            self.settle();
            self.open = Open { weight, first: mean, last: mean, excess: 0.0 };
        }
    }

    /// The open centroid grows no more.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and it ends at the greatest")]
    fn settle(&mut self) {
        let Open { weight, first, last, excess } = self.open;
        if weight > 0.0 {
            let mean = (first + excess / weight).clamp(first, last);
            self.merged[self.len] = Centroid { mean, weight: weight as u32 };
            self.len += 1;
            self.before += weight;
        }
    }

    fn finish(&mut self) -> &[Centroid] {
        self.settle();
        &self.merged[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::{COMPRESSION, Digest, LIMIT, MOST};

    fn weights(digest: &Digest) -> Vec<u32> {
        digest.parts().0.iter().map(|centroid| centroid.weight).collect()
    }

    fn of(values: impl Iterator<Item = f64>) -> Digest {
        let mut digest = Digest::default();
        for batch in values.collect::<Vec<_>>().chunks(100) {
            let mut batch = batch.to_vec();
            batch.sort_by(f64::total_cmp);
            digest.take(&batch);
        }
        digest
    }

    #[test]
    fn the_limit_is_that_of_the_scale_function() {
        let width = 2.0 * (std::f64::consts::PI / COMPRESSION).sin();
        assert!((LIMIT - width * width).abs() < 1e-15, "{:e}", width * width);
    }

    /// The k-size of a centroid is at most 1, but for one that cannot be smaller.
    #[test]
    fn no_centroid_covers_more_than_one_on_the_scale() {
        let digest = of((0..50_000).map(|n| f64::from(n * 7919 % 50_000)));
        let scale = |q: f64| COMPRESSION / std::f64::consts::TAU * (2.0 * q - 1.0).clamp(-1.0, 1.0).asin();
        let mut before = 0.0;
        for weight in weights(&digest) {
            let end = before + f64::from(weight);
            let covers = scale(end / 50_000.0) - scale(before / 50_000.0);
            assert!(weight == 1 || covers <= 1.001, "{weight} from {before} on cover {covers}");
            before = end;
        }
        assert!((before - 50_000.0).abs() < 0.5);
    }

    #[test]
    fn there_are_few_centroids_whatever_came() {
        for factor in [1, 7919, 39_999] {
            let digest = of((0..50_000_u64).map(|n| (n * factor % 50_000) as f64));
            assert!((50..MOST - 1).contains(&weights(&digest).len()), "{}", weights(&digest).len());
        }
    }

    #[test]
    fn the_extremes_are_exact_and_equal_values_stay_what_they_are() {
        let digest = of((0..10_000).map(f64::from));
        let means: Vec<_> = digest.parts().0.iter().map(|centroid| centroid.mean).collect();
        assert_eq!((means.first(), means.last()), (Some(&0.0), Some(&9_999.0)));
        let same = of(std::iter::repeat_n(0.1, 10_000));
        assert!(same.parts().0.iter().all(|centroid| { centroid.mean }.to_bits() == 0.1_f64.to_bits()));
    }

    #[test]
    fn the_largest_numbers_there_are_do_not_overflow() {
        let digest = of((0..10_000).map(|n| if n % 2 == 0 { f64::MAX } else { f64::MIN }));
        assert!(digest.parts().0.iter().all(|centroid| { centroid.mean }.is_finite()));
        assert!(digest.parts().0.is_sorted_by(|a, b| a.mean <= b.mean));
    }

    #[test]
    fn infinities_are_counted_beside_the_centroids() {
        let digest = of([1.0, f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY].into_iter());
        assert_eq!((digest.parts().1, weights(&digest)), ([1, 2], vec![1]));
    }
}
