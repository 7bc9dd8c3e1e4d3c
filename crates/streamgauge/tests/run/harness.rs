//! Drives the built binary from outside, as a user would.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

/// Long enough for the slowest machine; nothing here takes more than a few seconds.
const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const SINK: &str = "rows.ndjson";

/// A folder of its own, in which the binary runs.
pub(crate) struct Case(TempDir);

/// A run that has ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) report: Option<Json>,
}

/// A run that goes on.
pub(crate) struct Running {
    pub(crate) child: Child,
    address: String,
    log: Receiver<String>,
    told: Vec<String>, // lines of the log that a test has looked at
    printed: String,   // what a test has taken of stdout
    report: PathBuf,
}

impl Case {
    pub(crate) fn new() -> Self {
        Case(TempDir::new().unwrap())
    }

    /// With one file in it.
    pub(crate) fn with(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let case = Self::new();
        case.write(name, bytes);
        case
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn append(&self, name: &str, text: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub(crate) fn rows(&self, name: &str) -> Vec<Json> {
        parsed(&self.text(name))
    }

    pub(crate) fn command(&self, config: &Json, more: &[&str]) -> Command {
        self.write("config.json", config.to_string());
        let mut command = Command::new(env!("CARGO_BIN_EXE_streamgauge"));
        command.args(["run", "--config", "config.json", "--report", "report.json"]).args(more);
        command.current_dir(self.0.path()).env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, config: &Json) -> Done {
        self.end(self.command(config, &[]))
    }

    pub(crate) fn end(&self, mut command: Command) -> Done {
        let output = command.output().unwrap();
        Done {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            report: report(&self.path("report.json")),
        }
    }

    /// Starts a run that serves its metrics, and waits until it is ready.
    pub(crate) fn start(&self, config: &Json, more: &[&str]) -> Running {
        let mut config = config.clone();
        config["observability"] = json!({"prometheus": {"endpoint": {"host": "127.0.0.1", "port": 0}}});
        let mut command = self.command(&config, more);
        command.stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let log = follow(child.stderr.take().unwrap());
        let report = self.path("report.json");
        let (address, told, printed) = (String::new(), Vec::new(), String::new());
        let mut running = Running { child, address, log, told, printed, report };
        let line = running.wait_for_log("listening on http://");
        line.rsplit("http://").next().unwrap().trim().clone_into(&mut running.address);
        wait(|| running.get("/ready").starts_with("HTTP/1.1 200"));
        running
    }
}

impl Running {
    pub(crate) fn send(&mut self, text: &str) {
        self.child.stdin.as_mut().unwrap().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The sum over all series of a metric.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics");
        let series =
            page.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' '])));
        series.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum()
    }

    pub(crate) fn wait_for_events(&self, count: u32) {
        wait(|| self.metric("stream_processor_events_received_total") >= f64::from(count));
    }

    /// Waits until the log says so, if it has not done so yet; the whole line.
    #[track_caller]
    pub(crate) fn wait_for_log(&mut self, text: &str) -> String {
        if let Some(line) = self.told.iter().find(|line| line.contains(text)) {
            return line.clone();
        }
        loop {
            let Ok(line) = self.log.recv_timeout(PATIENCE) else {
                panic!("the log never said {text:?} but {:#?}", self.told);
            };
            self.told.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Waits until something was printed, and takes no more than the first character of it.
    pub(crate) fn wait_for_rows(&mut self) {
        let mut first = [0];
        self.child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
        self.printed.push(char::from(first[0]));
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for the end; stdin is closed.
    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(self) -> Done {
        self.signal("-TERM");
        self.end()
    }

    pub(crate) fn end(mut self) -> Done {
        drop(self.child.stdin.take());
        let mut stdout = self.printed;
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        let code = self.child.wait().unwrap().code();
        self.told.extend(self.log.iter());
        let stderr = self.told.into_iter().map(|line| line + "\n").collect();
        Done { code, stdout, stderr, report: report(&self.report) }
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}", self.stderr);
        self
    }

    /// The text of the one error that was logged.
    #[track_caller]
    pub(crate) fn error(&self) -> &str {
        let errors: Vec<_> = self.stderr.lines().filter_map(|line| line.split_once(" ERROR ")).collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        errors[0].1
    }

    pub(crate) fn report(&self) -> &Json {
        self.report.as_ref().expect("there is a report")
    }

    pub(crate) fn count(&self, field: &str) -> u64 {
        self.report()[field].as_u64().unwrap()
    }

    /// Every event went exactly one way.
    #[track_caller]
    pub(crate) fn expect_conservation(&self) -> &Self {
        let parts = ["processed", "duplicates", "late", "dead_letters", "filtered"];
        let sum: u64 = parts.iter().map(|part| self.count(part)).sum();
        assert_eq!(self.count("received"), sum, "{}", self.report());
        self
    }
}

/// Runs under a limit of the shell's `ulimit`.
pub(crate) fn with_limit(case: &Case, config: &Json, limit: &str) -> Done {
    let inner = case.command(config, &[]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit {limit}; exec \"$0\" \"$@\""));
    command.arg(inner.get_program()).args(inner.get_args());
    command.current_dir(case.path(""));
    case.end(command)
}

/// The packaged hour of real requests.
pub(crate) fn hour() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/azure-llm-conv-2023.csv")
}

/// Counts and sums over the real hour, in windows of ten seconds.
pub(crate) fn hour_config() -> Json {
    json!({
        "observability": {"prometheus": {"enabled": false}},
        "source": {"file": {"paths": [hour()], "format": "csv"}},
        "event": {
            "type": {"value": "llm.request"},
            "time": {"from": "/TIMESTAMP", "format": "%Y-%m-%d %H:%M:%S%.f"},
            "numbers": {"input": "/ContextTokens", "output": "/GeneratedTokens"},
        },
        "windows": [{"name": "all", "type": "tumbling", "size": "10s",
            "aggregates": {"n": "count", "in": "sum(input)", "avg_out": "avg(output)"}}],
        "sink": {"file": {"path": SINK}},
    })
}

/// Counts of JSON events by `k`, in windows of ten seconds, late after one second.
pub(crate) fn json_config(path: &str) -> Json {
    json!({
        "observability": {"prometheus": {"enabled": false}},
        "source": {"file": {"paths": [path], "format": "ndjson"}},
        "event": {
            "time": {"from": "/t", "format": "unix_s"},
            "strings": {"k": "/k"},
            "numbers": {"v": "/v"},
        },
        "watermark": {"max_out_of_orderness": "1s"},
        "windows": [{"name": "w", "type": "tumbling", "size": "10s", "key": ["k"],
            "aggregates": {"n": "count", "v": "sum(v)"}}],
        "sink": {"file": {"path": SINK}},
    })
}

/// One JSON event a second, of keys `a` and `b`.
pub(crate) fn events(seconds: std::ops::Range<u32>) -> String {
    let line = |t| format!("{{\"t\":{t},\"k\":\"{}\",\"v\":{t}}}\n", ["a", "b"][t as usize % 2]);
    seconds.map(line).collect::<Vec<_>>().concat()
}

pub(crate) fn parsed(lines: &str) -> Vec<Json> {
    assert!(lines.is_empty() || lines.ends_with('\n'), "the last line is whole");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn sum_of(rows: &[Json], value: &str) -> u64 {
    rows.iter().map(|row| row["values"][value].as_u64().unwrap()).sum()
}

#[track_caller]
pub(crate) fn wait(mut until: impl FnMut() -> bool) {
    let started = Instant::now();
    while !until() {
        assert!(started.elapsed() < PATIENCE, "waited in vain");
        thread::sleep(Duration::from_millis(10));
    }
}

fn report(path: &Path) -> Option<Json> {
    let text = fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn follow(stderr: impl Read + Send + 'static) -> Receiver<String> {
    let (lines, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
