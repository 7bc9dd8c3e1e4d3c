//! The house rules that no compiler knows: who may depend on whom, under which licences, and where things may stand.

#![allow(clippy::expect_used, reason = "whatever these tests cannot read is a fault")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Which of our crates each of our crates may use; a crate that is not named here needs a decision first.
const MAY_USE: &[(&str, &[&str])] = &[
    ("streamgauge-metrics-derive", &[]),
    ("streamgauge-metrics", &["streamgauge-metrics-derive"]),
    ("streamgauge-yaml", &[]),
    ("streamgauge-export", &["streamgauge-metrics", "streamgauge-yaml"]),
    ("streamgauge-flow", &["streamgauge-metrics"]),
    ("streamgauge-state", &["streamgauge-flow", "streamgauge-metrics"]),
    (
        "streamgauge",
        &["streamgauge-metrics", "streamgauge-export", "streamgauge-flow", "streamgauge-state", "streamgauge-yaml"],
    ),
    ("streamgauge-opskit", &[]),
];

/// Crates that do I/O of one kind, and the rooms they are allowed in.
const CONFINED: &[(&[&str], &[&str])] = &[
    (&["tokio", "hyper", "axum", "async-std", "smol"], &["streamgauge-export", "streamgauge-state", "streamgauge"]),
    (&["rdkafka", "rskafka", "kafka", "krafka", "samsa"], &["streamgauge"]),
    (
        &[
            "redis",
            "tokio-postgres",
            "postgres",
            "deadpool-postgres",
            "sqlx",
            "rusqlite",
            "fjall",
            "redb",
            "heed",
            "rocksdb",
            "sled",
        ],
        &["streamgauge-state"],
    ),
];

const DRAWERS: &[&str] = &["common", "types", "utils", "util", "helpers", "helper", "core", "misc", "mod"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace is there")
}

fn metadata() -> Value {
    let done = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "cargo metadata: {complaint}");
    serde_json::from_slice(&done.stdout).expect("cargo metadata is JSON")
}

fn list<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Our own crates: what `cargo metadata` lists without a source.
fn ours(metadata: &Value) -> Vec<&Value> {
    let packages = list(metadata, "packages").iter();
    packages.filter(|package| package["source"].is_null()).collect()
}

/// What a crate needs in order to run; test-only dependencies are its own affair.
fn needs(package: &Value) -> BTreeSet<&str> {
    list(package, "dependencies")
        .iter()
        .filter(|dependency| dependency["kind"] != "dev")
        .map(|dependency| text(dependency, "name"))
        .collect()
}

#[test]
fn our_crates_depend_on_each_other_only_as_the_plan_allows() {
    let metadata = metadata();
    let names: BTreeSet<_> = ours(&metadata).iter().map(|own| text(own, "name")).collect();
    for package in ours(&metadata) {
        let name = text(package, "name");
        let (_, allowed) = MAY_USE
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("{name} has no place in the plan"));
        for needed in needs(package).into_iter().filter(|needed| names.contains(needed)) {
            assert!(allowed.contains(&needed), "{name} may not use {needed}");
        }
    }
}

#[test]
fn clients_of_the_outside_world_stay_in_their_rooms() {
    let metadata = metadata();
    for package in ours(&metadata) {
        let name = text(package, "name");
        for (clients, rooms) in CONFINED {
            let strays: Vec<_> = needs(package).into_iter().filter(|needed| clients.contains(needed)).collect();
            assert!(strays.is_empty() || rooms.contains(&name), "{name} may not use {strays:?}");
        }
    }
}

#[test]
fn every_dependency_of_the_whole_graph_has_a_licence_that_deny_toml_allows() {
    let allowed = allowed_licences();
    assert!(allowed.contains("MIT"), "deny.toml was not understood: {allowed:?}");
    let metadata = metadata();
    let refused: Vec<_> = list(&metadata, "packages")
        .iter()
        .filter(|package| !Expression::parse(text(package, "license")).is_met_by(&allowed))
        .map(|package| format!("{} ({})", text(package, "name"), package["license"]))
        .collect();
    assert!(refused.is_empty(), "no allowed licence: {}", refused.join(", "));
}

/// The `allow` list of the `[licenses]` table: quoted words up to the closing bracket.
fn allowed_licences() -> BTreeSet<String> {
    let file = fs::read_to_string(root().join("deny.toml")).expect("deny.toml is there");
    let table = file.split("[licenses]").nth(1).expect("a table of licences");
    let inside = table.split("allow = [").nth(1).expect("an allow list");
    let inside = inside.split(']').next().unwrap_or_default();
    inside.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// An SPDX licence expression, as far as crates use it: `OR` (older: `/`), `AND`, `WITH`, parentheses.
struct Expression<'a>(Vec<&'a str>);

impl<'a> Expression<'a> {
    fn parse(text: &'a str) -> Self {
        let mut words = Vec::new();
        for word in text.split_whitespace() {
            let bare = word.trim_start_matches('(');
            words.extend(std::iter::repeat_n("(", word.len() - bare.len()));
            let inner = bare.trim_end_matches(')');
            for (at, part) in inner.split('/').enumerate() {
                if at > 0 {
                    words.push("OR");
                }
                words.push(part);
            }
            words.extend(std::iter::repeat_n(")", bare.len() - inner.len()));
        }
        Self(words)
    }

    fn is_met_by(&self, allowed: &BTreeSet<String>) -> bool {
        let mut rest = self.0.as_slice();
        any(&mut rest, allowed) == Some(true) && rest.is_empty()
    }
}

/// Alternatives; `None` where the text is no expression.
fn any(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = all(rest, allowed)?;
    while take(rest, "OR") {
        met |= all(rest, allowed)?;
    }
    Some(met)
}

fn all(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    let mut met = one(rest, allowed)?;
    while take(rest, "AND") {
        met &= one(rest, allowed)?;
    }
    Some(met)
}

fn one(rest: &mut &[&str], allowed: &BTreeSet<String>) -> Option<bool> {
    if take(rest, "(") {
        let met = any(rest, allowed)?;
        return take(rest, ")").then_some(met);
    }
    let name = next(rest)?;
    if !take(rest, "WITH") {
        return Some(allowed.contains(name));
    }
    let excepted = format!("{name} WITH {}", next(rest)?);
    Some(allowed.contains(&excepted) || allowed.contains(name))
}

fn next<'a>(rest: &mut &[&'a str]) -> Option<&'a str> {
    let (first, after) = rest.split_first()?;
    *rest = after;
    Some(first)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    let found = rest.first() == Some(&word);
    if found {
        *rest = &rest[1..];
    }
    found
}

#[test]
fn licence_expressions_are_read_as_spdx_means_them() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "Unicode-3.0".to_owned()]);
    let met = |text| Expression::parse(text).is_met_by(&allowed);
    for text in ["MIT", "GPL-3.0 OR MIT", "MIT/Apache-2.0", "(GPL-2.0 OR MIT) AND Unicode-3.0"] {
        assert!(met(text), "{text} should be allowed");
    }
    for text in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT OR", "(MIT", "MIT MIT", "Apache-2.0/GPL-3.0"] {
        assert!(!met(text), "{text} should be refused");
    }
}

#[test]
fn every_crate_takes_the_workspaces_lints_and_those_forbid_what_the_compiler_cannot_check() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the root manifest");
    assert!(workspace.contains("unsafe_code = \"forbid\""), "the workspace must forbid it");
    let metadata = metadata();
    for package in ours(&metadata) {
        let manifest = fs::read_to_string(text(package, "manifest_path")).expect("a member's manifest");
        let after = manifest.split("[lints]").nth(1).unwrap_or_default();
        assert!(after.trim_start().starts_with("workspace = true"), "{} has lints of its own", text(package, "name"));
    }
}

/// Every Rust file of ours, benchmarks included; what a build wrote is none of ours.
fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join("crates"), root().join("bench")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && entry.file_name() != "target" {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 10, "the sources were not found: {found:?}");
    found
}

#[test]
fn no_module_is_a_drawer_for_everything() {
    for path in sources() {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        assert!(!DRAWERS.contains(&&*stem), "{} says nothing by its name", path.display());
    }
}

#[test]
fn no_source_leaves_the_safe_language() {
    assert!(leaves_the_safe_language(concat!("pub un", "safe fn f() {}")), "the search finds nothing");
    for path in sources() {
        let source = fs::read_to_string(&path).expect("a source file");
        for (number, line) in source.lines().enumerate() {
            assert!(!leaves_the_safe_language(line), "{}:{}: {line}", path.display(), number + 1);
        }
    }
}

/// Whether the keyword stands in the line's code: a word of its own, and not a part of `'unsafe-inline'` or `unsafe_code`.
fn leaves_the_safe_language(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let mut words = code.split(|c: char| c.is_whitespace() || "{}()[]<>;,".contains(c));
    words.any(|word| word == concat!("un", "safe"))
}

#[test]
fn main_only_calls_the_library() {
    let main = fs::read_to_string(root().join("crates/streamgauge/src/main.rs")).expect("main.rs");
    let lines = main.lines().count();
    assert!(lines < 60, "main.rs has {lines} lines");
}

#[test]
fn every_example_configuration_is_accepted_by_check_config() {
    let folder = root().join("examples");
    let examples: Vec<_> = fs::read_dir(folder)
        .expect("examples/ is there")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml"))
        .collect();
    assert!(!examples.is_empty());
    fs::create_dir_all(root().join("out")).expect("out/, where the examples write");
    let done = Command::new(env!("CARGO_BIN_EXE_streamgauge"))
        .arg("check-config")
        .args(&examples)
        .current_dir(root())
        .output()
        .expect("the program runs");
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{complaint}");
}

#[test]
fn the_readme_shows_an_example_that_is_really_there() {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let shown = readme.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = fs::read_to_string(root().join("examples/llm-requests.yaml")).expect("the example");
    let told: String = example.lines().filter(|line| !line.starts_with('#')).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(shown, Some(told.as_str()));
}
