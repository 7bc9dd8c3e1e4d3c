//! The reference of the configuration, as Markdown.

use super::node::child;
use super::scalar::{Choice, Scalar};
use super::table::{Key, Kind, Offered, Presence, ROOT};

const INTRODUCTION: &str = "\
# Configuration

One YAML file (JSON is YAML too). Durations are written `10s`, `500ms`, `5m`, `1h`, sizes `64MiB`. In every value
`${VAR}` and `${VAR:-default}` are replaced from the environment; a literal `${` is written `$${`. Relative paths are seen
from the working directory. `--set dotted.path=YAML` replaces a value for one run.

`streamgauge check-config FILE` names everything that is wrong, with file, line and column; `streamgauge config --config FILE`
prints what takes effect; `streamgauge config --schema` prints a JSON Schema for editors. This page is made from the same
table that the program reads by. What is marked \\* is not available in this version and refused by name.
";

/// `docs/CONFIG.md`.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    section(&mut out, "", ROOT);
    out
}

fn section(out: &mut String, path: &str, keys: &[Key]) {
    let title = if path.is_empty() { "The file" } else { &format!("`{path}`") };
    out.extend(["\n## ", title, "\n\n| key | what it takes | default | what it is for |\n|---|---|---|---|\n"]);
    for key in keys {
        out.push_str(&row(key));
    }
    for key in keys {
        if let Some((keys, mark)) = inner(&key.kind) {
            section(out, &format!("{}{mark}", child(path, key.name)), keys);
        }
    }
}

fn row(key: &Key) -> String {
    let default = match key.presence {
        Presence::Required => "required".to_owned(),
        Presence::Optional | Presence::Default("{}") => String::new(),
        Presence::Default(text) => format!("`{text}`"),
    };
    let note = match key.offered {
        Offered::Yes => "",
        Offered::OnlyDefault => " *Only the default is available in this version.*",
        Offered::No => " *Not available in this version.*",
    };
    let expected = takes(&key.kind).replace('|', "\\|");
    format!("| `{}` | {expected} | {default} | {}{note} |\n", key.name, key.doc)
}

/// What a key takes; records are spelled out in a section of their own.
fn takes(kind: &Kind) -> String {
    let word = |choice: &Choice| format!("`{}`{}", choice.name, if choice.offered { "" } else { "\\*" });
    match kind {
        Kind::Scalar(Scalar::Choice(choices)) => choices.iter().map(word).collect::<Vec<_>>().join(", "),
        Kind::Record([]) => "`{}`".to_owned(),
        Kind::Record(_) => "a mapping, see below".to_owned(),
        Kind::OneOf(_) => "one of those below".to_owned(),
        Kind::List(Kind::Record(_)) => "a list of mappings, see below".to_owned(),
        kind => kind.expected(),
    }
}

/// The keys below a key, and how their path goes on.
fn inner(kind: &Kind) -> Option<(&'static [Key], &'static str)> {
    match kind {
        Kind::Record([]) => None,
        Kind::Record(keys) | Kind::OneOf(keys) | Kind::Either(_, keys) => Some((keys, "")),
        Kind::List(Kind::Record(keys)) => Some((keys, "[]")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_has_a_section_and_every_key_a_row() {
        let page = reference();
        assert!(page.contains("\n## `windows[]`\n"));
        assert!(page.contains("\n| `max_keys` | a whole number from 1 to"));
        assert!(page.contains("| `kafka` |"));
        assert!(page.contains("| `tumbling`, `sliding`\\*, `session`\\* |"));
    }
}
