//! What only the text of a configuration decides.

use crate::bench::Bench;

/// Spoils the good configuration in one place and gives what is said about it.
fn said(from: &str, to: &str) -> String {
    Bench::spoiled(from, to).faults()
}

#[test]
fn a_good_configuration_is_accepted() {
    let ran = Bench::new().run(&["check-config", "c.yaml"]);
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "c.yaml: ok\n", ""));
}

#[test]
fn a_missing_configuration_says_how_to_begin() {
    let ran = Bench::new().run(&["check-config", "no.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(ran.err, "no.yaml: there is no such file; `streamgauge init` writes a configuration to begin with\n");
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    assert_eq!(
        said("    size: 10s", "    sise: 10s"),
        "c.yaml:10:5: windows.0.size: missing; a tumbling window needs its size\n\
         c.yaml:11:5: windows.0.sise: unknown key; expected name, type, size, slide, gap, offset, allowed_lateness, key, \
         max_keys or aggregates (did you mean \"size\"?)\n"
    );
}

#[test]
fn a_wrong_duration_says_how_durations_are_written() {
    assert_eq!(
        said("size: 10s", "size: 10 seconds"),
        "c.yaml:11:11: windows.0.size: \"10 seconds\" does not fit; expected a positive duration below 100 years such as \
         10s, 500ms, 5m or 1h\n"
    );
    for wrong in ["10", "0s", "-1s", "36500d", "1e3s"] {
        assert!(said("size: 10s", &format!("size: {wrong}")).contains("expected a positive duration"), "{wrong}");
    }
}

#[test]
fn an_unknown_aggregate_is_named_with_the_one_that_was_meant() {
    assert_eq!(
        said("n: count", "n: cuont"),
        "c.yaml:13:21: windows.0.aggregates.n: unknown aggregate \"cuont\"; expected count, sum, avg, min, max, stddev, \
         percentile or distinct (did you mean \"count\"?)\n"
    );
}

#[test]
fn deviations_percentiles_and_numbers_of_distinct_values_can_be_chosen() {
    for call in ["stddev(tokens)", "\"percentile(tokens, 0.99)\"", "\"percentile(tokens, 1)\"", "distinct(model)"] {
        Bench::spoiled("sum(tokens)", call).effective(&[]);
    }
}

#[test]
fn a_percentile_needs_a_share_above_0_and_at_most_1() {
    let calls = ["tokens", "tokens, 0", "tokens, 1.01", "tokens, -0.5", "tokens, .nan", "tokens, half", "tokens,"];
    for call in calls {
        assert_eq!(
            said("sum(tokens)", &format!("\"percentile({call})\"")),
            "c.yaml:13:31: windows.0.aggregates.t: percentile needs a share above 0 and at most 1; expected for example \
             percentile(field, 0.99)\n",
            "{call}"
        );
    }
}

#[test]
fn numbers_have_percentiles_and_deviations_and_texts_have_distinct_values() {
    for call in ["\"percentile(model, 0.5)\"", "stddev(model)"] {
        assert_eq!(
            said("sum(tokens)", call),
            "c.yaml:13:31: windows.0.aggregates.t: \"model\" is a string; expected tokens of event.numbers\n"
        );
    }
    assert_eq!(
        said("sum(tokens)", "distinct(tokens)"),
        "c.yaml:13:31: windows.0.aggregates.t: \"tokens\" is a number; expected model or tenant of event.strings\n"
    );
    for function in ["stddev", "percentile", "distinct"] {
        assert_eq!(
            said("sum(tokens)", function),
            format!("c.yaml:13:31: windows.0.aggregates.t: {function} needs a field; expected {function}(field)\n")
        );
    }
}

#[test]
fn an_aggregate_of_a_string_or_an_unknown_field_is_a_fault() {
    assert_eq!(
        said("sum(tokens)", "sum(model)"),
        "c.yaml:13:31: windows.0.aggregates.t: \"model\" is a string; expected tokens of event.numbers\n"
    );
    assert_eq!(
        said("sum(tokens)", "avg(tokns)"),
        "c.yaml:13:31: windows.0.aggregates.t: unknown field \"tokns\"; expected tokens of event.numbers (did you mean \
         \"tokens\"?)\n"
    );
    assert_eq!(
        said("sum(tokens)", "sum"),
        "c.yaml:13:31: windows.0.aggregates.t: sum needs a field; expected sum(field)\n"
    );
}

#[test]
fn keys_and_filters_need_string_fields() {
    assert_eq!(
        said("key: [model]", "key: [tokens, modle, model, model]"),
        "c.yaml:12:11: windows.0.key.0: \"tokens\" is a number; expected model or tenant of event.strings\n\
         c.yaml:12:19: windows.0.key.1: unknown field \"modle\"; expected model or tenant of event.strings (did you mean \
         \"model\"?)\n\
         c.yaml:12:33: windows.0.key.3: is already part of the key; expected each field once\n"
    );
    assert_eq!(
        said("", "filter: {tenants: [a], model: []}"),
        "c.yaml:14:19: filter.tenants: unknown field \"tenants\"; expected model or tenant of event.strings (did you mean \
         \"tenant\"?)\n\
         c.yaml:14:31: filter.model: no value passes, so every event would be dropped; expected at least one value\n"
    );
}

#[test]
fn two_windows_of_one_name_are_a_fault() {
    assert_eq!(
        said("", "  - {name: w, size: 1s}"),
        "c.yaml:14:12: windows.1.name: \"w\" is already the name of windows.0; expected a name of its own\n"
    );
}

#[test]
fn a_source_is_exactly_one_of_file_and_kafka() {
    assert_eq!(
        said("  file:\n    paths: [in.ndjson]", "  {}"),
        "c.yaml:2:3: source: has 0 of file, kafka; expected exactly one\n"
    );
    let both = said("  file:\n", "  kafka: {brokers: b, topics: [t]}\n  file:\n");
    assert!(both.contains("source: has 2 of file, kafka; expected exactly one\n"), "{both}");
}

#[test]
fn deduplication_needs_an_identity() {
    let bench = Bench::spoiled("  id: /id\n", "  id: none\n");
    assert_eq!(bench.run(&["check-config", "c.yaml"]).code, Some(0));
    let ran = bench.run(&["config", "--config", "c.yaml", "--set", "deduplicate.enabled=true"]);
    assert_eq!(
        ran.err,
        "--set deduplicate.enabled=true: deduplicate.enabled: events have no identity to tell duplicates by; expected \
         event.id to be a JSON Pointer, or enabled: false\n"
    );
}

#[test]
fn required_keys_are_named_with_what_they_take() {
    assert_eq!(
        Bench::with("filter: {}\n").faults(),
        "c.yaml:1:1: source: missing; expected a mapping with exactly one of file, kafka\n\
         c.yaml:1:1: event: missing; expected a mapping with preset, id, type, time, strings, numbers\n\
         c.yaml:1:1: windows: missing; expected a list of mappings with name, type, size, slide, gap, offset, \
         allowed_lateness, key, max_keys, aggregates\n"
    );
}

#[test]
fn pointers_times_and_types_are_judged() {
    assert_eq!(
        said("id: /id", "id: id"),
        "c.yaml:5:7: event.id: \"id\" does not fit: a JSON Pointer begins with /; expected a JSON Pointer such as /id, or \
         none\n"
    );
    let format = said("{from: /time}", "{from: /time, format: rfc3399}");
    assert!(format.starts_with("c.yaml:6:31: event.time.format: \"rfc3399\" does not fit"), "{format}");
    assert!(format.ends_with("(did you mean \"rfc3339\"?)\n"), "{format}");
    assert_eq!(
        said("key: [model]", "key: model"),
        "c.yaml:12:10: windows.0.key: is a single value; expected a list such as [a, b]\n"
    );
    assert_eq!(
        said("paths: [in.ndjson]", "paths: [in.ndjson]\n    max_line_bytes: 0"),
        "c.yaml:4:21: source.file.max_line_bytes: \"0\" does not fit; expected a size of at least one byte such as 64MiB \
         or 1024\n"
    );
}

#[test]
fn the_endpoint_is_judged() {
    assert_eq!(
        said("", "observability: {prometheus: {endpoint: {host: 'no host', port: 70000, path: metrics}}}"),
        "c.yaml:14:64: observability.prometheus.endpoint.port: \"70000\" does not fit; expected a whole number from 0 to \
         65535\n\
         c.yaml:14:77: observability.prometheus.endpoint.path: \"metrics\" is not a plain path; expected for example \
         /metrics\n"
    );
    assert_eq!(
        said("", "observability: {prometheus: {endpoint: {host: 'no host'}}}"),
        "c.yaml:14:47: observability.prometheus.endpoint.host: \"no host\" is neither an IP address nor a host name that is \
         known here; expected for example 0.0.0.0 or 127.0.0.1\n"
    );
    assert_eq!(
        said("", "observability: {prometheus: {histograms: {size_bytes_buckets: [1, 3, 3]}}}"),
        "c.yaml:14:70: observability.prometheus.histograms.size_bytes_buckets.2: 3 does not come after 3; expected \
         increasing bounds\n"
    );
    let many: Vec<_> = (1..=251).map(|bound| bound.to_string()).collect();
    assert_eq!(
        said(
            "",
            &format!("observability: {{prometheus: {{histograms: {{latency_ms_buckets: [{}]}}}}}}", many.join(", "))
        ),
        "c.yaml:14:63: observability.prometheus.histograms.latency_ms_buckets: is refused: a histogram has at most 250 \
         bucket bounds\n"
    );
}

#[test]
fn buckets_of_a_single_metric_are_those_of_a_histogram_that_is_there() {
    let chosen = |per_metric: &str| {
        said("", &format!("observability: {{prometheus: {{histograms: {{per_metric: {per_metric}}}}}}}"))
    };
    let unknown =
        chosen("{stream_processor_events_received_total: [1, 2], stream_processor_processing_duration_ms: [2, 1]}");
    let place = "observability.prometheus.histograms.per_metric";
    let [first, second] = unknown.lines().collect::<Vec<_>>()[..] else { panic!("{unknown}") };
    assert!(
        first.contains(&format!("{place}.stream_processor_events_received_total: is no histogram; expected one of "))
    );
    assert!(first.contains("stream_processor_processing_duration_ms"), "{first}");
    assert!(
        second.contains(&format!("{place}.stream_processor_processing_duration_ms.1: 1 does not come after 2")),
        "{second}"
    );
}

#[test]
fn native_buckets_are_those_of_a_histogram_that_is_there() {
    let chosen = |names: &str| said("", &format!("observability: {{prometheus: {{histograms: {{native: {names}}}}}}}"));
    let unknown = chosen("[stream_processor_processing_duration_ms, stream_processor_events_received_total]");
    let wanted = "native.1: \"stream_processor_events_received_total\" is no histogram; expected one of ";
    assert!(unknown.contains(wanted), "{unknown}");
}

#[test]
fn everything_is_told_in_one_go_in_the_order_of_the_file() {
    let yaml = "\
source: {file: {paths: [missing.ndjson], sped: max}}
event: {time: {from: time}, numbers: {tokens: /tokens}}
windows:
  - {name: a, size: x, aggregates: {t: sum(tokns)}}
deduplicate: {enabled: true}
sinc: {}
";
    assert_eq!(
        Bench::with(yaml).faults(),
        "c.yaml:1:25: source.file.paths.0: \"missing.ndjson\" does not exist; expected a file, seen from the working \
         directory\n\
         c.yaml:1:42: source.file.sped: unknown key; expected paths, format, partitions, follow, speed or max_line_bytes \
         (did you mean \"speed\"?)\n\
         c.yaml:2:22: event.time.from: \"time\" does not fit: a JSON Pointer begins with /; expected a JSON Pointer such as \
         /model\n\
         c.yaml:4:21: windows.0.size: \"x\" does not fit; expected a positive duration below 100 years such as 10s, 500ms, \
         5m or 1h\n\
         c.yaml:4:40: windows.0.aggregates.t: unknown field \"tokns\"; expected tokens of event.numbers (did you mean \
         \"tokens\"?)\n\
         c.yaml:5:24: deduplicate.enabled: events have no identity to tell duplicates by; expected event.id to be a JSON \
         Pointer, or enabled: false\n\
         c.yaml:6:1: sinc: unknown key; expected observability, source, event, filter, deduplicate, watermark, windows, \
         state, sink, late, dead_letter, delivery or workers (did you mean \"sink\"?)\n"
    );
}

#[test]
fn a_file_that_is_not_yaml_names_the_place() {
    let said = Bench::with("source: [\n").faults();
    assert!(said.starts_with("c.yaml:2:1: not readable as YAML: "), "{said}");
}

#[test]
fn a_file_that_is_no_configuration_at_all_is_refused() {
    assert_eq!(
        Bench::with(&" ".repeat(1_048_577)).faults(),
        "c.yaml: is longer than 1 MiB; expected a configuration\n"
    );
    let bench = Bench::new();
    bench.write("c.yaml", [0xff, 0xfe]);
    assert_eq!(bench.faults(), "c.yaml: is not valid UTF-8; expected a configuration as text\n");
}
