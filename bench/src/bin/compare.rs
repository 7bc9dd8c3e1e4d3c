//! usage: compare --program BINARY [--noop BINARY] [--python PYTHON] [--peers PYTHON] [--events N] [--rounds N] [--folder DIR]
//!
//! Runs the main jobs with streamgauge and with others in turn, checks that all print the same rows, and prints what they cost:
//! CPU time is user + sys of the whole process as the kernel's accounting of ended children says (getrusage), start included;
//! each run is waited for by a process of its own, so that nothing else is in the sum. streamgauge has all metrics on and is
//! scraped every second. PYTHON is one that has DuckDB, for peers
//! Polars; the other BINARY is built with metrics that do nothing.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use streamgauge_bench::contender::{Contender, Way};
use streamgauge_bench::cost::{self, Cost, median};
use streamgauge_bench::jobs::{self, Job};
use streamgauge_bench::{events, rows};

type Outcome<T> = Result<T, Box<dyn Error>>;

const SCRAPED: Way = Way { all_cores: false, scraped: true, durable: false };
/// Events of the small input whose rows are waited for.
const SMALL: u64 = 1_000;
/// Runs on it.
const STARTS: usize = 11;

struct Options {
    program: PathBuf,
    noop: Option<PathBuf>,
    python: Option<PathBuf>,
    peers: Option<PathBuf>,
    events: u64,
    rounds: usize,
    folder: PathBuf,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--measure") {
        return cost::measure(&arguments[1..]);
    }
    let options = options(&arguments)?;
    fs::create_dir_all(&options.folder)?;
    let input = events::file(&options.folder, options.events)?;
    std::io::copy(&mut fs::File::open(&input)?, &mut std::io::sink())?; // no run waits for the disk
    println!("{} events, {} rounds in turn, medians\n", options.events, options.rounds);
    println!("| job, on one core | program | thousand events per CPU-second | ratio to it | peak MiB |");
    println!("|---|---|--:|--:|--:|");
    for job in Job::ALL {
        beside_others(&options, job, &input)?;
    }
    println!();
    other_ways(&options, &input)?;
    instructions(&options)?;
    small_input(&options)
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    Ok(Options {
        program: value("--program").ok_or("--program is needed")?.into(),
        noop: value("--noop").map(PathBuf::from),
        python: value("--python").map(PathBuf::from),
        peers: value("--peers").map(PathBuf::from),
        events: value("--events").map_or(Ok(2_000_000), |text| text.parse())?,
        rounds: value("--rounds").map_or(Ok(5), |text| text.parse())?,
        folder: value("--folder").map_or_else(events::cache, PathBuf::from),
    })
}

/// One job: streamgauge, the same with state on disk, a `serde_json` program, DuckDB.
fn beside_others(options: &Options, job: Job, input: &Path) -> Outcome<()> {
    let folder = &options.folder;
    let ours = |name: &str, way: Way| Contender::streamgauge(name, &options.program, job, input, way, folder);
    let reference = std::env::current_exe()?.with_file_name("reference");
    let mut contenders = vec![
        ours("streamgauge", SCRAPED)?,
        ours("streamgauge, durable", Way { durable: true, ..SCRAPED })?,
        Contender::other("serde_json", &[&reference], job, input, folder),
    ];
    let scripted = [("DuckDB", "duckdb_job.py", &options.python), ("Polars", "polars_job.py", &options.peers)];
    for (name, script, python) in scripted {
        if let Some(python) = python {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
            contenders.push(Contender::other(name, &[python, &script], job, input, folder));
        }
    }
    in_turn(&mut contenders, options.rounds)?;
    for other in &contenders[1..] {
        let rows = rows::same(&contenders[0].rows, &other.rows);
        rows.map_err(|error| format!("job {}, {} and streamgauge: {error}", job.name(), other.name))?;
    }
    let rate = |contender: &Contender| options.events as f64 / contender.median(|cost| cost.cpu_seconds) / 1e3;
    for contender in &contenders {
        println!(
            "| {}: {} | {} | {:.0} | {:.2} | {:.0} |",
            job.name(),
            job.describe(),
            contender.name,
            rate(contender),
            rate(&contenders[0]) / rate(contender),
            contender.median(|cost| cost.peak_mib)
        );
    }
    Ok(())
}

/// The first job on one core and on all, and with metrics that do nothing.
fn other_ways(options: &Options, input: &Path) -> Outcome<()> {
    let folder = &options.folder;
    let all = Way { all_cores: true, ..SCRAPED };
    let mut ways = vec![
        Contender::streamgauge("one core", &options.program, Job::A, input, SCRAPED, folder)?,
        Contender::streamgauge("all cores", &options.program, Job::A, input, all, folder)?,
    ];
    if let Some(noop) = &options.noop {
        ways.push(Contender::streamgauge("no metrics", noop, Job::A, input, Way::default(), folder)?);
    }
    in_turn(&mut ways, options.rounds)?;
    let wall = |way: &Contender| options.events as f64 / way.median(|cost| cost.wall_seconds) / 1e3;
    println!("job A by the clock, thousand events a second:");
    println!(
        "  one core {:.0}, all cores {:.0}: {:.2} times",
        wall(&ways[0]),
        wall(&ways[1]),
        wall(&ways[1]) / wall(&ways[0])
    );
    if let [scraped, _, unmeasured] = &ways[..] {
        // Each round by itself: the two runs of a round are closest in time.
        let pairs = scraped.costs.iter().zip(&unmeasured.costs);
        let ratios: Vec<Cost> = pairs
            .map(|(with, without)| Cost { cpu_seconds: with.cpu_seconds / without.cpu_seconds, ..*with })
            .collect();
        println!(
            "the tax of metrics, CPU time with them ({} scrapes) over that of a build in which they do nothing: {:+.1} %",
            scraped.pages,
            (median(&ratios, |cost| cost.cpu_seconds) - 1.0) * 100.0
        );
    }
    Ok(())
}

fn in_turn(contenders: &mut [Contender], rounds: usize) -> Outcome<()> {
    for _ in 0..rounds {
        for contender in &mut *contenders {
            contender.run()?;
        }
    }
    Ok(())
}

/// Instructions of an event: what twice as many cost more, so that the start is not in it. They vary less than times do.
fn instructions(options: &Options) -> Outcome<()> {
    let counts = [20_000, 40_000];
    let mut told = Vec::new();
    for job in Job::ALL {
        let mut counted = [0.0; 2];
        for (events, counted) in counts.iter().zip(&mut counted) {
            let input = events::file(&options.folder, *events)?;
            let (rows, path) = (options.folder.join("counted.ndjson"), options.folder.join("counted.yaml"));
            // Without the endpoint, whose start reads what valgrind hides.
            fs::write(&path, format!("{}{}workers: 1\n", jobs::UNSCRAPED, job.configuration(&input, &rows)))?;
            let Some(count) = count(&options.program, &path, &options.folder)? else {
                println!("instructions are not counted: install valgrind");
                return Ok(());
            };
            *counted = count;
        }
        told.push(format!("{} {:.0}", job.name(), (counted[1] - counted[0]) / (counts[1] - counts[0]) as f64));
    }
    println!("instructions an event, counted by callgrind: {}", told.join(", "));
    Ok(())
}

fn count(program: &Path, config: &Path, folder: &Path) -> Outcome<Option<f64>> {
    let mut command = Command::new("valgrind");
    let out = format!("--callgrind-out-file={}", folder.join("callgrind.out").display());
    command.args(["--tool=callgrind", &out]).arg(program).arg("run").arg("--config").arg(config);
    let Ok(ran) = command.output() else { return Ok(None) };
    let said = String::from_utf8_lossy(&ran.stderr);
    if !ran.status.success() {
        return Err(format!("streamgauge failed under callgrind: {said}").into());
    }
    let counted = said.lines().find_map(|line| line.split_once("Collected :")).map(|(_, count)| count.trim());
    Ok(Some(counted.ok_or_else(|| format!("callgrind counted nothing: {said}"))?.parse()?))
}

/// From the start of the process to its end, with a few rows in between.
fn small_input(options: &Options) -> Outcome<()> {
    let input = events::file(&options.folder, SMALL)?;
    let mut small = Contender::streamgauge("small", &options.program, Job::A, &input, SCRAPED, &options.folder)?;
    in_turn(std::slice::from_mut(&mut small), STARTS)?;
    println!(
        "{SMALL} events from the start of the process to its end: {:.1} ms",
        small.median(|cost| cost.wall_seconds) * 1e3
    );
    Ok(())
}
