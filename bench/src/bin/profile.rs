//! usage: profile --program BINARY [--by stages|files] [--events N] [--folder DIR]
//!
//! Where one event goes, by parts of the work. In instructions: callgrind runs each job with some events and with twice as many, and what
//! the second took more is told, so that the start is not in it. In time: perf samples a run of each job. On one core, without endpoint.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::rc::Rc;

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::callgrind;
use streamgauge_bench::contender::{Contender, Way};
use streamgauge_bench::events;
use streamgauge_bench::instructions::{self, Counter};
use streamgauge_bench::jobs::{Input, Job};
use streamgauge_bench::samples;
use streamgauge_bench::stages::{self, Cut, Sums, Symbols};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    const USAGE: &str = "profile --program BINARY [--by stages|files] [--events N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (program, folder) = (arguments.needed("--program")?, arguments.folder()?);
    let cut = match arguments.value("--by") {
        None | Some("stages") => Cut::Stages,
        Some("files") => Cut::Files,
        Some(other) => return Err(format!("--by {other}: it is stages or files").into()),
    };
    let profile = Profile { cut, events: arguments.number("--events", 1_000_000)?, program, folder };
    let mut symbols = Symbols::read(&profile.program, cut)?;
    if Counter::Callgrind.works(&profile.folder) {
        let jobs = profile.of_jobs(|job| profile.instructions(job, &mut symbols))?;
        profile.report("instructions of an event, counted by callgrind", &jobs);
    } else {
        println!("Instructions are not counted: valgrind is not installed.");
    }
    println!();
    if samples::are_there(&profile.folder) {
        let jobs = profile.of_jobs(|job| profile.nanos(job, &mut symbols))?;
        profile.report("nanoseconds of an event, sampled by perf", &jobs);
    } else {
        println!("Time is not sampled: perf is not installed, or may not be used.");
    }
    Ok(())
}

struct Profile {
    program: PathBuf,
    folder: PathBuf,
    cut: Cut,
    /// Of a run whose time is sampled.
    events: u64,
}

impl Profile {
    fn of_jobs(&self, measure: impl FnMut(Job) -> Outcome<Sums>) -> Outcome<Vec<Sums>> {
        Job::ALL.into_iter().map(measure).collect()
    }

    fn instructions(&self, job: Job, symbols: &mut Symbols) -> Outcome<Sums> {
        let [few, many] = Counter::Callgrind.sizes();
        let out = self.folder.join("profile.out");
        let mut run = |count| {
            instructions::run(instructions::callgrind(&out).args(self.command(job, count)?))?;
            callgrind::sums(BufReader::new(File::open(&out)?), |address| symbols.part(address))
        };
        let (less, mut sums) = (run(few)?, run(many)?);
        for (part, sum) in &mut sums {
            *sum = (*sum - less.get(part).copied().unwrap_or_default()) / (many - few) as f64;
        }
        Ok(sums)
    }

    fn nanos(&self, job: Job, symbols: &mut Symbols) -> Outcome<Sums> {
        let mut sums = samples::nanos(&self.command(job, self.events)?, &self.program, &self.folder, symbols)?;
        sums.values_mut().for_each(|sum| *sum /= self.events as f64);
        Ok(sums)
    }

    fn command(&self, job: Job, count: u64) -> Outcome<Vec<String>> {
        let input = Input::One(events::file(&self.folder, count)?);
        let way = Way::default();
        Ok(Contender::streamgauge("profiled", &self.program, job, &input, way, &self.folder)?.command().to_vec())
    }

    fn report(&self, title: &str, jobs: &[Sums]) {
        println!("| {title} | A | B | C |\n|---|--:|--:|--:|");
        let line = |name: &str, of: &dyn Fn(&Sums) -> f64| {
            let cells: Vec<String> = jobs.iter().map(|sums| format!("{:.0}", of(sums))).collect();
            println!("| {name} | {} |", cells.join(" | "));
        };
        let parts: Vec<Rc<str>> = match self.cut {
            Cut::Stages => stages::names().chain(samples::names()).map(Rc::from).collect(),
            Cut::Files => by_weight(jobs),
        };
        for part in parts.iter().filter(|part| jobs.iter().any(|sums| sums.contains_key(*part))) {
            line(part, &|sums| sums.get(part).copied().unwrap_or_default());
        }
        line("all", &|sums| sums.values().sum());
    }
}

/// What takes at least one of whatever is counted, the heaviest first.
fn by_weight(jobs: &[Sums]) -> Vec<Rc<str>> {
    let mut most = Sums::new();
    for (part, cost) in jobs.iter().flatten().filter(|(_, cost)| **cost >= 1.0) {
        let known = most.entry(part.clone()).or_default();
        *known = known.max(*cost);
    }
    let mut parts: Vec<(Rc<str>, f64)> = most.into_iter().collect();
    parts.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    parts.into_iter().map(|(part, _)| part).collect()
}
