//! Where events can come from.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;

use crate::harness::{Case, SINK, events, hour, hour_config, json_config, sum_of};

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_packed_file_gives_the_same_rows_as_the_plain_one() {
    let plain = Case::new();
    let all = plain.run(&hour_config());
    let bytes = fs::read(hour()).unwrap();
    let packed = [("hour.csv.gz", gz(&bytes)), ("hour.csv.zst", zstd::encode_all(&*bytes, 1).unwrap())];
    for (name, packed) in packed {
        let case = Case::with(name, packed);
        let mut config = hour_config();
        config["source"]["file"]["paths"] = json!([name]);
        let done = case.run(&config);
        done.expect(0);
        assert_eq!(case.text(SINK), plain.text(SINK), "{name}");
        assert_eq!(done.count("bytes_in"), all.count("bytes_in"), "{name}");
    }
}

#[test]
fn stdin_is_an_input_like_any_other() {
    let case = Case::new();
    let mut config = hour_config();
    config["source"]["file"]["paths"] = json!(["-"]);
    let mut command = case.command(&config, &[]);
    command.stdin(Stdio::from(fs::File::open(hour()).unwrap()));
    case.end(command).expect(0);
    assert_eq!(sum_of(&case.rows(SINK), "n"), 19_366);
}

#[test]
fn rows_of_a_live_input_come_when_their_window_closes_not_when_a_buffer_is_full() {
    let case = Case::new();
    let mut run = case.start(&json_config("-"), &[]);
    run.send(&events(0..12));
    crate::harness::wait(|| case.rows(SINK).len() == 2);
    assert!(run.is_alive());
    run.end().expect(0);
    assert_eq!(sum_of(&case.rows(SINK), "n"), 12);
}

#[test]
fn a_silent_stdin_lets_its_windows_close_by_the_clock() {
    let case = Case::new();
    let mut config = json_config("-");
    config["watermark"] = json!({"max_out_of_orderness": "0s", "idle_timeout": "1s"});
    config["windows"][0]["size"] = json!("1s");
    let mut run = case.start(&config, &[]);
    run.send(&events(100..101));
    crate::harness::wait(|| !case.text(SINK).is_empty());
    assert!(run.is_alive());
    run.end().expect(0);
    assert_eq!(case.rows(SINK).len(), 1);
}

#[test]
fn several_files_follow_each_other_in_the_order_of_their_names() {
    let case = Case::with("2.ndjson", events(50..100));
    case.write("1.ndjson", events(0..50));
    let done = case.run(&json_config("*.ndjson"));
    done.expect(0).expect_conservation();
    assert_eq!(done.count("processed"), 100);
}

#[test]
fn a_file_that_is_cut_off_gives_what_it_has_and_fails() {
    let case = Case::new();
    let all = gz(events(0..100_000).as_bytes());
    case.write("in.ndjson.gz", &all[..all.len() / 2]);
    let done = case.run(&json_config("in.ndjson.gz"));
    done.expect(1).expect_conservation();
    assert!(done.stderr.contains("lost the input in.ndjson.gz at byte "), "{}", done.stderr);
    assert_eq!(done.count("dead_letters"), 0, "half a record is nobody's mistake");
    assert!(done.count("processed") > 1_000);
    assert_eq!(case.rows(SINK).len() as u64, done.count("rows"));
}
