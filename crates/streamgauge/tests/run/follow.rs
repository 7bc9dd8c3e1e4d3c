//! Files that are followed: whatever becomes of them, each line is read once.

use std::ops::Range;

use serde_json::{Value as Json, json};

use crate::harness::{Case, Done, Running, SINK, events, json_config, sum_of};

/// Follows `paths`; no event is late, so that the rows tell what was read.
fn follow(paths: &Json) -> Json {
    let mut config = json_config("");
    config["source"]["file"]["paths"] = paths.clone();
    config["source"]["file"]["follow"] = json!(true);
    config["watermark"]["max_out_of_orderness"] = json!("1h");
    config
}

fn start(case: &Case, paths: &Json) -> Running {
    case.start(&follow(paths), &["--drain"])
}

/// Stops the run; each of the events has been counted once, and nothing else.
#[track_caller]
fn expect_exactly(case: &Case, run: Running, seconds: Range<u32>) -> Done {
    let done = run.stop();
    done.expect(0).expect_conservation();
    assert_eq!(done.count("received"), u64::from(seconds.end - seconds.start), "{}", done.stderr);
    assert_eq!(done.count("processed"), done.count("received"));
    assert_eq!(sum_of(&case.rows(SINK), "v"), seconds.map(u64::from).sum::<u64>());
    done
}

/// An event without the end of its line.
fn partial(second: u32) -> String {
    events(second..second + 1).trim_end().to_owned()
}

#[test]
fn what_is_appended_is_read_and_a_line_waits_for_its_end() {
    let case = Case::with("a.log", events(0..5));
    case.write("b.log", "");
    let mut run = start(&case, &json!(["a.log", "b.log"]));
    run.wait_for_events(5);
    let line = events(5..6);
    let (begin, rest) = line.split_at(9);
    case.append("a.log", begin);
    case.append("b.log", &events(6..7));
    run.wait_for_events(6);
    case.append("a.log", &(rest.to_owned() + &events(7..9)));
    run.wait_for_events(9);
    assert!(run.is_alive());
    let done = expect_exactly(&case, run, 0..9);
    assert_eq!(done.count("bytes_in"), events(0..9).len() as u64);
}

#[test]
fn a_file_that_is_yet_to_come_is_waited_for() {
    let case = Case::new();
    let mut run = start(&case, &json!(["*.log", "one"]));
    run.wait_for_log("no file matches source.file.paths yet; waiting for one");
    case.write("new.log", events(0..3));
    run.wait_for_log("new.log has appeared; it is read from its start");
    case.write("one", events(3..6));
    run.wait_for_events(6);
    let done = expect_exactly(&case, run, 0..6);
    assert_eq!(done.stderr.matches("no file matches").count(), 1);
}

#[test]
fn a_rotated_file_is_read_to_its_end_then_the_new_one_from_its_start() {
    let case = Case::with("app.log", events(0..5) + &partial(5));
    let mut run = start(&case, &json!(["app.log"]));
    run.wait_for_events(5);
    case.rename("app.log", "old");
    case.write("app.log", events(6..9));
    run.wait_for_events(9);
    let at = (events(0..5) + &partial(5)).len();
    run.wait_for_log(&format!(
        "app.log was moved to where source.file.paths does not look when byte {at} had been read"
    ));
    run.wait_for_log(&format!(
        "app.log is another file now; it is read from its start, after the one before (now at byte {at})"
    ));
    case.append("app.log", &events(9..12));
    run.wait_for_events(12);
    expect_exactly(&case, run, 0..12);
}

/// Whoever writes a log notices its rotation a while after it.
#[test]
fn what_is_written_to_a_file_after_its_rotation_is_not_lost() {
    let case = Case::with("app.log", events(0..5));
    let mut run = start(&case, &json!(["app.log"]));
    run.wait_for_events(5);
    case.rename("app.log", "old");
    case.write("app.log", "");
    run.wait_for_log("app.log is another file now");
    case.append("old", &events(5..7));
    case.append("app.log", &events(7..9));
    run.wait_for_events(9);
    expect_exactly(&case, run, 0..9);
}

#[test]
fn a_file_renamed_to_a_name_that_is_also_followed_is_neither_read_twice_nor_lost() {
    for partitions in ["one", "per_file"] {
        let case = Case::with("app.log", events(0..5));
        case.write("app.log.1", events(5..10));
        let mut config = follow(&json!(["app.log*"]));
        config["source"]["file"]["partitions"] = json!(partitions);
        let mut run = case.start(&config, &["--drain"]);
        run.wait_for_events(10);
        case.append("app.log", &events(10..12));
        case.rename("app.log.1", "app.log.2");
        case.rename("app.log", "app.log.1");
        case.write("app.log", events(12..15));
        run.wait_for_log("app.log was renamed to app.log.1; it is read on from byte ");
        run.wait_for_log("app.log.1 was renamed to app.log.2; it is read on from byte ");
        case.append("app.log.1", &events(15..17));
        run.wait_for_events(17);
        let done = expect_exactly(&case, run, 0..17);
        assert_eq!(done.stderr.matches(" was renamed to ").count(), 2, "{}", done.stderr);
    }
}

#[test]
fn a_truncated_file_is_read_from_its_start_again() {
    let case = Case::with("app.log", events(10..20) + &partial(20));
    let mut run = start(&case, &json!(["app.log"]));
    run.wait_for_events(10);
    std::fs::copy(case.path("app.log"), case.path("copy")).unwrap();
    case.write("app.log", events(21..23));
    run.wait_for_log("it is read from its start again");
    case.append("app.log", &events(23..25));
    run.wait_for_events(15);
    expect_exactly(&case, run, 10..25);
}

/// Its length alone does not tell that anything happened.
#[test]
fn a_truncated_file_that_has_grown_past_the_old_place_is_told_by_its_first_bytes() {
    let case = Case::with("app.log", events(10..20));
    let mut run = start(&case, &json!(["app.log"]));
    run.wait_for_events(10);
    case.write("app.log", events(20..60));
    run.wait_for_log("app.log was truncated: ");
    run.wait_for_events(50);
    expect_exactly(&case, run, 10..60);
}

#[test]
fn what_is_left_of_a_deleted_file_is_read_before_it_is_let_go() {
    let case = Case::with("app.log", events(0..5));
    let mut run = start(&case, &json!(["*.log"]));
    run.wait_for_events(5);
    let mut writer = std::fs::OpenOptions::new().append(true).open(case.path("app.log")).unwrap();
    case.remove("app.log");
    run.wait_for_log("app.log was deleted when byte ");
    std::io::Write::write_all(&mut writer, (events(5..7) + &partial(7)).as_bytes()).unwrap();
    let all = events(0..7).len() + partial(7).len();
    run.wait_for_log(&format!("app.log was read to its end at byte {all} and is let go"));
    run.wait_for_events(8);
    case.write("app.log", events(8..10));
    run.wait_for_log("app.log has appeared; it is read from its start");
    run.wait_for_events(10);
    expect_exactly(&case, run, 0..10);
}

#[test]
fn a_file_that_comes_back_is_gone_on_with() {
    let case = Case::with("app.log", events(0..5));
    let mut run = start(&case, &json!(["*.log"]));
    run.wait_for_events(5);
    case.rename("app.log", "away");
    run.wait_for_log("and is let go");
    case.append("away", &events(5..7));
    case.rename("away", "back.log");
    let at = events(0..5).len();
    run.wait_for_log(&format!("back.log was read before under another name; it is read on from byte {at}"));
    run.wait_for_events(7);
    expect_exactly(&case, run, 0..7);
}

#[test]
fn each_csv_file_keeps_its_own_columns_however_they_grow() {
    let case = Case::with("a.csv", "t,k,v\n0,a,0\n");
    case.write("b.csv", "v,t,k\n1,1,b\n");
    let mut config = follow(&json!(["*.csv"]));
    config["source"]["file"]["format"] = json!("csv");
    let run = case.start(&config, &["--drain"]);
    for second in (2..10).step_by(2) {
        run.wait_for_events(second);
        case.append("a.csv", &format!("{second},a,{second}\n"));
        run.wait_for_events(second + 1);
        case.append("b.csv", &format!("{},{},b\n", second + 1, second + 1));
    }
    run.wait_for_events(10);
    let done = expect_exactly(&case, run, 0..10);
    let bytes = case.text("a.csv").len() + case.text("b.csv").len();
    assert_eq!(done.count("bytes_in"), bytes as u64, "headers included");
}

#[test]
fn what_cannot_be_followed_is_said_once_and_left_out() {
    let case = Case::with("app.log", events(0..5));
    case.write("app.log.1.gz", "packed");
    let mut run = start(&case, &json!(["app.log*"]));
    run.wait_for_log("app.log.1.gz is compressed, so it is not followed");
    case.write("app.log.2", events(5..7));
    run.wait_for_log("app.log.2 has appeared");
    run.wait_for_events(7);
    let done = expect_exactly(&case, run, 0..7);
    assert_eq!(done.stderr.matches("is compressed").count(), 1, "{}", done.stderr);
}

#[test]
fn a_copy_is_another_file_and_is_warned_of() {
    let case = Case::with("app.log", events(0..100));
    let mut run = start(&case, &json!(["app.log*"]));
    run.wait_for_events(100);
    std::fs::copy(case.path("app.log"), case.path("copy")).unwrap();
    case.rename("copy", "app.log.1");
    run.wait_for_log("app.log.1 begins like app.log: if it is a copy, its events are read twice");
    run.wait_for_events(200);
    run.stop().expect(0);
}

#[test]
fn thousands_of_files_can_be_followed_at_once() {
    let case = Case::new();
    let name = |n: u32| format!("{n:04}.log");
    (0..2_000).for_each(|n| case.write(&name(n), events(n..n + 1)));
    let mut config = follow(&json!(["*.log"]));
    config["source"]["file"]["partitions"] = json!("per_file");
    let run = case.start(&config, &["--drain"]);
    run.wait_for_events(2_000);
    (0..2_000).for_each(|n| case.append(&name(n), &events(2_000 + n..2_001 + n)));
    run.wait_for_events(4_000);
    expect_exactly(&case, run, 0..4_000);
}
