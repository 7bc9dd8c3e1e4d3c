//! usage: metrics-bench [--rounds N] [--only CRATE,CRATE]
//!        metrics-bench --rival CRATE [--row ROW]      one crate, in this process, a line a row
//!        metrics-bench --facts                        what is printed for our crate alone
//!        metrics-bench --endpoint                     what is printed for our endpoint
//!
//! Each round runs every crate once, in a process of its own and in turn, so that what else the machine does spreads over all of them.

use std::process::{Command, Stdio};
use streamgauge_metrics_bench::contender::{self, Contender, Outcome};
use streamgauge_metrics_bench::report::Report;
use streamgauge_metrics_bench::row::Row;
use streamgauge_metrics_bench::sheet::Sheet;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    if arguments.iter().any(|argument| argument == "--facts") {
        return facts();
    }
    if arguments.iter().any(|argument| argument == "--endpoint") {
        return endpoint();
    }
    if let Some(name) = value("--rival") {
        let row =
            value("--row").map(|key| Row::of(key).ok_or_else(|| format!("there is no row {key:?}"))).transpose()?;
        return (contender::named(name)?.time)(&Sheet::new(row));
    }
    let rounds = value("--rounds").map_or(Ok(5), str::parse)?;
    compare(rounds, &chosen(value("--only"))?)
}

/// Those that were asked for, and the empty loop in any case.
fn chosen(only: Option<&str>) -> Outcome<Vec<Contender>> {
    let Some(only) = only else { return Ok(contender::all()) };
    ["empty"].into_iter().chain(only.split(',')).map(contender::named).collect()
}

fn compare(rounds: usize, contenders: &[Contender]) -> Outcome {
    let mut report = Report::default();
    for round in 1..=rounds.max(1) {
        for contender in contenders {
            eprint!("\rround {round} of {rounds}: {:<20}", contender.name);
            for program in ["metrics-bench", "metrics-heap"] {
                report.add(contender.name, &run(program, &["--rival", contender.name])?)?;
            }
        }
    }
    eprintln!("\r{:40}", "");
    report.print(contenders);
    if contenders.iter().any(|contender| contender.name == "streamgauge") {
        print!("\n{}", run("metrics-bench", &["--facts"])?);
        print!("\n{}", run("metrics-bench", &["--endpoint"])?);
    }
    Ok(())
}

/// One of our programs, to its end; what it printed.
fn run(program: &str, arguments: &[&str]) -> Outcome<String> {
    let program = std::env::current_exe()?.with_file_name(program);
    let done = Command::new(&program).args(arguments).stderr(Stdio::inherit()).output()?;
    if !done.status.success() {
        return Err(format!("{} {}: {}", program.display(), arguments.join(" "), done.status).into());
    }
    Ok(String::from_utf8(done.stdout)?)
}

#[cfg(feature = "ours")]
fn facts() -> Outcome {
    streamgauge_metrics_bench::facts::print()
}

#[cfg(feature = "ours")]
fn endpoint() -> Outcome {
    streamgauge_metrics_bench::endpoint::print()
}

#[cfg(not(feature = "ours"))]
fn facts() -> Outcome {
    Err("our crate is not built in".into())
}

#[cfg(not(feature = "ours"))]
fn endpoint() -> Outcome {
    facts()
}
