//! State that outlives its process, seen from outside: what is refused, what is gone on with, what is told.

use std::fs;
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::harness::{Case, Done, SINK, events, json_config, sum_of, wait, with_limit};

fn durable(path: &str) -> Json {
    let mut config = json_config(path);
    config["state"] = json!({"backend": "disk", "path": "state", "commit_interval": "10ms"});
    config["delivery"] = json!("exactly_once");
    config["late"] = json!({"file": {"path": "late.ndjson"}});
    config["dead_letter"] = json!({"file": {"path": "dead.ndjson"}});
    config
}

fn following(path: &str) -> Json {
    let mut config = durable(path);
    config["source"]["file"]["follow"] = json!(true);
    config
}

fn state(case: &Case, args: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
    command.arg("state").args(args).current_dir(case.path(""));
    case.end(command)
}

/// The one file that epochs are in.
fn epochs(case: &Case) -> std::path::PathBuf {
    let files = fs::read_dir(case.path("state")).unwrap().map(|entry| entry.unwrap().path());
    let mut epochs: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "epochs")).collect();
    assert_eq!(epochs.len(), 1, "{epochs:?}");
    epochs.remove(0)
}

#[test]
fn trap_32_a_stop_keeps_open_windows_and_the_next_start_goes_on_with_them() {
    let case = Case::with("in.ndjson", events(0..25));
    let run = case.start(&following("in.ndjson"), &[]);
    run.wait_for_events(25);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("rows"), done.count("open_windows")), (25, 4, 2));
    assert!(done.stderr.contains("2 open windows stay in the state for the next start"), "{}", done.stderr);

    case.append("in.ndjson", &events(25..45));
    let run = case.start(&following("in.ndjson"), &[]);
    run.wait_for_events(20);
    run.signal("-INT");
    let done = run.end();
    done.expect(0).expect_conservation();
    assert_eq!(done.count("received"), 45, "the account counts over all starts");
    assert_eq!(done.count("rows"), 8);
    let rows = case.rows(SINK);
    assert_eq!((rows.len(), sum_of(&rows, "n")), (8, 40));
}

#[test]
fn a_drained_state_is_not_gone_on_with() {
    let case = Case::with("in.ndjson", events(0..25));
    let run = case.start(&following("in.ndjson"), &["--drain"]);
    run.wait_for_events(25);
    let done = run.stop();
    done.expect(0);
    assert_eq!((done.count("rows"), done.count("open_windows")), (6, 0));
    let done = case.run(&following("in.ndjson"));
    done.expect(2);
    assert!(done.error().contains("its windows were closed by --drain"), "{}", done.error());
    assert_eq!(case.rows(SINK).len(), 6, "and nothing was changed");
}

#[test]
fn a_second_signal_ends_the_run_at_once_and_loses_nothing_that_was_committed() {
    let case = Case::with("in.ndjson", events(0..3_000));
    let mut config = durable("in.ndjson");
    config["source"]["file"]["speed"] = json!(1_500);
    let run = case.start(&config, &[]);
    run.wait_for_events(500);
    run.signal("-TERM");
    run.stop();
    config["source"]["file"]["speed"] = json!("max");
    let done = case.run(&config);
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), sum_of(&case.rows(SINK), "n")), (3_000, 3_000));
}

#[test]
fn two_processes_cannot_have_one_state() {
    let case = Case::with("in.ndjson", events(0..25));
    let run = case.start(&following("in.ndjson"), &[]);
    run.wait_for_events(25);
    let mut other = following("in.ndjson");
    other["sink"]["file"]["path"] = json!("other.ndjson");
    let done = case.run(&other);
    done.expect(2);
    let pid = run.child.id();
    assert!(done.error().contains(&format!("process {pid} holds it; stop that one first")), "{}", done.error());
    assert!(!case.path("other.ndjson").exists(), "nothing was created");
    run.stop().expect(0);
}

#[test]
fn a_lock_that_was_taken_away_by_hand_stops_the_one_who_had_it() {
    let case = Case::with("in.ndjson", events(0..25));
    let mut first = case.start(&following("in.ndjson"), &[]);
    first.wait_for_events(25);
    case.remove("state/LOCK");
    let mut config = following("in.ndjson");
    config["sink"]["file"]["path"] = json!(SINK);
    let second = case.start(&config, &[]);
    case.append("in.ndjson", &events(25..60));
    wait(|| !first.is_alive());
    let fenced = first.end();
    fenced.expect(1);
    assert!(
        fenced.error().contains("another process has taken it over; this one must not go on"),
        "{}",
        fenced.error()
    );
    second.stop().expect(0);
}

#[test]
fn a_state_folder_that_cannot_be_written_is_refused_before_the_start() {
    let case = Case::with("in.ndjson", events(0..25));
    let mut config = durable("in.ndjson");
    config["state"]["path"] = json!("/proc/state");
    let done = case.run(&config);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("state.path") && done.stderr.contains("/proc"), "{}", done.stderr);
    assert!(!case.path(SINK).exists());
}

#[test]
fn a_state_of_a_newer_version_is_refused() {
    let case = Case::with("in.ndjson", events(0..25));
    case.run(&durable("in.ndjson")).expect(0);
    let path = epochs(&case);
    let mut bytes = fs::read(&path).unwrap();
    bytes[8..12].copy_from_slice(&7_u32.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..20]);
    bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
    fs::write(&path, bytes).unwrap();
    let done = case.run(&durable("in.ndjson"));
    done.expect(2);
    let want =
        "state.path: state: a newer version has written it (format 7, this one reads up to 1); go on with that version";
    assert_eq!(done.error(), want);
}

#[test]
fn damage_is_told_with_its_place_by_run_inspect_and_verify() {
    let case = Case::with("in.ndjson", events(0..3_000));
    let mut config = durable("in.ndjson");
    config["source"]["file"]["speed"] = json!(3_000);
    case.run(&config).expect(0);
    let verified = state(&case, &["verify", "--config", "config.json"]);
    verified.expect(0);
    assert!(verified.stdout.starts_with("ok: epoch "), "{}", verified.stdout);
    let path = epochs(&case);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = [
        case.run(&config),
        state(&case, &["verify", "--path", "state"]),
        state(&case, &["verify", "--config", "config.json"]),
        state(&case, &["inspect", "--config", "config.json"]),
    ];
    for (done, code) in damaged.iter().zip([2, 1, 1, 1]) {
        assert_eq!(done.code, Some(code), "{}", done.stderr);
        let name = path.file_name().unwrap().to_string_lossy();
        assert!(done.stderr.contains(&format!("{name}, byte ")), "{}", done.stderr);
    }
}

#[test]
fn a_state_can_be_looked_at_while_it_is_used() {
    let case = Case::with("in.ndjson", events(0..25));
    let run = case.start(&following("in.ndjson"), &[]);
    run.wait_for_events(25);
    let of = ["inspect", "--path", "state", "--format", "json"];
    let looked = || -> Json { serde_json::from_str(&state(&case, &of).stdout).unwrap() };
    wait(|| looked()["account"]["received"] == 25);
    let said = looked();
    assert_eq!(said["holder"], run.child.id());
    assert_eq!(said["watermark"], "1970-01-01T00:00:23.000Z");
    assert_eq!(said["windows"][0]["panes"], 2, "{said}");
    assert_eq!(said["inputs"][0]["offset"], events(0..25).len());
    assert_eq!(said["outputs"]["sink"]["length"], fs::metadata(case.path(SINK)).unwrap().len());
    let text = state(&case, &["inspect", "--config", "config.json"]).stdout;
    assert!(text.contains("watermark    1970-01-01T00:00:23.000Z\n"), "{text}");
    assert!(text.contains("events       25 received: 25 processed"), "{text}");
    run.stop().expect(0);
}

#[test]
fn where_there_is_no_state_nothing_is_looked_at() {
    let case = Case::with("in.ndjson", events(0..5));
    let done = state(&case, &["inspect", "--path", "nothing"]);
    assert_eq!((done.code, done.stderr.as_str()), (Some(2), "there is no state in nothing\n"));
    case.write("memory.json", json_config("in.ndjson").to_string());
    let done = state(&case, &["verify", "--config", "memory.json"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.contains("state.backend is memory"), "{}", done.stderr);
}

#[test]
fn a_full_disk_ends_the_run_and_it_goes_on_after_space_is_made() {
    let case = Case::with("in.ndjson", events(0..20_000));
    let mut config = durable("in.ndjson");
    config["windows"][0]["size"] = json!("20000s");
    config["event"]["id"] = json!("/t");
    config["deduplicate"] = json!({"enabled": true, "ttl": "24h"});
    config["source"]["file"]["speed"] = json!(40_000);
    config["state"]["commit_interval"] = json!("1ms");
    // No file may become longer than this: as far as a program can tell, the disk is full.
    let full = with_limit(&case, &config, "-f 150");
    full.expect(1);
    assert!(full.error().starts_with("state: cannot write to "), "{}", full.error());
    assert!(full.error().ends_with("the next start goes on with it"), "{}", full.error());
    state(&case, &["verify", "--config", "config.json"]).expect(0);
    let before = full.count("received");
    assert!(before < 20_000);
    config["source"]["file"]["speed"] = json!("max");
    let done = case.run(&config);
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("duplicates")), (20_000, 0));
    assert_eq!(sum_of(&case.rows(SINK), "n"), 20_000);
}

#[test]
fn input_that_has_grown_after_its_end_or_is_another_file_is_refused() {
    let case = Case::new();
    let first = events(0..25);
    case.write("in.ndjson", &first);
    case.run(&durable("in*.ndjson")).expect(0);
    let rows = case.text(SINK);
    let refused = |what: &str| {
        let done = case.run(&durable("in*.ndjson"));
        done.expect(2);
        assert!(done.error().contains(what), "{}", done.error());
        assert_eq!(case.text(SINK), rows);
    };
    case.append("in.ndjson", &events(25..26));
    refused("has grown from");
    refused("source.file.follow: true");
    case.write("in.ndjson", first.replace("\"v\":0", "\"v\":9"));
    refused("is not the file of which");
    case.write("in.ndjson", &first);
    case.write("in2.ndjson", events(25..30));
    refused("was not there when the end of the input was reached");
    case.remove("in2.ndjson");
    case.run(&durable("in*.ndjson")).expect(0);
    assert_eq!(case.text(SINK), rows, "all is as it was");
}

#[test]
fn output_that_was_cut_or_taken_away_is_refused() {
    let case = Case::with("in.ndjson", events(0..25));
    case.run(&durable("in.ndjson")).expect(0);
    let rows = case.text(SINK);
    case.write(SINK, &rows[..rows.len() - 1]);
    let done = case.run(&durable("in.ndjson"));
    done.expect(2);
    let want =
        format!("sink: {SINK} has {} bytes, but {} were committed before the restart", rows.len() - 1, rows.len());
    assert!(done.error().starts_with(&want), "{}", done.error());
    case.remove(SINK);
    case.run(&durable("in.ndjson")).expect(2);
    assert!(!case.path(SINK).exists());
}

#[test]
fn what_stands_behind_the_committed_rows_is_cut_off() {
    let case = Case::with("in.ndjson", events(0..25));
    case.run(&durable("in.ndjson")).expect(0);
    let rows = case.text(SINK);
    case.append(SINK, "{\"half\":");
    case.run(&durable("in.ndjson")).expect(0);
    assert_eq!(case.text(SINK), rows);
}

#[test]
fn another_output_begins_with_what_comes_next_and_the_old_one_keeps_what_was_committed() {
    let case = Case::with("in.ndjson", events(0..25));
    let run = case.start(&following("in.ndjson"), &[]);
    run.wait_for_events(25);
    run.stop().expect(0);
    case.append(SINK, "not committed");
    let mut config = following("in.ndjson");
    config["sink"]["file"]["path"] = json!("next.ndjson");
    case.append("in.ndjson", &events(25..45));
    let run = case.start(&config, &[]);
    run.wait_for_events(20);
    let done = run.stop();
    assert_eq!((case.rows(SINK).len(), case.rows("next.ndjson").len()), (4, 4));
    assert_eq!(done.count("rows"), 8);
}

#[test]
fn a_changed_configuration_that_the_state_depends_on_is_refused_with_the_reason() {
    let case = Case::with("in.ndjson", events(0..25));
    case.run(&durable("in.ndjson")).expect(0);
    let mut changed = durable("in.ndjson");
    changed["windows"][0]["size"] = json!("20s");
    let done = case.run(&changed);
    done.expect(2);
    let want = "state.path: state: windows[w] was tumbling, size 10s, offset 0s and is tumbling, size 20s, offset 0s now; \
                put it back as it was, or begin with another state";
    assert_eq!(done.error(), want);
    let mut changed = durable("in.ndjson");
    changed["source"]["file"]["partitions"] = json!("per_file");
    let done = case.run(&changed);
    done.expect(2);
    assert!(done.error().contains("source.file.partitions is not what it was"), "{}", done.error());
    let mut fine = durable("in.ndjson");
    fine["windows"][0]["allowed_lateness"] = json!("1m");
    fine["watermark"]["max_out_of_orderness"] = json!("3s");
    fine["workers"] = json!(2);
    case.run(&fine).expect(0);
}

#[test]
fn exactly_once_refuses_outputs_that_cannot_be_cut_back() {
    let case = Case::with("in.ndjson", events(0..25));
    let mut config = durable("in.ndjson");
    config["late"]["file"]["path"] = json!("/dev/null");
    let done = case.run(&config);
    done.expect(2);
    assert!(done.error().starts_with("late: /dev/null is no regular file"), "{}", done.error());
    config["delivery"] = json!("at_least_once");
    case.run(&config).expect(0);
}

#[test]
fn files_that_were_there_are_appended_to_emptied_or_refused_only_by_the_first_start() {
    for (existing, kept) in [("append", "old\n"), ("truncate", "")] {
        let case = Case::with("in.ndjson", events(0..25));
        case.write(SINK, "old");
        let mut config = durable("in.ndjson");
        config["sink"]["file"]["existing"] = json!(existing);
        case.run(&config).expect(0);
        let rows = case.text(SINK);
        assert!(rows.starts_with(&format!("{kept}{{\"window\"")), "{rows}");
        case.run(&config).expect(0);
        assert_eq!(case.text(SINK), rows);
    }
    let case = Case::with("in.ndjson", events(0..25));
    case.write(SINK, "old");
    let done = case.run(&durable("in.ndjson"));
    assert_eq!(done.code, Some(2));
    assert_eq!(case.text(SINK), "old");
}

/// A log is rotated while nobody follows it: what had not been read of it stands in a file with another name.
#[test]
fn a_log_that_was_rotated_while_nothing_ran_is_read_to_its_end_first() {
    let case = Case::with("log.ndjson", events(0..25));
    let run = case.start(&following("log.ndjson"), &[]);
    run.wait_for_events(25);
    run.stop().expect(0);
    case.append("log.ndjson", &events(25..40));
    case.rename("log.ndjson", "log.ndjson.1");
    case.write("log.ndjson", events(40..60));
    let run = case.start(&following("log.ndjson"), &[]);
    run.wait_for_events(35);
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!((done.count("received"), done.count("late")), (60, 0));
}

#[test]
fn a_followed_file_that_is_gone_for_good_is_told_and_counted() {
    let case = Case::with("log.ndjson", events(0..25));
    let run = case.start(&following("log.ndjson"), &[]);
    run.wait_for_events(25);
    run.stop().expect(0);
    case.write("next", events(40..60)); // a file of its own, so that it gets another inode
    case.remove("log.ndjson");
    case.rename("next", "log.ndjson");
    let mut run = case.start(&following("log.ndjson"), &[]);
    run.wait_for_log("cannot be found any more");
    run.wait_for_events(20);
    run.signal("-TERM");
    assert_eq!(run.end().count("received"), 45);
}

#[test]
fn what_a_state_costs_is_in_the_metrics_of_both_backends() {
    let case = Case::with("in.ndjson", events(0..25));
    let mut memory = json_config("in.ndjson");
    memory["source"]["file"]["follow"] = json!(true);
    memory["sink"]["file"]["path"] = json!("memory.ndjson");
    for (backend, config) in [("disk", following("in.ndjson")), ("memory", memory)] {
        let run = case.start(&config, &[]);
        run.wait_for_events(25);
        let value = |series: &str| {
            let page = run.get("/metrics");
            let line = page.lines().find_map(|line| line.strip_prefix(series)).map(str::trim).map(str::to_owned);
            line.and_then(|value| value.parse::<f64>().ok())
        };
        let of = |name: &str| value(&format!("{name}{{backend=\"{backend}\"}}"));
        wait(|| of("state_size_bytes").is_some_and(|bytes| bytes > 0.0));
        assert!(value(&format!("state_operations_total{{backend=\"{backend}\",operation=\"update\"}}")) >= Some(1.0));
        assert_eq!(value("state_cache_hits_total{cache_tier=\"l1\"}"), Some(19.0));
        assert_eq!(value("state_cache_misses_total{cache_tier=\"l1\"}"), Some(6.0), "two keys of three windows");
        let locks = if backend == "disk" { 1.0 } else { 0.0 };
        assert_eq!(value("state_active_locks{lock_type=\"folder\"}"), Some(locks));
        if backend == "disk" {
            wait(|| of("state_epochs_total") >= Some(1.0) && of("state_epoch_age_ms") == Some(0.0));
            assert!(of("state_recovery_duration_ms") > Some(0.0));
            assert!(of("state_epoch_bytes_count") >= Some(1.0) && of("state_epoch_duration_ms_count") >= Some(1.0));
            assert_eq!(value("state_lock_wait_duration_ms_count{lock_type=\"folder\"}"), Some(1.0));
        }
        run.stop().expect(0);
    }
}
