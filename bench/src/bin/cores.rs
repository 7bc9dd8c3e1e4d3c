//! usage: cores --program BINARY [--events N] [--rounds N] [--folder DIR]
//!
//! The first job by the clock, on one core and on two: as one partition, which is read from one file, and as partitions side by side,
//! which the same events are when each file is one. The events are dealt to the files in turn, so the rows are the same.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::contender::{self, Contender, SCRAPED, Way};
use streamgauge_bench::jobs::{Input, Job};
use streamgauge_bench::{events, rows};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PARTITIONS: usize = 4;

fn main() -> Outcome<()> {
    const USAGE: &str = "cores --program BINARY [--events N] [--rounds N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (program, folder) = (arguments.needed("--program")?, arguments.folder()?);
    let (events, rounds): (u64, _) = (arguments.number("--events", 2_000_000)?, arguments.number("--rounds", 5)?);
    let input = events::cached(&folder, events)?;
    let one = Input::One(input.clone());
    let several = Input::Partitions(dealt(&input, PARTITIONS)?);
    let ways = [
        ("one core", &one, false),
        ("two cores", &one, true),
        ("partitions, one core", &several, false),
        ("partitions, two cores", &several, true),
    ];
    let contender = |(name, input, all_cores): (&str, &Input, bool)| {
        Contender::streamgauge(name, &program, Job::A, input, Way { all_cores, ..SCRAPED }, &folder)
    };
    let mut contenders = ways.into_iter().map(contender).collect::<Outcome<Vec<_>>>()?;
    contender::in_turn(&mut contenders, rounds)?;
    for other in &contenders[1..] {
        rows::same(&contenders[0].rows, &other.rows)
            .map_err(|error| format!("{} and one core: {error}", other.name))?;
    }
    println!(
        "| job A, thousand events a second by the clock | one core | {} cores | ratio |\n|---|--:|--:|--:|",
        std::thread::available_parallelism()?
    );
    report("one partition", &contenders[..2], events);
    report(&format!("{PARTITIONS} partitions, a file each"), &contenders[2..], events);
    Ok(())
}

fn report(name: &str, contenders: &[Contender], events: u64) {
    let rate = |contender: &Contender| events as f64 / contender.median(|cost| cost.wall_seconds) / 1e3;
    let [one, all] = contenders else { return };
    println!(
        "| {name} | {:.0} | {:.0} | {:.2} |",
        rate(one),
        rate(all),
        contender::ratio(one, all, |cost| cost.wall_seconds)
    );
}

/// The lines of a file, dealt to so many others in turn.
fn dealt(input: &Path, count: usize) -> io::Result<Vec<PathBuf>> {
    let part = |number| input.with_extension(format!("{number}-of-{count}.ndjson"));
    (0..count)
        .map(|number| {
            events::written_once(&part(number), |out| {
                let mut lines = BufReader::with_capacity(1 << 20, File::open(input)?);
                let mut line = Vec::new();
                for at in 0.. {
                    line.clear();
                    if lines.read_until(b'\n', &mut line)? == 0 {
                        break;
                    }
                    if at % count == number {
                        out.write_all(&line)?;
                    }
                }
                Ok(())
            })
        })
        .collect()
}
