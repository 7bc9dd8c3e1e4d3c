//! What goes wrong leaves whole rows, an honest account and one clear line.

use std::net::TcpListener;

use serde_json::json;

use crate::harness::{Case, Done, SINK, events, hour_config, json_config, sum_of, with_limit};

/// What the system says of a file at its size limit.
const TOO_LARGE: &str = "File too large (os error 27)";

/// Runs with no file allowed to grow beyond so many blocks of 512 bytes.
fn with_file_limit(case: &Case, config: &serde_json::Value, blocks: u32) -> Done {
    with_limit(case, config, &format!("-f {blocks}"))
}

#[test]
fn a_full_disk_keeps_whole_rows_and_the_report_counts_exactly_those() {
    for blocks in [4, 9, 33] {
        let case = Case::new();
        let done = with_file_limit(&case, &hour_config(), blocks);
        done.expect(1).expect_conservation();
        let rows = case.rows(SINK);
        assert!(!rows.is_empty());
        assert_eq!(rows.len() as u64, done.count("rows"));
        assert!(sum_of(&rows, "n") < 19_366);
        let told =
            format!("rows.ndjson may not grow further: {TOO_LARGE}; {} whole rows of this run are in it", rows.len());
        assert_eq!(done.error(), told);
    }
}

#[test]
fn a_full_disk_leaves_the_rows_of_earlier_runs_alone() {
    let case = Case::new();
    let earlier = "{\"earlier\":true}\n".repeat(100);
    case.write(SINK, &earlier);
    let mut config = hour_config();
    config["sink"]["file"]["existing"] = json!("append");
    let done = with_file_limit(&case, &config, 16);
    done.expect(1);
    assert!(case.text(SINK).starts_with(&earlier));
    assert_eq!(case.rows(SINK).len() as u64, 100 + done.count("rows"));
}

#[test]
fn a_full_dead_letter_file_ends_the_run_too() {
    let case = Case::with("in.ndjson", "not json at all\n".repeat(1_000) + &events(0..30));
    let mut config = json_config("in.ndjson");
    config["dead_letter"] = json!({"file": {"path": "dead.ndjson"}});
    let done = with_file_limit(&case, &config, 8);
    done.expect(1).expect_conservation();
    assert!(!case.rows("dead.ndjson").is_empty());
    let letters = case.rows("dead.ndjson").len();
    let told = format!("dead.ndjson may not grow further: {TOO_LARGE}; {letters} whole rows of this run are in it");
    assert_eq!(done.error(), told);
}

#[test]
fn a_reader_that_goes_away_is_told_in_one_line() {
    let case = Case::new();
    let mut config = hour_config();
    config["sink"] = json!({"stdout": {}});
    let mut child = case.command(&config, &[]).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    let errors: Vec<_> = stderr.lines().filter(|line| line.contains("ERROR")).collect();
    assert_eq!(errors.len(), 1, "{stderr}");
    assert!(errors[0].contains("stdout was closed by its reader"), "{stderr}");
}

#[test]
fn a_port_that_is_taken_is_named_with_its_key_and_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let case = Case::new();
    let mut config = hour_config();
    config["observability"] = json!({"prometheus": {"endpoint": {"host": "127.0.0.1", "port": address.port()}}});
    let done = case.run(&config);
    done.expect(1);
    assert_eq!(
        done.error(),
        format!(
            "observability.prometheus.endpoint.port: cannot listen on {address}: another process has that port; stop it or \
             choose another port (0 takes a free one) (Address already in use (os error 98))"
        )
    );
    assert!(!case.path(SINK).exists(), "nothing was begun");
}

#[test]
fn what_can_be_known_before_the_start_changes_nothing() {
    let case = Case::with(SINK, "mine\n");
    let done = case.run(&hour_config());
    done.expect(2);
    assert!(done.stderr.contains(SINK) && done.stderr.contains("append"), "{}", done.stderr);
    assert_eq!(case.text(SINK), "mine\n");
    assert!(done.report.is_none());
}

#[test]
fn a_start_that_fails_half_way_takes_back_what_it_created() {
    let case = Case::new();
    let mut config = hour_config();
    config["late"] = json!({"file": {"path": "not/there/late.ndjson"}});
    case.run(&config).expect(2);
    assert!(!case.path(SINK).exists());
}

#[test]
fn a_column_that_is_not_there_is_a_mistake_in_the_configuration() {
    let case = Case::new();
    let mut config = hour_config();
    config["event"]["numbers"] = json!({"input": "/Tokens"});
    config["windows"][0]["aggregates"] = json!({"in": "sum(input)"});
    let done = case.run(&config);
    done.expect(2);
    assert!(done.stderr.contains("Tokens"), "{}", done.stderr);
    assert!(!case.path(SINK).exists());
}

#[test]
fn an_output_that_is_also_the_input_is_refused_before_it_is_emptied() {
    let case = Case::with("in.ndjson", events(0..9));
    let mut config = json_config("in.ndjson");
    config["sink"] = json!({"file": {"path": "in.ndjson", "existing": "truncate"}});
    let done = case.run(&config);
    done.expect(2);
    assert!(done.stderr.contains("in.ndjson"), "{}", done.stderr);
    assert_eq!(case.text("in.ndjson"), events(0..9));
}

#[test]
fn a_report_that_cannot_be_written_is_known_before_the_start() {
    let case = Case::new();
    let done = case.end(case.command(&hour_config(), &["--report", "not/there/report.json"]));
    done.expect(2);
    assert!(!case.path(SINK).exists());
}
