//! YAML as written: a tree of text that knows where each piece stands.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use super::fault::{Fault, Place};

/// Deeper nesting is refused; the configuration itself needs eight.
const MAX_DEPTH: usize = 64;

/// A piece of YAML.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where it was written.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) tree: Tree,
}

/// What a piece of YAML is. Scalars stay text: only the reader of a key knows its type.
#[derive(Clone, Debug)]
pub(crate) enum Tree {
    /// A fault was already reported for it.
    Faulty,
    /// Nothing, `~` or `null`.
    Null,
    /// A text, a number, a word.
    Scalar(String),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in written order; keys are unique.
    Map(Vec<Entry>),
}

/// One line of a mapping.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key.
    pub(crate) key: String,
    /// Where the key was written.
    pub(crate) place: Place,
    /// What stands behind it.
    pub(crate) value: Node,
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    place: &'a dyn Fn(Marker) -> Place,
}

/// Reads a file's text.
pub(crate) fn parse(text: &str) -> Result<Node, Fault> {
    parse_at(text, &|at| Place::At { line: at.line(), column: at.col() + 1 })
}

/// Reads a text that did not come from the file: all of it stands at one place.
pub(crate) fn parse_as(text: &str, place: &Place) -> Result<Node, Fault> {
    parse_at(text, &|_| place.clone())
}

fn parse_at(text: &str, place: &dyn Fn(Marker) -> Place) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = join_surrogates(text);
    let mut builder = Builder { events: Parser::new_from_str(&text), place };
    let mut root = None;
    loop {
        let (event, span) = builder.next()?;
        match event {
            Event::StreamEnd => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            _ if root.is_some() => return Err(builder.fault(span, "", "a second document begins here; expected one YAML document")),
            event => root = Some(builder.node(event, span, "", 0)?),
        }
    }
    Ok(root.unwrap_or(Node { place: place(Marker::new(0, 1, 0)), tree: Tree::Null }))
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.unreadable(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn unreadable(&self, error: &ScanError) -> Fault {
        let what = format!(
            "not readable as YAML: {}; note that a value with {{ }} [ ] : # or ${{VAR}} inside {{ }} or [ ] needs quotes",
            error.info()
        );
        Fault::new(&(self.place)(*error.marker()), "", what)
    }

    fn fault(&self, span: Span, path: &str, what: impl Into<String>) -> Fault {
        Fault::new(&(self.place)(span.start), path, what)
    }

    fn node(&mut self, event: Event<'a>, span: Span, path: &str, depth: usize) -> Result<Node, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(span, path, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        let tree = match event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _)
                if anchor != 0 =>
            {
                return Err(self.fault(span, path, "anchors (&name) are not supported; write the value out"));
            }
            Event::Scalar(_, _, _, Some(tag)) | Event::SequenceStart(_, Some(tag)) | Event::MappingStart(_, Some(tag)) => {
                return Err(self.fault(span, path, format!("tags ({tag}) are not supported; the key decides on the type")));
            }
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => Tree::Null,
            Event::Scalar(text, ..) => Tree::Scalar(text.into_owned()),
            Event::SequenceStart(..) => Tree::List(self.list(path, depth)?),
            Event::MappingStart(..) => Tree::Map(self.map(path, depth)?),
            _ => return Err(self.fault(span, path, "aliases (*name) are not supported; write the value out")),
        };
        Ok(Node { place: (self.place)(span.start), tree })
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Vec<Node>, Fault> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(items);
            }
            let path = child(path, &items.len().to_string());
            items.push(self.node(event, span, &path, depth + 1)?);
        }
    }

    fn map(&mut self, path: &str, depth: usize) -> Result<Vec<Entry>, Fault> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let Event::Scalar(key, _, 0, None) = event else {
                return Err(self.fault(span, path, "a key is not a plain text"));
            };
            let key = key.into_owned();
            let path = child(path, &key);
            if entries.iter().any(|e| e.key == key) {
                return Err(self.fault(span, &path, "this key was given before; expected each key once"));
            }
            let (event, at) = self.next()?;
            let value = self.node(event, at, &path, depth + 1)?;
            entries.push(Entry { key, place: (self.place)(span.start), value });
        }
    }
}

/// The dotted path of something inside `parent`.
pub(crate) fn child(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// Whether a word that stands without quotes means nothing.
pub(crate) fn is_null(plain: &str) -> bool {
    matches!(plain, "" | "~" | "null" | "Null" | "NULL")
}

/// JSON writes characters beyond the 16-bit plane as two escapes, which YAML does not know.
fn join_surrogates(text: &str) -> Cow<'_, str> {
    let is_json = text.trim_start().starts_with('{');
    if !is_json || !text.contains("\\ud") && !text.contains("\\uD") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        if let Some(joined) = surrogate_pair(escape) {
            out.push_str(&format!("\\U{:08x}", u32::from(joined)));
            rest = &escape[12..];
        } else {
            // Both characters go over together, so that an escaped backslash begins nothing.
            let width = 1 + escape[1..].chars().next().map_or(0, char::len_utf8);
            out.push_str(&escape[..width]);
            rest = &escape[width..];
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn surrogate_pair(escape: &str) -> Option<char> {
    let unit = |from: usize| {
        let digits = escape.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    char::decode_utf16([unit(0)?, unit(6)?]).next()?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        let mut faults = super::super::fault::Faults::new("f");
        faults.push(parse(text).unwrap_err());
        faults.settle(None::<()>).unwrap_err().to_string()
    }

    #[test]
    fn every_piece_knows_its_line_and_column() {
        let Tree::Map(entries) = parse("a: 1\nb:\n  - x\n").unwrap().tree else { panic!() };
        assert_eq!(entries[1].place, Place::At { line: 2, column: 1 });
        let Tree::List(items) = &entries[1].value.tree else { panic!() };
        assert_eq!(items[0].place, Place::At { line: 3, column: 5 });
    }

    #[test]
    fn a_key_is_given_once() {
        assert_eq!(message("a:\n  b: 1\n  b: 2\n"), "f:3:3: a.b: this key was given before; expected each key once");
    }

    #[test]
    fn there_is_one_document_without_anchors_aliases_and_tags() {
        assert!(message("a: 1\n---\nb: 2\n").starts_with("f:3:1: a second document"));
        assert!(message("a: &x 1\n").contains("anchors"));
        assert!(message("a: !x 1\n").contains("tags"));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(message(&"[".repeat(200)).contains("nested deeper"));
    }

    #[test]
    fn the_two_halves_of_a_json_escape_are_one_character() {
        let Tree::Map(entries) = parse(r#"{"a": "\ud83d\ude00\\ud83d"}"#).unwrap().tree else { panic!() };
        assert!(matches!(&entries[0].value.tree, Tree::Scalar(t) if t == "😀\\ud83d"));
    }
}
