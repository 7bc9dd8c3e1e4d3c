//! The kinds of single values: what each accepts, and how what it expects is said.

use streamgauge_flow::{Pointer, TimeFormat};

use super::quantity;

/// A kind of single value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scalar {
    /// Any text.
    Text,
    /// Any text but the empty one.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A finite number within bounds.
    Number {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// A duration of at least so many nanoseconds.
    Duration {
        /// The shortest, in nanoseconds: 1 for a positive one.
        min: i128,
    },
    /// At least one byte.
    Size,
    /// A JSON Pointer.
    Pointer,
    /// A JSON Pointer or the word none.
    PointerOrNone,
    /// The name of a time format, or a pattern.
    TimeFormat,
    /// A function of a field; read where the fields are known.
    Aggregate,
    /// `max` or a positive factor.
    Speed,
    /// `auto` or a number of threads.
    Workers,
    /// An address with a scheme; its password is never printed.
    Url,
    /// One of several words.
    Choice(&'static [Choice]),
}

/// One of several words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    /// The word.
    pub(crate) name: &'static str,
    /// Whether this version does it.
    pub(crate) offered: bool,
}

/// More threads than this only get in each other's way.
const MOST_WORKERS: usize = 256;

/// What a text is to a kind of value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Good.
    Fits,
    /// It is described, but this version does not do it.
    Unavailable,
    /// Wrong, with the reason if the kind has one to give.
    Wrong(Option<String>),
}

impl Scalar {
    /// Judges a text.
    pub(crate) fn judge(self, text: &str) -> Verdict {
        let fits = match self {
            Scalar::Text | Scalar::Aggregate => true,
            Scalar::Name => !text.is_empty(),
            Scalar::Bool => matches!(text, "true" | "false"),
            Scalar::Integer { min, max } => text.parse().is_ok_and(|n| (min..=max).contains(&n)),
            Scalar::Number { min, max } => number(text).is_some_and(|n| (min..=max).contains(&n)),
            Scalar::Duration { min } => quantity::duration(text).is_some_and(|n| n >= min),
            Scalar::Size => quantity::size(text).is_some_and(|n| n >= 1),
            Scalar::PointerOrNone if text == "none" => true,
            Scalar::Pointer | Scalar::PointerOrNone => return reason(text.parse::<Pointer>()),
            Scalar::TimeFormat => return reason(text.parse::<TimeFormat>()),
            Scalar::Speed => text == "max" || number(text).is_some_and(|n| n > 0.0),
            Scalar::Workers => text == "auto" || text.parse().is_ok_and(|n: usize| (1..=MOST_WORKERS).contains(&n)),
            Scalar::Url => text.split_once("://").is_some_and(|(s, rest)| !s.is_empty() && !rest.is_empty()),
            Scalar::Choice(choices) => return choose(choices, text),
        };
        if fits { Verdict::Fits } else { Verdict::Wrong(None) }
    }

    /// What is expected, as the end of a sentence.
    pub(crate) fn expected(self) -> String {
        match self {
            Scalar::Text => "a text".to_owned(),
            Scalar::Name => "a text that is not empty".to_owned(),
            Scalar::Bool => "true or false".to_owned(),
            Scalar::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Scalar::Number { min, .. } if min <= f64::MIN => "a number".to_owned(),
            Scalar::Number { min, max } => format!("a number from {min} to {max}"),
            Scalar::Duration { min } => format!("a {}duration below 100 years such as 10s, 500ms, 5m or 1h", sign(min)),
            Scalar::Size => "a size of at least one byte such as 64MiB or 1024".to_owned(),
            Scalar::Pointer => "a JSON Pointer such as /model".to_owned(),
            Scalar::PointerOrNone => "a JSON Pointer such as /id, or none".to_owned(),
            Scalar::TimeFormat => "rfc3339, unix_s, unix_ms, unix_us, unix_ns or a pattern with %".to_owned(),
            Scalar::Aggregate => "a function such as count or sum(field)".to_owned(),
            Scalar::Speed => "max or a positive factor such as 60".to_owned(),
            Scalar::Workers => format!("auto or a number of threads from 1 to {MOST_WORKERS}"),
            Scalar::Url => "an address such as http://127.0.0.1:4317".to_owned(),
            Scalar::Choice(choices) => one_of(choices.iter().map(|c| c.name)),
        }
    }

    /// The words it knows, to suggest one of them.
    pub(crate) fn words(self) -> Vec<&'static str> {
        match self {
            Scalar::Choice(choices) => choices.iter().map(|c| c.name).collect(),
            Scalar::Bool => vec!["true", "false"],
            Scalar::Speed => vec!["max"],
            Scalar::Workers => vec!["auto"],
            Scalar::PointerOrNone => vec!["none"],
            Scalar::TimeFormat => vec!["rfc3339", "unix_s", "unix_ms", "unix_us", "unix_ns"],
            _ => Vec::new(),
        }
    }
}

/// A finite number in decimal notation.
pub(crate) fn number(text: &str) -> Option<f64> {
    let decimal = text.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c));
    text.parse().ok().filter(|n: &f64| decimal && n.is_finite())
}

/// Names as the end of a sentence: `a, b or c`.
pub(crate) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
    }
}

fn sign(min: i128) -> &'static str {
    if min > 0 { "positive " } else { "" }
}

fn reason<T, E: std::fmt::Display>(read: Result<T, E>) -> Verdict {
    match read {
        Ok(_) => Verdict::Fits,
        Err(error) => Verdict::Wrong(Some(error.to_string())),
    }
}

fn choose(choices: &[Choice], text: &str) -> Verdict {
    match choices.iter().find(|c| c.name == text) {
        Some(choice) if choice.offered => Verdict::Fits,
        Some(_) => Verdict::Unavailable,
        None => Verdict::Wrong(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_and_decimal() {
        assert_eq!(number("1e3"), Some(1000.0));
        for text in ["inf", "NaN", "1e999", "", "0x10", "infinity"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn a_word_that_this_version_does_not_do_is_not_simply_wrong() {
        let kind = Scalar::Choice(&[Choice { name: "a", offered: true }, Choice { name: "b", offered: false }]);
        assert_eq!(kind.judge("a"), Verdict::Fits);
        assert_eq!(kind.judge("b"), Verdict::Unavailable);
        assert_eq!(kind.judge("c"), Verdict::Wrong(None));
        assert_eq!(Scalar::Workers.judge("4"), Verdict::Fits);
        assert_eq!(Scalar::Workers.judge("0"), Verdict::Wrong(None));
        assert_eq!(Scalar::Workers.judge("257"), Verdict::Wrong(None));
    }

    #[test]
    fn names_read_as_the_end_of_a_sentence() {
        assert_eq!(one_of(["a"]), "a");
        assert_eq!(one_of(["a", "b", "c"]), "a, b or c");
    }
}
