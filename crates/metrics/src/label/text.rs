//! The labels of a series as they are on the wire: `topic="a",partition="3"`.
//!
//! The text is made once, when a series is made, and copied into every scrape. It is also the
//! identity of the series: equal texts are equal labels, since the escapes lose nothing. A name
//! that is not plain stands in quotation marks, and has nothing in it that would need an escape.

use std::borrow::Cow;

use crate::desc::is_plain;

/// Appends a label, behind those that are there.
pub(crate) fn push(out: &mut String, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(',');
    }
    push_name(out, name);
    out.push_str("=\"");
    escape(out, value, &['\\', '"', '\n']);
    out.push('"');
}

/// Appends the name of a label or of a metric.
pub(crate) fn push_name(out: &mut String, name: &str) {
    if is_plain(name) {
        out.push_str(name);
    } else {
        out.extend(["\"", name, "\""]);
    }
}

/// Copies what needs no escape in one piece: most texts are one such piece.
pub(crate) fn escape(out: &mut String, mut text: &str, escaped: &[char]) {
    while let Some(at) = text.find(escaped) {
        let (plain, rest) = text.split_at(at);
        out.push_str(plain);
        let mut characters = rest.chars();
        match characters.next() {
            Some('\n') => out.push_str("\\n"),
            Some(mark) => out.extend(['\\', mark]),
            None => {}
        }
        text = characters.as_str();
    }
    out.push_str(text);
}

/// The labels of a series, one after the other; see [`Series::labels`](crate::snapshot::Series::labels).
///
/// ```
/// use streamgauge_metrics::Labels;
///
/// let labels: Vec<_> = Labels::of("topic=\"a\",path=\"C:\\\\\"").collect();
/// assert_eq!(labels[1], ("path", "C:\\".into()));
/// ```
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    rest: &'a str,
}

impl<'a> Labels<'a> {
    /// Reads labels as the formats write them. What is no label ends the list.
    ///
    /// ```
    /// use streamgauge_metrics::Labels;
    ///
    /// assert_eq!(Labels::of("topic=\"a\",partition=\"3\"").count(), 2);
    /// assert_eq!(Labels::of("nonsense").count(), 0);
    /// ```
    pub const fn of(text: &'a str) -> Self {
        Self { rest: text }
    }

    /// The value of a label.
    ///
    /// ```
    /// use streamgauge_metrics::Labels;
    ///
    /// let labels = Labels::of("topic=\"a\"");
    /// assert_eq!(labels.get("topic").as_deref(), Some("a"));
    /// assert_eq!(labels.get("partition"), None);
    /// ```
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.clone().find(|(own, _)| *own == name).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a str, Cow<'a, str>);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.rest.strip_prefix(',').unwrap_or(self.rest);
        let (name, value, rest) = split_first(text)?;
        self.rest = rest;
        Some((name, value))
    }
}

/// The name and the value of the first label, and what follows them.
pub(crate) fn split_first(text: &str) -> Option<(&str, Cow<'_, str>, &str)> {
    let (name, quoted) = split_name(text)?;
    let end = end_of_value(quoted)?;
    Some((name, unescape(&quoted[..end]), &quoted[end + 1..]))
}

/// The name of a label, and what stands behind the quotation mark that opens its value.
fn split_name(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        return rest.split_once("\"=\"");
    }
    // A loop beats a search here: names are short.
    let name = text.bytes().position(|byte| byte == b'=')?;
    Some((&text[..name], text[name + 1..].strip_prefix('"')?))
}

/// Where the closing quotation mark is.
fn end_of_value(quoted: &str) -> Option<usize> {
    let mut escaped = false;
    quoted.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => out.extend(characters.next().map(|mark| if mark == 'n' { '\n' } else { mark })),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::{Labels, push};

    /// Every text of up to `longest` characters over the alphabet.
    fn texts(alphabet: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut last = all.clone();
        for _ in 0..longest {
            last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
            all.extend(last.iter().cloned());
        }
        all
    }

    const NASTY: [char; 8] = ['\\', '"', '\n', 'n', 'é', ',', '=', '\0'];

    #[test]
    fn trap_1_every_label_value_comes_back_as_it_was() {
        for text in texts(&NASTY, 5) {
            let mut encoded = String::new();
            push(&mut encoded, "a", &text);
            push(&mut encoded, "b", &text);
            assert!(!encoded.contains('\n'));
            let back: Vec<_> = Labels::of(&encoded).collect();
            assert_eq!(back, [("a", text.as_str().into()), ("b", text.as_str().into())]);
        }
    }

    #[test]
    fn names_that_are_not_plain_come_back_too() {
        let names = ["http.method", "a=", "é", "{", " ", "1", ",", "a,b=c", "plain"];
        let mut encoded = String::new();
        for name in names {
            push(&mut encoded, name, "\"=\"");
        }
        let back: Vec<_> = Labels::of(&encoded).collect();
        assert_eq!(back, names.map(|name| (name, "\"=\"".into())));
    }

    #[test]
    fn only_three_characters_of_a_label_value_are_escaped() {
        let mut encoded = String::new();
        push(&mut encoded, "k", "a\\b\"c\nd\te{}=,");
        assert_eq!(encoded, "k=\"a\\\\b\\\"c\\nd\te{}=,\"");
    }

    #[test]
    fn what_is_no_label_ends_the_list() {
        for broken in ["", "a", "a=", "a=\"", "a=\"x", "a=\"x\\\""] {
            assert_eq!(Labels::of(broken).count(), 0, "{broken}");
        }
    }
}
