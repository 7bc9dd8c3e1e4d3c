//! usage: start --program BINARY [--runs N] [--folder DIR]
//!
//! The time from the start of the process to the first row of a small input, which comes through a pipe as a person would see it, and to
//! the end of the process.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::cost::quantile;
use streamgauge_bench::jobs::{self, Input, Job};
use streamgauge_bench::{events, scrape};

type Outcome<T> = Result<T, Box<dyn Error>>;

const EVENTS: u64 = 1_000;

fn main() -> Outcome<()> {
    let Some(arguments) = Arguments::read("start --program BINARY [--runs N] [--folder DIR]")? else { return Ok(()) };
    let (program, runs, folder) =
        (arguments.needed("--program")?, arguments.number("--runs", 20)?, arguments.folder()?);
    let input = Input::One(events::file(&folder, EVENTS)?);
    let config = folder.join("start.yaml");
    fs::write(&config, format!("{}{}", jobs::scraped_at(scrape::free_port()?), Job::A.work(&input)))?;
    let times = (0..runs).map(|_| run(&program, &config)).collect::<Outcome<Vec<_>>>()?;
    let of = |part: fn(&(f64, f64)) -> f64, share| quantile(times.iter().map(part), share) * 1e3;
    println!(
        "From the start of the process to the first row of {EVENTS} events {:.1} ms, to its end {:.1} ms: medians of {runs} runs; the slowest \
         took {:.1} and {:.1} ms.",
        of(|time| time.0, 0.5),
        of(|time| time.1, 0.5),
        of(|time| time.0, 1.0),
        of(|time| time.1, 1.0)
    );
    Ok(())
}

/// Seconds to the first row, and to the end.
fn run(program: &Path, config: &Path) -> Outcome<(f64, f64)> {
    let begin = Instant::now();
    let mut child = Command::new(program)
        .arg("run")
        .arg("--config")
        .arg(config)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut rows = BufReader::new(child.stdout.take().ok_or("no pipe")?);
    let mut row = String::new();
    rows.read_line(&mut row)?;
    let first = begin.elapsed().as_secs_f64();
    rows.read_to_end(&mut Vec::new())?;
    let status = child.wait()?;
    let end = begin.elapsed().as_secs_f64();
    if !status.success() || !row.starts_with("{\"window\":") {
        return Err(format!("{}: {status}, and the first row is {row:?}", program.display()).into());
    }
    Ok((first, end))
}
