//! What the programs here are told: options, each with a value.

use std::error::Error;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use crate::{cost, events};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Options with their values; the last of a name counts.
pub struct Arguments {
    usage: &'static str,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    /// Those of this process. None: it was only the process that measures another one (see [`cost::run`]), and has done so.
    ///
    /// # Errors
    /// If there is one that `usage` does not have, one without a value, or what was to be measured fails.
    pub fn read(usage: &'static str) -> Outcome<Option<Self>> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        if words.first().is_some_and(|first| first == cost::MEASURE) {
            return cost::measure(&words[1..]).map(|()| None);
        }
        Self::parse(usage, &words).map(Some)
    }

    fn parse(usage: &'static str, words: &[String]) -> Outcome<Self> {
        let known = |name: &str| usage.split(['[', ']', ' ']).any(|word| word == name && name.starts_with("--"));
        let pair = |pair: &[String]| match pair {
            [name, value] if known(name) => Ok((name.clone(), value.clone())),
            _ => Err(format!("{}: usage: {usage}", pair.join(" "))),
        };
        Ok(Arguments { usage, pairs: words.chunks(2).map(pair).collect::<Result<_, _>>()? })
    }

    /// What stands behind a name.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().rev().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// A path, if there is one.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        self.value(name).map(PathBuf::from)
    }

    /// A path that is needed.
    ///
    /// # Errors
    /// If it is not there.
    pub fn needed(&self, name: &str) -> Outcome<PathBuf> {
        self.path(name).ok_or_else(|| format!("{name} is needed: usage: {}", self.usage).into())
    }

    /// A number.
    ///
    /// # Errors
    /// If it is not one.
    pub fn number<N: FromStr<Err: Display>>(&self, name: &str, default: N) -> Outcome<N> {
        let Some(text) = self.value(name) else { return Ok(default) };
        text.parse().map_err(|error| format!("{name} {text}: {error}").into())
    }

    /// Where inputs are kept and outputs go: what `--folder` says, made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn folder(&self) -> Outcome<PathBuf> {
        let folder = self.path("--folder").unwrap_or_else(events::cache);
        std::fs::create_dir_all(&folder)?;
        Ok(folder)
    }
}

#[cfg(test)]
mod tests {
    use super::Arguments;

    const USAGE: &str = "some --program BINARY [--events N]";

    fn parse(words: &str) -> Result<Arguments, String> {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(USAGE, &words).map_err(|error| error.to_string())
    }

    #[test]
    fn what_usage_has_is_read_and_the_last_of_a_name_counts() {
        let arguments = parse("--events 5 --program x --events 7").expect("all are known");
        assert_eq!(arguments.number("--events", 1_u64).expect("a number"), 7);
        assert_eq!(arguments.needed("--program").expect("it is there").to_str(), Some("x"));
        assert_eq!(parse("").expect("nothing is needed").number("--events", 1_u64).expect("the default"), 1);
    }

    #[test]
    fn what_usage_has_not_what_has_no_value_and_what_is_no_number_are_told() {
        for wrong in ["--evnts 5", "--events", "--program x --events", "BINARY x"] {
            assert!(parse(wrong).is_err_and(|error| error.contains(USAGE)), "{wrong}");
        }
        let arguments = parse("--events many").expect("a value");
        assert!(
            arguments.number("--events", 1_u64).is_err_and(|error| error.to_string().starts_with("--events many: "))
        );
    }
}
