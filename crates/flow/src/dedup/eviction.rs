//! Which ids are the oldest, found without a copy of all of them.

use super::Age;
use super::table::{Nanos, Table};

/// Into so many spans the times are cut.
const SPANS: usize = 1 << 12;

/// The youngest of the oldest `count` ids; among those of one time the fingerprint decides.
///
/// Counting how many there are in each span of time tells in which one it lies: only what lies there is put in order.
#[expect(clippy::cast_possible_truncation, reason = "a span is one of few")]
pub(super) fn youngest_of_oldest(table: &Table, count: usize) -> Option<Age> {
    let times = || table.iter().map(|(_, first)| first);
    let (oldest, youngest) = (times().min()?, times().max()?);
    let width = youngest.abs_diff(oldest) / SPANS as u64 + 1;
    let span_of = |first: Nanos| (first.abs_diff(oldest) / width) as usize;
    let mut counts = vec![0; SPANS];
    times().for_each(|first| counts[span_of(first)] += 1);
    let (mut before, mut span) = (0, 0);
    while before + counts[span] < count {
        before += counts[span];
        span += 1;
    }
    let within = table.iter().filter(|(_, first)| span_of(*first) == span);
    let mut ages: Vec<Age> = within.map(|(fingerprint, first)| (first, fingerprint)).collect();
    let (_, last, _) = ages.select_nth_unstable((count - before).checked_sub(1)?);
    Some(*last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_one_that_sorting_all_of_them_finds() {
        for (number, factor) in [(1, 7), (2, 1), (5_000, 0), (5_000, 1), (5_000, 1_000_003), (5_000, i64::MAX / 2_500)]
        {
            let mut table = Table::new();
            for n in 0_i64..number {
                let fingerprint =
                    u128::from(n.unsigned_abs() + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C834);
                table.insert(fingerprint, (n % 5_000 - 2_500) * factor, |_| true);
            }
            let mut ages: Vec<Age> = table.iter().map(|(fingerprint, first)| (first, fingerprint)).collect();
            ages.sort_unstable();
            for count in [1, 2, 313, ages.len()].into_iter().filter(|count| *count <= ages.len()) {
                assert_eq!(youngest_of_oldest(&table, count), Some(ages[count - 1]), "{count} of {number} by {factor}");
            }
        }
    }
}
