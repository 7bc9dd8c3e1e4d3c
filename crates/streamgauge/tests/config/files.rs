//! What the file system decides: inputs, headers and outputs.

use std::io::Write;

use crate::bench::Bench;

const CSV: &str = "\
source: {file: {paths: [\"PATHS\"]}}
event: {time: {from: /when}, numbers: {tokens: /Tokens}}
windows: [{name: w, size: 10s}]
";

fn csv(paths: &str) -> Bench {
    Bench::with(&CSV.replace("PATHS", paths))
}

fn sink(yaml: &str) -> Bench {
    Bench::spoiled("", yaml)
}

#[test]
fn a_missing_file_an_empty_glob_and_a_folder_are_faults() {
    let bench = Bench::spoiled("[in.ndjson]", "[missing.ndjson, 'no/*.ndjson', '.']");
    assert_eq!(
        bench.faults(),
        "c.yaml:3:13: source.file.paths.0: \"missing.ndjson\" does not exist; expected a file, seen from the working \
         directory\n\
         c.yaml:3:29: source.file.paths.1: \"no/*.ndjson\" matches no file; expected at least one\n\
         c.yaml:3:44: source.file.paths.2: \".\" is a folder; expected a file, or a glob such as ./*\n"
    );
}

#[test]
fn a_header_without_a_mapped_column_names_the_file_and_the_columns() {
    let bench = csv("a.csv");
    bench.write("a.csv", "when,tokens\n2024-01-01T00:00:00Z,1\n");
    let said = bench.faults();
    assert!(said.starts_with("c.yaml:1:25: source.file.paths.0: a.csv: "), "{said}");
    for part in ["Tokens", "when", "tokens"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn every_file_of_a_glob_is_looked_into_also_compressed() {
    let bench = csv("*.csv*");
    bench.write("a.csv", "when,Tokens\n");
    bench.write("b.csv.zst", zstd::encode_all(&b"when\n"[..], 0).unwrap());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"Tokens,\"when\"\r\n").unwrap();
    bench.write("c.csv.gz", gzip.finish().unwrap());
    bench.write("d.csv.gz", "not compressed");
    let said = bench.faults();
    let files: Vec<_> = said.lines().map(|line| line.split(": ").nth(2).unwrap()).collect();
    assert_eq!(files, ["b.csv.zst", "d.csv.gz"], "{said}");
}

#[test]
fn the_format_comes_from_the_names_unless_it_is_given() {
    let bench = csv("*.*");
    bench.write("a.csv", "when,Tokens\n");
    let said = bench.faults();
    assert_eq!(
        said,
        "c.yaml:1:25: source.file.paths.0: the format of \"c.yaml\" cannot be told from its name; expected \
         source.file.format to be ndjson or csv\n"
    );
    let bench = csv("[ai]*.*");
    bench.write("a.csv", "when,Tokens\n");
    assert_eq!(
        bench.faults(),
        "c.yaml:1:25: source.file.paths.0: \"a.csv\" and \"in.ndjson\" differ in format; expected one format in all files\n"
    );
}

#[test]
fn standard_input_needs_a_format() {
    let bench = Bench::spoiled("[in.ndjson]", "['-']");
    assert_eq!(
        bench.faults(),
        "c.yaml:3:13: source.file.paths.0: the format of \"-\" cannot be told from its name; expected source.file.format to \
         be ndjson or csv\n"
    );
    assert!(bench.effective(&["source.file.format=csv"]).contains("paths: [\"-\"]\n    format: csv\n"));
}

#[test]
fn an_existing_file_is_not_overwritten_unasked() {
    let bench = sink("sink: {file: {path: rows.ndjson}}");
    bench.write("rows.ndjson", "precious\n");
    assert_eq!(
        bench.faults(),
        "c.yaml:14:21: sink.file.path: \"rows.ndjson\" is there already; remove it, or set existing: append or existing: \
         truncate\n"
    );
    bench.effective(&["sink.file.existing=append"]);
    assert_eq!(std::fs::read_to_string(bench.path("rows.ndjson")).unwrap(), "precious\n");
}

#[test]
fn a_sink_that_cannot_be_written_says_what_to_do() {
    assert_eq!(
        sink("sink: {file: {path: no/rows.ndjson}}").faults(),
        "c.yaml:14:21: sink.file.path: \"no/rows.ndjson\" cannot be created: there is no folder \"no\"; create it with mkdir \
         -p no\n"
    );
    assert_eq!(
        sink("sink: {file: {path: in.ndjson/rows}}").faults(),
        "c.yaml:14:21: sink.file.path: \"in.ndjson/rows\" cannot be created: \"in.ndjson\" is not a folder; choose another \
         path\n"
    );
    assert_eq!(
        sink("sink: {file: {path: .}}").faults(),
        "c.yaml:14:21: sink.file.path: \".\" is a folder; expected a file in it\n"
    );
}

#[test]
fn a_folder_without_write_permission_is_found_out() {
    let bench = sink("sink: {file: {path: closed/rows.ndjson}}");
    std::fs::create_dir(bench.path("closed")).unwrap();
    bench.permit("closed", 0o500);
    assert_eq!(
        bench.run_unprivileged(&["check-config", "c.yaml"]).err,
        "c.yaml:14:21: sink.file.path: \"closed/rows.ndjson\" cannot be created: permission denied; give write permission \
         for \"closed\" or choose another path\n"
    );
}

#[test]
fn judging_a_configuration_creates_nothing() {
    let bench = sink("sink: {file: {path: rows.ndjson}}\nlate: {file: {path: late.ndjson}}");
    bench.effective(&[]);
    assert!(!bench.path("rows.ndjson").exists() && !bench.path("late.ndjson").exists());
}

#[test]
fn one_file_has_one_use() {
    let bench = sink(
        "sink: {file: {path: rows}}\nlate: {file: {path: ./rows}}\ndead_letter: {file: {path: in.ndjson, existing: append}}",
    );
    assert_eq!(
        bench.faults(),
        "c.yaml:15:21: late.file.path: \"./rows\" is also written by sink; expected another file\n\
         c.yaml:16:28: dead_letter.file.path: \"in.ndjson\" is also read by source.file; expected another file\n"
    );
    assert_eq!(
        sink("late: {stdout: {}}").faults(),
        "c.yaml:14:16: late.stdout: standard output is already used by sink; expected a file\n"
    );
    let ran = Bench::new().run(&["run", "--config", "c.yaml", "--report", "./in.ndjson"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.err, "--report ./in.ndjson: the file is already used by source.file; expected another file\n");
}

#[test]
fn a_device_is_always_there_and_may_be_shared() {
    sink("sink: {file: {path: /dev/null}}\nlate: {file: {path: /dev/null}}").effective(&[]);
}
