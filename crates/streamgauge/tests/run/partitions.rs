//! Several files at once, several threads, silence: what must not change the rows, and what is said when none come.

use std::fs;

use serde_json::{Value as Json, json};

use crate::harness::{Case, SINK, events, hour_config, json_config, parsed, sum_of, wait};

/// The real hour in windows of every kind.
fn every_kind() -> Json {
    let mut config = hour_config();
    let aggregates = config["windows"][0]["aggregates"].clone();
    config["windows"] = json!([
        {"name": "side_by_side", "type": "tumbling", "size": "10s", "aggregates": aggregates},
        {"name": "overlapping", "type": "sliding", "size": "60s", "slide": "7s", "offset": "-1s", "aggregates": aggregates},
        {"name": "bursts", "type": "session", "gap": "1500ms", "aggregates": aggregates},
    ]);
    config
}

/// Three files that cover the same time at different rates.
fn three_files(case: &Case) -> Json {
    for (name, step) in [("1.ndjson", 1), ("2.ndjson", 3), ("3.ndjson", 7)] {
        let lines: String = events(0..2100).lines().step_by(step).flat_map(|line| [line, "\n"]).collect();
        case.write(name, lines);
    }
    let mut config = json_config("?.ndjson");
    config["source"]["file"]["partitions"] = json!("per_file");
    config
}

#[test]
fn trap_3_the_rows_are_the_same_bytes_for_any_number_of_workers_paced_or_not() {
    let bytes = |workers: Json, speed: Json| {
        let case = Case::new();
        let mut config = every_kind();
        config["workers"] = workers;
        config["source"]["file"]["speed"] = speed;
        case.run(&config).expect(0).expect_conservation();
        case.text(SINK)
    };
    let one = bytes(json!(1), json!("max"));
    assert!(one.matches('\n').count() > 800);
    for workers in [json!(2), json!(7), json!("auto")] {
        assert!(bytes(workers, json!("max")) == one);
    }
    assert!(bytes(json!(2), json!(10_000)) == one);
}

#[test]
fn trap_4_files_that_are_partitions_are_read_together_so_that_none_makes_another_late() {
    let case = Case::new();
    let mut config = three_files(&case);
    let done = case.run(&config);
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("late")), (3100, 0));
    let rows = case.text(SINK);
    assert_eq!(sum_of(&parsed(&rows), "n"), 3100);
    for workers in [1, 2, 5] {
        let again = Case::new();
        three_files(&again);
        config["workers"] = json!(workers);
        again.run(&config).expect(0);
        assert!(again.text(SINK) == rows, "{workers} workers");
    }
    let apart = Case::new();
    let mut config = three_files(&apart);
    config["source"]["file"]["partitions"] = json!("one");
    let done = apart.run(&config);
    done.expect(0).expect_conservation();
    assert!(done.count("late") > 900, "one after another, the second and the third are late");
}

/// One file has more than a day of events ready, the other a few: it is not read on until nobody waits for the other.
#[test]
fn trap_4_a_followed_file_that_is_far_ahead_is_paused_until_the_others_are_idle() {
    let case = Case::with("ahead.ndjson", events(0..100_000));
    case.write("behind.ndjson", events(0..5));
    let mut config = json_config("*.ndjson");
    config["source"]["file"] = json!({"paths": ["ahead.ndjson", "behind.ndjson"], "format": "ndjson", "follow": true, "partitions": "per_file"});
    config["watermark"] = json!({"max_out_of_orderness": "0s", "idle_timeout": "3s", "max_drift": "1h"});
    let run = case.start(&config, &["--drain"]);
    run.wait_for_events(5);
    let mut paused = 0;
    loop {
        let received = run.metric("stream_processor_events_received_total");
        if run.metric("stream_processor_partition_idle") > 0.5 {
            break;
        }
        assert!(received < 60_000.0, "{received} events were read although the other file may still say something");
        paused += 1;
        std::thread::yield_now();
    }
    assert!(paused > 0);
    run.wait_for_events(100_005);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("late")), (100_005, 0));
}

/// A crash loses what was in memory, and nothing else: a run from the start counts each event once.
#[test]
fn trap_17_after_a_crash_a_run_from_the_start_counts_each_event_once() {
    let case = Case::new();
    let mut config = json_config("in.ndjson");
    config["event"]["id"] = json!("/t");
    config["deduplicate"] = json!({"enabled": true, "ttl": "10m"});
    config["sink"] = json!({"file": {"path": SINK, "existing": "truncate"}});
    case.write("in.ndjson", events(0..300) + &events(0..300));
    config["source"]["file"]["speed"] = json!(100);
    let run = case.start(&config, &[]);
    run.wait_for_events(150);
    run.signal("-KILL");
    assert_eq!(run.end().code, None);
    config["source"]["file"]["speed"] = json!("max");
    let done = case.run(&config);
    done.expect(0).expect_conservation();
    assert_eq!((done.count("processed"), done.count("duplicates")), (300, 300));
    assert_eq!(sum_of(&case.rows(SINK), "n"), 300);
}

/// Nobody takes the rows: the input pauses, and what was read stays bounded.
#[test]
fn trap_30_a_reader_that_takes_nothing_pauses_the_input_and_costs_no_memory() {
    let case = Case::new();
    let lines = events(0..200_000);
    case.write("in.ndjson", &lines);
    let mut config = json_config("in.ndjson");
    config["windows"][0]["size"] = json!("1s");
    config["sink"] = json!({"stdout": {}});
    let mut run = case.start(&config, &[]);
    run.wait_for_rows();
    // It has paused when nothing more is received for as long as it takes to ask a few times.
    let (mut last, mut same) = (-1.0, 0);
    wait(|| {
        let now = run.metric("stream_processor_events_received_total");
        same = if (now - last).abs() < 0.5 { same + 1 } else { 0 };
        last = now;
        same == 20
    });
    assert!(last < 100_000.0, "{last} events were read although nobody takes the rows");
    let peak = peak_kib(run.child.id());
    let done = run.end();
    done.expect(0).expect_conservation();
    assert_eq!(sum_of(&parsed(&done.stdout), "n"), 200_000);
    assert!(peak < 100 << 10, "{peak} KiB");
}

fn peak_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn trap_33_at_the_end_of_its_input_every_window_is_printed_once() {
    let case = Case::new();
    let done = case.run(&every_kind());
    done.expect(0).expect_conservation();
    assert_eq!((done.count("open_windows"), done.count("revisions")), (0, 0));
    let rows = case.rows(SINK);
    let of = |name: &str| rows.iter().filter(|row| row["window"] == name).cloned().collect::<Vec<_>>();
    assert_eq!(sum_of(&of("side_by_side"), "n"), 19_366);
    assert_eq!(sum_of(&of("bursts"), "n"), 19_366);
    let mut seen: Vec<_> = rows.iter().map(|row| format!("{} {}", row["window"], row["start"])).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), rows.len());
}

/// A file that appears while others are followed is a partition of its own: it is read, and when it falls silent the others go on.
#[test]
fn trap_39_a_partition_that_comes_later_is_read_and_does_not_hold_the_others_back_for_ever() {
    let case = Case::with("a.ndjson", events(0..30));
    let mut config = json_config("*.ndjson");
    config["source"]["file"] =
        json!({"paths": ["*.ndjson"], "format": "ndjson", "follow": true, "partitions": "per_file"});
    config["watermark"] = json!({"max_out_of_orderness": "0s", "idle_timeout": "2s"});
    config["sink"] = json!({"stdout": {}});
    let mut run = case.start(&config, &["--drain"]);
    run.wait_for_events(30);
    run.wait_for_rows();
    case.write("b.ndjson", events(30..35));
    run.wait_for_events(35);
    case.append("a.ndjson", &events(35..80));
    wait(|| run.metric("stream_processor_window_triggers_total") >= 14.0);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("late")), (80, 0));
    assert_eq!(sum_of(&parsed(&done.stdout), "n"), 80);
}

#[test]
fn when_nothing_comes_out_the_log_and_the_readiness_say_why() {
    let case = Case::new();
    let mut config = json_config("-");
    config["filter"] = json!({"k": ["a"]});
    let mut run = case.start(&config, &[]);
    run.wait_for_log("no row for a while: no input has come yet");
    let ready = run.get("/ready");
    assert!(ready.starts_with("HTTP/1.1 200"), "{ready}");
    assert!(ready.contains(r#""notes":["rows do not come: no input has come yet"]"#), "{ready}");
    run.send("{\"t\":1,\"k\":\"b\"}\n");
    run.wait_for_log("no row for a while: the filter lets no event through");
    run.send("{\"t\":1,\"k\":\"a\"}\n");
    let line = run.wait_for_log("no row for a while: the first window closes at");
    assert!(
        line.ends_with("closes at 1970-01-01T00:00:10.000Z, the watermark is at 1970-01-01T00:00:00.000Z"),
        "{line}"
    );
    run.end().expect(0);
}

#[test]
fn each_stage_tells_how_its_threads_spent_their_time() {
    let case = Case::new();
    let mut config = json_config("-");
    config["workers"] = json!(2);
    let mut run = case.start(&config, &[]);
    for n in 0..20 {
        run.send(&events(n * 100..n * 100 + 100));
        run.wait_for_events(n * 100 + 100);
    }
    let page = run.get("/metrics");
    for stage in ["source", "decode", "judge", "sink"] {
        let series = format!("stream_processor_stage_time_ms_total{{stage=\"{stage}\",state=\"busy\"}} ");
        let busy = page.lines().find_map(|line| line.strip_prefix(&series)).unwrap_or_else(|| panic!("{page}"));
        assert!(busy.parse::<f64>().unwrap() > 0.0, "{stage}");
    }
    run.end().expect(0);
}

#[test]
fn trap_38_when_keys_are_too_many_the_log_names_the_field_and_some_of_its_values() {
    let case = Case::new();
    let mut config = json_config("-");
    config["event"]["strings"] = json!({"k": "/k", "v": "/v"});
    config["event"]["numbers"] = json!({});
    config["windows"] = json!([{"name": "by_v", "type": "tumbling", "size": "1h", "key": ["k", "v"], "max_keys": 10,
        "aggregates": {"n": "count"}}]);
    let mut run = case.start(&config, &[]);
    run.send(&events(0..500));
    let line = run.wait_for_log("window by_v has more than 10 live keys: ");
    assert!(line.contains("v has about "), "{line}");
    assert!(line.contains("values, such as [\"10\", \"11\", \"12\", \"13\", \"14\"]"), "{line}");
    run.wait_for_events(500);
    assert!((run.metric("stream_processor_keys_folded_total") - 490.0).abs() < 0.5);
    run.end().expect(0);
    assert_eq!(sum_of(&case.rows(SINK), "n"), 500);
    assert_eq!(case.rows(SINK).len(), 11);
}

/// Their latency used to be missing: it was kept only for paced input.
#[test]
fn the_latency_of_events_that_are_followed_counts_from_when_they_happened() {
    let case = Case::with("a.ndjson", events(0..30));
    let mut config = json_config("*.ndjson");
    config["source"]["file"] = json!({"paths": ["a.ndjson"], "format": "ndjson", "follow": true});
    let run = case.start(&config, &[]);
    run.wait_for_events(30);
    wait(|| run.metric("stream_processor_end_to_end_latency_ms_count") > 29.5);
    let years = run.metric("stream_processor_end_to_end_latency_ms_sum") / 30.0 / (365.25 * 86_400e3);
    assert!(years > 50.0, "they happened in 1970");
    run.stop().expect(0);
}
