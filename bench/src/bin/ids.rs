//! usage: ids [--ids N] [--kind uuid|text|long]
//!
//! What it takes to remember many ids: bytes of memory of the process once N ids are alive, and nanoseconds to judge one,
//! least and median over blocks, the decoder left out. Ids of kind text are told apart as they are, long ones by their hashes.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoder, Deduplicate, Effects, Format, Function, Mapping, Pipeline, Settings,
    Span, TimeFormat, TypeFrom, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Lines of a block.
const LINES: u64 = 2_000;
const NOW: WallTime = WallTime::from_nanos(2_000_000_000_000_000_000);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut ids, mut kind) = (10_000_000, "uuid".to_owned());
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--ids" => ids = value.parse()?,
            [name, value] if name == "--kind" && ["uuid", "text", "long"].contains(&&**value) => kind.clone_from(value),
            _ => return Err("usage: ids [--ids N] [--kind uuid|text|long]".into()),
        }
    }
    let before = resident()?;
    let mut pipeline = Pipeline::new(settings(usize::try_from(ids)?), &Registry::new())?;
    let mut decoder = Decoder::new(Format::Ndjson, &mapping(), 1 << 20);
    let (mut effects, mut nanos) = (Effects::default(), Vec::new());
    for first in (0..ids).step_by(usize::try_from(LINES)?) {
        let lines = first..ids.min(first + LINES);
        let count = lines.end - lines.start;
        let decoded = decoder.decode(Block { bytes: text(lines, &kind), ..Block::default() });
        let started = Instant::now();
        let batch = Batch { source: "bench", partition: 0, decoded: &decoded, from: 0, in_turn: false };
        pipeline.step(&batch, NOW, None, &mut effects)?;
        nanos.push(started.elapsed().as_nanos() as f64 / count as f64);
        effects.clear();
    }
    let account = pipeline.account();
    if account.processed != ids || account.evicted > 0 {
        return Err("ids were not judged as they should be: the figures would mean nothing".into());
    }
    nanos.sort_by(f64::total_cmp);
    let mib = (resident()? - before) as f64 / f64::from(1 << 20);
    let (least, median) = (nanos[0], nanos[nanos.len() / 2]);
    println!(
        "{ids} ids of kind {kind}: {mib:.0} MiB more than before the first one; {least:.0} ns each at least, {median:.0} in the median"
    );
    Ok(())
}

/// The resident memory of this process, in bytes.
fn resident() -> Outcome<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS in /proc/self/status")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// One event a microsecond; numbers are spread over the digits of a UUID as those of version 4 are.
fn text(numbers: std::ops::Range<u64>, kind: &str) -> Vec<u8> {
    let mut out = String::new();
    for number in numbers {
        let time = 1_700_000_000_000_000 + number;
        let (upper, lower) = (spread(number), spread(!number));
        let _ = match kind {
            "uuid" => write!(
                out,
                r#"{{"id":"{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}","#,
                upper >> 32,
                upper >> 16 & 0xffff,
                upper & 0xfff,
                lower >> 48 & 0xfff,
                lower & 0xffff_ffff_ffff
            ),
            "text" => write!(out, r#"{{"id":"req-{number:012x}","#),
            _ => write!(out, r#"{{"id":"request-of-tenant-{upper:016x}-{number}","#),
        };
        let _ = writeln!(out, r#""time":{time}}}"#);
    }
    out.into_bytes()
}

fn spread(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(32).wrapping_mul(0xD1B5_4A32_D192_ED03)
}

fn mapping() -> Mapping {
    let at = |text: &str| text.parse().unwrap_or_else(|_| unreachable!("a pointer"));
    Mapping {
        id: Some(at("/id")),
        event_type: TypeFrom::Value("request".to_owned()),
        time: at("/time"),
        time_format: TimeFormat::UnixMicros,
        strings: vec![],
        numbers: vec![],
    }
}

fn settings(max_entries: usize) -> Settings {
    Settings {
        format: Format::Ndjson,
        mapping: mapping(),
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: Some(Deduplicate { ttl: Span::from_secs(600), max_entries }),
        watermark: WatermarkSettings { max_out_of_orderness: Span::from_secs(5), max_future_skew: Span::ZERO },
        windows: vec![WindowSettings {
            name: "all".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(3_600), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![],
            max_keys: 1,
            aggregates: vec![AggregateSettings { name: "count".to_owned(), function: Function::Count }],
        }],
        llm: None,
    }
}
