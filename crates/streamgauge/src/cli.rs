//! The command line: what is typed, and what each command does with it.

mod args;
mod init;
mod state;

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use streamgauge_export::check_web_config;

use crate::config::{self, Faults, Loaded};
use crate::{RunOptions, catalogue};
use args::{Args, Command, ConfigArgs, Configuration, RunArgs};

const DONE: u8 = 0;
const FAILED: u8 = 1;
/// Wrong usage, a wrong configuration, and whatever else can be known before the start.
const WRONG: u8 = 2;

/// Commands that are described but that this version does not have.
const UNAVAILABLE: [&str; 2] = ["top", "doctor"];

/// Does what the program's arguments say.
pub fn main() -> ExitCode {
    ExitCode::from(run(std::env::args_os().collect()))
}

fn run(arguments: Vec<OsString>) -> u8 {
    if let Some(name) = unavailable(&arguments) {
        return complain(format!("streamgauge {name} is not available in this version"));
    }
    match Args::try_parse_from(arguments) {
        Ok(args) => obey(args.command),
        // Help and version come this way too: they go to standard output and are no failure.
        Err(error) => {
            let printed = error.print();
            if error.use_stderr() { WRONG } else { printed.map_or_else(|e| unprinted(&e), |()| DONE) }
        }
    }
}

fn unavailable(arguments: &[OsString]) -> Option<&'static str> {
    let first = arguments.get(1)?;
    UNAVAILABLE.into_iter().find(|name| first == name)
}

fn obey(command: Command) -> u8 {
    match command {
        Command::Init { output } => init::run(output.as_deref()),
        Command::Run(args) => start(args),
        Command::CheckConfig { files } => check(&files, |file| config::load(file, &[]).map(drop)),
        Command::CheckWebConfig { files } => check(&files, check_web_config),
        Command::Config(args) => show(&args),
        Command::State(command) => state::run(command),
        Command::Catalogue { format } => print(&catalogue::render(format)),
        Command::Completions { shell } => completions(shell),
    }
}

fn start(args: RunArgs) -> u8 {
    let loaded = match load(&args.configuration) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    if let Some(report) = &args.report
        && let Some(user) = config::user_of(&loaded.config, report)
    {
        let shown = report.display();
        return complain(format!("--report {shown}: the file is already used by {user}; expected another file"));
    }
    let options = RunOptions { report: args.report, drain: args.drain, log_format: args.log_format, steps: None };
    crate::run(loaded.config, &options)
}

fn load(from: &Configuration) -> Result<Loaded, u8> {
    config::load(&from.config, &from.set).map_err(complain)
}

/// Judges every file, so that one wrong file does not hide another.
fn check(files: &[PathBuf], judge: impl Fn(&Path) -> Result<(), Faults>) -> u8 {
    let judge = |file: &PathBuf| match judge(file) {
        Ok(()) => print(&format!("{}: ok\n", file.display())),
        Err(faults) => complain(faults),
    };
    files.iter().map(judge).max().unwrap_or(DONE)
}

fn show(args: &ConfigArgs) -> u8 {
    if args.schema {
        return print(&format!("{:#}\n", config::schema()));
    }
    let Some(file) = &args.config else {
        return complain("--config FILE or --schema is needed");
    };
    match config::load(file, &args.set) {
        Ok(loaded) => print(&loaded.effective.to_string()),
        Err(faults) => complain(faults),
    }
}

fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "streamgauge", &mut script);
    print_bytes(&script)
}

/// Says what is wrong and gives the exit code that goes with it.
fn complain(what: impl Display) -> u8 {
    // Nobody is left to tell if standard error is gone.
    let _ = io::stderr().write_all(format!("{what}\n").as_bytes());
    WRONG
}

fn print(text: &str) -> u8 {
    print_bytes(text.as_bytes())
}

fn print_bytes(bytes: &[u8]) -> u8 {
    let mut out = io::stdout();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => DONE,
        Err(error) => unprinted(&error),
    }
}

/// A reader such as `head` that has seen enough is no failure.
fn unprinted(error: &io::Error) -> u8 {
    if error.kind() == ErrorKind::BrokenPipe {
        return DONE;
    }
    let _ = writeln!(io::stderr(), "standard output cannot be written: {error}");
    FAILED
}
