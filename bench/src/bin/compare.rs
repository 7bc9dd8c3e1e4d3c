//! usage: compare --program BINARY --python PYTHON [--events N] [--rounds N] [--folder DIR]
//!
//! Runs the main jobs with streamgauge, with state in memory and on the disk, and with others in turn, checks that all print the same
//! rows, and prints what they cost: CPU time is user + sys of the whole process as the kernel's accounting of ended children says
//! (getrusage), start included; each run is waited for by a process of its own, so that nothing else is in the sum. streamgauge has all
//! metrics on and is scraped every second. PYTHON is one that has DuckDB.

use std::error::Error;
use std::path::{Path, PathBuf};

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::contender::{self, Contender, SCRAPED, Way};
use streamgauge_bench::cost::Cost;
use streamgauge_bench::instructions::Counter;
use streamgauge_bench::jobs::{Input, Job};
use streamgauge_bench::{events, rows};

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    program: PathBuf,
    python: PathBuf,
    events: u64,
    rounds: usize,
    folder: PathBuf,
}

fn main() -> Outcome<()> {
    const USAGE: &str = "compare --program BINARY --python PYTHON [--events N] [--rounds N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let options = Options {
        program: arguments.needed("--program")?,
        python: arguments.needed("--python")?,
        events: arguments.number("--events", 2_000_000)?,
        rounds: arguments.number("--rounds", 5)?,
        folder: arguments.folder()?,
    };
    let input = events::file(&options.folder, options.events)?;
    let jobs = Job::ALL.iter().map(|job| beside_others(&options, *job, &input)).collect::<Outcome<Vec<_>>>()?;
    println!("{} events, medians of {} rounds in turn; the rows are the same:\n", options.events, options.rounds);
    costs(&options, &jobs);
    instructions(&options)
}

/// One job, done by all: streamgauge, the same with state on the disk, a `serde_json` program, DuckDB.
fn beside_others(options: &Options, job: Job, input: &Path) -> Outcome<Vec<Contender>> {
    let folder = &options.folder;
    let requests = Input::One(input.to_owned());
    let ours = |name: &str, way: Way| Contender::streamgauge(name, &options.program, job, &requests, way, folder);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("duckdb_job.py");
    let mut contenders = vec![
        ours("streamgauge", SCRAPED)?,
        ours("streamgauge, durable", Way { durable: true, ..SCRAPED })?,
        Contender::other("serde_json", &reference()?, job, input, folder),
        Contender::other("DuckDB, one thread", &[options.python.clone(), script], job, input, folder),
    ];
    contender::in_turn(&mut contenders, options.rounds)?;
    for other in &contenders[1..] {
        let same = rows::same(&contenders[0].rows, &other.rows);
        same.map_err(|error| format!("job {}, {} and streamgauge: {error}", job.name(), other.name))?;
    }
    Ok(contenders)
}

fn reference() -> Outcome<[PathBuf; 2]> {
    Ok([std::env::current_exe()?.with_file_name("reference"), "serde_json".into()])
}

/// The table: a line for each contender, a column for each job.
fn costs(options: &Options, jobs: &[Vec<Contender>]) {
    let cells =
        |of_job: &dyn Fn(&[Contender]) -> String| jobs.iter().map(|job| of_job(job)).collect::<Vec<_>>().join(" | ");
    println!("| thousand events per CPU-second | A | B | C | peak MiB, A / B / C |\n|---|--:|--:|--:|---|");
    for (at, Contender { name, .. }) in jobs[0].iter().enumerate() {
        let rate = |job: &[Contender]| format!("{:.0}", options.events as f64 / job[at].median(cpu) / 1e3);
        let peak: Vec<String> = jobs.iter().map(|job| format!("{:.0}", job[at].median(|cost| cost.peak_mib))).collect();
        println!("| {name} | {} | {} |", cells(&rate), peak.join(" / "));
    }
    for (name, slower, faster) in
        [("ratio to serde_json", 2, 0), ("ratio to DuckDB", 3, 0), ("durable, of not durable", 0, 1)]
    {
        println!(
            "| {name} | {} | |",
            cells(&|job| format!("{:.2}", contender::ratio(&job[slower], &job[faster], cpu)))
        );
    }
    let slowest = cells(&|job| {
        let rate = |cost: &Cost| options.events as f64 / cost.cpu_seconds / 1e3;
        let rates = || job[0].costs.iter().map(rate);
        format!("{:.0}–{:.0}", rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max))
    });
    println!("| streamgauge, slowest and fastest round | {slowest} | |");
}

fn cpu(cost: &Cost) -> f64 {
    cost.cpu_seconds
}

/// They vary less than times do.
fn instructions(options: &Options) -> Outcome<()> {
    let folder = &options.folder;
    let Some(counter) = Counter::find(folder) else {
        println!(
            "\nInstructions are not counted: this machine shows no counters to perf, and valgrind is not installed."
        );
        return Ok(());
    };
    let [few, many] = counter.sizes();
    println!(
        "\n| instructions an event, counted by {} from {few} to {many} events | A | B | C |\n|---|--:|--:|--:|",
        counter.name()
    );
    // Without the endpoint, whose start reads what valgrind hides.
    let ours = |job, input: &Path| {
        Contender::streamgauge("counted", &options.program, job, &Input::One(input.to_owned()), Way::default(), folder)
    };
    let serde = |job, input: &Path| Ok(Contender::other("serde_json", &reference()?, job, input, folder));
    line("streamgauge", counter, folder, &ours)?;
    line("serde_json", counter, folder, &serde)
}

fn line(
    name: &str,
    counter: Counter,
    folder: &Path,
    contender: &dyn Fn(Job, &Path) -> Outcome<Contender>,
) -> Outcome<()> {
    let of_job = |job: &Job| {
        let command = |count| Ok(contender(*job, &events::file(folder, count)?)?.command().to_vec());
        Ok(format!("{:.0}", counter.of_event(folder, command)?))
    };
    let counts = Job::ALL.iter().map(of_job).collect::<Outcome<Vec<_>>>()?;
    println!("| {name} | {} |", counts.join(" | "));
    Ok(())
}
