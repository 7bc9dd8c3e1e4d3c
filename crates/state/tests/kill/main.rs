//! Real deaths: a child commits epochs and says so; it is killed at any moment, or kills itself between two steps.
//!
//! A program of its own: while a child begins, it shares the open files of its parent, locks and all.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../disk/rows.rs"]
mod rows;

use std::env;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};
use streamgauge_flow::state::{Epoch, State, StateError};
use streamgauge_state::{DiskState, Step, inspect};
use tempfile::TempDir;

use rows::{Random, Rows, apply, rows};

const CHILD: &str = "STREAMGAUGE_TEST_CHILD";
const DIES_AT: &str = "STREAMGAUGE_TEST_DIES_AT";

/// Not a test: what the tests start. It goes on with the epochs of a state and prints each that is committed.
#[test]
#[ignore = "no test by itself: `start` runs it with --ignored, in a process that is to be killed"]
fn child() {
    let Ok(folder) = env::var(CHILD) else { return };
    let mut state = DiskState::open(folder.as_ref()).unwrap().telling(die_if_due);
    for epoch in state.epochs().promoted + 1.. {
        state.commit(epoch, &Random(epoch).changes(60_000)).unwrap();
        println!("committed {epoch}");
    }
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

fn start(folder: &TempDir, dies_at: Option<(Step, u64)>) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "child", "--ignored", "--nocapture"]).env(CHILD, folder.path());
    if let Some((step, count)) = dies_at {
        command.env(DIES_AT, format!("{step:?} {count}"));
    }
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until the child has committed something.
fn first_told(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = lines.any(|line| line.unwrap().starts_with("committed "));
    assert!(told, "the child has ended");
    lines
}

/// The last epoch that the child has said it has committed.
fn last_told(child: Child) -> Option<Epoch> {
    let mut child = child;
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let last = lines.filter_map(|line| line.strip_prefix("committed ")?.parse().ok()).last();
    child.wait().unwrap();
    last
}

fn wanted(epoch: Epoch) -> Rows {
    let mut rows = Rows::new();
    (1..=epoch).for_each(|epoch| apply(&mut rows, &Random(epoch).changes(60_000)));
    rows
}

#[test]
fn sixty_kills_leave_every_epoch_that_was_called_committed() {
    let folder = TempDir::new().unwrap();
    let steps = [Step::Appended, Step::Synced, Step::BaseWritten, Step::BaseRenamed, Step::OldRemoved];
    let (mut random, mut told, mut rewritten) = (Random(7), 0, 0);
    for kill in 0..60 {
        let dies_at = (kill % 2 == 0).then(|| (steps[kill / 2 % steps.len()], 1 + random.below(3)));
        let mut child = start(&folder, dies_at);
        if dies_at.is_none() {
            // The one place where time decides: the moment is to be any.
            std::thread::sleep(Duration::from_millis(random.below(60)));
            child.kill().unwrap();
        }
        told = last_told(child).unwrap_or(told);
        let mut state = DiskState::open(folder.path()).unwrap();
        let epoch = state.epochs().promoted;
        assert!(epoch >= told, "epoch {told} was committed, and {epoch} is there");
        assert!(rows(&mut state) == wanted(epoch), "epoch {epoch}");
        rewritten += usize::from(!rows::file(folder.path()).to_string_lossy().ends_with("01.epochs"));
    }
    assert!(told > 60 && rewritten > 0, "{told} epochs");
}

#[test]
fn a_state_that_another_process_holds_is_refused_and_can_be_looked_at() {
    let folder = TempDir::new().unwrap();
    let mut child = start(&folder, None);
    let lines = first_told(&mut child);
    let refused = DiskState::open(folder.path());
    assert!(matches!(refused, Err(StateError::Held { by }) if by == Some(child.id())), "{refused:?}");
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).count());
    let mut last = 0;
    while last < 200 {
        let mut found = Rows::new();
        let seen = inspect(folder.path(), &mut |row| {
            found.insert((row.table.to_vec(), row.row), row.value.to_vec());
        });
        let seen = seen.unwrap();
        assert!(found == wanted(seen.epochs.promoted), "epoch {}", seen.epochs.promoted);
        assert!(seen.holder == Some(child.id()) && seen.epochs.promoted >= last, "{seen:?}");
        last = seen.epochs.promoted;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reader.join().unwrap() > 0);
    let mut state = DiskState::open(folder.path()).unwrap();
    assert!(state.epochs().promoted >= last && rows(&mut state) == wanted(state.epochs().promoted));
}
