//! Sections of the file: mappings whose keys are known, and texts that know where they stand.
//!
//! No fault repeats a value: half of them are secrets, and the other half may be secrets in the wrong place.

use streamgauge_yaml::{Entry, Fault, Faults, Node, Place, Tree, child};

/// A mapping. Asked for what is not there, or is no mapping, it is empty.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    entries: &'a [Entry],
    place: &'a Place,
    path: &'static str,
}

/// A single value that is not empty.
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub(super) text: &'a str,
    place: &'a Place,
    path: String,
}

impl<'a> Section<'a> {
    /// The whole file. Keys beside these are faults.
    pub(super) fn root(node: &'a Node, keys: &[&str], faults: &mut Faults) -> Self {
        let root = Self::of(node, "", faults);
        root.refuse_unknown(keys, faults);
        root
    }

    /// The section behind a key of the root; keys beside these are faults.
    pub(super) fn section(&self, path: &'static str, keys: &[&str], faults: &mut Faults) -> Self {
        let section = self.mapping(path, path, faults);
        section.refuse_unknown(keys, faults);
        section
    }

    /// A mapping behind a key, whose keys are free.
    pub(super) fn mapping(&self, key: &str, path: &'static str, faults: &mut Faults) -> Self {
        match self.find(key) {
            Some(entry) => Self::of(&entry.value, path, faults),
            None => Self { entries: &[], place: self.place, path },
        }
    }

    fn of(node: &'a Node, path: &'static str, faults: &mut Faults) -> Self {
        let entries: &[Entry] = match &node.tree {
            Tree::Map(entries) => entries,
            Tree::Null | Tree::Faulty => &[],
            Tree::Scalar(_) | Tree::List(_) => {
                faults.push(Fault::new(&node.place, path, "is no mapping; expected keys with values"));
                &[]
            }
        };
        Self { entries, place: &node.place, path }
    }

    fn refuse_unknown(&self, keys: &[&str], faults: &mut Faults) {
        for entry in self.entries.iter().filter(|entry| !keys.contains(&&*entry.key)) {
            let what = format!("unknown key; expected one of {}", keys.join(", "));
            let fault = Fault::new(&entry.place, &child(self.path, &entry.key), what);
            faults.push(fault.suggest(&entry.key, keys.iter().copied()));
        }
    }

    fn find(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether nothing is said in it: keys without values say nothing.
    pub(super) fn is_blank(&self) -> bool {
        self.entries.iter().all(|entry| is_blank(&entry.value.tree))
    }

    /// Whether there is anything behind a key.
    pub(super) fn says(&self, key: &str) -> bool {
        self.find(key).is_some_and(|entry| !is_blank(&entry.value.tree))
    }

    /// The names of the keys there are.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.entries.iter().map(|entry| entry.key.as_str())
    }

    /// The text behind a key; one that is empty is not there.
    pub(super) fn text(&self, key: &str, faults: &mut Faults) -> Option<Text<'a>> {
        let entry = self.find(key)?;
        Text::of(&entry.value, child(self.path, key), faults)
    }

    /// The texts behind a key.
    pub(super) fn texts(&self, key: &str, faults: &mut Faults) -> Option<Vec<Text<'a>>> {
        let entry = self.find(key)?;
        let path = child(self.path, key);
        match &entry.value.tree {
            Tree::List(items) => {
                let read = |(at, item): (usize, &'a Node)| Text::of(item, child(&path, &at.to_string()), faults);
                Some(items.iter().enumerate().filter_map(read).collect())
            }
            Tree::Null | Tree::Faulty => None,
            Tree::Scalar(_) | Tree::Map(_) => {
                faults.push(Fault::new(&entry.value.place, &path, "is no list; expected a list such as [a, b]"));
                None
            }
        }
    }

    /// One of the words behind a key, as what it stands for.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
        self.text(key, faults)?.choose(words, faults)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, faults: &mut Faults) -> Option<bool> {
        self.choice(key, &[("true", true), ("false", false)], faults)
    }

    /// A fault of a key, whether it is there or missing.
    pub(super) fn fault(&self, key: &str, what: impl Into<String>) -> Fault {
        let place = self.find(key).map_or(self.place, |entry| &entry.place);
        Fault::new(place, &child(self.path, key), what)
    }
}

fn is_blank(tree: &Tree) -> bool {
    match tree {
        Tree::Null => true,
        Tree::Scalar(text) => text.is_empty(),
        Tree::Faulty | Tree::List(_) | Tree::Map(_) => false,
    }
}

impl<'a> Text<'a> {
    fn of(node: &'a Node, path: String, faults: &mut Faults) -> Option<Self> {
        match &node.tree {
            Tree::Scalar(text) if !text.is_empty() => Some(Self { text, place: &node.place, path }),
            Tree::Scalar(_) | Tree::Null | Tree::Faulty => None,
            Tree::List(_) | Tree::Map(_) => {
                faults.push(Fault::new(&node.place, &path, "is no single value; expected a text"));
                None
            }
        }
    }

    /// What the word stands for.
    pub(super) fn choose<T: Copy>(&self, words: &[(&str, T)], faults: &mut Faults) -> Option<T> {
        let found = words.iter().find(|(word, _)| *word == self.text);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let fault = self.fault(format!("is not offered; expected one of {}", names.join(", ")));
            faults.push(fault.suggest(self.text, names));
        }
        found.map(|(_, meaning)| *meaning)
    }

    /// A fault of this value.
    pub(super) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(self.place, &self.path, what)
    }
}
