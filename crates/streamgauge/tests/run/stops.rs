//! How a run ends before its input does.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Case, SINK, events, hour_config, json_config, sum_of};

#[test]
fn trap_32_a_stop_writes_what_is_complete_and_says_what_is_not() {
    for signal in ["-TERM", "-INT"] {
        let case = Case::new();
        let mut run = case.start(&json_config("-"), &[]);
        run.send(&events(0..25));
        run.wait_for_events(25);
        let asked = Instant::now();
        run.signal(signal);
        let done = run.end();
        done.expect(0).expect_conservation();
        assert!(asked.elapsed() < Duration::from_secs(5));
        assert_eq!(done.count("received"), 25);
        assert_eq!(done.count("rows"), 4, "two windows of two keys");
        assert_eq!(case.rows(SINK).len(), 4);
        assert_eq!(done.count("open_windows"), 2);
        let told = "2 open windows were not printed (state is in memory)";
        assert!(done.stderr.contains(told), "{}", done.stderr);
    }
}

#[test]
fn a_stop_ends_also_a_run_that_waits_for_its_next_event() {
    let case = Case::new();
    let mut config = hour_config();
    config["source"]["file"]["speed"] = json!(1);
    let run = case.start(&config, &[]);
    run.wait_for_events(1);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert!(done.count("received") < 19_366);
    assert!(done.count("open_windows") > 0);
    assert!(done.count("bytes_in") < 700_000, "what was only read ahead does not count");
}

#[test]
fn draining_prints_the_open_windows() {
    let case = Case::new();
    let mut run = case.start(&json_config("-"), &["--drain"]);
    run.send(&events(0..25));
    run.wait_for_events(25);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!(done.count("open_windows"), 0);
    assert_eq!(sum_of(&case.rows(SINK), "n"), 25);
}

/// A stop used to be stuck in the write to such a pipe: the process ended itself after eight seconds, without a report.
#[test]
fn a_stop_is_in_time_and_reported_though_nobody_reads_the_rows() {
    let case = Case::new();
    let mut config = hour_config();
    config["sink"] = json!({"stdout": {}});
    config["windows"][0]["size"] = json!("1s");
    let mut run = case.start(&config, &[]);
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    run.signal("-TERM");
    let code = run.child.wait().unwrap().code();
    assert_eq!(code, Some(1), "rows were lost");
    assert!(asked.elapsed() < Duration::from_secs(10));
    let done = run.end();
    done.expect_conservation();
    assert_eq!(done.count("rows"), done.stdout.matches('\n').count() as u64, "the whole rows in the pipe");
    assert!(done.stderr.contains("its reader takes nothing, and the run was asked to stop"), "{}", done.stderr);
}

#[test]
fn a_second_signal_ends_a_run_that_is_stuck() {
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let case = Case::new();
        let mut config = hour_config();
        config["sink"] = json!({"stdout": {}}); // and nobody reads it
        config["windows"][0]["size"] = json!("1s");
        let mut run = case.start(&config, &[]);
        thread::sleep(Duration::from_millis(500));
        run.signal(signal);
        thread::sleep(Duration::from_millis(500));
        assert!(run.is_alive(), "the pipe is full, so it cannot have ended");
        run.signal(signal);
        assert_eq!(run.child.wait().unwrap().code(), Some(code));
    }
}
