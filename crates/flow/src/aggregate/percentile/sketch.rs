//! Counts of numbers by bucket.

use super::bucket::{Bucket, LAST, bucket_of, number_of};
use crate::aggregate::DecodeError;
use crate::encoding::{MOST_EVENTS, put_count, put_double, take_double, take_up_to};
use crate::settings::Rank;

/// Many numbers, each known to 1/129 of itself.
///
/// Buckets come in pages of 16, a quarter of an octave, and only pages that hold a number exist: 144 bytes each. Requests
/// that take from a millisecond to a minute fill 64 of them, 9 KiB. A number costs at most one page, and a stream that
/// visits every magnitude of either sign, down to the smallest double, at most all 16,775 of them, 2.4 MB.
#[derive(Clone, Debug)]
pub(crate) struct Sketch {
    count: u64,
    min: f64,
    max: f64,
    pages: Vec<Page>, // by number
}

#[derive(Clone, Debug)]
struct Page {
    number: i32,
    counts: Box<[u64; PAGE as usize]>,
}

/// All buckets there are.
const BUCKETS: u64 = 2 * LAST.unsigned_abs() as u64 + 1;

/// Buckets of a page.
const PAGE: i32 = 16;

impl Sketch {
    pub(super) fn new() -> Self {
        Sketch { count: 0, min: f64::INFINITY, max: f64::NEG_INFINITY, pages: Vec::new() }
    }

    pub(super) fn add(&mut self, number: f64) {
        self.count_in(bucket_of(number), 1);
        self.widen(number, number);
    }

    pub(super) fn extend(&mut self, numbers: &[f64]) {
        for number in numbers {
            self.add(*number);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in other.buckets() {
            self.count_in(bucket, count);
        }
        self.widen(other.min, other.max);
    }

    fn count_in(&mut self, bucket: Bucket, count: u64) {
        let (number, place) = (bucket.div_euclid(PAGE), bucket.rem_euclid(PAGE).unsigned_abs() as usize);
        let at = self.pages.binary_search_by_key(&number, |page| page.number).unwrap_or_else(|at| {
            self.pages.insert(at, Page { number, counts: Box::default() });
            at
        });
        self.pages[at].counts[place] += count;
        self.count += count;
    }

    fn widen(&mut self, min: f64, max: f64) {
        (self.min, self.max) = (self.min.min(min), self.max.max(max));
    }

    /// The buckets that hold a number, in order, with how many they hold.
    fn buckets(&self) -> impl Iterator<Item = (Bucket, u64)> {
        let of_page = |page: &Page| (page.number * PAGE..).zip(*page.counts).filter(|(_, count)| *count > 0);
        self.pages.iter().flat_map(of_page)
    }

    /// The number at a rank, within 1/129 of it; the smallest and the largest are exact.
    pub(super) fn at(&self, rank: Rank) -> f64 {
        let rank = rank.of(self.count);
        if rank == 1 || rank == self.count {
            return if rank == 1 { self.min } else { self.max };
        }
        let mut below = 0;
        let reaches = |(bucket, count)| {
            below += count;
            (below >= rank).then_some(bucket)
        };
        let bucket = self.buckets().find_map(reaches);
        // What stands for a bucket may lie outside of what was seen of it.
        bucket.map_or(self.max, number_of).clamp(self.min, self.max)
    }

    /// The outermost numbers, then each bucket as its distance to the one before and its count.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_double(out, self.min);
        put_double(out, self.max);
        put_count(out, self.buckets().count() as u64);
        let mut before = bucket_of(self.min);
        for (bucket, count) in self.buckets() {
            put_count(out, u64::from(bucket.abs_diff(before)));
            put_count(out, count);
            before = bucket;
        }
    }

    /// Reads a sketch of more numbers than some. Its memory is bounded by the buckets there are.
    pub(super) fn decode(bytes: &mut &[u8], than: u64) -> Result<Self, DecodeError> {
        let (min, max) = (take_double(bytes)?, take_double(bytes)?);
        let (mut sketch, mut bucket) = (Sketch { min, max, ..Sketch::new() }, bucket_of(min));
        let last = bucket_of(max);
        for first in (0..take_up_to(bytes, BUCKETS)?).map(|n| n == 0) {
            let distance = take_up_to(bytes, BUCKETS)?;
            let count = take_up_to(bytes, MOST_EVENTS - sketch.count)?;
            bucket = i32::try_from(distance).map_or(LAST, |distance| bucket + distance);
            if first != (distance == 0) || bucket > last || count == 0 {
                return Err(DecodeError::Corrupt("buckets that are empty, out of order or out of bounds"));
            }
            sketch.count_in(bucket, count);
        }
        if bucket != last || min > max || sketch.count <= than {
            return Err(DecodeError::Corrupt("a sketch whose counts and bounds do not fit"));
        }
        Ok(sketch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_visits_every_magnitude_fills_the_pages_there_are_and_no_more() {
        let mut sketch = Sketch::new();
        for bucket in -LAST..=LAST {
            sketch.add(number_of(bucket));
        }
        assert_eq!(sketch.pages.len(), 16_775);
        assert_eq!(size_of::<Page>() + size_of_val(&*sketch.pages[0].counts), 144);
    }

    #[test]
    fn latencies_from_a_millisecond_to_a_minute_fill_64_pages() {
        let mut sketch = Sketch::new();
        for millis in
            std::iter::successors(Some(1.0), |millis| Some(millis * 1.001)).take_while(|millis| *millis < 60_000.0)
        {
            sketch.add(millis);
        }
        assert_eq!(sketch.pages.len(), 64);
    }
}
