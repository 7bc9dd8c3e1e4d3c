//! usage: compare --program BINARY [--events N] [--rounds N] [--folder DIR]
//!
//! Writes the input once, checks that both programs print the same rows, then runs them in turn. CPU time is user + sys of the whole
//! process as the kernel's accounting of ended children says (getrusage), start included; each run is waited for by a process of its
//! own, so that nothing else is in the sum.

use serde_json::Value;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use streamgauge_bench::cost::{self, Cost, median};
use streamgauge_bench::events;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Options {
    program: PathBuf,
    events: u64,
    rounds: usize,
    folder: PathBuf,
}

struct Contender {
    name: &'static str,
    command: Vec<String>,
    rows: PathBuf,
    costs: Vec<Cost>,
}

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == "--measure") {
        return cost::measure(&arguments[1..]);
    }
    let options = options(&arguments)?;
    fs::create_dir_all(&options.folder)?;
    let input = events::file(&options.folder, options.events)?;
    let mut contenders = [ours(&options, &input)?, reference(&options, &input)?];
    warm(&input)?;
    for contender in &contenders {
        cost::run(&contender.command)?;
    }
    let rows = same_rows(&contenders)?;
    println!("{} events, {rows} rows, the same from both", options.events);
    for round in 1..=options.rounds {
        for contender in &mut contenders {
            let cost = cost::run(&contender.command)?;
            report_round(round, contender.name, cost, options.events);
            contender.costs.push(cost);
        }
    }
    summary(&contenders, options.events);
    Ok(())
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    Ok(Options {
        program: value("--program").ok_or("--program is needed")?.into(),
        events: value("--events").map_or(Ok(2_000_000), |text| text.parse())?,
        rounds: value("--rounds").map_or(Ok(5), |text| text.parse())?,
        folder: value("--folder").map_or_else(events::cache, PathBuf::from),
    })
}

fn ours(options: &Options, input: &Path) -> Outcome<Contender> {
    let rows = options.folder.join("rows-streamgauge.ndjson");
    let path = options.folder.join("job-a.yaml");
    fs::write(&path, configuration(input, &rows))?;
    Ok(Contender {
        name: "streamgauge",
        command: words(&[&options.program, Path::new("run"), Path::new("--config"), &path]),
        rows,
        costs: Vec::new(),
    })
}

fn reference(options: &Options, input: &Path) -> Outcome<Contender> {
    let program = std::env::current_exe()?.with_file_name("reference");
    let rows = options.folder.join("rows-reference.ndjson");
    Ok(Contender { name: "serde_json", command: words(&[&program, input, &rows]), rows, costs: Vec::new() })
}

fn words(paths: &[&Path]) -> Vec<String> {
    paths.iter().map(|path| path.to_string_lossy().into_owned()).collect()
}

fn configuration(input: &Path, rows: &Path) -> String {
    format!(
        "\
observability: {{ prometheus: {{ enabled: true, endpoint: {{ host: 127.0.0.1, port: 0 }} }} }}
source: {{ file: {{ paths: [\"{}\"], format: ndjson }} }}
event:
  id: /id
  type: /type
  time: {{ from: /time, format: rfc3339 }}
  strings: {{ model: /model, tenant: /tenant }}
  numbers: {{ input_tokens: /input_tokens, output_tokens: /output_tokens, duration_ms: /duration_ms, cost_usd: /cost_usd }}
watermark: {{ max_out_of_orderness: 5s }}
windows:
  - name: by_model
    type: tumbling
    size: 10s
    key: [model, tenant]
    aggregates:
      requests: count
      tokens_in: sum(input_tokens)
      tokens_out: sum(output_tokens)
      latency_avg: avg(duration_ms)
      latency_min: min(duration_ms)
      latency_max: max(duration_ms)
      cost: sum(cost_usd)
sink: {{ file: {{ path: \"{}\", existing: truncate }} }}
",
        input.display(),
        rows.display()
    )
}

/// Reads the input once, so that no run waits for the disk.
fn warm(input: &Path) -> Outcome<()> {
    std::io::copy(&mut File::open(input)?, &mut std::io::sink())?;
    Ok(())
}

/// Fails at the first row on which the two differ; the number of rows. Doubles may differ in rounding.
fn same_rows(contenders: &[Contender; 2]) -> Outcome<usize> {
    let [mut first, mut second] = [lines(&contenders[0].rows)?, lines(&contenders[1].rows)?];
    let mut count = 0;
    while let (Some(left), Some(right)) = (first.next(), second.next()) {
        let (left, right) = (left?, right?);
        count += 1;
        if left != right && !alike(&serde_json::from_str(&left)?, &serde_json::from_str(&right)?) {
            return Err(format!("row {count} differs:\n  {left}\n  {right}").into());
        }
    }
    let sizes = [lines(&contenders[0].rows)?.count(), lines(&contenders[1].rows)?.count()];
    if sizes != [count, count] {
        return Err(format!("{} rows against {}", sizes[0], sizes[1]).into());
    }
    Ok(count)
}

fn lines(path: &Path) -> Outcome<std::io::Lines<BufReader<File>>> {
    Ok(BufReader::new(File::open(path)?).lines())
}

fn alike(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(name, value)| right.get(name).is_some_and(|other| alike(value, other)))
        }
        (Value::Number(left), Value::Number(right)) => {
            let (left, right) = (left.as_f64(), right.as_f64());
            left.zip(right).is_some_and(|(left, right)| (left - right).abs() <= 1e-9 * left.abs())
        }
        _ => left == right,
    }
}

fn report_round(round: usize, name: &str, cost: Cost, events: u64) {
    println!(
        "round {round}  {name:<12} {:>7.2} CPU s {:>7.2} s {:>9.0} events per CPU-second",
        cost.cpu_seconds,
        cost.wall_seconds,
        events as f64 / cost.cpu_seconds
    );
}

fn summary(contenders: &[Contender; 2], events: u64) {
    println!("\nmedians             events per CPU-second    events per second    peak MiB");
    let rates = contenders.each_ref().map(|contender| {
        let rate = events as f64 / median(&contender.costs, |cost| cost.cpu_seconds);
        println!(
            "  {:<16} {:>22.0} {:>20.0} {:>11.1}",
            contender.name,
            rate,
            events as f64 / median(&contender.costs, |cost| cost.wall_seconds),
            median(&contender.costs, |cost| cost.peak_mib)
        );
        rate
    });
    println!("  ratio {:.2}", rates[0] / rates[1]);
}
