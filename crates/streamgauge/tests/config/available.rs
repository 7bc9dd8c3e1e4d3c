//! What the contract describes but this version does not do: refused by name, never ignored.

use crate::bench::Bench;

fn refused(yaml: &str) -> String {
    Bench::spoiled("", yaml).faults()
}

#[test]
fn sources_and_sinks_on_kafka_are_refused() {
    let kafka = "  kafka: {brokers: b, topics: [t], properties: {sasl.password: x}}";
    assert_eq!(
        Bench::spoiled("  file:\n    paths: [in.ndjson]", kafka).faults(),
        "c.yaml:2:3: source.kafka: kafka is not available in this version\n"
    );
    for output in ["sink", "late", "dead_letter"] {
        assert_eq!(
            refused(&format!("{output}: {{kafka: {{topic: t}}}}")),
            format!("c.yaml:14:{}: {output}.kafka: kafka is not available in this version\n", output.len() + 4)
        );
    }
}

#[test]
fn formats_are_refused() {
    assert_eq!(
        Bench::spoiled("[in.ndjson]", "[in.ndjson]\n    format: cloudevents").faults(),
        "c.yaml:4:13: source.file.format: cloudevents is not available in this version\n"
    );
}

#[test]
fn state_on_a_server_is_refused() {
    for backend in ["redis", "postgres"] {
        let said = refused(&format!("state: {{backend: {backend}, url: \"{backend}://u:p@h\"}}"));
        assert!(
            said.starts_with(&format!("c.yaml:14:18: state.backend: {backend} is not available in this version\n"))
        );
        assert!(said.ends_with("state.url: url is not available in this version\n"), "{said}");
    }
}

#[test]
fn state_in_a_folder_and_exactly_once_into_files_can_be_chosen() {
    let chosen =
        "state: {backend: disk, path: state, commit_interval: 5s}\nsink: {file: {path: rows}}\ndelivery: exactly_once";
    let effective = Bench::spoiled("", chosen).effective(&[]);
    assert!(effective.contains("exactly_once") && effective.contains("commit_interval: 5s"), "{effective}");
}

#[test]
fn a_folder_that_no_state_can_be_in_is_refused() {
    let bench = Bench::spoiled("", "state: {backend: disk, path: in.ndjson}");
    bench.write("in.ndjson", "");
    assert_eq!(
        bench.faults(),
        "c.yaml:14:30: state.path: \"in.ndjson\" is there and is not a folder; choose another path\n"
    );
    let said = refused("state: {backend: disk, path: not/there}");
    assert!(said.contains("state.path: \"not/there\" cannot be created: there is no folder \"not\""), "{said}");
}

#[test]
fn opentelemetry_is_refused_but_its_settings_are_known() {
    assert_eq!(
        refused("observability: {opentelemetry: {enabled: true}}"),
        "c.yaml:14:42: observability.opentelemetry.enabled: true is not available in this version; expected false\n"
    );
    let off = "observability: {opentelemetry: {enabled: false, otlp: {protocol: http/protobuf}}}";
    Bench::spoiled("", off).effective(&[]);
    assert_eq!(
        refused("observability: {opentelemetry: {enabled: false, tracing: {sampling: {ratio: 2}}}}"),
        "c.yaml:14:77: observability.opentelemetry.tracing.sampling.ratio: \"2\" does not fit; expected a number from 0 to \
         1\n"
    );
}

#[test]
fn limits_of_the_registry_can_be_chosen() {
    let chosen = "observability: {prometheus: {registry: {max_cardinality: 500, max_labels_per_metric: 4, \
                  max_label_value_length: 20}}, cardinality: {max_series_per_metric: 50, \
                  warning_threshold: 0.5, critical_threshold: 0.75, high_cardinality_labels: [a]}}";
    Bench::spoiled("", chosen).effective(&[]);
}

#[test]
fn contradictions_are_told_rather_than_what_is_not_available() {
    let said = refused("delivery: exactly_once");
    assert_eq!(
        said,
        "c.yaml:14:11: delivery: exactly_once contradicts sink.stdout: what was printed cannot be taken back; expected a \
         file or kafka sink\n\
         c.yaml:14:11: delivery: exactly_once contradicts state.backend memory: it does not outlive the process; expected a \
         durable backend\n"
    );
    let stdin = "sink: {file: {path: rows}}\nstate: {backend: disk}\ndelivery: exactly_once";
    let bench = Bench::spoiled("", stdin);
    let ran = bench.run(&["config", "--config", "c.yaml", "--set", "source.file.paths=['-']"]);
    assert!(ran.err.contains("delivery: exactly_once contradicts standard input in source.file.paths"), "{}", ran.err);
    let said = refused("  - {name: s, type: sliding, size: 1s, slide: 2s}");
    assert!(said.contains("c.yaml:14:47: windows.1.slide: is longer than size"), "{said}");
    let said = refused("  - {name: s, type: sliding, size: 100h, slide: 10s}");
    assert!(said.contains("windows.1.slide: makes each event part of more than 10000 windows"), "{said}");
}

#[test]
fn two_names_of_one_limit_must_agree() {
    let said =
        refused("observability: {prometheus: {registry: {max_cardinality: 5}}, cardinality: {max_total_series: 6}}");
    assert!(
        said.ends_with(
            "c.yaml:14:95: observability.cardinality.max_total_series: 6 contradicts \
             observability.prometheus.registry.max_cardinality 5; expected the same number\n"
        ),
        "{said}"
    );
}

#[test]
fn commands_of_later_versions_are_refused() {
    for args in [&["top"][..], &["doctor", "--config", "c.yaml"]] {
        let ran = Bench::new().run(args);
        assert_eq!(
            (ran.code, ran.err),
            (Some(2), format!("streamgauge {} is not available in this version\n", args[0]))
        );
    }
}

#[test]
fn a_name_of_a_window_has_an_end() {
    let name = "n".repeat(1_001);
    let said = refused(&format!("  - {{name: {name}, size: 1s}}"));
    assert!(said.ends_with("windows.1.name: has 1001 bytes; expected at most 1000\n"), "{said}");
}
