//! usage: shapes --program BINARY [--megabytes N] [--rounds N] [--folder DIR]
//!
//! What inputs of another shape than that of the main jobs cost: CPU time of the whole process for each byte, rows included, as a
//! multiple of that of the plain case. Each shape differs from it in one thing. One window holds all events, so all keys are open.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::calendar;
use streamgauge_bench::contender::ONE_CORE;
use streamgauge_bench::cost::{self, Cost, median};
use streamgauge_bench::draw::Draw;
use streamgauge_bench::events;
use streamgauge_bench::jobs::{self, Input};
use streamgauge_bench::leftovers;
use streamgauge_bench::names::NAMES;

type Outcome<T> = Result<T, Box<dyn Error>>;

const BEGIN: i64 = 1_704_067_200_000_000;

/// At least so many, so that it is not only about rows.
const EVENTS_OF_KEY: u64 = 4;

/// A kind of input.
#[derive(Clone, Copy)]
struct Shape {
    name: &'static str,
    keys: u64,
    /// How many of [`NAMES`] a line has; those that are mapped come first.
    texts: usize,
    /// How many fields are mapped: the key, two numbers, then texts.
    mapped: usize,
    text: fn(&mut String, &mut Draw),
    deep: bool,
}

const PLAIN: Shape =
    Shape { name: "plain", keys: 1_000, texts: 12, mapped: 8, text: |line, draw| hex(line, draw, 24), deep: false };

const SHAPES: [Shape; 10] = [
    PLAIN,
    Shape { name: "10 keys", keys: 10, ..PLAIN },
    Shape { name: "100,000 keys", keys: 100_000, ..PLAIN },
    Shape { name: "1,000,000 keys", keys: 1_000_000, ..PLAIN },
    Shape { name: "1 mapped field", mapped: 1, ..PLAIN },
    Shape { name: "20 mapped fields", texts: 20, mapped: 20, text: |line, draw| hex(line, draw, 8), ..PLAIN },
    Shape { name: "200 bytes a line", texts: 5, text: |line, draw| hex(line, draw, 6), ..PLAIN },
    Shape { name: "5 KB a line", text: |line, draw| hex(line, draw, 395), ..PLAIN },
    Shape { name: "objects in 40 objects", texts: 5, text: |line, draw| hex(line, draw, 6), deep: true, ..PLAIN },
    Shape { name: "escapes everywhere", text: escapes, ..PLAIN },
];

fn main() -> Outcome<()> {
    const USAGE: &str = "shapes --program BINARY [--megabytes N] [--rounds N] [--folder DIR]";
    let Some(arguments) = Arguments::read(USAGE)? else { return Ok(()) };
    let (program, folder) = (arguments.needed("--program")?, arguments.folder()?);
    let (bytes, rounds) = (arguments.number::<u64>("--megabytes", 256)? << 20, arguments.number("--rounds", 3)?);
    let inputs = SHAPES.iter().map(|shape| written(*shape, bytes, &folder)).collect::<io::Result<Vec<_>>>()?;
    let mut costs: Vec<Vec<Cost>> = SHAPES.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for ((shape, (input, events)), costs) in SHAPES.iter().zip(&inputs).zip(&mut costs) {
            costs.push(run(*shape, input, *events, &program, &folder)?);
        }
    }
    println!("Plain are 1,000 keys, 8 mapped fields and some 520 bytes a line; medians of {rounds} rounds in turn.\n");
    println!("| shape | bytes a line | events a key | ns an event | ns a byte | of the plain case |");
    println!("|---|--:|--:|--:|--:|--:|");
    let mut plain = None;
    for ((shape, (input, events)), costs) in SHAPES.iter().zip(&inputs).zip(&costs) {
        let (bytes, nanos) = (fs::metadata(input)?.len() as f64, median(costs, |cost| cost.cpu_seconds) * 1e9);
        let of_plain = nanos / bytes / *plain.get_or_insert(nanos / bytes);
        let (length, of_event) = (bytes / *events as f64, nanos / *events as f64);
        println!(
            "| {} | {length:.0} | {} | {of_event:.0} | {:.2} | {of_plain:.2} |",
            shape.name,
            events / shape.keys,
            nanos / bytes
        );
    }
    Ok(())
}

/// About so many bytes of a shape, and how many events these are.
fn written(shape: Shape, bytes: u64, folder: &Path) -> io::Result<(PathBuf, u64)> {
    let mut draw = Draw::new(shape.keys);
    let mut text = String::new();
    (0..100).for_each(|number| line(&mut text, shape, number, &mut draw));
    let events = (bytes * 100 / text.len() as u64).max(shape.keys * EVENTS_OF_KEY);
    let name: String = shape.name.chars().filter(char::is_ascii_alphanumeric).collect();
    let path = events::written_once(&folder.join(format!("shapes-{name}-{events}.ndjson")), |out| {
        for number in 0..events {
            text.clear();
            line(&mut text, shape, number, &mut draw);
            out.write_all(text.as_bytes())?;
        }
        Ok(())
    })?;
    Ok((path, events))
}

/// Times stay within an hour of the first, however many events there are.
fn line(line: &mut String, shape: Shape, number: u64, draw: &mut Draw) {
    line.push_str(r#"{"time":""#);
    calendar::write(line, BEGIN + (number as i64 * 200 + draw.below(1_000_000) as i64) % 3_599_000_000);
    let (key, tokens, cost) = (draw.below(shape.keys), draw.below(5_000), draw.below(100_000));
    let _ = write!(line, r#"","key":"key-{key:07}","tokens":{tokens},"cost":0.{cost:06}"#);
    for name in &NAMES[..shape.texts] {
        let _ = write!(line, r#","{name}":"#);
        (shape.text)(line, draw);
    }
    if shape.deep {
        line.push_str(r#","deep":"#);
        (0..40).for_each(|_| line.push_str(r#"{"at":1,"in":"#));
        (shape.text)(line, draw);
        line.push_str(&"}".repeat(40));
    }
    line.push_str("}\n");
}

fn hex(line: &mut String, draw: &mut Draw, length: usize) {
    line.push('"');
    let end = line.len() + length;
    while line.len() < end {
        let _ = write!(line, "{:016x}", draw.any());
    }
    line.truncate(end);
    line.push('"');
}

fn escapes(line: &mut String, draw: &mut Draw) {
    const PIECES: [&str; 6] = [r#"\"yes\""#, r"\n", r"\u00e9t\u00e9", r"C:\\temp\\", r"\t\t", "or"];
    line.push('"');
    (0..4).for_each(|_| line.push_str(PIECES[draw.below(6) as usize]));
    line.push('"');
}

fn run(shape: Shape, input: &Path, events: u64, program: &Path, folder: &Path) -> Outcome<Cost> {
    let (config, rows) = (folder.join("shape.yaml"), folder.join("shape.rows.ndjson"));
    let sink = format!("sink: {{ file: {{ path: {rows:?}, existing: truncate }} }}\n");
    fs::write(&config, [jobs::UNSCRAPED, &sink, &work(shape, input)].concat())?;
    let words =
        [program, Path::new("run"), Path::new("--config"), &config].map(|word| word.to_string_lossy().into_owned());
    leftovers::remove_rows(&rows)?;
    let cost = cost::run(&ONE_CORE.into_iter().map(str::to_owned).chain(words).collect::<Vec<_>>())?;
    let counted = counted(&rows)?;
    if counted != events {
        return Err(format!("{}: {events} events, of which {counted} were counted", shape.name).into());
    }
    Ok(cost)
}

fn work(shape: Shape, input: &Path) -> String {
    let texts = NAMES[..shape.mapped.saturating_sub(3)].iter().map(|name| format!(", {name}: /{name}"));
    let (numbers, aggregates) = if shape.mapped == 1 {
        ("", "")
    } else {
        ("  numbers: { tokens: /tokens, cost: /cost }\n", ", sum: sum(tokens), avg: avg(cost), max: max(cost)")
    };
    format!(
        "\
{}event:
  time: {{ from: /time, format: rfc3339 }}
  strings: {{ key: /key{} }}
{numbers}windows:
  - {{ name: by_key, size: 1h, key: [key], max_keys: 2000000, aggregates: {{ n: count{aggregates} }} }}
",
        Input::One(input.to_owned()).source(),
        texts.collect::<String>()
    )
}

/// How many events the rows say there were.
fn counted(rows: &Path) -> Outcome<u64> {
    let mut all = 0;
    for row in BufReader::new(File::open(rows)?).lines() {
        let row: serde_json::Value = serde_json::from_str(&row?)?;
        all += row["values"]["n"].as_u64().ok_or_else(|| format!("a row without a count: {row}"))?;
    }
    Ok(all)
}
