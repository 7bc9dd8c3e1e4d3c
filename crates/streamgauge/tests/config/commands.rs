//! The commands around the configuration.

use std::path::Path;
use std::process::Command;

use crate::bench::{self, Bench, Ran};

const COMMANDS: [&str; 7] = ["init", "run", "check-config", "check-web-config", "config", "catalogue", "completions"];

#[test]
fn every_help_ends_with_an_example() {
    let bench = Bench::new();
    let own = [vec!["--help"]];
    let all = COMMANDS.iter().map(|name| vec![*name, "--help"]);
    for args in own.into_iter().chain(all) {
        let ran = bench.run(&args);
        assert_eq!(ran.code, Some(0));
        let mut end = ran.out.trim_end().lines().rev();
        assert!(end.next().unwrap().starts_with("  streamgauge "), "{args:?}: {}", ran.out);
        assert_eq!(end.next(), Some("Example:"), "{args:?}");
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let bench = Bench::new();
    let wrong: [&[&str]; 6] =
        [&[], &["nope"], &["run"], &["check-config"], &["config"], &["config", "--schema", "--config", "c.yaml"]];
    for args in wrong {
        let ran = bench.run(args);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{args:?}");
    }
    assert_eq!(bench.run(&["--version"]).out, format!("streamgauge {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn several_files_are_all_judged() {
    let bench = Bench::new();
    let ran = bench.run(&["check-config", "no.yaml", "c.yaml"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), "c.yaml: ok\n"));
    assert!(ran.err.starts_with("no.yaml: "));
}

#[test]
fn the_starter_configuration_is_a_good_one() {
    let bench = Bench::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let written = bench.run(&["init", "--output", "start.yaml"]);
    assert_eq!((written.code, written.err.as_str()), (Some(0), ""));
    let start = bench.path("start.yaml");
    let checked =
        Command::new(env!("CARGO_BIN_EXE_streamgauge")).arg("check-config").arg(&start).current_dir(root).output();
    let checked = Ran::of(checked.unwrap());
    assert_eq!((checked.code, checked.err.as_str()), (Some(0), ""));
    assert_eq!(bench.run(&["init"]).out, std::fs::read_to_string(start).unwrap());
}

#[test]
fn init_overwrites_nothing() {
    let bench = Bench::new();
    let ran = bench.run(&["init", "--output", "c.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.err, "--output: \"c.yaml\" is there already; remove it or choose another path\n");
}

#[test]
fn every_line_with_a_key_of_the_starter_explains_itself() {
    let starter = Bench::new().run(&["init"]).out;
    let holds_more = |line: &str| line.trim_end().ends_with(':');
    let unexplained: Vec<_> = starter
        .lines()
        .filter(|line| line.contains(": ") && !line.contains('#') && !holds_more(line))
        .filter(|line| !line.contains("tokens") && !line.contains("count"))
        .collect();
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn completions_are_there_for_the_usual_shells() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = Bench::new().run(&["completions", shell]);
        assert_eq!(ran.code, Some(0));
        assert!(COMMANDS.iter().all(|command| ran.out.contains(command)), "{shell}");
    }
}

#[test]
fn the_schema_is_json_and_knows_the_whole_tree() {
    let ran = Bench::new().run(&["config", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let file = &schema["properties"]["source"]["properties"]["file"];
    assert_eq!(file["required"], serde_json::json!(["paths"]));
    assert_eq!(file["additionalProperties"], false);
}

#[test]
fn the_catalogue_names_the_metrics_of_the_contract() {
    let bench = Bench::new();
    let json: serde_json::Value = serde_json::from_str(&bench.run(&["catalogue"]).out).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|m| m["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"stream_processor_events_received_total"), "{names:?}");
    assert!(names.is_sorted());
    let markdown = bench.run(&["catalogue", "--format", "markdown"]).out;
    assert!(names.iter().all(|name| markdown.contains(&format!("| `{name}` |"))));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let bench = Bench::new();
    let mut child = bench.command(&["config", "--schema"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_web_configuration_is_judged_alone_and_along_with_the_one_that_names_it() {
    let bench = Bench::new();
    bench.write("good.yml", "rate_limit: {interval: 1s, burst: 20}\n");
    bench.write("bad.yml", "rate_limit:\n  interval: soon\n  burst: 20\n");
    let alone = bench.run(&["check-web-config", "good.yml", "bad.yml"]);
    let fault =
        "bad.yml:2:13: rate_limit.interval: is no duration of at most 24h; expected for example 1s, 250ms or 1m30s";
    assert_eq!((alone.code, alone.out.as_str(), alone.err), (Some(2), "good.yml: ok\n", format!("{fault}\n")));
    let named = |file: &str| {
        let endpoint = format!("observability: {{prometheus: {{endpoint: {{web_config_file: {file}}}}}}}\n");
        bench.write("named.yaml", format!("{endpoint}{}", bench::GOOD));
        bench.run(&["check-config", "named.yaml"])
    };
    assert_eq!(named("good.yml").code, Some(0));
    let path = "named.yaml:1:58: observability.prometheus.endpoint.web_config_file";
    assert_eq!(named("bad.yml").err, format!("{path}: {fault}\n"));
    assert!(named("no.yml").err.contains("there is no file no.yml"));
}
