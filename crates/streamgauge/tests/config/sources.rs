//! Partitions, and files that are followed.

use std::process::Command;

use crate::bench::Bench;

fn file(paths: &str, keys: &str) -> Bench {
    Bench::spoiled("[in.ndjson]", &format!("{paths}\n    {keys}"))
}

#[test]
fn each_file_can_be_a_partition() {
    let effective = file("['*.ndjson']", "partitions: per_file").effective(&[]);
    assert!(effective.contains("    partitions: per_file\n"), "{effective}");
}

#[test]
fn the_drift_of_partitions_can_be_bounded() {
    let effective = Bench::new().effective(&["watermark.max_drift=10m"]);
    assert!(effective.contains("  max_drift: 10m\n"), "{effective}");
    assert!(Bench::new().effective(&[]).contains("  max_drift: 1m\n"));
    let said = Bench::spoiled("", "watermark: {max_drift: 0s}").faults();
    assert!(said.starts_with("c.yaml:14:24: watermark.max_drift: \"0s\" does not fit"), "{said}");
}

#[test]
fn files_that_are_followed_may_be_yet_to_come() {
    let effective = file("[none.ndjson, 'none/*.ndjson', in.ndjson]", "follow: true").effective(&[]);
    assert!(effective.contains("    follow: true\n"), "{effective}");
}

#[test]
fn the_format_of_files_that_are_yet_to_come_is_told_by_the_names_they_will_have() {
    file("['none/*.ndjson']", "follow: true").effective(&[]);
    assert_eq!(
        file("['none/*']", "follow: true").faults(),
        "c.yaml:3:13: source.file.paths.0: the format of \"none/*\" cannot be told from its name; expected \
         source.file.format to be ndjson or csv\n"
    );
    file("['none/*']", "format: csv\n    follow: true").effective(&[]);
}

#[test]
fn a_header_in_writing_is_waited_for_only_where_files_are_followed() {
    let yaml = |follow| {
        format!(
            "source: {{file: {{paths: [a.csv], follow: {follow}}}}}\nevent: {{time: {{from: /when}}}}\n\
             windows: [{{name: w, size: 10s}}]\n"
        )
    };
    for (follow, header, fits) in [(true, "whe", true), (true, "whe\n", false), (false, "whe", false)] {
        let bench = Bench::with(&yaml(follow));
        bench.write("a.csv", header);
        assert_eq!(bench.run(&["check-config", "c.yaml"]).code, Some(if fits { 0 } else { 2 }), "{follow} {header:?}");
    }
}

#[test]
fn what_cannot_be_followed_is_refused_all_in_one_go() {
    let bench = file("['-', 'in.ndjson.gz']", "follow: true\n    format: ndjson\n    speed: 60");
    bench.write("in.ndjson.gz", "");
    assert_eq!(
        bench.faults(),
        "c.yaml:4:13: source.file.follow: true contradicts standard input in paths, which is read until it is closed anyway; \
         expected files\n\
         c.yaml:4:13: source.file.follow: true contradicts the compressed input in.ndjson.gz, which cannot be read while it \
         grows; expected plain files, or follow: false\n\
         c.yaml:4:13: source.file.follow: true contradicts speed 60: whoever writes the files sets their pace; expected \
         speed: max, or follow: false\n"
    );
}

#[test]
fn a_partition_of_its_own_is_for_regular_files_only() {
    assert_eq!(
        file("['-']", "format: ndjson\n    partitions: per_file").faults(),
        "c.yaml:5:17: source.file.partitions: per_file contradicts standard input in paths: the files would wait while it is \
         silent; expected files only, or partitions: one\n"
    );
    let bench = file("[in.ndjson, pipe]", "format: ndjson\n    partitions: per_file");
    assert!(Command::new("mkfifo").arg(bench.path("pipe")).status().unwrap().success());
    assert_eq!(
        bench.faults(),
        "c.yaml:3:24: source.file.paths.1: \"pipe\" is not a regular file; expected one for partitions: per_file\n"
    );
}

/// A run that follows `*.ndjson` would create its rows there and then follow them.
#[test]
fn what_would_be_followed_cannot_be_written() {
    let bench = Bench::spoiled("[in.ndjson]", "['*.ndjson']\n    follow: true\nsink: {file: {path: ./rows.ndjson}}");
    assert_eq!(
        bench.faults(),
        "c.yaml:5:21: sink.file.path: \"./rows.ndjson\" would also be followed by source.file; expected a file that no path \
         matches\n"
    );
    let bench = file("['*.ndjson']", "follow: true");
    let ran = bench.run(&["run", "--config", "c.yaml", "--report", "report.ndjson"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.err, "--report report.ndjson: the file is already used by source.file; expected another file\n");
}
