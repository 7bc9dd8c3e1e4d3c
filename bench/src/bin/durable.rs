//! usage: durable --program BINARY [--events N] [--rounds N] [--folder DIR]
//!
//! What it costs to commit the state every second: the same jobs with state in memory and in a folder, in turn.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::cost::{self, Cost, median};
use streamgauge_bench::draw::Draw;
use streamgauge_bench::events;
use streamgauge_bench::jobs::{self, Input};
use streamgauge_bench::leftovers;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    program: PathBuf,
    events: u64,
    rounds: usize,
    folder: PathBuf,
}

/// A job, with what it costs either way.
struct Job {
    name: String,
    configuration: String,
    memory: Vec<Cost>,
    durable: Vec<Cost>,
}

fn main() -> Outcome<()> {
    let Some(arguments) = Arguments::read("durable --program BINARY [--events N] [--rounds N] [--folder DIR]")? else {
        return Ok(());
    };
    let options = options(&arguments)?;
    let mut jobs = jobs(&options)?;
    for _ in 0..options.rounds {
        for job in &mut jobs {
            job.memory.push(run(&options, job, false)?);
            job.durable.push(run(&options, job, true)?);
        }
    }
    println!(
        "State in a folder, committed and synced every second, beside state in memory; medians of {} rounds in turn.\n",
        options.rounds
    );
    println!(
        "| every second | memory, s | folder, s | ratio by the clock | of CPU time | peak MiB |\n|---|--:|--:|--:|--:|--:|"
    );
    jobs.iter().for_each(report);
    let start = start(&options)?;
    println!("\nOne event, in a folder that is not there yet: {:.0} ms from start to end.", start * 1e3);
    Ok(())
}

fn options(arguments: &Arguments) -> Outcome<Options> {
    Ok(Options {
        program: arguments.needed("--program")?,
        events: arguments.number("--events", 2_000_000)?,
        rounds: arguments.number("--rounds", 5)?,
        folder: arguments.folder()?,
    })
}

fn jobs(options: &Options) -> Outcome<Vec<Job>> {
    let requests = Input::One(events::file(&options.folder, options.events)?);
    let job = |name: &str, configuration: String| Job {
        name: name.to_owned(),
        configuration,
        memory: Vec::new(),
        durable: Vec::new(),
    };
    let mut jobs = vec![
        job("A: 1,000 keys in windows of 10 s", jobs::Job::A.work(&requests)),
        job("C: A, and ids are known for 10 min", jobs::Job::C.work(&requests)),
    ];
    for keys in [1_000, 10_000, 30_000, 100_000] {
        let input = keyed(&options.folder, options.events * 2, keys)?;
        jobs.push(job(&format!("{keys} keys, all of them changed every second"), keyed_job(&input)));
    }
    Ok(jobs)
}

/// Short events of keys drawn at random.
fn keyed(folder: &Path, events: u64, keys: u64) -> io::Result<PathBuf> {
    events::written_once(&folder.join(format!("keys-{keys}-{events}.ndjson")), |out| {
        let mut draw = Draw::new(keys);
        for n in 0..events {
            let (time, key, tokens) = (1_700_000_000_000_000 + n * 10, draw.below(keys), draw.below(5_000));
            writeln!(
                out,
                "{{\"time\":{time},\"user\":\"user-{key:07}\",\"tokens\":{tokens},\"ms\":{}.{:03}}}",
                tokens / 7,
                n % 1000
            )?;
        }
        Ok(())
    })
}

fn keyed_job(input: &Path) -> String {
    format!(
        "\
source: {{ file: {{ paths: [{input:?}], format: ndjson }} }}
event:
  time: {{ from: /time, format: unix_us }}
  strings: {{ user: /user }}
  numbers: {{ tokens: /tokens, ms: /ms }}
windows:
  - {{ name: by_user, size: 1h, key: [user], aggregates: {{ n: count, sum: sum(tokens), avg: avg(ms), min: min(ms), max: max(ms) }} }}
"
    )
}

fn run(options: &Options, job: &Job, durable: bool) -> Outcome<Cost> {
    let (path, state) = (options.folder.join("durable.yaml"), options.folder.join("state"));
    let rows = options.folder.join("rows-durable.ndjson");
    leftovers::remove_rows(&rows)?;
    leftovers::remove_state(&state)?;
    let mut text = format!(
        "observability: {{ prometheus: {{ endpoint: {{ host: 127.0.0.1, port: 0 }} }} }}\nsink: {{ file: {{ path: {rows:?} }} }}\n{}",
        job.configuration
    );
    if durable {
        text += &format!("state: {{ backend: disk, path: {state:?}, commit_interval: 1s }}\ndelivery: exactly_once\n");
    }
    fs::write(&path, text)?;
    let words = [&options.program, Path::new("run"), Path::new("--config"), &path];
    cost::run(&words.map(|word| word.to_string_lossy().into_owned()))
}

/// The median time of a run that has next to nothing to do.
fn start(options: &Options) -> Outcome<f64> {
    let input = Input::One(events::file(&options.folder, 1)?);
    let job = Job { name: String::new(), configuration: jobs::Job::C.work(&input), memory: vec![], durable: vec![] };
    let costs = (0..11).map(|_| run(options, &job, true)).collect::<Outcome<Vec<Cost>>>()?;
    Ok(median(&costs, |cost| cost.wall_seconds))
}

fn report(job: &Job) {
    let [memory, durable] = [&job.memory, &job.durable].map(|costs| median(costs, |cost| cost.wall_seconds));
    let [memory_cpu, durable_cpu] = [&job.memory, &job.durable].map(|costs| median(costs, |cost| cost.cpu_seconds));
    println!(
        "| {} | {memory:.2} | {durable:.2} | {:.3} | {:.3} | {:.0} |",
        job.name,
        durable / memory,
        durable_cpu / memory_cpu,
        median(&job.durable, |cost| cost.peak_mib)
    );
}
