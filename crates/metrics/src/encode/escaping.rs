//! Names for readers that take plain names only.

use std::borrow::Cow;
use std::fmt::Write;

use crate::desc::is_plain;

/// What becomes of a name that is [not plain](crate::Desc::with_utf8_names). A reader says which
/// it wants by the parameter `escaping`; a plain name is the same under all of them.
///
/// Where the document that defines them and Prometheus' own code differ (`dots` and characters
/// that are no dots; capital letters in `values`), this is what the code does, since it is the
/// code that undoes it. A colon is escaped as well: what is a label may not have one.
///
/// ```
/// use streamgauge_metrics::encode::Escaping;
///
/// let escaped = [Escaping::Underscores, Escaping::Dots, Escaping::Values].map(|to| to.escape("http.a_b"));
/// assert_eq!(escaped, ["http_a_b", "http_dot_a__b", "U__http_2e_a__b"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Escaping {
    /// `allow-utf-8`: it stays what it is.
    AllowUtf8,
    /// `underscores`: `_` for every character that is not plain. Two names can become one.
    #[default]
    Underscores,
    /// `dots`: `_dot_` for a dot and `__` for an underscore, so that both come back; `__` for the
    /// rest.
    Dots,
    /// `values`: the number of every character that is not plain, behind `U__`. All come back.
    Values,
}

impl Escaping {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::AllowUtf8, Self::Underscores, Self::Dots, Self::Values];

    /// Its name in headers.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::encode::Escaping::AllowUtf8.as_str(), "allow-utf-8");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AllowUtf8 => "allow-utf-8",
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
        }
    }

    /// The name as it is told.
    ///
    /// ```
    /// assert_eq!(streamgauge_metrics::encode::Escaping::Underscores.escape("1.é"), "___");
    /// ```
    pub fn escape(self, name: &str) -> Cow<'_, str> {
        if self == Self::AllowUtf8 || is_plain(name) {
            return Cow::Borrowed(name);
        }
        let mut escaped = String::with_capacity(2 * name.len());
        if self == Self::Values {
            escaped.push_str("U__");
        }
        for (at, character) in name.char_indices() {
            self.push(&mut escaped, at, character);
        }
        Cow::Owned(escaped)
    }

    fn push(self, escaped: &mut String, at: usize, character: char) {
        match (self, character) {
            (Self::Dots | Self::Values, '_') => escaped.push_str("__"),
            (_, 'a'..='z' | 'A'..='Z' | '_') => escaped.push(character),
            (_, '0'..='9') if at > 0 => escaped.push(character),
            (Self::Dots, '.') => escaped.push_str("_dot_"),
            (Self::Dots, _) => escaped.push_str("__"),
            // Writing to a String cannot fail.
            (Self::Values, _) => drop(write!(escaped, "_{:x}_", u32::from(character))),
            (Self::Underscores | Self::AllowUtf8, _) => escaped.push('_'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Escaping;

    /// What Prometheus does to read a name that was told in this scheme.
    fn undone(escaping: Escaping, name: &str) -> String {
        match escaping {
            Escaping::AllowUtf8 | Escaping::Underscores => name.to_owned(),
            Escaping::Dots => name.replace("_dot_", ".").replace("__", "_"),
            Escaping::Values => match name.strip_prefix("U__") {
                None => name.to_owned(),
                Some(rest) => characters(rest),
            },
        }
    }

    fn characters(mut escaped: &str) -> String {
        let mut name = String::new();
        while let Some((plain, rest)) = escaped.split_once('_') {
            name.push_str(plain);
            let (number, rest) = rest.split_once('_').unwrap();
            let number = (!number.is_empty()).then(|| u32::from_str_radix(number, 16).unwrap());
            name.push(number.map_or('_', |number| char::from_u32(number).unwrap()));
            escaped = rest;
        }
        name + escaped
    }

    const NAMES: [&str; 7] = ["http.requests_total", "a_b", "é.ß", "1st", "日本", "a b{}=,:", "_._"];

    #[test]
    fn trap_25_names_are_escaped_as_the_schemes_say() {
        let cases = [
            ("http.requests_total", ["http_requests_total", "http_dot_requests__total", "U__http_2e_requests__total"]),
            ("a_b", ["a_b", "a_b", "a_b"]),
            ("1st", ["_st", "__st", "U___31_st"]),
            ("a b:c", ["a_b_c", "a__b__c", "U__a_20_b_3a_c"]),
            ("日", ["_", "__", "U___65e5_"]),
        ];
        for (name, expected) in cases {
            let escaped = [Escaping::Underscores, Escaping::Dots, Escaping::Values].map(|to| to.escape(name));
            assert_eq!(escaped, expected, "{name}");
            assert_eq!(Escaping::AllowUtf8.escape(name), name);
        }
    }

    #[test]
    fn trap_25_values_bring_every_name_back_and_dots_those_of_dots_and_underscores() {
        for name in NAMES {
            assert_eq!(undone(Escaping::Values, &Escaping::Values.escape(name)), name);
        }
        for name in ["http.requests_total", "a.b", "_._", "a..b"] {
            assert_eq!(undone(Escaping::Dots, &Escaping::Dots.escape(name)), name);
        }
    }

    #[test]
    fn trap_25_what_is_escaped_is_plain() {
        for name in NAMES {
            for to in [Escaping::Underscores, Escaping::Dots, Escaping::Values] {
                assert!(crate::desc::is_plain(&to.escape(name)), "{name}");
            }
        }
    }
}
