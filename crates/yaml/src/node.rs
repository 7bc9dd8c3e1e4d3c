//! YAML as written: a tree of text that knows where each piece stands.

use std::borrow::Cow;
use std::collections::HashSet;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::fault::{Fault, Faults, Place};

/// Deeper nesting is refused; the configuration itself needs eight.
const MAX_DEPTH: usize = 64;

/// A piece of YAML.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it was written.
    pub place: Place,
    /// What it is.
    pub tree: Tree,
}

/// What a piece of YAML is. Scalars stay text: only the reader of a key knows its type.
#[derive(Clone, Debug)]
pub enum Tree {
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
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key was written.
    pub place: Place,
    /// What stands behind it.
    pub value: Node,
}

struct Builder<'a> {
    events: Parser<'a, StrInput<'a>>,
    text: &'a str,
    place: &'a dyn Fn(Marker) -> Place,
    faults: &'a mut Faults,
}

/// Reads a file's text; what is not YAML at all is a fault and gives nothing.
pub fn parse(text: &str, faults: &mut Faults) -> Option<Node> {
    parse_at(text, &|at| Place::At { line: at.line(), column: at.col() + 1 }, faults)
}

/// Reads a text that did not come from the file: all of it stands at one place.
pub fn parse_as(text: &str, place: &Place, faults: &mut Faults) -> Option<Node> {
    parse_at(text, &|_| place.clone(), faults)
}

fn parse_at(text: &str, place: &dyn Fn(Marker) -> Place, faults: &mut Faults) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = join_surrogates(text);
    let mut builder = Builder { events: Parser::new_from_str(&text), text: &text, place, faults };
    let root = builder.document();
    root.map_err(|fault| faults.push(fault)).ok()
}

/// Errors end the reading; what can be read past is added to the faults instead.
impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Fault> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if root.is_some() => {
                    return Err(self.fault(span, "", "a second document begins here; expected one YAML document"));
                }
                event => root = Some(self.node(event, span, "", 0)?),
            }
        }
        Ok(root.unwrap_or(Node { place: (self.place)(Marker::new(0, 1, 0)), tree: Tree::Null }))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Fault> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.unreadable(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn unreadable(&self, error: &ScanError) -> Fault {
        let at = error.marker();
        let line = self.text.lines().nth(at.line().saturating_sub(1)).unwrap_or_default();
        let hint = if line.contains("${") { "; inside { } and [ ] a value with ${VAR} needs quotes" } else { "" };
        Fault::new(&(self.place)(*at), "", format!("not readable as YAML: {}{hint}", error.info()))
    }

    fn fault(&self, span: Span, path: &str, what: impl Into<String>) -> Fault {
        Fault::new(&(self.place)(span.start), path, what)
    }

    fn node(&mut self, event: Event<'a>, span: Span, path: &str, depth: usize) -> Result<Node, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(span, "", format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.refuse_extras(&event, span, path);
        let tree = match event {
            Event::Scalar(text, ScalarStyle::Plain, ..) if is_null(&text) => Tree::Null,
            Event::Scalar(text, ..) => Tree::Scalar(text.into_owned()),
            Event::SequenceStart(..) => Tree::List(self.list(path, depth)?),
            Event::MappingStart(..) => Tree::Map(self.map(path, depth)?),
            _ => Tree::Faulty,
        };
        Ok(Node { place: (self.place)(span.start), tree })
    }

    /// An alias may stand for any amount of text, and a tag for any type: neither is needed here.
    fn refuse_extras(&mut self, event: &Event, span: Span, path: &str) {
        let (anchor, tag) = match event {
            Event::Scalar(_, _, anchor, tag) | Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (*anchor, tag)
            }
            _ => {
                let what = "aliases (*name) are not supported; expected the value written out";
                return self.faults.push(self.fault(span, path, what));
            }
        };
        if anchor != 0 {
            let what = "anchors (&name) are not supported; expected the value alone";
            self.faults.push(self.fault(span, path, what));
        }
        if let Some(tag) = tag {
            let what = format!("tags ({tag}) are not supported; expected the value alone");
            self.faults.push(self.fault(span, path, what));
        }
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
        let mut seen = HashSet::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let Event::Scalar(key, ..) = &event else {
                return Err(self.fault(span, path, "a key is not a single value; expected a name"));
            };
            self.refuse_extras(&event, span, path);
            let (key, path) = (key.to_string(), child(path, key));
            let (value, at) = self.next()?;
            let value = self.node(value, at, &path, depth + 1)?;
            if seen.insert(key.clone()) {
                entries.push(Entry { key, place: (self.place)(span.start), value });
            } else {
                self.faults.push(self.fault(span, &path, "this key was given before; expected each key once"));
            }
        }
    }
}

/// The dotted path of something inside `parent`.
pub fn child(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") }
}

/// Whether a word that stands without quotes means nothing.
pub fn is_null(plain: &str) -> bool {
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
            out.push_str(&escape_of(joined));
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

/// A character as YAML writes it where it cannot stand by itself.
pub fn escape_of(c: char) -> String {
    format!("\\U{:08x}", u32::from(c))
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

    fn read(text: &str) -> (Option<Node>, String) {
        let mut faults = Faults::new("f");
        let node = parse(text, &mut faults);
        (node, faults.settle(None::<()>).unwrap_err().to_string())
    }

    fn entries(text: &str) -> Vec<Entry> {
        let Some(Node { tree: Tree::Map(entries), .. }) = read(text).0 else { panic!("{text}") };
        entries
    }

    #[test]
    fn every_piece_knows_its_line_and_column() {
        let entries = entries("a: 1\nb:\n  - x\n");
        assert_eq!(entries[1].place, Place::At { line: 2, column: 1 });
        let Tree::List(items) = &entries[1].value.tree else { panic!() };
        assert_eq!(items[0].place, Place::At { line: 3, column: 5 });
    }

    #[test]
    fn whatever_can_be_read_past_is_told_in_one_go() {
        let (node, faults) = read("a:\n  b: 1\n  b: 2\nc: &x 1\nd: *x\ne: !y 2\n");
        assert!(node.is_some());
        assert_eq!(
            faults,
            "f:3:3: a.b: this key was given before; expected each key once\n\
             f:4:4: c: anchors (&name) are not supported; expected the value alone\n\
             f:5:4: d: aliases (*name) are not supported; expected the value written out\n\
             f:6:4: e: tags (!y) are not supported; expected the value alone"
        );
    }

    #[test]
    fn there_is_one_document() {
        assert!(read("a: 1\n---\nb: 2\n").1.contains(": a second document"));
    }

    #[test]
    fn a_variable_that_yaml_takes_for_a_mapping_is_explained() {
        assert!(read("a: {b: ${X}}\n").1.ends_with("inside { } and [ ] a value with ${VAR} needs quotes"));
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(read(&"[".repeat(200)).1.contains("nested deeper"));
    }

    #[test]
    fn the_two_halves_of_a_json_escape_are_one_character() {
        let entries = entries(r#"{"a": "\ud83d\ude00\\ud83d"}"#);
        assert!(matches!(&entries[0].value.tree, Tree::Scalar(t) if t == "😀\\ud83d"));
    }
}
