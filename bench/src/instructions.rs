//! How many instructions a program takes: counted by the processor where the machine lets it, else by callgrind.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::contender::ONE_CORE;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Who counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// The processor, asked by `perf stat`.
    Processor,
    /// valgrind, which runs the program some fifty times slower.
    Callgrind,
}

impl Counter {
    /// The one that this machine has.
    #[must_use]
    pub fn find(folder: &Path) -> Option<Self> {
        [Counter::Processor, Counter::Callgrind].into_iter().find(|counter| counter.works(folder))
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn works(self, folder: &Path) -> bool {
        self.count(&["true".to_owned()], folder).is_ok()
    }

    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Counter::Processor => "the processor",
            Counter::Callgrind => "callgrind",
        }
    }

    /// Two numbers of events, whose difference in instructions is large enough to be exact and is soon counted.
    #[must_use]
    pub fn sizes(self) -> [u64; 2] {
        match self {
            Counter::Processor => [200_000, 400_000],
            Counter::Callgrind => [20_000, 40_000],
        }
    }

    /// Instructions of a command, from its start to its end.
    ///
    /// # Errors
    /// If it fails, or if they cannot be counted.
    pub fn count(self, command: &[String], folder: &Path) -> Outcome<f64> {
        let out = folder.join("instructions.out");
        let mut counting = match self {
            Counter::Processor => {
                let mut perf = on_one_core();
                perf.args(["perf", "stat", "-x,", "-e", "instructions:u", "-o"]).arg(&out).arg("--");
                perf
            }
            Counter::Callgrind => callgrind(&out),
        };
        run(counting.args(command))?;
        let text = fs::read_to_string(&out)?;
        let total = match self {
            Counter::Processor => {
                text.lines().find(|line| line.contains("instructions")).and_then(|line| line.split(',').next())
            }
            Counter::Callgrind => {
                text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")))
            }
        };
        total
            .and_then(|total| total.trim().parse().ok())
            .ok_or_else(|| format!("{} counts nothing here", self.name()).into())
    }

    /// Instructions of an event: what one of the [`sizes`](Self::sizes) takes more than the other, so that the start is not in it.
    ///
    /// # Errors
    /// If a command cannot be made or fails.
    pub fn of_event(self, folder: &Path, command: impl Fn(u64) -> Outcome<Vec<String>>) -> Outcome<f64> {
        let [few, many] = self.sizes();
        let more = self.count(&command(many)?, folder)? - self.count(&command(few)?, folder)?;
        Ok(more / (many - few) as f64)
    }
}

fn on_one_core() -> Command {
    let [taskset, arguments @ ..] = ONE_CORE;
    let mut command = Command::new(taskset);
    command.args(arguments);
    command
}

/// callgrind, to which the command is yet to be added; it notes each instruction's address and writes that to `out`.
#[must_use]
pub fn callgrind(out: &Path) -> Command {
    let mut command = on_one_core();
    command.args(["valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-pos=no"]);
    command.arg(format!("--callgrind-out-file={}", out.display()));
    command
}

/// Runs a command to its end, without its output.
///
/// # Errors
/// If it cannot be started, or fails.
pub fn run(command: &mut Command) -> Outcome<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let ran = command.stdout(Stdio::null()).output().map_err(|error| format!("{name}: {error}"))?;
    if ran.status.success() {
        return Ok(());
    }
    Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&ran.stderr)).into())
}
