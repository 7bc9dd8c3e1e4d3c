//! Presets, variables, `--set`, and the configuration that takes effect.

use crate::bench::{Bench, GOOD, Ran};

/// Loads what was printed and prints it again.
fn again(bench: &Bench, printed: &str) -> String {
    bench.write("again.yaml", printed);
    let ran = bench.run(&["config", "--config", "again.yaml"]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    ran.out
}

#[test]
fn the_effective_configuration_loads_again_as_itself() {
    let odd = "\
filter: {\"a: b\": [\"\", null-ish, \"null\", \"$${X}\", \"\\\"\\\\\\n\", é, '# 1', '-', '- x', 1.50]}
late: {file: {path: \"late $${x}.ndjson\"}}
observability: {service: {name: \"x # y\"}, prometheus: {histograms: {latency_ms_buckets: [1, 2.5, 1e3]}}}
watermark: {max_out_of_orderness: 1.5s}
deduplicate: {enabled: true, max_entries: 5}
";
    let yaml = GOOD.replace("model: /model,", "model: /model, \"a: b\": \"/a~1b c\",") + odd;
    let bench = Bench::with(&yaml);
    let printed = bench.effective(&["windows.0.offset=-5s", "event.type=/kind"]);
    assert_eq!(again(&bench, &printed), printed);
    for line in ["    offset: -5s\n", "  type: /kind\n", "  name: \"x # y\"\n", "late $${x}.ndjson"] {
        assert!(printed.contains(line.trim_start()), "{line}: {printed}");
    }
}

#[test]
fn the_preset_is_spelled_out_and_what_stands_beside_it_overrides_it() {
    let yaml = "\
source: {file: {paths: [in.ndjson]}}
event:
  preset: llm
  id: none
  time: {from: /ts}
  strings: {model: /m, region: /region}
windows: [{name: w, size: 1m, key: [region], aggregates: {cost: sum(cost_usd)}}]
";
    let bench = Bench::with(yaml);
    let printed = bench.effective(&[]);
    let event = "\
event:
  id: none
  type: /type
  time:
    from: /ts
    format: rfc3339
  strings:
    model: /m
    provider: /provider
    tenant: /tenant
    operation: /operation
    status: /status
    error_type: /error_type
    region: /region
  numbers:
    input_tokens: /input_tokens
    output_tokens: /output_tokens
    duration_ms: /duration_ms
    time_to_first_token_ms: /time_to_first_token_ms
    cost_usd: /cost_usd
";
    assert!(printed.contains(event), "{printed}");
    assert_eq!(again(&bench, &printed), printed);
    let minimal = bench.effective(&["event={preset: llm}", "windows.0.key=[]"]);
    assert!(minimal.contains("  id: /id\n"), "{minimal}");
}

#[test]
fn variables_come_from_the_environment() {
    let port = |bench: &Bench, value: Option<&str>| {
        let mut command = bench.command(&["config", "--config", "c.yaml"]);
        if let Some(value) = value {
            command.env("PORT", value);
        }
        Ran::of(command.output().unwrap())
    };
    let bench = Bench::spoiled("", "observability:\n  prometheus:\n    endpoint:\n      port: ${PORT:-9191}");
    assert!(port(&bench, None).out.contains("port: 9191\n"));
    assert!(port(&bench, Some("9292")).out.contains("port: 9292\n"));
    assert_eq!(
        port(&bench, Some("x")).err,
        "c.yaml:17:13: observability.prometheus.endpoint.port: \"x\" does not fit; expected a whole number from 0 to 65535\n"
    );
    let bench = Bench::spoiled("", "observability: {prometheus: {endpoint: {port: \"${PORT}\"}}}");
    assert_eq!(
        port(&bench, None).err,
        "c.yaml:14:47: observability.prometheus.endpoint.port: the environment variable PORT is not set; set it or write \
         ${PORT:-default}\n"
    );
}

#[test]
fn set_replaces_values_and_names_itself_where_they_are_wrong() {
    let bench = Bench::new();
    let printed = bench.effective(&["windows.0.size=5s", "source.file.speed=60", "sink={file: {path: rows}}"]);
    for part in ["    size: 5s\n", "    speed: 60\n", "sink:\n  file:\n    path: rows\n    existing: refuse\n"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    let ran = bench.run(&[
        "run",
        "--config",
        "c.yaml",
        "--set",
        "source.file.speed=fast",
        "--set",
        "windows.1.size=5s",
        "--set",
        "x",
    ]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.err,
        "--set source.file.speed=fast: source.file.speed: \"fast\" does not fit; expected max or a positive factor such as \
         60\n\
         --set windows.1.size=5s: windows.1.size: the list has 1 items; expected an index below that, not \"1\"\n\
         --set x: expected dotted.path=YAML such as source.file.speed=60\n"
    );
}

#[test]
fn json_is_read_too() {
    let json = r#"{
 "source": {"file": {"paths": ["in.ndjson"], "format": "ndjson"}},
 "event": {"id": "\/id", "type": {"value": "\ud83d\ude00"}, "time": {"from": "/time", "format": "rfc3339"}},
 "windows": [
  {"name": "w", "type": "tumbling", "size": "10000ms", "key": [], "max_keys": 10, "aggregates": {"n": "count"}}
 ],
 "deduplicate": {"enabled": false}
}"#;
    let bench = Bench::with(json);
    let printed = bench.effective(&[]);
    assert!(printed.contains("value: \"😀\"\n") && printed.contains("size: 10000ms\n"), "{printed}");
    assert_eq!(again(&bench, &printed), printed);
}

#[test]
fn files_are_sorted_by_name_and_read_once() {
    let bench = Bench::spoiled("[in.ndjson]", "['*.ndjson', b.ndjson, ./in.ndjson]");
    for name in ["b.ndjson", "a.ndjson", "B.ndjson"] {
        bench.write(name, "");
    }
    let loaded = streamgauge::config::load(&bench.path("c.yaml"), &[]);
    // The paths are relative to the working directory, which a test must not change for its neighbours.
    assert!(loaded.is_err());
    let pattern =
        format!("source.file.paths=['{}', '{}']", bench.path("*.ndjson").display(), bench.path("b.ndjson").display());
    let loaded = streamgauge::config::load(&bench.path("c.yaml"), &[pattern]).unwrap();
    let names: Vec<_> = loaded.config.source.inputs.iter().map(|i| i.file().unwrap().file_name().unwrap()).collect();
    assert_eq!(names, ["B.ndjson", "a.ndjson", "b.ndjson", "in.ndjson"]);
}

#[test]
fn the_effective_configuration_means_the_same() {
    let bench = Bench::new();
    let input = format!("source.file.paths=['{}']", bench.path("in.ndjson").display());
    let first = streamgauge::config::load(&bench.path("c.yaml"), &[input]).unwrap();
    bench.write("again.yaml", first.effective.to_string());
    let second = streamgauge::config::load(&bench.path("again.yaml"), &[]).unwrap();
    assert_eq!(format!("{:?}", first.config), format!("{:?}", second.config));
}
