//! Whether two programs printed the same rows.

use serde_json::Value;
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
