//! Distributions put together, to ask them for quantiles.

use super::digest::{Centroid, Digest};

/// Centroids of many digests, and values by themselves.
#[derive(Debug, Default)]
pub(crate) struct Points {
    centroids: Vec<Centroid>,
    lowest: u64,
    highest: u64,
}

impl Points {
    /// Adds all of a digest.
    pub(super) fn add(&mut self, digest: &Digest) {
        let (centroids, [lowest, highest]) = digest.parts();
        self.centroids.extend_from_slice(centroids);
        self.lowest += lowest;
        self.highest += highest;
    }

    /// Adds values that are numbers.
    pub(super) fn add_values(&mut self, values: &[f64]) {
        for value in values {
            match *value {
                f64::NEG_INFINITY => self.lowest += 1,
                f64::INFINITY => self.highest += 1,
                value => self.centroids.push(Centroid::of(value)),
            }
        }
    }

    /// The quantiles at some parts, from 0 to 1, of all there is; of nothing it is `NaN`.
    pub(super) fn quantiles(mut self, parts: &[f64]) -> Vec<f64> {
        // Stable: this one sees that most of it is sorted already.
        self.centroids.sort_by(|a, b| { a.mean }.total_cmp(&{ b.mean }));
        let mut below = self.lowest as f64;
        let centres: Vec<f64> = self
            .centroids
            .iter()
            .map(|centroid| {
                let half = f64::from(centroid.weight) / 2.0;
                below += 2.0 * half;
                below - half
            })
            .collect();
        let all = below + self.highest as f64;
        parts.iter().map(|part| self.quantile(part * all, below, &centres)).collect()
    }

    /// The value that `rank` others are below of; `finite` are below +∞.
    fn quantile(&self, rank: f64, finite: f64, centres: &[f64]) -> f64 {
        if self.lowest > 0 && rank <= self.lowest as f64 {
            return f64::NEG_INFINITY;
        }
        if self.highest > 0 && rank >= finite {
            return f64::INFINITY;
        }
        let next = centres.partition_point(|centre| *centre <= rank);
        match (next.checked_sub(1).and_then(|i| Some((i, self.centroids.get(i)?))), self.centroids.get(next)) {
            (None, None) => f64::NAN,
            (Some((_, only)), None) | (None, Some(only)) => only.mean,
            (Some((i, below)), Some(above)) => {
                let part = (rank - centres[i]) / (centres[next] - centres[i]);
                let (from, to) = (below.mean, above.mean);
                (from * (1.0 - part) + to * part).clamp(from, to)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Points;

    fn quantiles(values: &[f64], parts: &[f64]) -> Vec<f64> {
        let mut points = Points::default();
        points.add_values(values);
        points.quantiles(parts)
    }

    #[test]
    fn trap_6_a_quantile_of_nothing_is_no_number() {
        assert!(quantiles(&[], &[0.0, 0.5, 1.0]).iter().all(|quantile| quantile.is_nan()));
    }

    #[test]
    fn few_values_are_exact() {
        assert_eq!(quantiles(&[7.0], &[0.0, 0.5, 1.0]), [7.0; 3]);
        assert_eq!(quantiles(&[3.0, 1.0, 2.0], &[0.0, 0.5, 1.0]), [1.0, 2.0, 3.0]);
        assert_eq!(quantiles(&[3.0, 1.0], &[0.25, 0.5, 0.75]), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn infinities_are_at_both_ends() {
        let values = [f64::INFINITY, f64::NEG_INFINITY, 1.0, 2.0];
        assert_eq!(quantiles(&values, &[0.0, 0.25, 0.5, 0.75, 1.0])[..2], [f64::NEG_INFINITY; 2]);
        assert_eq!(quantiles(&values, &[0.5]), [1.5]);
        assert_eq!(quantiles(&values, &[0.75, 1.0]), [f64::INFINITY; 2]);
        assert_eq!(quantiles(&values[..2], &[0.5, 0.9]), [f64::NEG_INFINITY, f64::INFINITY]);
    }
}
