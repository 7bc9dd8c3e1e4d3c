//! Inputs that go away or stop while they are read: what could be read is in the rows, and what was lost is said.

use std::fs::OpenOptions;

use serde_json::{Value as Json, json};

use crate::harness::{Case, Running, SINK, events, json_config, parsed, sum_of, wait, with_limit};

/// Far more than what is read ahead.
const EVENTS: u32 = 300_000;

/// A run in the middle of `in.ndjson`: nobody takes its rows yet, so it cannot get far.
fn amid_file(case: &Case) -> Running {
    case.write("in.ndjson", events(0..EVENTS));
    let mut config = json_config("in.ndjson");
    config["sink"] = json!({"stdout": {}});
    config["windows"][0]["size"] = json!("1s");
    let mut run = case.start(&config, &[]);
    run.wait_for_rows();
    run
}

#[test]
fn a_file_that_is_deleted_or_renamed_while_it_is_read_is_read_to_its_end() {
    for change in [|case: &Case| case.remove("in.ndjson"), |case: &Case| case.rename("in.ndjson", "other")] {
        let case = Case::new();
        let run = amid_file(&case);
        change(&case);
        let done = run.end();
        done.expect(0).expect_conservation();
        assert_eq!(sum_of(&parsed(&done.stdout), "n"), u64::from(EVENTS));
    }
}

/// It used to look like a file that had ended there: exit 0, and nobody knew.
#[test]
fn a_file_that_is_truncated_while_it_is_read_gives_what_it_had_and_fails() {
    let case = Case::new();
    let run = amid_file(&case);
    let size = events(0..EVENTS).len();
    OpenOptions::new().write(true).truncate(true).open(case.path("in.ndjson")).unwrap();
    let done = run.end();
    done.expect(1).expect_conservation();
    let told = done.error();
    assert!(told.starts_with("lost the input in.ndjson at byte "), "{told}");
    let why = format!(
        "it was truncated while it was read: it had {size} bytes when it was opened; every whole record before it was read"
    );
    assert!(told.ends_with(&why), "{told}");
    assert_eq!(done.count("dead_letters"), 0, "half a record is nobody's mistake");
    let rows = parsed(&done.stdout);
    assert!(!rows.is_empty());
    assert_eq!(rows.len() as u64, done.count("rows"));
}

#[test]
fn a_file_that_is_gone_before_its_turn_is_named() {
    let case = Case::with("later.ndjson", events(0..9));
    let mut config = json_config("");
    config["source"]["file"]["paths"] = json!(["-", "later.ndjson"]);
    let mut run = case.start(&config, &[]);
    run.send(&events(0..9));
    run.wait_for_events(9);
    case.remove("later.ndjson");
    let done = run.end();
    done.expect(1).expect_conservation();
    assert!(done.error().starts_with("lost the input later.ndjson at byte 0: No such file"), "{}", done.error());
    assert_eq!(done.count("received"), 9);
}

#[test]
fn a_stdin_that_stalls_lets_windows_close_and_is_gone_on_with() {
    let case = Case::new();
    let mut config = json_config("-");
    config["watermark"] = json!({"max_out_of_orderness": "0s", "idle_timeout": "200ms"});
    config["windows"][0]["size"] = json!("1s");
    config["late"] = json!({"file": {"path": "late.ndjson"}});
    let mut run = case.start(&config, &[]);
    let all = events(0..4);
    let (first, rest) = all.split_at(all.len() / 2 + 5);
    run.send(first);
    wait(|| case.text(SINK).lines().count() == 2);
    run.send(rest);
    run.send(&events(1_000..1_002));
    run.wait_for_events(6);
    let done = run.end();
    done.expect(0).expect_conservation();
    assert_eq!(done.count("dead_letters"), 0, "a line that came in two parts is one line");
    assert_eq!(done.count("processed") + done.count("late"), 6);
    let of = |second: u32| move |row: &Json| row["values"]["v"] == json!(second);
    assert!(case.rows(SINK).iter().any(of(1_001)), "what came after the silence is counted");
}

fn files_at_once(case: &Case, count: u32) -> Json {
    (0..count).for_each(|n| case.write(&format!("{n:04}.ndjson"), events(n..n + 3)));
    let mut config = json_config("????.ndjson");
    config["source"]["file"]["partitions"] = json!("per_file");
    config
}

#[test]
fn more_files_can_be_partitions_at_once_than_the_system_allows_unasked() {
    let case = Case::new();
    let config = files_at_once(&case, 2_000);
    let done = with_limit(&case, &config, "-S -n 256");
    done.expect(0).expect_conservation();
    assert_eq!(done.count("received"), 6_000);
}

#[test]
fn more_files_at_once_than_the_system_allows_are_refused_before_the_start() {
    let case = Case::new();
    let config = files_at_once(&case, 200);
    let done = with_limit(&case, &config, "-n 256");
    done.expect(2);
    assert_eq!(
        done.error(),
        "source.file.partitions: per_file opens 200 files at once, but the system allows 156; raise ulimit -n, or set \
         partitions: one"
    );
    assert!(!case.path(SINK).exists());
}
