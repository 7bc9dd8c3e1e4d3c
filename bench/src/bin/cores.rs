//! usage: cores --program BINARY [--events N] [--rounds N] [--folder DIR]
//!
//! The first job by the clock, on one core and on two: as one partition, which is read from one file, and as partitions side by side,
//! which the same events are when each file is one. The events are dealt to the files in turn, so the rows are the same. Two processes
//! that share nothing, each with half of the events, show what the machine would give.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Instant;

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::contender::{self, Contender, SCRAPED, Way};
use streamgauge_bench::cost::quantile;
use streamgauge_bench::jobs::{Input, Job};
use streamgauge_bench::{events, rows};

type Outcome<T> = Result<T, Box<dyn Error>>;

const PARTITIONS: usize = 4;

fn main() -> Outcome<()> {
    const USAGE: &str = "cores --program BINARY [--events N] [--rounds N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (program, folder) = (arguments.needed("--program")?, arguments.folder()?);
    let (events, rounds): (u64, _) = (arguments.number("--events", 2_000_000)?, arguments.number("--rounds", 5)?);
    let input = events::file(&folder, events)?;
    let one = Input::One(input.clone());
    let several = Input::Partitions(dealt(&input, PARTITIONS)?);
    let contender = |name: &str, input: &Input, all_cores| {
        Contender::streamgauge(name, &program, Job::A, input, Way { all_cores, ..SCRAPED }, &folder)
    };
    let mut contenders = [
        contender("one core", &one, false)?,
        contender("two cores", &one, true)?,
        contender("partitions, one core", &several, false)?,
        contender("partitions, two cores", &several, true)?,
    ];
    contender::in_turn(&mut contenders, rounds)?;
    for other in &contenders[1..] {
        rows::same(&contenders[0].rows, &other.rows)
            .map_err(|error| format!("{} and one core: {error}", other.name))?;
    }
    let halves = Halves { program: &program, folder: &folder, files: dealt(&input, 2)? };
    let rounds = (0..rounds).map(|_| Ok((halves.seconds(false)?, halves.seconds(true)?)));
    let apart: (Vec<f64>, Vec<f64>) = rounds.collect::<Outcome<Vec<_>>>()?.into_iter().unzip();
    let cores = std::thread::available_parallelism()?;
    println!("| job A, thousand events a second by the clock | one core | {cores} cores | ratio |\n|---|--:|--:|--:|");
    let seconds = |contender: &Contender| contender.costs.iter().map(|cost| cost.wall_seconds).collect::<Vec<_>>();
    report("one partition", &seconds(&contenders[0]), &seconds(&contenders[1]), events);
    let partitions = format!("{PARTITIONS} partitions, a file each");
    report(&partitions, &seconds(&contenders[2]), &seconds(&contenders[3]), events);
    report("two processes, half of the events each", &apart.0, &apart.1, events);
    Ok(())
}

/// Rates are medians, and so is the ratio of two runs of a round.
fn report(name: &str, one: &[f64], all: &[f64], events: u64) {
    let rate = |seconds: &[f64]| events as f64 / quantile(seconds.iter().copied(), 0.5) / 1e3;
    let ratio = quantile(one.iter().zip(all).map(|(one, all)| one / all), 0.5);
    println!("| {name} | {:.0} | {:.0} | {ratio:.2} |", rate(one), rate(all));
}

/// Two processes that share nothing.
struct Halves<'a> {
    program: &'a Path,
    folder: &'a Path,
    files: Vec<PathBuf>,
}

impl Halves<'_> {
    /// How long both take, run at once.
    fn seconds(&self, all_cores: bool) -> Outcome<f64> {
        let contender = |(number, file): (usize, &PathBuf)| {
            let (name, input) = (format!("half {number}"), Input::One(file.clone()));
            Contender::streamgauge(&name, self.program, Job::A, &input, Way { all_cores, ..SCRAPED }, self.folder)
        };
        let mut both = self.files.iter().enumerate().map(contender).collect::<Outcome<Vec<_>>>()?;
        let begin = Instant::now();
        let ended: Vec<Result<(), String>> = thread::scope(|scope| {
            let run = |contender: &mut Contender| contender.run().map(|_| ()).map_err(|error| error.to_string());
            let running: Vec<_> = both.iter_mut().map(|contender| scope.spawn(move || run(contender))).collect();
            let join =
                |thread: thread::ScopedJoinHandle<'_, _>| thread.join().unwrap_or_else(|_| Err("a panic".to_owned()));
            running.into_iter().map(join).collect()
        });
        ended.into_iter().collect::<Result<(), String>>()?;
        Ok(begin.elapsed().as_secs_f64())
    }
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
