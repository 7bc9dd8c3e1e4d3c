//! Runs that are killed again and again end as if nothing had happened: the same bytes in every file, the same account.
//!
//! The one who dies is this very program, run again with a configuration: so it can die between two steps of an epoch, at the
//! instant that a test has chosen, by a real SIGKILL; or whenever the clock says so.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod streams;

use std::collections::HashMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, getpid, kill_process};
use serde_json::Value as Json;
use streamgauge::{RunOptions, Step};
use tempfile::TempDir;

use streams::{Random, Stream};

/// How often it is killed in all; `make soak` asks for more.
const KILLS: u64 = 60;
/// After so many starts a stream is left alone.
const ENOUGH: u64 = 10;
const CHILD: &str = "STREAMGAUGE_TEST_CHILD";
const DIES_AT: &str = "STREAMGAUGE_TEST_DIES_AT";

/// How a run is to end.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// When it has done this for the n-th time.
    At(Step, u64),
    /// After so many milliseconds.
    After(u64),
    /// It is asked to stop after so many milliseconds, in the middle of its work.
    Stopped(u64),
    /// By itself.
    Never,
}

/// Not a test: what the tests start. It runs what it is told to and ends with its exit code.
#[test]
#[ignore = "no test by itself: `start` runs it with --ignored, in a process that is to be killed"]
fn child() {
    let Ok(folder) = env::var(CHILD) else { return };
    env::set_current_dir(folder).unwrap();
    let config = streamgauge::config::load("config.json".as_ref(), &[]).expect("the configuration is right").config;
    let options = RunOptions { report: Some("report.json".into()), steps: Some(die_if_due), ..RunOptions::default() };
    std::process::exit(streamgauge::run(config, &options).into());
}

fn die_if_due(step: Step) {
    static FATE: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let fate = FATE.get_or_init(|| {
        let text = env::var(DIES_AT).ok()?;
        let (step, count) = text.split_once(' ')?;
        Some((step.to_owned(), count.parse().ok()?))
    });
    let Some((when, count)) = fate else { return };
    if format!("{step:?}") == *when && SEEN.fetch_add(1, Ordering::Relaxed) + 1 == *count {
        kill_process(getpid(), Signal::KILL).unwrap();
    }
}

/// Runs the configuration of a folder once; whether it ended in order.
fn run(folder: &Path, fate: Fate) -> bool {
    let mut child = start(folder, fate);
    let status = match fate {
        Fate::After(millis) => struck_after(&mut child, Duration::from_millis(millis), Signal::KILL),
        Fate::Stopped(millis) => struck_after(&mut child, Duration::from_millis(millis), Signal::TERM),
        Fate::At(..) | Fate::Never => child.wait().unwrap(),
    };
    if let Some(code) = status.code() {
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        assert_eq!(code, 0, "{}", &log[log.len().saturating_sub(2000)..]);
    }
    status.code().is_some()
}

fn start(folder: &Path, fate: Fate) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]).env(CHILD, folder).env_remove("RUST_LOG");
    if let Fate::At(step, count) = fate {
        command.env(DIES_AT, format!("{step:?} {count}"));
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// This is the one place where time decides: the moment is to be any.
fn struck_after(child: &mut Child, moment: Duration, signal: Signal) -> ExitStatus {
    std::thread::sleep(moment);
    // Nobody has waited for it, so the number is still its own.
    kill_process(Pid::from_child(child), signal).unwrap();
    child.wait().unwrap()
}

/// The rows, late events, dead letters and account of a finished run.
fn outcome(folder: &Path) -> (Vec<String>, Json) {
    let files =
        ["rows.ndjson", "late.ndjson", "dead.ndjson"].map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let mut report: Json = serde_json::from_slice(&fs::read(folder.join("report.json")).unwrap()).unwrap();
    for measured in ["elapsed_ms", "events_per_second"] {
        report.as_object_mut().unwrap().remove(measured);
    }
    (files.into(), report)
}

fn undisturbed(stream: &Stream) -> (Vec<String>, Json) {
    let folder = TempDir::new().unwrap();
    stream.write(folder.path(), None);
    assert!(run(folder.path(), Fate::Never));
    outcome(folder.path())
}

fn fate(random: &mut Random, number: u64) -> Fate {
    let at = usize::try_from(number).unwrap() / 2 % Step::ALL.len();
    match (number % 4, Step::ALL[at]) {
        (1, _) => Fate::After(random.below(250)),
        // The signal is heeded from early on; before that it ends the process as any does.
        (3, _) => Fate::Stopped(100 + random.below(200)),
        (_, step @ (Step::BaseWritten | Step::BaseRenamed | Step::OldRemoved)) => Fate::At(step, 1 + random.below(2)),
        (_, step) => Fate::At(step, 1 + random.below(25)),
    }
}

#[test]
fn traps_17_and_34_kills_at_any_step_and_at_any_moment_change_no_byte_and_no_count() {
    let wanted = env::var("CRASH_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    let seed = env::var("CRASH_SEED").map_or(6, |seed| seed.parse().unwrap());
    let mut random = Random::new(seed);
    let (mut kills, mut number, mut died_at) = (0, 0, HashMap::<String, u64>::new());
    while kills < wanted {
        let stream = Stream::random(&mut random);
        let want = undisturbed(&stream);
        let folder = TempDir::new().unwrap();
        stream.write(folder.path(), Some("exactly_once"));
        let (mut own, mut runs) = (0, 0);
        loop {
            number += 1;
            let fate = if runs < ENOUGH { fate(&mut random, number) } else { Fate::Never };
            let before = own;
            match (run(folder.path(), fate), fate) {
                (true, Fate::Never) => break,
                (true, _) => {} // it was stopped, or has ended before its moment came: the next one looks
                (false, _) => own += 1,
            }
            if let (Fate::At(step, _), true) = (fate, own > before) {
                *died_at.entry(format!("{step:?}")).or_default() += 1;
            }
            runs += 1;
        }
        kills += own;
        assert_eq!(outcome(folder.path()), want, "after {own} kills of {stream:?}");
    }
    println!("{kills} kills; between two steps of an epoch: {died_at:?}");
    assert_eq!(died_at.len(), Step::ALL.len(), "each step was survived: {died_at:?}");
}

#[test]
fn at_least_once_into_files_is_exact_as_well() {
    let mut random = Random::new(17);
    for _ in 0..2 {
        let stream = Stream::random(&mut random);
        let want = undisturbed(&stream);
        let folder = TempDir::new().unwrap();
        stream.write(folder.path(), Some("at_least_once"));
        for number in 0..4 {
            if run(folder.path(), Fate::At(Step::ALL[number], 3)) {
                break;
            }
        }
        run(folder.path(), Fate::Never);
        assert_eq!(outcome(folder.path()), want);
    }
}

#[test]
fn a_run_that_has_ended_prints_nothing_more_and_tells_its_account_again() {
    let stream = Stream::random(&mut Random::new(3));
    let folder = TempDir::new().unwrap();
    stream.write(folder.path(), Some("exactly_once"));
    run(folder.path(), Fate::Never);
    let first = outcome(folder.path());
    fs::remove_file(folder.path().join("report.json")).unwrap();
    run(folder.path(), Fate::Never);
    assert_eq!(outcome(folder.path()), first);
}
