//! The input: LLM requests as NDJSON, about 525 bytes a line, the same bytes for the same count.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use nix::fcntl::{PosixFadviseAdvice, posix_fadvise};

use crate::calendar;
use crate::draw::Draw;

/// Events of one second of event time.
const RATE: i64 = 1200;
/// 2024-01-01 in microseconds.
const BEGIN: i64 = 1_704_067_200_000_000;
const JITTER: u64 = 5_000_000;
const MODELS: [(&str, &str); 10] = [
    ("gpt-4o", "openai"),
    ("gpt-4o-mini", "openai"),
    ("o3", "openai"),
    ("claude-sonnet-4", "anthropic"),
    ("claude-haiku-3-5", "anthropic"),
    ("gemini-2.5-pro", "google"),
    ("gemini-2.5-flash", "google"),
    ("llama-3.3-70b-instruct", "meta"),
    ("mistral-large-2411", "mistral"),
    ("deepseek-v3", "deepseek"),
];
const REGIONS: [&str; 4] = ["eu-central-1", "us-east-1", "ap-southeast-2", "us-west-2"];

/// One event.
pub struct Event<'a> {
    /// Its line, with the line end.
    pub line: &'a str,
    /// What its field `input_tokens` says.
    pub input_tokens: u64,
}

/// All events, without end. Arrival follows a clock, times lie up to 5 s behind it, one event in a thousand repeats the last id.
pub struct Events {
    draw: Draw,
    number: u64,
    last: u64, // the last number that is an id
    line: String,
}

impl Events {
    /// From the first one on.
    #[must_use]
    pub fn new() -> Self {
        Events { draw: Draw::new(0x5eed_0f57_ea3e_2024), number: 0, last: 0, line: String::with_capacity(1024) }
    }

    /// The next event.
    pub fn next_event(&mut self) -> Event<'_> {
        if self.draw.below(1000) != 0 {
            self.last = self.number;
        }
        self.line.clear();
        let input_tokens = one(&mut self.line, &mut self.draw, self.number, self.last);
        self.number += 1;
        Event { line: &self.line, input_tokens }
    }
}

impl Default for Events {
    fn default() -> Self {
        Events::new()
    }
}

/// Writes the first `count` events.
pub fn write_all(out: &mut impl Write, count: u64) -> io::Result<()> {
    let mut events = Events::new();
    for _ in 0..count {
        out.write_all(events.next_event().line.as_bytes())?;
    }
    out.flush()
}

/// Writes one line; its input tokens.
fn one(line: &mut String, draw: &mut Draw, number: u64, id: u64) -> u64 {
    let (model, provider) = MODELS[draw.below(10) as usize];
    let clock = BEGIN + number as i64 * 1_000_000 / RATE;
    let _ = write!(line, r#"{{"id":"req-{id:012x}","type":"llm.request","time":""#);
    calendar::write(line, clock - draw.below(JITTER) as i64);
    let (tenant, region, version) = (draw.below(100), REGIONS[draw.below(4) as usize], draw.below(30));
    let input_tokens = draw.below(4000) + 1;
    let _ = write!(
        line,
        r#"","model":"{model}","provider":"{provider}","tenant":"tenant-{tenant:03}","operation":"chat","region":"{region}","service_version":"2024.11.{version}","input_tokens":{input_tokens},"output_tokens":{},"duration_ms":{}.{:03},"cost_usd":0.{:06},"status":"{}","trace_id":"{:016x}{:016x}","user_agent":"llm-gateway/3.2.1 (linux; x86_64) python-httpx/0.27.2","prompt_sha256":"{:016x}{:016x}{:016x}{:016x}"}}"#,
        draw.below(1000) + 1,
        draw.below(5000) + 10,
        draw.below(1000),
        draw.below(100_000),
        if draw.below(50) == 0 { "error" } else { "ok" },
        draw.any(),
        draw.any(),
        draw.any(),
        draw.any(),
        draw.any(),
        draw.any(),
    );
    line.push('\n');
    input_tokens
}

/// Where inputs are kept between runs.
#[must_use]
pub fn cache() -> PathBuf {
    let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    base.or_else(home).unwrap_or_else(std::env::temp_dir).join("streamgauge-bench")
}

/// So many events in a file, which is written once.
///
/// # Errors
/// If it cannot be written.
pub fn file(folder: &Path, events: u64) -> io::Result<PathBuf> {
    written_once(&folder.join(format!("requests-{events}.ndjson")), |out| write_all(out, events))
}

/// A file that is written if it is not there; under another name first, so that a broken attempt is never taken for it. Either
/// way it is in the cache of the system.
///
/// # Errors
/// If it cannot be written or read.
pub fn written_once(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> io::Result<PathBuf> {
    if !path.exists() {
        eprintln!("writing {}", path.display());
        let unfinished = path.with_extension("unfinished");
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
        write(&mut out)?;
        out.flush()?;
        fs::rename(unfinished, path)?;
    }
    bring_into_cache(&File::open(path)?)?;
    Ok(path.to_owned())
}

/// Reads a file from the disk, so that no run waits for it.
///
/// How a file lies in the cache depends on what has happened to it: a gigabyte that lay there in small pages took 0.20 s to copy,
/// and 0.08 s in the large pieces that it has after it was read from front to back. Each run is to find the same.
fn bring_into_cache(mut file: &File) -> io::Result<()> {
    file.sync_data()?;
    posix_fadvise(file, 0, 0, PosixFadviseAdvice::POSIX_FADV_DONTNEED)?;
    io::copy(&mut file, &mut io::sink()).map(drop)
}

#[cfg(test)]
mod tests {
    use super::write_all;

    #[test]
    fn lines_are_json_of_about_525_bytes_and_the_same_every_time() {
        let (mut first, mut second) = (Vec::new(), Vec::new());
        write_all(&mut first, 1000).expect("memory takes all");
        write_all(&mut second, 1000).expect("memory takes all");
        assert_eq!(first, second);
        assert!((515_000..535_000).contains(&first.len()), "{} bytes", first.len());
        for line in first.split(|byte| *byte == b'\n').filter(|l| !l.is_empty()) {
            serde_json::from_slice::<serde_json::Value>(line).expect("JSON");
        }
    }
}
