//! usage: decode [--megabytes N] [--rounds N] [--kind PART]
//!
//! Prints what decoding costs by the kind of record, in nanoseconds for a record and for a byte of it, and how that compares with
//! the record that `make bench` is about. Records of one kind differ in what they say; how they are made is in the table. With a part
//! of a name only those kinds are measured that have it.

use std::error::Error;
use std::fmt::Write as _;
use std::time::Instant;

use streamgauge_bench::draw::Draw;
use streamgauge_bench::events::Events;
use streamgauge_bench::names::NAMES;
use streamgauge_flow::{Block, Decoded, Decoder, Format, Mapping, Pointer, TimeFormat, TypeFrom};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How much is decoded at once, about what a read brings.
const BLOCK: usize = 256 << 10;

/// A kind of record.
struct Kind {
    name: &'static str,
    /// Fields beside the time.
    mapped: &'static [&'static str],
    write: fn(&mut String, &mut Draw),
}

const KINDS: [Kind; 14] = [
    Kind { name: "200 bytes, 1 field", mapped: &["model"], write: |line, draw| object(line, draw, 6, word) },
    Kind { name: "525 bytes, 1 field", mapped: &["model"], write: |line, draw| object(line, draw, 19, word) },
    Kind { name: "525 bytes, 20 fields", mapped: &NAMES, write: |line, draw| object(line, draw, 20, word) },
    Kind { name: "5 KB, 1 field", mapped: &["model"], write: |line, draw| object(line, draw, 19, paragraph) },
    Kind { name: "5 KB, 20 fields", mapped: &NAMES, write: |line, draw| object(line, draw, 20, paragraph) },
    Kind { name: "numbers", mapped: &["tenant"], write: |line, draw| object(line, draw, 20, number) },
    Kind { name: "numbers with exponents", mapped: &["tenant"], write: |line, draw| object(line, draw, 20, exponent) },
    Kind { name: "objects in 40 objects", mapped: &["model"], write: deep },
    Kind { name: "lists of 0 to 9 items", mapped: &["trace"], write: |line, draw| object(line, draw, 10, list) },
    Kind { name: "escapes everywhere", mapped: &["model"], write: |line, draw| object(line, draw, 10, escapes) },
    Kind { name: "escapes, 20 fields", mapped: &NAMES, write: |line, draw| object(line, draw, 20, escapes) },
    Kind { name: "no ASCII", mapped: &["model"], write: |line, draw| object(line, draw, 10, foreign) },
    Kind { name: "names in any order", mapped: &["model"], write: shuffled },
    Kind { name: "names never seen", mapped: &["model"], write: unlike },
];

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1))
    };
    let number =
        |name: &str, default: usize| -> Outcome<usize> { Ok(option(name).map_or(Ok(default), |text| text.parse())?) };
    let (bytes, rounds) = (number("--megabytes", 16)? << 20, number("--rounds", 20)?);
    println!("Decoding alone, the least of {rounds} rounds of {} MiB:\n", bytes >> 20);
    println!("{:<26}{:>10}{:>12}{:>10}{:>16}", "records", "bytes", "ns a record", "ns a byte", "of the usual");
    let mut events = Events::new();
    let usual = blocks(bytes, |text| text.push_str(events.next_event().line));
    let usual = measure(usual, &mapping(&["model", "tenant"])?, rounds)?;
    report("the usual", &usual, &usual);
    let part = option("--kind").map_or("", String::as_str);
    for kind in KINDS.iter().filter(|kind| kind.name.contains(part)) {
        let mut draw = Draw::new(1);
        let blocks = blocks(bytes, |text| {
            text.push_str(r#"{"time":"2024-01-01T00:00:00.000000Z""#);
            (kind.write)(text, &mut draw);
            text.push_str("}\n");
        });
        report(kind.name, &measure(blocks, &mapping(kind.mapped)?, rounds)?, &usual);
    }
    Ok(())
}

/// The least that the records of some blocks cost.
struct Cost {
    records: usize,
    bytes: usize,
    nanos: f64,
}

fn blocks(bytes: usize, mut write: impl FnMut(&mut String)) -> Vec<Vec<u8>> {
    let block = || {
        let mut text = String::with_capacity(BLOCK);
        while text.len() + BLOCK / 32 < BLOCK {
            write(&mut text);
        }
        text.into_bytes()
    };
    std::iter::repeat_with(block).take(bytes / BLOCK).collect()
}

fn measure(mut blocks: Vec<Vec<u8>>, mapping: &Mapping, rounds: usize) -> Outcome<Cost> {
    let mut decoder = Decoder::new(Format::Ndjson, mapping, 1 << 20);
    let mut used = Decoded::default();
    let mut cost = Cost { records: 0, bytes: blocks.iter().map(Vec::len).sum(), nanos: f64::INFINITY };
    for _ in 0..rounds {
        let (mut records, mut nanos) = (0, 0.0);
        for bytes in &mut blocks {
            let block = Block { bytes: std::mem::take(bytes), ..Block::default() };
            // As after a read: the bytes are in the cache.
            std::hint::black_box(block.bytes.iter().fold(0_u8, |sum, byte| sum ^ byte));
            let since = Instant::now();
            used = decoder.decode_reusing(block, used);
            nanos += since.elapsed().as_secs_f64() * 1e9;
            if let Some(Err(refusal)) = used.events().find(Result::is_err) {
                return Err(refusal.detail.clone().into());
            }
            records += used.len();
            *bytes = used.take_bytes();
        }
        cost = Cost { records, nanos: cost.nanos.min(nanos), ..cost };
    }
    Ok(cost)
}

fn report(name: &str, cost: &Cost, usual: &Cost) {
    let of_byte = |cost: &Cost| cost.nanos / cost.bytes as f64;
    println!(
        "{name:<26}{:>10.0}{:>12.0}{:>10.3}{:>15.2}x",
        cost.bytes as f64 / cost.records as f64,
        cost.nanos / cost.records as f64,
        of_byte(cost),
        of_byte(cost) / of_byte(usual)
    );
}

fn mapping(fields: &[&str]) -> Outcome<Mapping> {
    let field = |name: &&str| Ok((name.to_string(), format!("/{name}").parse::<Pointer>()?));
    Ok(Mapping {
        id: None,
        event_type: TypeFrom::Value("request".to_owned()),
        time: "/time".parse()?,
        time_format: TimeFormat::Rfc3339,
        strings: fields.iter().map(field).collect::<Outcome<_>>()?,
        numbers: Vec::new(),
    })
}

/// The first `count` members, each with a value of a kind.
fn object(line: &mut String, draw: &mut Draw, count: usize, value: fn(&mut String, &mut Draw)) {
    for name in &NAMES[..count] {
        let _ = write!(line, ",\"{name}\":");
        value(line, draw);
    }
}

fn word(line: &mut String, draw: &mut Draw) {
    let length = 6 + draw.below(12) as usize;
    let _ = write!(line, "\"{:.length$}\"", format!("{:016x}", draw.any()));
}

fn paragraph(line: &mut String, draw: &mut Draw) {
    let text = "Tell me how long it takes to read what nobody asked for. ".repeat(5);
    let _ = write!(line, "\"{}\"", &text[..150 + draw.below(130) as usize]);
}

fn number(line: &mut String, draw: &mut Draw) {
    let _ = write!(line, "{}.{:03}", draw.below(100_000), draw.below(1_000));
}

fn exponent(line: &mut String, draw: &mut Draw) {
    let _ = write!(line, "-{}.{}e-{}", draw.below(10), draw.any(), draw.below(30));
}

fn list(line: &mut String, draw: &mut Draw) {
    let items: Vec<String> = (0..draw.below(10)).map(|_| draw.below(1_000).to_string()).collect();
    let _ = write!(line, "[{}]", items.join(","));
}

fn escapes(line: &mut String, draw: &mut Draw) {
    const PIECES: [&str; 6] = ["say \\\"yes\\\"", "\\n", "\\u00e9t\\u00e9", "C:\\\\temp\\\\", "\\t\\t", "plain"];
    line.push('"');
    (0..4).for_each(|_| line.push_str(PIECES[draw.below(6) as usize]));
    line.push('"');
}

fn foreign(line: &mut String, draw: &mut Draw) {
    let text = "запрос моделиあいうえお質問と答え".chars().cycle().skip(draw.below(20) as usize);
    let _ = write!(line, "\"{}\"", text.take(12).collect::<String>());
}

fn deep(line: &mut String, draw: &mut Draw) {
    (0..40).for_each(|_| line.push_str(",\"inner\":{\"at\":1"));
    line.push_str(",\"word\":");
    word(line, draw);
    line.push_str(&"}".repeat(40));
    object(line, draw, 3, word);
}

fn shuffled(line: &mut String, draw: &mut Draw) {
    let mut names = NAMES;
    for at in (1..names.len()).rev() {
        names.swap(at, draw.below(at as u64 + 1) as usize);
    }
    for name in names {
        let _ = write!(line, ",\"{name}\":");
        word(line, draw);
    }
}

fn unlike(line: &mut String, draw: &mut Draw) {
    for name in NAMES {
        let _ = write!(line, ",\"{name}-{:06x}\":", draw.below(1 << 24));
        word(line, draw);
    }
}
