//! Random inputs of every kind that a run can go on with, and configurations for them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value as Json, json};

const SECOND: u64 = 1_000_000_000;

/// A fixed sequence for each seed.
pub(crate) struct Random(u64);

/// How an input is stored and read.
#[derive(Clone, Copy, Debug)]
enum Form {
    Ndjson,
    Csv,
    Gz,
}

/// An input of one or more files.
#[derive(Debug)]
pub(crate) struct Stream {
    form: Form,
    per_file: bool,
    deduplicates: bool,
    speed: Option<u64>,
    workers: u64,
    #[expect(dead_code, reason = "shown when a test fails")]
    first: u64,
    files: Files,
}

/// Names and contents, which nobody wants to see.
struct Files(Vec<(String, Vec<u8>)>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} files", self.0.len())
    }
}

impl Stream {
    pub(crate) fn random(random: &mut Random) -> Self {
        let first = random.0;
        let form = [Form::Ndjson, Form::Csv, Form::Gz][usize::try_from(random.below(3)).unwrap()];
        let per_file = random.below(2) == 0;
        let events = [2_000, 20_000, 60_000][usize::try_from(random.below(3)).unwrap()];
        let count = 1 + random.below(4);
        // Of files that are partitions each spans all of the time; files that follow each other share it.
        let lines: Vec<String> = (0..events).map(|n| line(random, n, events, form)).collect();
        let files = (0..count).map(|file| {
            let own: Vec<&str> = lines
                .iter()
                .zip(0..)
                .filter(|(_, n)| if per_file { n % count == file } else { n * count / events == file })
                .map(|(line, _)| line.as_str())
                .collect();
            let head = if matches!(form, Form::Csv) { "id,time,key,note,tokens\n" } else { "" };
            (name(form, file), stored(form, format!("{head}{}", own.concat()).as_bytes()))
        });
        let files = Files(files.collect());
        let speed = (random.below(4) == 0).then_some(600);
        Stream { form, per_file, deduplicates: random.below(3) > 0, speed, workers: 1 + random.below(3), first, files }
    }

    /// Puts the input and its configuration into a folder; with a delivery the state is durable.
    pub(crate) fn write(&self, folder: &Path, delivery: Option<&str>) {
        for (name, bytes) in &self.files.0 {
            fs::write(folder.join(name), bytes).unwrap();
        }
        let mut config = self.config();
        if let Some(delivery) = delivery {
            config["delivery"] = json!(delivery);
            config["state"] = json!({"backend": "disk", "path": "state", "commit_interval": "3ms"});
        }
        fs::write(folder.join("config.json"), config.to_string()).unwrap();
    }

    fn config(&self) -> Json {
        let csv = matches!(self.form, Form::Csv);
        let functions = json!({"n": "count", "sum": "sum(tokens)", "avg": "avg(tokens)", "p99": "percentile(tokens, 0.99)",
            "keys": "distinct(note)", "dev": "stddev(tokens)"});
        json!({
            "observability": {"prometheus": {"enabled": false}},
            "source": {"file": {
                "paths": ["in*"], "format": if csv { "csv" } else { "ndjson" },
                "partitions": if self.per_file { "per_file" } else { "one" },
                "speed": self.speed.map_or(json!("max"), |speed| json!(speed)),
            }},
            "event": {"id": "/id", "time": {"from": "/time", "format": "unix_ns"},
                "strings": {"key": "/key", "note": "/note"}, "numbers": {"tokens": "/tokens"}},
            "deduplicate": {"enabled": self.deduplicates, "ttl": "20s", "max_entries": 3000},
            "watermark": {"max_out_of_orderness": "1s"},
            "windows": [
                {"name": "ten", "type": "tumbling", "size": "10s", "key": ["key"], "allowed_lateness": "5s", "aggregates": functions},
                {"name": "hop", "type": "sliding", "size": "30s", "slide": "7s", "key": [], "aggregates": functions},
                {"name": "burst", "type": "session", "gap": "300ms", "key": ["key"], "allowed_lateness": "2s", "aggregates": {"n": "count"}},
            ],
            "workers": self.workers,
            "sink": {"file": {"path": "rows.ndjson"}},
            "late": {"file": {"path": "late.ndjson"}},
            "dead_letter": {"file": {"path": "dead.ndjson"}},
        })
    }
}

/// An event, sometimes a late one, one seen before, or none at all.
fn line(random: &mut Random, n: u64, events: u64, form: Form) -> String {
    if random.below(60) == 0 {
        return "not an event\n".to_owned();
    }
    let id = if random.below(15) == 0 { random.below(n + 1) } else { n };
    let late = if random.below(10) == 0 { random.below(12) * SECOND } else { random.below(SECOND / 2) };
    let time = 1_700_000_000 * SECOND + n * (600 * SECOND / events) - late;
    let (key, note, tokens) = (random.below(40), random.below(200), random.below(100_000));
    match form {
        Form::Csv => format!("e{id},{time},k{key},\"a \"\"note\"\"\n of {note}\",{tokens}\r\n"),
        Form::Ndjson | Form::Gz => {
            format!(
                "{{\"id\":\"e{id}\",\"time\":{time},\"key\":\"k{key}\",\"note\":\"n{note}\",\"tokens\":{tokens}}}\n"
            )
        }
    }
}

fn name(form: Form, file: u64) -> String {
    match form {
        Form::Ndjson => format!("in{file}.ndjson"),
        Form::Csv => format!("in{file}.csv"),
        Form::Gz => format!("in{file}.ndjson.gz"),
    }
}

fn stored(form: Form, bytes: &[u8]) -> Vec<u8> {
    if !matches!(form, Form::Gz) {
        return bytes.to_vec();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
