//! usage: soak --program BINARY [--minutes N] [--rate EVENTS_PER_SECOND] [--folder DIR]
//!
//! Writes a log that grows and is rotated, lets the program follow it, and prints each minute how far it is behind and how much
//! memory it holds. At the end it is stopped with --drain, and every event must be in the rows exactly once. Fails if the
//! program lags, if its memory grows, or if a count is off by one.

use serde_json::Value;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use streamgauge_bench::events::Events;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The log is rotated at this size, and the file before the last is deleted.
const ROTATE: u64 = 256 << 20;
/// How often events are written: at 50,000 a second 500 at a time.
const TICK: Duration = Duration::from_millis(10);
/// Further behind than this many seconds' worth of events is lagging: new content is looked for ten times a second, and new
/// files every second.
const LAG_SECONDS: u64 = 3;
/// More memory than after the first minute that is not yet growth.
const RSS_SLACK_MIB: f64 = 8.0;
/// How long the program may take to come to the end of the log, and then to stop.
const PATIENCE: Duration = Duration::from_secs(60);

struct Options {
    program: PathBuf,
    minutes: u64,
    rate: u64,
    folder: PathBuf,
}

/// The log, and what is known of it.
struct Log {
    path: PathBuf,
    out: BufWriter<File>,
    size: u64,
    events: Events,
    written: u64,
    tokens: u64,
    rotations: u32,
}

/// The program under test.
struct Program {
    child: Child,
    address: String,
    report: PathBuf,
    rows: PathBuf,
}

fn main() -> Outcome<()> {
    let options = options(&std::env::args().skip(1).collect::<Vec<_>>())?;
    if options.folder.exists() {
        fs::remove_dir_all(&options.folder)?;
    }
    fs::create_dir_all(&options.folder)?;
    let mut log = Log::new(&options.folder)?;
    let mut program = Program::start(&options)?;
    println!("{} events per second for {} minutes, in {}", options.rate, options.minutes, options.folder.display());
    soak(&options, &mut log, &program)?;
    program.reach(log.written)?;
    program.stop()?;
    let told = check(&log, &program)?;
    fs::remove_dir_all(&options.folder)?;
    println!("{told}");
    Ok(())
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).cloned()
    };
    Ok(Options {
        program: value("--program").ok_or("--program is needed")?.into(),
        minutes: value("--minutes").map_or(Ok(30), |text| text.parse())?,
        rate: value("--rate").map_or(Ok(50_000), |text| text.parse())?,
        folder: value("--folder").map_or_else(|| std::env::temp_dir().join("streamgauge-soak"), PathBuf::from),
    })
}

/// Writes at the given rate, and looks at the program each minute.
fn soak(options: &Options, log: &mut Log, program: &Program) -> Outcome<()> {
    let begin = Instant::now();
    let mut first = None;
    for minute in 1..=options.minutes {
        let end = begin + Duration::from_secs(60 * minute);
        while Instant::now() < end {
            let due = (begin.elapsed().as_secs_f64() * options.rate as f64) as u64;
            log.write_to(due.min(options.rate * 60 * minute))?;
            thread::sleep(TICK);
        }
        let (received, rss) = (program.received()?, program.rss_mib()?);
        let lag = log.written.saturating_sub(received);
        let rotations = log.rotations;
        println!(
            "minute {minute:>3}  {received:>12} events  {lag:>8} behind  {rss:>7.1} MiB  {rotations:>4} rotations"
        );
        if lag > LAG_SECONDS * options.rate {
            return Err(format!("the program lags by {lag} events").into());
        }
        let limit = *first.get_or_insert(rss) + RSS_SLACK_MIB;
        if rss > limit {
            return Err(format!("its memory grows: {rss:.1} MiB, at most {limit:.1} were expected").into());
        }
    }
    Ok(())
}

/// Compares every count with what was written.
fn check(log: &Log, program: &Program) -> Outcome<String> {
    let report: Value = serde_json::from_slice(&fs::read(&program.report)?)?;
    let (mut rows, mut requests, mut tokens) = (0, 0, 0);
    for line in BufReader::new(File::open(&program.rows)?).lines() {
        let row: Value = serde_json::from_str(&line?)?;
        rows += 1;
        requests += row["values"]["requests"].as_u64().ok_or("a row without requests")?;
        tokens += row["values"]["tokens_in"].as_u64().ok_or("a row without tokens_in")?;
    }
    let count = |name: &str| report[name].as_u64().unwrap_or(u64::MAX);
    let expected = [
        ("received", count("received"), log.written),
        ("processed", count("processed"), log.written),
        ("rows", count("rows"), rows),
        ("open_windows", count("open_windows"), 0),
        ("requests in the rows", requests, log.written),
        ("tokens in the rows", tokens, log.tokens),
    ];
    for (what, is, should) in expected {
        if is != should {
            return Err(format!("{what}: {is}, but {should} were expected\n{report}").into());
        }
    }
    Ok(format!("exact: {} events and {} tokens in {rows} rows, {} rotations", log.written, log.tokens, log.rotations))
}

impl Log {
    fn new(folder: &Path) -> Outcome<Self> {
        let path = folder.join("soak.log");
        let out = BufWriter::with_capacity(64 << 10, File::create(&path)?);
        Ok(Log { path, out, size: 0, events: Events::new(), written: 0, tokens: 0, rotations: 0 })
    }

    /// Writes until there have been `count` events.
    fn write_to(&mut self, count: u64) -> Outcome<()> {
        while self.written < count {
            let event = self.events.next_event();
            self.out.write_all(event.line.as_bytes())?;
            self.size += event.line.len() as u64;
            self.tokens += event.input_tokens;
            self.written += 1;
            if self.size >= ROTATE {
                self.rotate()?;
            }
        }
        Ok(self.out.flush()?)
    }

    fn rotate(&mut self) -> Outcome<()> {
        self.out.flush()?;
        fs::rename(&self.path, self.path.with_extension("log.1"))?;
        self.out = BufWriter::with_capacity(64 << 10, File::create(&self.path)?);
        self.size = 0;
        self.rotations += 1;
        Ok(())
    }
}

impl Program {
    fn start(options: &Options) -> Outcome<Self> {
        let folder = &options.folder;
        let (config, report, rows) = (folder.join("soak.yaml"), folder.join("report.json"), folder.join("rows.ndjson"));
        fs::write(&config, configuration(&folder.join("soak.log*"), &rows))?;
        let mut command = Command::new(&options.program);
        command.arg("run").arg("--config").arg(config).arg("--report").arg(&report).arg("--drain");
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let log = child.stderr.take().ok_or("no standard error")?;
        let mut lines = BufReader::new(log).lines();
        let address = loop {
            let line = lines.next().ok_or("the program ended at once")??;
            if let Some((_, address)) = line.split_once("listening on http://") {
                break address.trim().to_owned();
            }
        };
        let mut file = File::create(folder.join("stderr.log"))?;
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| writeln!(file, "{line}")));
        Ok(Program { child, address, report, rows })
    }

    /// Events that have been judged.
    fn received(&self) -> Outcome<u64> {
        let mut stream = TcpStream::connect(&self.address)?;
        write!(stream, "GET /metrics HTTP/1.1\r\nHost: soak\r\nConnection: close\r\n\r\n")?;
        let mut page = String::new();
        stream.read_to_string(&mut page)?;
        let series = page.lines().filter(|line| line.starts_with("stream_processor_events_received_total{"));
        let values: Result<Vec<u64>, _> =
            series.map(|line| line.rsplit(' ').next().unwrap_or_default().parse()).collect();
        Ok(values?.iter().sum())
    }

    fn rss_mib(&self) -> Outcome<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
        Ok(kib / 1024.0)
    }

    /// Waits until all that was written has been judged.
    fn reach(&self, written: u64) -> Outcome<()> {
        let begin = Instant::now();
        while self.received()? < written {
            if begin.elapsed() > PATIENCE {
                return Err(format!("{} of {written} events have come", self.received()?).into());
            }
            thread::sleep(TICK);
        }
        Ok(())
    }

    fn stop(&mut self) -> Outcome<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { Err(format!("the program ended with {status}").into()) };
            }
            thread::sleep(TICK);
        }
        Err(format!("the program does not stop (kill: {asked})").into())
    }
}

/// Whatever becomes of the run, the program does not outlive it.
impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(log: &Path, rows: &Path) -> String {
    format!(
        "\
observability: {{ prometheus: {{ endpoint: {{ host: 127.0.0.1, port: 0 }} }} }}
source: {{ file: {{ paths: [\"{}\"], format: ndjson, follow: true }} }}
event:
  id: /id
  type: /type
  time: {{ from: /time, format: rfc3339 }}
  strings: {{ model: /model }}
  numbers: {{ input_tokens: /input_tokens, duration_ms: /duration_ms }}
watermark: {{ max_out_of_orderness: 5s, idle_timeout: 1h }}
windows:
  - name: by_model
    size: 10s
    key: [model]
    aggregates: {{ requests: count, tokens_in: sum(input_tokens), latency_avg: avg(duration_ms) }}
sink: {{ file: {{ path: \"{}\" }} }}
",
        log.display(),
        rows.display()
    )
}
