//! The configuration as filled in: every value has the shape that the table asks for, defaults included.

use streamgauge_flow::Span;
use streamgauge_yaml::{self as yaml, Entry, Fault, Faults, Node, Place, Tree, child};

use super::quantity;
use super::scalar::{Scalar, Verdict, number, one_of};
use super::table::{Key, Kind, Offered, Presence};

/// A value that fits its place in the table, or a fault that was reported.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// Its dotted path.
    pub(crate) path: String,
    /// Where it was written.
    pub(crate) place: Place,
    /// What it is.
    pub(crate) data: Data,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// A fault was reported for it; nothing more need be said.
    Faulty,
    /// A text that its kind accepts.
    Scalar(String),
    /// A list.
    List(Vec<Value>),
    /// A record in the table's order, or a mapping in written order.
    Map(Vec<(String, Value)>),
}

/// Reads a piece of YAML as a record of these keys.
pub(crate) fn fill(keys: &'static [Key], node: &Node, faults: &mut Faults) -> Value {
    Reader { faults }.read(&Kind::Record(keys), node, "")
}

struct Reader<'a> {
    faults: &'a mut Faults,
}

impl Reader<'_> {
    fn read(&mut self, kind: &Kind, node: &Node, path: &str) -> Value {
        let data = match (kind, &node.tree) {
            (_, Tree::Faulty) => Data::Faulty,
            (Kind::Scalar(scalar) | Kind::Either(scalar, _), Tree::Scalar(text)) => {
                self.scalar(*scalar, text, node, path)
            }
            (Kind::List(item), Tree::List(items)) => self.list(item, items, path),
            (Kind::Map(value), Tree::Map(entries)) => self.map(value, entries, path),
            (Kind::Record(keys) | Kind::Either(_, keys), Tree::Map(entries)) => self.record(keys, entries, node, path),
            (Kind::OneOf(keys), Tree::Map(entries)) => self.one_of(keys, entries, node, path),
            (Kind::List(_), Tree::Null) => Data::List(Vec::new()),
            (Kind::Map(_), Tree::Null) => Data::Map(Vec::new()),
            (Kind::Record(keys), Tree::Null) => self.record(keys, &[], node, path),
            _ => self.misfit(kind, node, path),
        };
        Value { path: path.to_owned(), place: node.place.clone(), data }
    }

    fn misfit(&mut self, kind: &Kind, node: &Node, path: &str) -> Data {
        let is = match node.tree {
            Tree::Scalar(_) => "is a single value",
            Tree::List(_) => "is a list",
            Tree::Map(_) => "is a mapping",
            Tree::Null | Tree::Faulty => "is empty",
        };
        self.faults.push(Fault::new(&node.place, path, format!("{is}; expected {}", kind.expected())));
        Data::Faulty
    }

    fn scalar(&mut self, scalar: Scalar, text: &str, node: &Node, path: &str) -> Data {
        match scalar.judge(text) {
            Verdict::Fits => {}
            Verdict::Unavailable => self.faults.push(Fault::unavailable(&node.place, path, text)),
            Verdict::Wrong(reason) => {
                let reason = reason.map(|r| format!(": {r}")).unwrap_or_default();
                let what = format!("\"{text}\" does not fit{reason}; expected {}", scalar.expected());
                self.faults.push(Fault::new(&node.place, path, what).suggest(text, scalar.words()));
                return Data::Faulty;
            }
        }
        Data::Scalar(text.to_owned())
    }

    fn list(&mut self, item: &Kind, items: &[Node], path: &str) -> Data {
        let read = |(index, node): (usize, &Node)| self.read(item, node, &child(path, &index.to_string()));
        Data::List(items.iter().enumerate().map(read).collect())
    }

    fn map(&mut self, value: &Kind, entries: &[Entry], path: &str) -> Data {
        let read = |e: &Entry| (e.key.clone(), self.read(value, &e.value, &child(path, &e.key)));
        Data::Map(entries.iter().map(read).collect())
    }

    fn record(&mut self, keys: &[Key], entries: &[Entry], node: &Node, path: &str) -> Data {
        self.refuse_unknown(keys, entries, path);
        let read = |key: &Key| Some((key.name.to_owned(), self.key(key, entries, node, path)?));
        Data::Map(keys.iter().filter_map(read).collect())
    }

    fn one_of(&mut self, keys: &[Key], entries: &[Entry], node: &Node, path: &str) -> Data {
        let data = self.record(keys, entries, node, path);
        let count = entries.iter().filter(|e| keys.iter().any(|k| k.name == e.key)).count();
        if count != 1 {
            let names: Vec<&str> = keys.iter().map(|k| k.name).collect();
            let what = format!("has {count} of {}; expected exactly one", names.join(", "));
            self.faults.push(Fault::new(&node.place, path, what));
            return Data::Faulty;
        }
        data
    }

    fn refuse_unknown(&mut self, keys: &[Key], entries: &[Entry], path: &str) {
        let names = || keys.iter().map(|k| k.name);
        for entry in entries.iter().filter(|e| !names().any(|n| n == e.key)) {
            let what = format!("unknown key; expected {}", one_of(names()));
            let fault = Fault::new(&entry.place, &child(path, &entry.key), what);
            self.faults.push(fault.suggest(&entry.key, names()));
        }
    }

    fn key(&mut self, key: &Key, entries: &[Entry], parent: &Node, path: &str) -> Option<Value> {
        let path = child(path, key.name);
        let Some(entry) = entries.iter().find(|e| e.key == key.name) else {
            return self.absent(key, parent, &path);
        };
        let value = self.read(&key.kind, &entry.value, &path);
        match key.offered {
            Offered::Yes => {}
            Offered::No => self.faults.push(Fault::unavailable(&entry.place, &path, key.name)),
            Offered::OnlyDefault => self.only_default(key, &value),
        }
        Some(value)
    }

    fn absent(&mut self, key: &Key, parent: &Node, path: &str) -> Option<Value> {
        match key.presence {
            Presence::Optional => None,
            Presence::Default(_) => Some(self.default(key, path)),
            Presence::Required => {
                let what = format!("missing; expected {}", key.kind.expected());
                self.faults.push(Fault::new(&parent.place, path, what));
                Some(Value { path: path.to_owned(), place: parent.place.clone(), data: Data::Faulty })
            }
        }
    }

    fn default(&mut self, key: &Key, path: &str) -> Value {
        let node = match key.presence {
            Presence::Default(text) => yaml::parse_as(text, &Place::Builtin, self.faults),
            Presence::Required | Presence::Optional => None,
        };
        let node = node.unwrap_or(Node { place: Place::Builtin, tree: Tree::Faulty });
        self.read(&key.kind, &node, path)
    }

    fn only_default(&mut self, key: &Key, value: &Value) {
        let (given, default) = (value.to_string(), self.default(key, &value.path).to_string());
        if !matches!(value.data, Data::Faulty) && !same(&given, &default) {
            let fault = Fault::unavailable(&value.place, &value.path, &given);
            self.faults.push(fault.only(&default));
        }
    }
}

/// Equal as numbers, as durations or as text.
fn same(a: &str, b: &str) -> bool {
    let numbers = number(a).zip(number(b));
    let durations = quantity::duration(a).zip(quantity::duration(b));
    a == b || numbers.is_some_and(|(a, b)| a.total_cmp(&b).is_eq()) || durations.is_some_and(|(a, b)| a == b)
}

impl Value {
    /// What stands behind a name of a record or mapping.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.entries().iter().find(|(n, _)| n == name).map(|(_, value)| value)
    }

    /// What stands at a dotted path below this value.
    pub(crate) fn at(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(self, |value, name| value.get(name))
    }

    /// The entries of a record or mapping.
    pub(crate) fn entries(&self) -> &[(String, Value)] {
        if let Data::Map(entries) = &self.data { entries } else { &[] }
    }

    /// The items of a list; `None` if it was at fault.
    pub(crate) fn items(&self) -> Option<&[Value]> {
        if let Data::List(items) = &self.data { Some(items) } else { None }
    }

    /// The text of a single value; `None` if it was at fault.
    pub(crate) fn text(&self) -> Option<&str> {
        if let Data::Scalar(text) = &self.data { Some(text) } else { None }
    }

    /// The text at a path, if it is exactly this.
    pub(crate) fn says(&self, path: &str, word: &str) -> bool {
        self.at(path).and_then(Value::text) == Some(word)
    }

    /// The single value at a path, read as `T`.
    pub(crate) fn parse<T: std::str::FromStr>(&self, path: &str) -> Option<T> {
        self.at(path)?.text()?.parse().ok()
    }

    /// The duration at a path.
    pub(crate) fn span(&self, path: &str) -> Option<Span> {
        let nanos = quantity::duration(self.at(path)?.text()?)?;
        i64::try_from(nanos).ok().map(Span::from_nanos)
    }

    /// Whether it was written, in the file or by `--set`.
    pub(crate) fn is_given(&self) -> bool {
        self.place != Place::Builtin
    }

    /// Puts a text into a record that is there, behind another name of it.
    pub(crate) fn put(&mut self, record: &str, behind: &str, name: &str, text: &str) {
        let path = child(record, name);
        if let Some(Value { data: Data::Map(entries), .. }) = self.at_mut(record) {
            let value = Value { path, place: Place::Builtin, data: Data::Scalar(text.to_owned()) };
            let at = entries.iter().position(|(n, _)| n == behind).map_or(0, |at| at + 1);
            entries.insert(at, (name.to_owned(), value));
        }
    }

    fn at_mut(&mut self, path: &str) -> Option<&mut Value> {
        path.split('.').try_fold(self, |value, name| match &mut value.data {
            Data::Map(entries) => entries.iter_mut().find(|(n, _)| n == name).map(|(_, value)| value),
            _ => None,
        })
    }

    /// Takes a name out of a record that is there.
    pub(crate) fn remove(&mut self, record: &str, name: &str) {
        if let Some(Value { data: Data::Map(entries), .. }) = self.at_mut(record) {
            entries.retain(|(n, _)| n != name);
        }
    }

    /// A fault of this value.
    pub(crate) fn fault(&self, what: impl Into<String>) -> Fault {
        Fault::new(&self.place, &self.path, what)
    }
}

/// In one line, for messages.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.data {
            Data::Scalar(text) => f.write_str(text),
            Data::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Data::Map(_) | Data::Faulty => f.write_str("this"),
        }
    }
}

impl Kind {
    /// What is expected, as the end of a sentence.
    pub(crate) fn expected(&self) -> String {
        match self {
            Kind::Scalar(scalar) => scalar.expected(),
            Kind::List(Kind::Record(keys)) => format!("a list of mappings with {}", names(keys)),
            Kind::List(_) => "a list such as [a, b]".to_owned(),
            Kind::Map(_) => "a mapping of names".to_owned(),
            Kind::Record([]) => "{}".to_owned(),
            Kind::Record(keys) => format!("a mapping with {}", names(keys)),
            Kind::OneOf(keys) => format!("a mapping with exactly one of {}", names(keys)),
            Kind::Either(scalar, keys) => {
                format!("{}, or a mapping with {}", scalar.expected(), names(keys))
            }
        }
    }
}

fn names(keys: &[Key]) -> String {
    keys.iter().map(|k| k.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::table::ROOT;
    use super::*;

    fn defaults_fit(keys: &'static [Key]) {
        for key in keys {
            if let Presence::Default(text) = key.presence {
                let mut faults = Faults::new("default");
                let node = yaml::parse_as(text, &Place::Builtin, &mut faults).unwrap();
                Reader { faults: &mut faults }.read(&key.kind, &node, key.name);
                faults.settle(Some(())).unwrap();
            }
            match key.kind {
                Kind::Record(keys) | Kind::OneOf(keys) | Kind::Either(_, keys) => defaults_fit(keys),
                Kind::List(Kind::Record(keys)) => defaults_fit(keys),
                _ => {}
            }
        }
    }

    #[test]
    fn every_default_of_the_table_fits_its_own_key() {
        defaults_fit(ROOT);
    }
}
