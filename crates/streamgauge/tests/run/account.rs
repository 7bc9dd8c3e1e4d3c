//! What a run counts, reports and exports is the same.

use serde_json::json;

use crate::harness::{Case, SINK, events, hour_config, json_config, sum_of};

#[test]
fn the_real_hour_is_counted_to_the_last_request() {
    let case = Case::new();
    let done = case.run(&hour_config());
    done.expect(0).expect_conservation();
    assert_eq!(done.count("received"), 19_366);
    assert_eq!(done.count("processed"), 19_366);
    let rows = case.rows(SINK);
    assert_eq!(sum_of(&rows, "n"), 19_366);
    assert_eq!(rows.len() as u64, done.count("rows"));
    assert_eq!(done.count("bytes_in"), std::fs::metadata(crate::harness::hour()).unwrap().len());
    assert_eq!(done.count("open_windows"), 0);
    assert!(done.stderr.contains("19366 events in "), "{}", done.stderr);
}

#[test]
fn paced_or_not_the_rows_are_the_same_bytes() {
    let (fast, paced) = (Case::new(), Case::new());
    fast.run(&hour_config()).expect(0);
    let mut config = hour_config();
    config["source"]["file"]["speed"] = json!(20_000);
    let done = paced.run(&config);
    done.expect(0);
    assert_eq!(fast.text(SINK), paced.text(SINK));
    assert!(done.count("elapsed_ms") >= 150, "an hour at 20000 times takes 0.18 s");
}

#[test]
fn every_way_an_event_can_go_is_counted_and_kept() {
    let case = Case::new();
    let lines = [
        &events(0..30),
        "{\"t\":1,\"k\":\"late\"}\n",
        "not json\n\n{\"k\":\"no time\"}\n",
        "{\"t\":31,\"k\":\"dropped\"}\n",
    ];
    case.write("in.ndjson", lines.concat());
    let mut config = json_config("in.ndjson");
    config["filter"] = json!({"k": ["a", "b", "late"]});
    config["late"] = json!({"file": {"path": "late.ndjson"}});
    config["dead_letter"] = json!({"file": {"path": "dead.ndjson"}});
    let done = case.run(&config);
    done.expect(0).expect_conservation();
    for (field, count) in [("received", 34), ("processed", 30), ("late", 1), ("dead_letters", 2), ("filtered", 1)] {
        assert_eq!(done.count(field), count, "{field}");
    }
    let late = case.rows("late.ndjson");
    assert_eq!(late.len(), 1);
    assert_eq!(late[0]["reason"], "late");
    assert_eq!(late[0]["payload"], "{\"t\":1,\"k\":\"late\"}");
    let dead = case.rows("dead.ndjson");
    let offset = events(0..30).len() + "{\"t\":1,\"k\":\"late\"}\n".len();
    assert_eq!(dead[0]["reason"], "invalid_json");
    assert_eq!(dead[0]["offset"], offset);
    assert_eq!(dead[0]["source"], "in.ndjson");
    assert_eq!(dead[1]["reason"], "missing_field");
}

#[test]
fn dead_letters_without_a_file_are_logged_three_of_each_reason_and_harmlessly() {
    let case = Case::with("in.ndjson", "\x1b[31m{\n".repeat(9) + &events(0..3));
    let done = case.run(&json_config("in.ndjson"));
    done.expect(0).expect_conservation();
    assert_eq!(done.count("dead_letters"), 9);
    assert_eq!(done.stderr.matches("invalid_json at in.ndjson:").count(), 3, "{}", done.stderr);
    assert!(!done.stderr.contains('\x1b') && done.stderr.contains("\\u{1b}[31m"));
}

#[test]
fn trap_41_the_exported_counters_are_those_of_the_report() {
    let case = Case::new();
    let mut run = case.start(&json_config("-"), &[]);
    run.send(&(events(0..60) + "broken\n" + "{\"t\":1,\"k\":\"a\"}\n"));
    run.wait_for_events(62);
    let metrics: Vec<f64> = [
        "stream_processor_events_received_total",
        "stream_processor_events_processed_total",
        "stream_processor_errors_total",
        "stream_processor_processing_duration_ms_count",
        "stream_processor_end_to_end_latency_ms_count",
    ]
    .map(|name| run.metric(name))
    .into();
    let done = run.end();
    done.expect(0).expect_conservation();
    assert_eq!(done.count("received"), 62);
    assert_eq!(&metrics[..3], [62.0, done.count("processed") as f64, 1.0]);
    assert!(metrics[3..].iter().all(|count| *count > 0.0), "{metrics:?}");
}

#[test]
fn the_buckets_of_a_set_and_of_a_single_histogram_can_be_chosen() {
    let case = Case::new();
    let buckets = "observability.prometheus.histograms={latency_ms_buckets: [3, 9], \
                   per_metric: {stream_processor_end_to_end_latency_ms: [7, 8.5]}}";
    let run = case.start(&json_config("-"), &["--set", buckets]);
    let page = run.get("/metrics");
    let bounds = |name: &str| {
        let buckets = page.lines().filter(|line| line.starts_with(&format!("{name}_bucket{{")));
        buckets
            .map(|line| line.split("le=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(bounds("stream_processor_processing_duration_ms")[..3], ["3", "9", "+Inf"]);
    assert_eq!(bounds("stream_processor_end_to_end_latency_ms")[..3], ["7", "8.5", "+Inf"]);
    run.end().expect(0);
}

#[test]
fn stdout_that_is_no_terminal_gets_rows_and_nothing_else() {
    let case = Case::new();
    let mut config = hour_config();
    config["sink"] = json!({"stdout": {}});
    let done = case.run(&config);
    done.expect(0);
    let rows = crate::harness::parsed(&done.stdout);
    assert_eq!(rows.len() as u64, done.count("rows"));
    assert_eq!(sum_of(&rows, "n"), 19_366);
}

#[test]
fn log_lines_can_be_json() {
    let case = Case::new();
    let done = case.end(case.command(&hour_config(), &["--log-format", "json"]));
    done.expect(0);
    let lines = crate::harness::parsed(&done.stderr);
    assert!(lines.iter().any(|line| line["message"].to_string().contains("19366 events")));
}

#[test]
fn llm_requests_of_the_preset_are_counted_by_model() {
    let case = Case::new();
    let mut config = json_config("-");
    config["event"] = json!({"preset": "llm"});
    config["windows"] = json!([{"name": "w", "type": "tumbling", "size": "1m", "key": ["model"],
        "aggregates": {"n": "count", "tokens": "sum(output_tokens)"}}]);
    let mut run = case.start(&config, &[]);
    let request = |id: u32, model: &str| {
        format!(
            r#"{{"id":"r{id}","type":"llm.request","time":"2025-01-01T12:00:0{id}Z","model":"{model}","tenant":"acme","status":"ok","input_tokens":100,"output_tokens":20,"duration_ms":750.5,"time_to_first_token_ms":90,"cost_usd":0.002}}"#
        ) + "\n"
    };
    run.send(&(request(1, "m1") + &request(2, "m1") + &request(3, "m2")));
    run.wait_for_events(3);
    let page = run.get("/metrics");
    for line in [
        "llm_requests_total{model=\"m1\"} 2",
        "llm_tokens_total{model=\"m1\",kind=\"input\"} 200",
        "llm_tokens_total{model=\"m2\",kind=\"output\"} 20",
        "llm_cost_usd_total{model=\"m2\"} 0.002",
        "llm_request_duration_ms_sum{model=\"m1\"} 1501",
        "llm_time_to_first_token_ms_count{model=\"m2\"} 1",
    ] {
        assert!(page.lines().any(|own| own == line), "no {line} in {page}");
    }
    run.end().expect(0).expect_conservation();
}
