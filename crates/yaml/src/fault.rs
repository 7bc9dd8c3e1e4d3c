//! What is wrong with a configuration, said so that it can be mended without looking anything up.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// Everything that is wrong with one configuration file, in the order of the file.
#[derive(Clone, Debug)]
pub struct Faults {
    file: Arc<str>,
    list: Vec<Fault>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Fault {
    place: Place,
    path: String,
    what: String,
    near: Option<String>,
    unavailable: bool,
}

/// Where a piece of configuration was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere in particular: the file as a whole.
    File,
    /// A position in the file; both count from 1.
    At {
        /// The line.
        line: usize,
        /// The column, in characters.
        column: usize,
    },
    /// An argument of `--set`, as typed.
    Set(Arc<str>),
    /// A default or a preset; never wrong.
    Builtin,
}

impl Faults {
    /// No faults yet, for the file that is shown before each.
    pub fn new(file: &str) -> Self {
        Faults { file: file.into(), list: Vec::new() }
    }

    /// Adds a fault.
    pub fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Ends the search: the value if nothing is wrong with it, otherwise the faults in the order of the file.
    ///
    /// A contradiction hides that its key would also not be available: mending it makes the other point moot.
    pub fn settle<T>(mut self, value: Option<T>) -> Result<T, Faults> {
        let contradicted: HashSet<String> =
            self.list.iter().filter(|f| !f.unavailable).map(|f| f.path.clone()).collect();
        self.list.retain(|f| !(f.unavailable && contradicted.contains(&f.path)));
        self.list.sort_by(|a, b| a.place.cmp(&b.place).then(a.unavailable.cmp(&b.unavailable)));
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => Err(self),
        }
    }
}

impl Fault {
    /// A fault of the value at `path`.
    pub fn new(place: &Place, path: &str, what: impl Into<String>) -> Self {
        Fault { place: place.clone(), path: path.to_owned(), what: what.into(), near: None, unavailable: false }
    }

    /// Something that is described but that this version does not do.
    pub fn unavailable(place: &Place, path: &str, what: &str) -> Self {
        let what = format!("{what} is not available in this version");
        Fault { unavailable: true, ..Fault::new(place, path, what) }
    }

    /// Names the one value that is available.
    #[must_use]
    pub fn only(self, default: &str) -> Self {
        Fault { what: format!("{}; expected {default}", self.what), ..self }
    }

    /// Adds the name that was probably meant, if one of them is close.
    #[must_use]
    pub fn suggest<'a>(self, typed: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        Fault { near: nearest(typed, names), ..self }
    }
}

/// The name that is few typing errors away from what was typed.
fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let allowed = (typed.chars().count() / 3).max(1);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&typed.to_lowercase(), &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name.to_owned())
}

/// One fault a line.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.list.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            match &fault.place {
                Place::At { line, column } => write!(f, "{}:{line}:{column}: ", self.file)?,
                Place::Set(argument) => write!(f, "--set {argument}: ")?,
                Place::File | Place::Builtin => write!(f, "{}: ", self.file)?,
            }
            if !fault.path.is_empty() {
                write!(f, "{}: ", fault.path)?;
            }
            // A line break inside a message would tear a fault into two.
            f.write_str(&fault.what.replace(['\n', '\r'], " "))?;
            if let Some(near) = &fault.near {
                write!(f, " (did you mean \"{near}\"?)")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_suggested_only_if_it_is_close() {
        let names = ["size", "slide", "allowed_lateness"];
        assert_eq!(nearest("sise", names).as_deref(), Some("size"));
        assert_eq!(nearest("alowed_latenes", names).as_deref(), Some("allowed_lateness"));
        assert_eq!(nearest("colour", names), None);
    }

    #[test]
    fn a_contradiction_hides_that_its_key_is_not_available() {
        let mut faults = Faults::new("c.yaml");
        let place = Place::At { line: 3, column: 1 };
        faults.push(Fault::unavailable(&place, "delivery", "exactly_once"));
        faults.push(Fault::new(&place, "delivery", "contradicts"));
        let printed = faults.settle(Some(())).unwrap_err().to_string();
        assert_eq!(printed, "c.yaml:3:1: delivery: contradicts");
    }
}
