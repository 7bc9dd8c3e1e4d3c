//! usage: peers --program BINARY --parsers BINARY --python PYTHON --flink FOLDER [--events N] [--rounds N] [--folder DIR]
//!
//! The main jobs beside whatever stream and batch engines this machine has, in turn. Others than in `compare`, a peer may fail or print
//! other rows: then that is told beside its figures. One that is not installed is named with what installs it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::contender::{Contender, SCRAPED};
use streamgauge_bench::jobs::{Input, Job};
use streamgauge_bench::{events, rows};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A program that can do the jobs.
struct Peer {
    name: &'static str,
    command: Vec<PathBuf>,
    /// Succeeds where it is installed.
    probe: Vec<PathBuf>,
    install: String,
}

/// Events of a run that is all start.
const FEW: u64 = 1_000;

/// What came of one job.
struct Told {
    rate: f64,
    peak: f64,
    rows: Result<(), String>,
}

fn main() -> Outcome<()> {
    const USAGE: &str = "peers --program BINARY --parsers BINARY --python PYTHON --flink FOLDER [--events N] [--rounds N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (program, folder) = (arguments.needed("--program")?, arguments.folder()?);
    let (events, rounds): (u64, usize) = (arguments.number("--events", 2_000_000)?, arguments.number("--rounds", 1)?);
    let (present, absent): (Vec<Peer>, Vec<Peer>) = peers(&arguments)?.into_iter().partition(is_installed);
    let input = events::file(&folder, events)?;
    let mut told: BTreeMap<(usize, &str), Told> = BTreeMap::new();
    for job in Job::ALL {
        let ours = Contender::streamgauge("streamgauge", &program, job, &Input::One(input.clone()), SCRAPED, &folder)?;
        let others = present.iter().map(|peer| Contender::other(peer.name, &peer.command, job, &input, &folder));
        for (at, result) in
            run(job, std::iter::once(ours).chain(others).collect(), rounds, events).into_iter().enumerate()
        {
            told.insert((at, job.name()), result);
        }
    }
    let few = events::file(&folder, FEW)?;
    let start = |peer: &Peer| Contender::other(peer.name, &peer.command, Job::A, &few, &folder);
    let ours = Contender::streamgauge("streamgauge", &program, Job::A, &Input::One(few.clone()), SCRAPED, &folder)?;
    let starts: Vec<f64> = std::iter::once(ours).chain(present.iter().map(start)).map(started).collect();
    println!("{events} events, medians of {rounds} rounds in turn; a star: its rows are others, see below.\n");
    let names: Vec<&str> = std::iter::once("streamgauge").chain(present.iter().map(|peer| peer.name)).collect();
    report(&names, &told, &starts);
    for peer in absent {
        println!("- {} was skipped, it is not installed: {}", peer.name, peer.install);
    }
    println!("- Kafka Streams was skipped: it reads nothing but Kafka.");
    Ok(())
}

fn peers(arguments: &Arguments) -> Outcome<Vec<Peer>> {
    let python = arguments.needed("--python")?;
    let (parsers, flink) = (arguments.needed("--parsers")?, arguments.needed("--flink")?);
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR"));
    let script = |name, module: &str, script: &str| Peer {
        name,
        command: vec![python.clone(), scripts.join(script)],
        probe: vec![python.clone(), "-c".into(), format!("import {module}").into()],
        install: format!("{} -m pip install {module}", python.display()),
    };
    let parser = |name: &'static str| Peer {
        name,
        command: vec![parsers.clone(), name.into()],
        probe: vec!["test".into(), "-x".into(), parsers.clone()],
        install: "cargo build --release --features parsers --bin reference".to_owned(),
    };
    let classes = format!("{0}/target/classes:{0}/target/lib/*", flink.display());
    let java = |name, class: &str| Peer {
        name,
        // What Flink's own start script adds for Java 17.
        command: [
            "java",
            "--add-opens=java.base/java.util=ALL-UNNAMED",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "-cp",
            &classes,
            class,
        ]
        .map(PathBuf::from)
        .into(),
        probe: vec!["java".into(), "-cp".into(), classes.clone().into(), "peers.Present".into()],
        install: format!(
            "apt-get install openjdk-17-jdk-headless maven && mvn -B -f {}/pom.xml package",
            flink.display()
        ),
    };
    Ok(vec![
        parser("serde_json"),
        parser("simd-json"),
        parser("sonic-rs"),
        script("DuckDB", "duckdb", "duckdb_job.py"),
        script("Polars", "polars", "peers/polars_job.py"),
        java("Flink, DataStream", "peers.Streamed"),
        java("Flink, SQL", "peers.Queried"),
        script("Bytewax", "bytewax", "peers/bytewax_job.py"),
        script("Pathway", "pathway", "peers/pathway_job.py"),
    ])
}

fn is_installed(peer: &Peer) -> bool {
    let [program, arguments @ ..] = &peer.probe[..] else { return false };
    let ran = Command::new(program).args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).status();
    ran.is_ok_and(|status| status.success())
}

/// The contenders in turn, of which the first is the one that rows are compared with.
fn run(job: Job, mut contenders: Vec<Contender>, rounds: usize, events: u64) -> Vec<Told> {
    let mut failures: Vec<Option<String>> = contenders.iter().map(|_| None).collect();
    for _ in 0..rounds {
        for (contender, failure) in contenders.iter_mut().zip(&mut failures).filter(|(_, failure)| failure.is_none()) {
            eprintln!("job {}: {}", job.name(), contender.name); // minutes can pass
            *failure = contender.run().err().map(|error| format!("failed: {error}"));
        }
    }
    let ours = contenders[0].rows.clone();
    let told = |(contender, failure): (&Contender, Option<String>)| Told {
        rate: events as f64 / contender.median(|cost| cost.cpu_seconds) / 1e3,
        peak: contender.median(|cost| cost.peak_mib),
        rows: failure
            .map_or_else(|| rows::same_in_any_order(&ours, &contender.rows).map_err(|error| error.to_string()), Err)
            .map(|_| ()),
    };
    contenders.iter().zip(failures).map(told).collect()
}

/// Seconds of CPU time before anything is done; NaN: it failed.
fn started(mut contender: Contender) -> f64 {
    contender.run().map_or(f64::NAN, |cost| cost.cpu_seconds)
}

fn report(names: &[&str], told: &BTreeMap<(usize, &str), Told>, starts: &[f64]) {
    println!(
        "| thousand events per CPU-second | A | B | C | peak MiB, A / B / C | start, CPU s |\n|---|--:|--:|--:|---|--:|"
    );
    let jobs = Job::ALL.map(Job::name);
    let mut remarks = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let cells = jobs.map(|job| told[&(at, job)].cell());
        let peaks = jobs.map(|job| format!("{:.0}", told[&(at, job)].peak));
        println!("| {name} | {} | {} | {:.2} |", cells.join(" | "), peaks.join(" / "), starts[at]);
        for job in jobs {
            let remark = |remark: &String| remarks.push(format!("- {name}, job {job}: {}", shortened(remark)));
            told[&(at, job)].rows.as_ref().err().into_iter().for_each(remark);
        }
    }
    println!();
    remarks.iter().for_each(|remark| println!("{remark}"));
}

impl Told {
    fn cell(&self) -> String {
        match self.rows {
            _ if self.rate.is_nan() => "failed".to_owned(),
            Ok(()) => format!("{:.0}", self.rate),
            Err(_) => format!("{:.0}*", self.rate),
        }
    }
}

/// What a program says when it fails can be pages; its last words tell most.
fn shortened(text: &str) -> String {
    const MOST: usize = 600;
    let text = text.trim().replace('\n', " ");
    let from = text.char_indices().rev().nth(MOST).map_or(0, |(at, _)| at);
    text[from..].to_owned()
}
