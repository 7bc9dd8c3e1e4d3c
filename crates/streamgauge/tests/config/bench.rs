//! A folder with a good configuration that a test then spoils.

#![allow(clippy::unwrap_used, reason = "a test that cannot set its bench up has failed")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

/// The smallest configuration that says everything there is to say about two events.
pub(crate) const GOOD: &str = "\
source:
  file:
    paths: [in.ndjson]
event:
  id: /id
  time: {from: /time}
  strings: {model: /model, tenant: /tenant}
  numbers: {tokens: /tokens}
windows:
  - name: w
    size: 10s
    key: [model]
    aggregates: {n: count, t: sum(tokens)}
";

/// A working directory of its own.
pub(crate) struct Bench(TempDir);

/// What a command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    /// A folder with an input and a good configuration, `c.yaml`.
    pub(crate) fn new() -> Self {
        let bench = Bench(TempDir::new().unwrap());
        bench.write("in.ndjson", "{\"id\":1,\"time\":\"2024-01-01T00:00:00Z\",\"model\":\"m\",\"tokens\":3}\n");
        bench.write("c.yaml", GOOD);
        bench
    }

    /// The same with another configuration.
    pub(crate) fn with(yaml: &str) -> Self {
        let bench = Self::new();
        bench.write("c.yaml", yaml);
        bench
    }

    /// The same with one line of the good configuration replaced, or one appended.
    pub(crate) fn spoiled(from: &str, to: &str) -> Self {
        assert!(GOOD.contains(from), "{from}");
        let spoiled = if from.is_empty() { format!("{GOOD}{to}\n") } else { GOOD.replace(from, to) };
        Self::with(&spoiled)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
        command.args(args).current_dir(self.0.path()).env_remove("PORT");
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    pub(crate) fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    /// Runs a command without the rights of root, who may write anywhere: as nobody, if the tests run as root.
    pub(crate) fn run_unprivileged(&self, args: &[&str]) -> Ran {
        const NOBODY: u32 = 65534;
        if fs::metadata(self.0.path()).unwrap().uid() != 0 {
            return self.run(args);
        }
        self.permit(".", 0o755);
        // Nobody may not see the program where it was built. Another process makes the copy: one that this process had open for
        // writing while another test starts a program could not be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_streamgauge")).arg(self.path("program")).status();
        assert!(copied.unwrap().success());
        let mut command = Command::new(self.path("program"));
        command.args(args).current_dir(self.0.path()).uid(NOBODY).gid(NOBODY);
        Ran::of(command.output().unwrap())
    }

    /// What `check-config c.yaml` finds; it must find something, and `run` must find the same.
    pub(crate) fn faults(&self) -> String {
        let checked = self.run(&["check-config", "c.yaml"]);
        assert_eq!((checked.code, checked.out.as_str()), (Some(2), ""), "{checked:?}");
        let ran = self.run(&["run", "--config", "c.yaml"]);
        assert_eq!((ran.code, &ran.err), (Some(2), &checked.err));
        checked.err
    }

    /// The effective configuration with these values set.
    pub(crate) fn effective(&self, sets: &[&str]) -> String {
        let mut args = vec!["config", "--config", "c.yaml"];
        args.extend(sets.iter().flat_map(|set| ["--set", set]));
        let ran = self.run(&args);
        assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
        ran.out
    }
}

impl Ran {
    pub(crate) fn of(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
