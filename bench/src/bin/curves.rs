//! usage: curves [--events N] [--rounds N]
//!
//! Prints what an event costs as open windows and keys become many: nanoseconds to judge it, for windows of one second that are
//! all open because events come in any order, and for keys of one open window, drawn at random. Decoding costs the same at
//! every point of a curve and is told once.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use streamgauge_bench::arguments::Arguments;
use streamgauge_bench::draw::Draw;
use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoded, Decoder, Effects, Format, Function, Mapping, Pipeline, Settings, Span,
    TimeFormat, TypeFrom, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Lines of a block, about as many as a read brings.
const LINES: u64 = 2_000;
const NOW: WallTime = WallTime::from_nanos(2_000_000_000_000_000_000);
const SECOND: u64 = 1_000_000;

/// One point of a curve.
struct Point {
    windows: u64,
    keys: u64,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    Tumbling,
    /// Windows of a minute, one each second.
    Sliding,
    /// Sessions of a second's gap.
    Session,
}

fn main() -> Outcome<()> {
    let Some(arguments) = Arguments::read("curves [--events N] [--rounds N]")? else { return Ok(()) };
    let (events, rounds) = (arguments.number("--events", 2_000_000)?, arguments.number("--rounds", 3)?);
    let decoding = measure_decoding(events)?;
    println!(
        "Judging alone, the least of {rounds} rounds of {events} short events, the state being there; decoding takes {decoding:.0} ns more \
         at each point.\n"
    );
    println!(
        "| what there is | how many | ns to judge an event | of the first | with decoding |\n|---|--:|--:|--:|--:|"
    );
    let curve = |name, sizes: &[u64], point: &dyn Fn(u64) -> Point| curve(name, sizes, point, events, rounds, decoding);
    let windows = |kind| move |windows| Point { windows, keys: 1, kind };
    curve("open windows", &[10, 100, 1_000, 10_000], &windows(Kind::Tumbling))?;
    curve("open sliding windows, a minute by a second", &[100, 1_000, 10_000], &windows(Kind::Sliding))?;
    let keys = |kind| move |keys| Point { windows: 1, keys, kind };
    curve("keys of a window", &[10, 1_000, 10_000, 100_000, 1_000_000], &keys(Kind::Tumbling))?;
    curve("keys of sessions", &[10, 1_000, 10_000, 100_000, 1_000_000], &keys(Kind::Session))
}

fn curve(
    name: &str,
    sizes: &[u64],
    point: &dyn Fn(u64) -> Point,
    events: u64,
    rounds: u32,
    decoding: f64,
) -> Outcome<()> {
    let mut first = None;
    for size in sizes {
        let point = point(*size);
        let mut least = f64::INFINITY;
        for _ in 0..rounds {
            least = least.min(measure(&point, events)?);
        }
        let base = *first.get_or_insert(least);
        let all = (least + decoding) / (base + decoding);
        println!("| {name} | {size} | {least:.0} | {:.2} | {all:.2} |", least / base);
    }
    Ok(())
}

/// Judges twice as many events as are timed: the first half makes the state.
fn measure(point: &Point, events: u64) -> Outcome<f64> {
    let mut pipeline = Pipeline::new(settings(point), &Registry::new())?;
    let mut decoder = decoder();
    let mut effects = Effects::default();
    let mut draw = Draw::new(7);
    let warm = events.max(point.keys * 2);
    let mut nanos = 0;
    let mut number = 0;
    while number < warm + events {
        let blocks: Vec<_> = (0..8).map(|n| block(point, number + n * LINES, &mut draw, &mut decoder)).collect();
        let started = Instant::now();
        for decoded in &blocks {
            let batch = Batch { source: "bench", partition: 0, decoded, from: 0, in_turn: false };
            pipeline.step(&batch, NOW, None, &mut effects)?;
            effects.clear();
        }
        if number >= warm {
            nanos += started.elapsed().as_nanos();
        }
        number += 8 * LINES;
    }
    if pipeline.account().late + pipeline.account().dead_letters > 0 {
        return Err("an event was not processed: the figures would mean nothing".into());
    }
    let timed = (number - warm) / (8 * LINES) * 8 * LINES;
    Ok(nanos as f64 / timed as f64)
}

fn measure_decoding(events: u64) -> Outcome<f64> {
    let point = Point { windows: 10, keys: 10, kind: Kind::Tumbling };
    let mut decoder = decoder();
    let mut draw = Draw::new(7);
    let mut nanos = 0;
    let mut number = 0;
    while number < events {
        let block = Block { bytes: text(&point, number, &mut draw), ..Block::default() };
        let started = Instant::now();
        if decoder.decode(block).is_empty() {
            return Err("nothing was decoded".into());
        }
        nanos += started.elapsed().as_nanos();
        number += LINES;
    }
    Ok(nanos as f64 / number as f64)
}

fn block(point: &Point, number: u64, draw: &mut Draw, decoder: &mut Decoder) -> Decoded {
    decoder.decode(Block { bytes: text(point, number, draw), ..Block::default() })
}

/// Time moves on by a second every thousand events; each lies anywhere in the windows that are open then.
fn text(point: &Point, number: u64, draw: &mut Draw) -> Vec<u8> {
    let mut out = String::with_capacity(LINES as usize * 120);
    for number in number..number + LINES {
        let top = 1_700_000_000 * SECOND + number * SECOND / 1_000 / if point.windows == 1 { 10_000 } else { 1 };
        let time = top - draw.below(point.windows * SECOND);
        let (key, tokens, cost) = (draw.below(point.keys), draw.below(4_000), draw.below(100_000));
        let _ = writeln!(out, r#"{{"time":{time},"key":"key-{key:07}","tokens":{tokens},"cost":0.{cost:06}}}"#);
    }
    out.into_bytes()
}

fn mapping() -> Mapping {
    let at = |text: &str| text.parse().unwrap_or_else(|_| unreachable!("a pointer"));
    Mapping {
        id: None,
        event_type: TypeFrom::Value("request".to_owned()),
        time: at("/time"),
        time_format: TimeFormat::UnixMicros,
        strings: vec![("key".to_owned(), at("/key"))],
        numbers: vec![("tokens".to_owned(), at("/tokens")), ("cost".to_owned(), at("/cost"))],
    }
}

fn decoder() -> Decoder {
    Decoder::new(Format::Ndjson, &mapping(), 1 << 20)
}

fn settings(point: &Point) -> Settings {
    let second = Span::from_secs(1);
    let kind = match point.kind {
        Kind::Tumbling if point.windows == 1 => {
            WindowKind::Tumbling { size: Span::from_secs(1_000_000), offset: Span::ZERO }
        }
        Kind::Tumbling => WindowKind::Tumbling { size: second, offset: Span::ZERO },
        Kind::Sliding => WindowKind::Sliding { size: Span::from_secs(60), slide: second, offset: Span::ZERO },
        Kind::Session => WindowKind::Session { gap: Span::from_secs(1_000_000) },
    };
    let functions = [Function::Count, Function::Sum(0), Function::Sum(1), Function::Avg(0), Function::Max(0)];
    let aggregate = |(n, function)| AggregateSettings { name: format!("a{n}"), function };
    Settings {
        format: Format::Ndjson,
        mapping: mapping(),
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: None,
        watermark: WatermarkSettings {
            max_out_of_orderness: Span::from_secs(i64::try_from(point.windows).unwrap_or(i64::MAX)),
            max_future_skew: Span::ZERO,
        },
        windows: vec![WindowSettings {
            name: "w".to_owned(),
            kind,
            allowed_lateness: Span::ZERO,
            key: vec![0],
            max_keys: usize::MAX,
            aggregates: functions.into_iter().enumerate().map(aggregate).collect(),
        }],
        llm: None,
    }
}
