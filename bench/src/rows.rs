//! Whether two programs printed the same rows.

use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// The number of rows; fails at the first one on which the two differ. Doubles may differ in rounding.
///
/// # Errors
/// If they are not the same, or cannot be read.
pub fn same(first: &Path, second: &Path) -> Result<usize, Box<dyn Error>> {
    let (mut left, mut right) = (lines(first)?, lines(second)?);
    for row in 1.. {
        match (left.next().transpose()?, right.next().transpose()?) {
            (None, None) => return Ok(row - 1),
            (Some(left), Some(right))
                if left == right || alike(&serde_json::from_str(&left)?, &serde_json::from_str(&right)?) => {}
            (left, right) => return Err(format!("row {row} differs:\n  {left:?}\n  {right:?}").into()),
        }
    }
    Ok(0)
}

/// The number of rows, which may stand in any order; else says how many differ, and shows one.
///
/// # Errors
/// If they are not the same, or cannot be read.
pub fn same_in_any_order(first: &Path, second: &Path) -> Result<usize, Box<dyn Error>> {
    let (left, right) = (by_key(first)?, by_key(second)?);
    let mut differing = left.iter().filter(|(key, row)| !right.get(*key).is_some_and(|other| alike(row, other)));
    if let Some((key, row)) = differing.next() {
        let other = right.get(key).map_or("nothing".to_owned(), |other| other["values"].to_string());
        let count = differing.count() + 1;
        return Err(
            format!("{count} of {} rows differ, such as {key}: {} is {other}", left.len(), row["values"]).into()
        );
    }
    if right.len() > left.len() {
        return Err(format!("{} rows are too many", right.len() - left.len()).into());
    }
    Ok(left.len())
}

/// Rows by start and key; of those that correct each other the last.
fn by_key(path: &Path) -> Result<BTreeMap<String, Value>, Box<dyn Error>> {
    let mut rows = BTreeMap::new();
    for line in lines(path)? {
        let row: Value = serde_json::from_str(&line?)?;
        rows.insert(format!("{} {}", row["start"], row["key"]), row);
    }
    Ok(rows)
}

fn lines(path: &Path) -> io::Result<io::Lines<BufReader<File>>> {
    Ok(BufReader::new(File::open(path)?).lines())
}

fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| alike(value, other)))
        }
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64(), right.as_f64());
            left.zip(right).is_some_and(|(left, right)| (left - right).abs() <= 1e-9 * left.abs())
        }
        _ => left == right,
    }
}

#[cfg(test)]
mod tests {
    use super::{same, same_in_any_order};
    use std::fs;

    const FIRST: &str = r#"{"start":"1","key":{"a":"x"},"values":{"n":1,"sum":0.3}}"#;
    const ROUNDED: &str = r#"{"start":"1","key":{"a":"x"},"values":{"n":1,"sum":0.30000000000000004}}"#;
    const SECOND: &str = r#"{"start":"1","key":{"a":"y"},"values":{"n":2,"sum":1.5}}"#;
    const OTHER: &str = r#"{"start":"1","key":{"a":"y"},"values":{"n":3,"sum":1.5}}"#;

    #[test]
    fn rows_that_differ_only_in_rounding_are_the_same_and_any_other_difference_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, rows: &[&str]| {
            let path = folder.path().join(name);
            fs::write(&path, rows.join("\n")).expect("it is written");
            path
        };
        let ours = file("ours", &[FIRST, SECOND]);
        assert_eq!(same(&ours, &file("rounded", &[ROUNDED, SECOND])).expect("the same"), 2);
        let turned = file("turned", &[SECOND, ROUNDED]);
        assert!(same(&ours, &turned).is_err());
        assert_eq!(same_in_any_order(&ours, &turned).expect("the same"), 2);
        let told =
            |rows: &[&str]| same_in_any_order(&ours, &file("other", rows)).expect_err("not the same").to_string();
        assert!(told(&[OTHER, FIRST]).starts_with("1 of 2 rows differ, such as "));
        assert!(told(&[FIRST]).ends_with("is nothing"));
        assert_eq!(told(&[FIRST, SECOND, &FIRST.replace("\"x\"", "\"z\"")]), "1 rows are too many");
    }
}
