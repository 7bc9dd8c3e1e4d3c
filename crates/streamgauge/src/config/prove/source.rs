//! Where events come from.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use streamgauge_flow::{Format, Mapping};

use super::super::fault::Faults;
use super::super::value::Value;
use super::super::{Input, Source, Speed, quantity};
use super::files;

/// What was proven about the source; `files` also if something else was at fault.
#[derive(Default)]
pub(super) struct Proven {
    pub(super) source: Option<Source>,
    pub(super) format: Option<Format>,
    pub(super) max_record_bytes: Option<usize>,
    pub(super) files: Vec<PathBuf>,
}

/// An input and the entry of `paths` that brought it in.
struct Found<'a> {
    input: Input,
    by: &'a Value,
}

pub(super) fn prove(root: &Value, mapping: Option<&Mapping>, faults: &mut Faults) -> Proven {
    let Some(file) = root.at("source.file") else { return Proven::default() };
    refuse_following(root, file, faults);
    let (found, complete) = file.get("paths").map(|paths| inputs(paths, faults)).unwrap_or_default();
    let format = format(file, &found, faults);
    if let (Some(Format::Csv), Some(mapping)) = (format, mapping) {
        check_headers(&found, mapping, faults);
    }
    let inputs: Vec<Input> = found.into_iter().map(|f| f.input).collect();
    let files = inputs.iter().filter_map(|input| input.file().map(Path::to_owned)).collect();
    let source = speed(file).filter(|_| complete).map(|speed| Source { inputs, speed });
    Proven { source, format, max_record_bytes: max_record_bytes(file), files }
}

fn max_record_bytes(file: &Value) -> Option<usize> {
    let bytes = quantity::size(file.get("max_line_bytes")?.text()?)?;
    usize::try_from(bytes).ok()
}

fn speed(file: &Value) -> Option<Speed> {
    if file.says("speed", "max") {
        return Some(Speed::Max);
    }
    file.parse("speed").map(Speed::Factor)
}

/// The inputs in the order of their names, each once, and whether no entry is at fault.
fn inputs<'a>(paths: &'a Value, faults: &mut Faults) -> (Vec<Found<'a>>, bool) {
    let Some(items) = paths.items() else { return (Vec::new(), false) };
    if items.is_empty() {
        faults.push(paths.fault("is empty; expected files, globs or \"-\" for standard input"));
    }
    let mut found: Vec<Found> = Vec::new();
    let mut complete = true;
    for by in items {
        match by.text().map(files::inputs) {
            Some(Ok(inputs)) => found.extend(inputs.into_iter().map(|input| Found { input, by })),
            Some(Err(what)) => {
                faults.push(by.fault(what));
                complete = false;
            }
            None => complete = false,
        }
    }
    found.sort_by(|a, b| a.input.name().cmp(b.input.name()));
    let mut seen = HashSet::new();
    found.retain(|f| seen.insert(f.input.file().map(|path| path.canonicalize().unwrap_or(path.to_owned()))));
    (found, complete)
}

/// The format that is given, or the one that all names agree on.
fn format(file: &Value, found: &[Found], faults: &mut Faults) -> Option<Format> {
    if let Some(given) = file.get("format") {
        return match given.text()? {
            "ndjson" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        };
    }
    let mut told = Vec::new();
    for one in found {
        let Some(format) = files::format_of(&one.input) else {
            let what = format!(
                "the format of {} cannot be told from its name; expected source.file.format to be ndjson or csv",
                shown(one)
            );
            faults.push(one.by.fault(what));
            return None;
        };
        told.push((format, one));
    }
    let (first, of) = told.first()?;
    if let Some((_, other)) = told.iter().find(|(format, _)| format != first) {
        let what = format!("{} and {} differ in format; expected one format in all files", shown(of), shown(other));
        faults.push(other.by.fault(what));
        return None;
    }
    Some(*first)
}

fn shown(found: &Found) -> String {
    format!("\"{}\"", found.input.name().display())
}

fn check_headers(found: &[Found], mapping: &Mapping, faults: &mut Faults) {
    for one in found {
        let Some(path) = one.input.file() else {
            continue;
        };
        if let Err(what) = files::check_header(path, mapping) {
            faults.push(one.by.fault(format!("{}: {what}", path.display())));
        }
    }
}

/// A compressed file cannot be gone on with in the middle, which durable state would have to do.
fn refuse_following(root: &Value, file: &Value, faults: &mut Faults) {
    let Some(follow) = file.get("follow").filter(|f| f.text() == Some("true")) else {
        return;
    };
    let compressed = |path: &&Value| path.text().is_some_and(|p| files::extensions(p).1.is_some());
    let paths = file.get("paths").and_then(Value::items).unwrap_or_default();
    if let Some(path) = paths.iter().find(compressed)
        && !root.says("state.backend", "memory")
    {
        faults.push(follow.fault(format!(
            "true contradicts the compressed input {path} with durable state; expected plain files, or follow: false"
        )));
    }
}
