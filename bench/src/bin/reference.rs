//! usage: reference serde_json|sonic-rs|simd-json A|B|C INPUT ROWS
//!
//! The main jobs as a careful Rust programmer writes it in an afternoon: JSON into eight borrowed fields by a library, one hash look-up per event,
//! 10-second tumbling windows by (model, tenant), a watermark 5 seconds behind the highest time, rows to a file; percentiles of the
//! numbers themselves, ids in a hash map that is looked through for expired ones whenever it has doubled. It has no metrics, no dead
//! letters (a line that it cannot read ends it), no state on the disk. The feature `parsers` brings the two libraries beside `serde_json`.

use hashbrown::HashMap;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use streamgauge_bench::calendar;

const SIZE: i64 = 10_000_000;
const OUT_OF_ORDERNESS: i64 = 5_000_000;
const TTL: i64 = 600_000_000;
const RANKS: [(&str, usize); 3] = [("p50", 50), ("p95", 95), ("p99", 99)];

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    tenant: Cow<'a, str>,
    input_tokens: i64,
    output_tokens: i64,
    duration_ms: f64,
    cost_usd: f64,
}

#[derive(Clone, Default)]
struct Cell {
    requests: u64,
    tokens_in: i64,
    tokens_out: i64,
    slow_sum: f64,
    slow_min: f64,
    slow_max: f64,
    cost: f64,
    durations: Vec<f64>, // if percentiles are asked for
}

impl Cell {
    fn take(&mut self, event: &Event<'_>, percentiles: bool) {
        if percentiles {
            self.durations.push(event.duration_ms);
        }
        if self.requests == 0 {
            (self.slow_min, self.slow_max) = (event.duration_ms, event.duration_ms);
        }
        self.requests += 1;
        self.tokens_in += event.input_tokens;
        self.tokens_out += event.output_tokens;
        self.slow_sum += event.duration_ms;
        self.slow_min = self.slow_min.min(event.duration_ms);
        self.slow_max = self.slow_max.max(event.duration_ms);
        self.cost += event.cost_usd;
    }
}

/// Every (model, tenant) that was seen, numbered in order of appearance.
#[derive(Default)]
struct Keys {
    numbers: HashMap<Vec<u8>, usize>,
    names: Vec<(String, String)>,
    buffer: Vec<u8>,
}

impl Keys {
    fn number(&mut self, model: &str, tenant: &str) -> usize {
        self.buffer.clear();
        self.buffer.extend_from_slice(model.as_bytes());
        self.buffer.push(0);
        self.buffer.extend_from_slice(tenant.as_bytes());
        if let Some(number) = self.numbers.get(self.buffer.as_slice()) {
            return *number;
        }
        let number = self.names.len();
        self.numbers.insert(self.buffer.clone(), number);
        self.names.push((model.to_owned(), tenant.to_owned()));
        number
    }
}

/// Ids, each with the time of its first event.
#[derive(Default)]
struct Ids {
    first: HashMap<Box<str>, i64>,
    sweep_at: usize,
}

impl Ids {
    fn is_duplicate(&mut self, id: &str, time: i64, watermark: i64) -> bool {
        if let Some(first) = self.first.get(id)
            && watermark < first + TTL
        {
            return true;
        }
        if self.first.len() >= self.sweep_at {
            self.first.retain(|_, first| watermark < *first + TTL);
            self.sweep_at = (self.first.len() * 2).max(1024);
        }
        self.first.insert(id.into(), time);
        false
    }
}

struct Job {
    percentiles: bool,
    ids: Option<Ids>,
    keys: Keys,
    open: BTreeMap<i64, Vec<Cell>>,
    watermark: i64,
    late: u64,
    out: BufWriter<File>,
    line: String,
}

impl Job {
    fn take(&mut self, event: &Event<'_>) -> Result<(), Box<dyn Error>> {
        let time = calendar::read(&event.time).ok_or("a time that cannot be read")?;
        if event.id.is_empty() {
            return Err("an event without an id".into());
        }
        let start = time.div_euclid(SIZE) * SIZE;
        let watermark = self.watermark;
        self.watermark = watermark.max(time - OUT_OF_ORDERNESS);
        if self.ids.as_mut().is_some_and(|ids| ids.is_duplicate(&event.id, time, watermark)) {
            return self.close(self.watermark);
        }
        if start + SIZE <= watermark {
            self.late += 1;
        } else {
            let number = self.keys.number(&event.model, &event.tenant);
            let cells = self.open.entry(start).or_default();
            if cells.len() <= number {
                cells.resize(number + 1, Cell::default());
            }
            cells[number].take(event, self.percentiles);
        }
        self.close(self.watermark)
    }

    fn close(&mut self, until: i64) -> Result<(), Box<dyn Error>> {
        while let Some(first) = self.open.first_entry() {
            if first.key() + SIZE > until {
                break;
            }
            let (start, cells) = first.remove_entry();
            self.print(start, cells)?;
        }
        Ok(())
    }

    fn print(&mut self, start: i64, mut cells: Vec<Cell>) -> Result<(), Box<dyn Error>> {
        let mut order: Vec<usize> = (0..cells.len()).filter(|n| cells[*n].requests > 0).collect();
        order.sort_by_key(|number| &self.keys.names[*number]);
        let (mut begin, mut end) = (String::new(), String::new());
        calendar::write(&mut begin, start);
        calendar::write(&mut end, start + SIZE);
        let (begin, end) = (&begin[..23], &end[..23]);
        for number in order {
            let (cell, (model, tenant)) = (&mut cells[number], &self.keys.names[number]);
            self.line.clear();
            write!(
                self.line,
                r#"{{"window":"by_model","start":"{begin}Z","end":"{end}Z","key":{{"model":{},"tenant":{}}},"values":{{"requests":{},"tokens_in":{},"tokens_out":{},"latency_avg":{},"latency_min":{},"latency_max":{},"cost":{}"#,
                serde_json::to_string(model)?,
                serde_json::to_string(tenant)?,
                cell.requests,
                cell.tokens_in,
                cell.tokens_out,
                cell.slow_sum / cell.requests as f64,
                cell.slow_min,
                cell.slow_max,
                cell.cost,
            )?;
            cell.durations.sort_unstable_by(f64::total_cmp);
            for (name, percent) in if self.percentiles { &RANKS[..] } else { &[] } {
                let at = (cell.durations.len() * percent).div_ceil(100) - 1;
                write!(self.line, r#","{name}":{}"#, cell.durations[at])?;
            }
            self.line.push_str("},\"revision\":0}\n");
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let [Some(parser), Some(name), Some(input), Some(rows)] = [(); 4].map(|()| arguments.next()) else {
        return Err("usage: reference serde_json|sonic-rs|simd-json A|B|C INPUT ROWS".into());
    };
    let mut job = Job {
        percentiles: name == "B",
        ids: (name == "C").then(Ids::default),
        keys: Keys::default(),
        open: BTreeMap::new(),
        watermark: i64::MIN,
        late: 0,
        out: BufWriter::with_capacity(1 << 18, File::create(rows)?),
        line: String::new(),
    };
    let reader = BufReader::with_capacity(1 << 18, File::open(input)?);
    match parser.as_str() {
        "serde_json" => read(reader, |line| job.take(&serde_json::from_slice(line)?))?,
        #[cfg(feature = "parsers")]
        "sonic-rs" => read(reader, |line| job.take(&sonic_rs::from_slice(line)?))?,
        #[cfg(feature = "parsers")]
        "simd-json" => read_with_simd_json(reader, &mut job)?,
        _ => return Err(format!("{parser} is not in this build").into()),
    }
    job.close(i64::MAX)?;
    job.out.flush()?;
    if job.late > 0 {
        eprintln!("{} late events", job.late);
    }
    Ok(())
}

fn read(
    mut reader: impl BufRead,
    mut take: impl FnMut(&mut [u8]) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        take(&mut line)?;
        line.clear();
    }
    Ok(())
}

/// It has memory of its own to be used again, as its manual advises.
#[cfg(feature = "parsers")]
fn read_with_simd_json(reader: impl BufRead, job: &mut Job) -> Result<(), Box<dyn Error>> {
    let mut buffers = simd_json::Buffers::default();
    read(reader, |line| job.take(&simd_json::serde::from_slice_with_buffers(line, &mut buffers)?))
}
