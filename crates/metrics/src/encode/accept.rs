//! Headers in which a client lists what it accepts: `gzip;q=0.5, identity`.
//!
//! They come from anyone, so what is read is bounded, and what is read is only compared, never
//! repeated in an answer.

use std::iter;

/// How many bytes of a header are looked at; Prometheus sends 400.
pub const MOST_BYTES: usize = 4096;

/// One of the things that are accepted.
///
/// ```
/// use streamgauge_metrics::encode::accept;
///
/// let all: Vec<_> = accept::read("text/plain; version=1.0.0; q=0.25, */*; q=0.1").collect();
/// assert_eq!((all[0].name, all[0].weight), ("text/plain", 250));
/// assert_eq!(all[0].parameter("Version"), Some("1.0.0"));
/// assert_eq!(all[1].parameter("version"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted<'a> {
    /// Its name, such as `text/plain`, `gzip` or `*`.
    pub name: &'a str,
    /// How welcome it is, in thousandths: 0 is not at all.
    pub weight: u16,
    parameters: &'a str,
}

/// Reads a list. What is not understood, or has a `q` that is none, is left out; a `q` above 1 is 1.
///
/// ```
/// use streamgauge_metrics::encode::accept;
///
/// let names: Vec<_> = accept::read("zstd;q=1, gzip;q=much, ,identity").map(|one| one.name).collect();
/// assert_eq!(names, ["zstd", "identity"]);
/// ```
pub fn read(header: &str) -> impl Iterator<Item = Accepted<'_>> {
    pieces(bounded(header), ',').filter_map(|piece| {
        let (name, parameters) = piece.split_once(';').unwrap_or((piece, ""));
        let name = name.trim();
        let accepted = Accepted { name, weight: 1000, parameters };
        let weight = accepted.parameter("q").map_or(Some(1000), thousandths)?;
        (!name.is_empty()).then_some(Accepted { weight, ..accepted })
    })
}

impl<'a> Accepted<'a> {
    /// The value of a parameter. Capital letters do not matter in the name.
    ///
    /// ```
    /// use streamgauge_metrics::encode::accept;
    ///
    /// let one = accept::read("text/plain;charset=\"utf-8\"").next().unwrap();
    /// assert_eq!(one.parameter("charset"), Some("utf-8"));
    /// ```
    pub fn parameter(&self, name: &str) -> Option<&'a str> {
        pieces(self.parameters, ';').find_map(|piece| {
            let (own, value) = piece.split_once('=')?;
            let value = value.trim();
            let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            own.trim().eq_ignore_ascii_case(name).then_some(inside.unwrap_or(value))
        })
    }
}

/// As much as is looked at, and nothing by halves.
fn bounded(header: &str) -> &str {
    if header.len() <= MOST_BYTES {
        return header;
    }
    let start = &header[..header.floor_char_boundary(MOST_BYTES)];
    start.rsplit_once(',').map_or("", |(whole, _)| whole)
}

/// The pieces of a list; a separator in quotation marks is none.
fn pieces(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    iter::from_fn(move || {
        let list = rest?;
        let end = end_of_piece(list, separator);
        rest = list.get(end + separator.len_utf8()..);
        Some(&list[..end])
    })
}

fn end_of_piece(list: &str, separator: char) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    let end = list.char_indices().find(|(_, character)| {
        let ends = *character == separator && !quoted;
        quoted ^= *character == '"' && !escaped;
        escaped = *character == '\\' && quoted && !escaped;
        ends
    });
    end.map_or(list.len(), |(at, _)| at)
}

/// `0.25` is 250; more digits than that say nothing.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        !whole.is_empty() && text.len() <= 16 && [whole, fraction].concat().bytes().all(|b| b.is_ascii_digit());
    if !is_number {
        return None;
    }
    if whole.bytes().any(|digit| digit != b'0') {
        return Some(1000);
    }
    let digits = fraction.bytes().chain(iter::repeat(b'0')).take(3);
    Some(digits.fold(0, |all, digit| all * 10 + u16::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, read};

    fn weights(header: &str) -> Vec<(&str, u16)> {
        read(header).map(|one| (one.name, one.weight)).collect()
    }

    #[test]
    fn weights_are_thousandths_and_what_is_none_costs_its_range_only() {
        let header = "a;q=1, b;q=0.5, c;q=0.001, d;q=0, e;q=0.1239, f;q=7, g ; Q=0.2 , h";
        let expected = [("a", 1000), ("b", 500), ("c", 1), ("d", 0), ("e", 123), ("f", 1000), ("g", 200), ("h", 1000)];
        assert_eq!(weights(header), expected);
        assert_eq!(weights("a;q=, b;q=-1, c;q=nan, d;q=1e3, e;q=.5, f;q=0.0.1, g;q=\u{664}"), []);
    }

    #[test]
    fn separators_in_quotation_marks_are_none() {
        let all: Vec<_> = read("a;x=\"1,2;q=0.1\\\",\";y=3, b").collect();
        assert_eq!(all.iter().map(|one| one.name).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!((all[0].parameter("y"), all[0].weight), (Some("3"), 1000));
        assert_eq!(weights("a;x=\"never, closed"), [("a", 1000)]);
    }

    #[test]
    fn no_more_than_a_page_is_looked_at_and_nothing_by_halves() {
        let range = "text/plain;q=0.5,";
        let all = range.repeat(10 * MOST_BYTES / range.len());
        assert_eq!(read(&all).count(), MOST_BYTES / range.len());
        assert!(read(&all).all(|one| one.weight == 500));
        assert_eq!(read(&"a".repeat(2 * MOST_BYTES)).count(), 0);
        assert_eq!(read(&"é,".repeat(MOST_BYTES)).count(), MOST_BYTES / 3);
    }
}
