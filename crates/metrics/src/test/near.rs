//! What someone may have meant.

/// How many suggestions are enough.
const MOST: usize = 3;

/// The series that are most like this one; those that are nothing like it are left out.
pub(super) fn nearest<'a>(series: &str, all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let rated = all.map(|other| (distance(name_of(series), name_of(other)), distance(series, other), other));
    let mut near: Vec<_> = rated.filter(|(names, ..)| *names * 3 <= name_of(series).len()).collect();
    near.sort_unstable();
    near.into_iter().take(MOST).map(|(.., other)| other).collect()
}

fn name_of(series: &str) -> &str {
    series.split('{').next().unwrap_or_default()
}

/// How many characters have to be put in, taken out or replaced.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn a_distance_counts_what_has_to_be_typed() {
        for (a, b, expected) in [("", "", 0), ("", "ab", 2), ("kitten", "sitting", 3), ("jobs", "job", 1)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn the_same_name_with_other_labels_comes_before_other_names() {
        let all = ["jobs_total{queue=\"aaaaaaaaaaaa\"}", "job_total{queue=\"b\"}", "depth"];
        assert_eq!(nearest("jobs_total{queue=\"b\"}", all.into_iter()), all[..2]);
    }
}
