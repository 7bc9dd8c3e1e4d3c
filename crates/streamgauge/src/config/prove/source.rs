//! Where events come from.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use streamgauge_flow::{Format, Mapping};
use streamgauge_yaml::Faults;

use super::super::value::Value;
use super::super::{Input, Partitions, Pattern, Source, Speed, is_compressed, quantity};
use super::files;

/// What was proven about the source; `files` also if something else was at fault.
#[derive(Default)]
pub(super) struct Proven {
    pub(super) source: Option<Source>,
    pub(super) format: Option<Format>,
    pub(super) max_record_bytes: Option<usize>,
    pub(super) files: Vec<PathBuf>,
    pub(super) followed: Vec<Pattern>, // where files may yet come from
}

/// An input and the entry of `paths` that brought it in.
struct Found<'a> {
    input: Input,
    by: &'a Value,
}

pub(super) fn prove(root: &Value, mapping: Option<&Mapping>, faults: &mut Faults) -> Proven {
    let Some(file) = root.at("source.file") else { return Proven::default() };
    let follow = file.says("follow", "true");
    refuse_contradictions(file, follow, faults);
    let (found, complete) = file.get("paths").map(|paths| inputs(paths, follow, faults)).unwrap_or_default();
    let format = format(file, &found, follow, faults);
    if let (Some(Format::Csv), Some(mapping)) = (format, mapping) {
        check_headers(&found, mapping, follow, faults);
    }
    if file.says("partitions", "per_file") {
        refuse_pipes(&found, faults);
    }
    let inputs: Vec<Input> = found.into_iter().map(|f| f.input).collect();
    let files = inputs.iter().filter_map(|input| input.file().map(Path::to_owned)).collect();
    let followed = if follow { patterns(file) } else { Vec::new() };
    let source = || {
        Some(Source {
            inputs,
            partitions: partitions(file)?,
            follow: follow.then(|| followed.clone()),
            speed: speed(file)?,
        })
    };
    let source = if complete { source() } else { None };
    Proven { source, format, max_record_bytes: max_record_bytes(file), files, followed }
}

fn patterns(file: &Value) -> Vec<Pattern> {
    let items = file.get("paths").and_then(Value::items).unwrap_or_default();
    items.iter().filter_map(Value::text).map(Pattern::new).collect()
}

fn partitions(file: &Value) -> Option<Partitions> {
    match file.get("partitions")?.text()? {
        "one" => Some(Partitions::One),
        "per_file" => Some(Partitions::PerFile),
        _ => None,
    }
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
fn inputs<'a>(paths: &'a Value, follow: bool, faults: &mut Faults) -> (Vec<Found<'a>>, bool) {
    let Some(items) = paths.items() else { return (Vec::new(), false) };
    if items.is_empty() {
        faults.push(paths.fault("is empty; expected files, globs or \"-\" for standard input"));
    }
    let mut found: Vec<Found> = Vec::new();
    let mut complete = true;
    for by in items {
        match by.text().map(|text| files::inputs(text, follow)) {
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

/// The format that is given, or the one that all names agree on: of the files, or where they may yet come, of the globs.
fn format(file: &Value, found: &[Found], follow: bool, faults: &mut Faults) -> Option<Format> {
    if let Some(given) = file.get("format") {
        return match given.text()? {
            "ndjson" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            _ => None,
        };
    }
    let mut names: Vec<(&OsStr, &Value)> = found.iter().map(|one| (one.input.name(), one.by)).collect();
    if follow && names.is_empty() {
        let items = file.get("paths").and_then(Value::items).unwrap_or_default();
        names.extend(items.iter().filter_map(|by| Some((OsStr::new(by.text()?), by))));
    }
    let mut told = Vec::new();
    for (name, by) in names {
        let Some(format) = files::format_of(name) else {
            let what = format!(
                "the format of \"{}\" cannot be told from its name; expected source.file.format to be ndjson or csv",
                name.display()
            );
            faults.push(by.fault(what));
            return None;
        };
        told.push((format, name, by));
    }
    let (first, of, _) = told.first()?;
    if let Some((_, other, by)) = told.iter().find(|(format, ..)| format != first) {
        let (of, other) = (of.display(), other.display());
        faults.push(by.fault(format!("\"{of}\" and \"{other}\" differ in format; expected one format in all files")));
        return None;
    }
    Some(*first)
}

fn check_headers(found: &[Found], mapping: &Mapping, follow: bool, faults: &mut Faults) {
    for one in found {
        let Some(path) = one.input.file() else {
            continue;
        };
        if let Err(what) = files::check_header(path, mapping, follow) {
            faults.push(one.by.fault(format!("{}: {what}", path.display())));
        }
    }
}

/// What `follow` and `per_file` cannot go together with.
fn refuse_contradictions(file: &Value, follow: bool, faults: &mut Faults) {
    let paths = file.get("paths").and_then(Value::items).unwrap_or_default();
    let stdin = paths.iter().any(|path| path.text() == Some("-"));
    if let Some(partitions) = file.get("partitions").filter(|p| p.text() == Some("per_file") && stdin) {
        let what = "per_file contradicts standard input in paths: the files would wait while it is silent";
        faults.push(partitions.fault(format!("{what}; expected files only, or partitions: one")));
    }
    let Some(key) = file.get("follow").filter(|_| follow) else { return };
    let mut refuse = |what: String| faults.push(key.fault(format!("true contradicts {what}")));
    if stdin {
        refuse("standard input in paths, which is read until it is closed anyway; expected files".to_owned());
    }
    // Whoever packs a file writes its last bytes at the end of it all, so there is nothing to follow.
    if let Some(path) = paths.iter().find(|path| path.text().is_some_and(|p| is_compressed(Path::new(p)))) {
        refuse(format!(
            "the compressed input {path}, which cannot be read while it grows; expected plain files, or follow: false"
        ));
    }
    if let Some(speed) = file.get("speed").filter(|_| !file.says("speed", "max")) {
        refuse(format!(
            "speed {speed}: whoever writes the files sets their pace; expected speed: max, or follow: false"
        ));
    }
}

/// One thread reads all partitions, and a pipe would make the others wait for its writer.
fn refuse_pipes(found: &[Found], faults: &mut Faults) {
    for one in found {
        if let Some(path) = one.input.file().filter(|path| !path.is_file()) {
            let what = format!("\"{}\" is not a regular file; expected one for partitions: per_file", path.display());
            faults.push(one.by.fault(what));
        }
    }
}
