//! The reference of the configuration, as Markdown.

use streamgauge_yaml::child;

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

const FOLLOWING: &str = "
## Files that are followed

With `follow: true` files are read on as they grow, until a signal ends the run. New content is looked for ten times a second,
new files every second. A last line without its end waits for the rest of it. Each of these is logged when it is noticed:

| what happens | what is done |
|---|---|
| another file gets the name (rotation) | the old one is read to its end, and what is still written to it until it has been quiet for 5 s; the new one is read from its start |
| a file gets another name that is also looked for | it is the same file and is read on: never again from its start, never without its rest |
| a file is moved away or deleted | what is left of it is read; it is let go once it has been quiet for 5 s; one that comes back is read on |
| a file gets shorter, or begins with other bytes (truncation) | it is read from its start again; the warning names the bytes that are known to be lost, and `stream_processor_errors_total{error_type=\"source\"}` counts it |
| a last line has no end when another file follows, the file is let go or is truncated | it is taken as whole |

A file is told by its device, its inode and its first 1024 bytes. What these do not tell, nobody can tell from outside: bytes that
were written and truncated again between two looks; a truncated file that has become longer than it was and begins with the same
1024 bytes; a file that comes and goes within a second, and so is never seen under a name that is looked for.

A copy is another file. Where logs are rotated by copy and truncation, a glob that leads to the copies too reads every event twice: a
warning names the copy; write a narrower glob. Compressed files that a glob leads to are left out, and so are pipes and devices: a
warning says so once. With `partitions: per_file` a file that gets the name of one that is still followed joins its partition.
";

/// `docs/CONFIG.md`.
pub fn reference() -> String {
    let mut out = INTRODUCTION.to_owned();
    section(&mut out, "", ROOT);
    out.push_str(FOLLOWING);
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
        assert!(page.contains("| `tumbling`, `sliding`, `session` |"));
        assert!(page.contains("`cloudevents`\\*"), "what is not available is marked");
    }
}
