//! usage: judging [--events N] [--rounds N] [--job A|B|C]
//!
//! What it costs to judge an event of the main jobs (A, B, C), decoding and rendering left out: nanoseconds, the least and the
//! median of some rounds. Under `valgrind --tool=callgrind --toggle-collect='judging::judge'` the same is told in instructions.

use std::error::Error;
use std::time::Instant;

use streamgauge_bench::events::Events;
use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoded, Decoder, Deduplicate, Effects, Format, Function, Mapping, Pipeline, Rank,
    Settings, Span, TimeFormat, TypeFrom, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Bytes of a block, about as many as a read brings.
const BLOCK: usize = 256 << 10;
const NOW: WallTime = WallTime::from_nanos(2_000_000_000_000_000_000);

/// What is computed, and whether ids are told apart.
struct Job {
    name: &'static str,
    percentiles: bool,
    deduplicates: bool,
}

const JOBS: [Job; 3] = [
    Job { name: "A: count, sums, avg, min, max", percentiles: false, deduplicates: false },
    Job { name: "B: A + p50, p95, p99", percentiles: true, deduplicates: false },
    Job { name: "C: A + ids known for 10 min", percentiles: false, deduplicates: true },
];

struct Options {
    events: u64,
    rounds: u32,
    job: Option<String>,
}

fn main() -> Outcome<()> {
    let Options { events, rounds, job } = options(&std::env::args().skip(1).collect::<Vec<_>>())?;
    let jobs: Vec<&Job> = JOBS.iter().filter(|one| job.as_ref().is_none_or(|job| one.name.starts_with(job))).collect();
    let blocks = decoded(events);
    let count: usize = blocks.iter().map(Decoded::len).sum();
    println!("nanoseconds to judge an event, {count} events, {rounds} rounds in turn:  least  median");
    let mut nanos: Vec<Vec<f64>> = vec![Vec::new(); jobs.len()];
    for _ in 0..rounds {
        for (job, nanos) in jobs.iter().zip(&mut nanos) {
            nanos.push(measure(job, &blocks)? / count as f64);
        }
    }
    for (job, nanos) in jobs.iter().zip(&mut nanos) {
        nanos.sort_by(f64::total_cmp);
        println!("  {:<32} {:>8.1} {:>8.1}", job.name, nanos[0], nanos[nanos.len() / 2]);
    }
    Ok(())
}

fn options(arguments: &[String]) -> Outcome<Options> {
    let mut options = Options { events: 500_000, rounds: 5, job: None };
    for pair in arguments.chunks(2) {
        match pair {
            [name, value] if name == "--events" => options.events = value.parse()?,
            [name, value] if name == "--rounds" => options.rounds = value.parse()?,
            [name, value] if name == "--job" => options.job = Some(value.clone()),
            _ => return Err("usage: judging [--events N] [--rounds N] [--job A|B|C]".into()),
        }
    }
    Ok(options)
}

/// All events in blocks, decoded beforehand.
fn decoded(count: u64) -> Vec<Decoded> {
    let (mut events, mut decoder) = (Events::new(), Decoder::new(Format::Ndjson, &mapping(), 1 << 20));
    let (mut blocks, mut bytes) = (Vec::new(), Vec::with_capacity(BLOCK));
    for number in 1..=count {
        bytes.extend_from_slice(events.next_event().line.as_bytes());
        if bytes.len() >= BLOCK || number == count {
            let bytes = std::mem::replace(&mut bytes, Vec::with_capacity(BLOCK));
            blocks.push(decoder.decode(Block { bytes, ..Block::default() }));
        }
    }
    blocks
}

fn measure(job: &Job, blocks: &[Decoded]) -> Outcome<f64> {
    let mut pipeline = Pipeline::new(settings(job), &Registry::new())?;
    let started = Instant::now();
    judge(&mut pipeline, blocks)?;
    let nanos = started.elapsed().as_nanos();
    let account = pipeline.account();
    if account.late + account.dead_letters > 0 || (account.duplicates > 0) != job.deduplicates {
        return Err("events were not judged as they should be: the figures would mean nothing".into());
    }
    Ok(nanos as f64)
}

/// A function of its own, so that a profiler finds it.
#[inline(never)]
fn judge(pipeline: &mut Pipeline, blocks: &[Decoded]) -> Outcome<()> {
    let mut effects = Effects::default();
    for decoded in blocks {
        let batch = Batch { source: "bench", partition: 0, decoded, from: 0, in_turn: false };
        pipeline.step(&batch, NOW, None, &mut effects)?;
        effects.clear();
    }
    pipeline.finish(&mut effects);
    Ok(())
}

fn mapping() -> Mapping {
    let at = |name: &str| format!("/{name}").parse().unwrap_or_else(|_| unreachable!("a pointer"));
    let named = |name: &str| (name.to_owned(), at(name));
    Mapping {
        id: Some(at("id")),
        event_type: TypeFrom::Field(at("type")),
        time: at("time"),
        time_format: TimeFormat::Rfc3339,
        strings: ["model", "tenant"].map(named).into(),
        numbers: ["input_tokens", "output_tokens", "duration_ms", "cost_usd"].map(named).into(),
    }
}

fn settings(job: &Job) -> Settings {
    let mut functions = vec![
        Function::Count,
        Function::Sum(0),
        Function::Sum(1),
        Function::Avg(2),
        Function::Min(2),
        Function::Max(2),
        Function::Sum(3),
    ];
    if job.percentiles {
        functions
            .extend([0.5, 0.95, 0.99].iter().filter_map(|share| Some(Function::Percentile(2, Rank::new(*share)?))));
    }
    let aggregate = |(number, function)| AggregateSettings { name: format!("f{number}"), function };
    let ttl = Span::from_secs(600);
    Settings {
        format: Format::Ndjson,
        mapping: mapping(),
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: job.deduplicates.then_some(Deduplicate { ttl, max_entries: 10_000_000 }),
        watermark: WatermarkSettings { max_out_of_orderness: Span::from_secs(5), max_future_skew: Span::ZERO },
        windows: vec![WindowSettings {
            name: "by_model".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(10), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![0, 1],
            max_keys: 100_000,
            aggregates: functions.into_iter().enumerate().map(aggregate).collect(),
        }],
        llm: None,
    }
}
