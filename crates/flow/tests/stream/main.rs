//! Random streams through the pipeline against a brute-force model.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod model;
mod saved;

use model::{Definition, Event, Job, Kind, Line};
use proptest::prelude::*;
use streamgauge_flow::{
    Account, AggregateSettings, Batch, Block, Decoded, Decoder, Deduplicate, Effects, EventTime, Format, Framer,
    Function, Keep, Mapping, Pipeline, Rank, Settings, Span, Stopped, TimeFormat, TypeFrom, Value, WallTime,
    WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

const NOW: WallTime = WallTime::from_nanos(1_800_000_000_000_000_000);
const MILLI: i128 = 1_000_000;

fn span(nanos: i128) -> Span {
    Span::from_nanos(i64::try_from(nanos).unwrap())
}

fn window(definition: &Definition) -> WindowSettings {
    let functions = [
        Function::Count,
        Function::Sum(0),
        Function::Avg(0),
        Function::Min(0),
        Function::Max(0),
        Function::Stddev(0),
        Function::Percentile(0, Rank::new(0.9).unwrap()),
        Function::Distinct(1),
    ];
    let aggregates = functions.map(|function| AggregateSettings { name: function.name().to_owned(), function });
    let kind = match definition.kind {
        Kind::Sliding { size, slide, offset } if size == slide => {
            WindowKind::Tumbling { size: span(size), offset: span(offset) }
        }
        Kind::Sliding { size, slide, offset } => {
            WindowKind::Sliding { size: span(size), slide: span(slide), offset: span(offset) }
        }
        Kind::Session { gap } => WindowKind::Session { gap: span(gap) },
    };
    WindowSettings {
        name: definition.name.clone(),
        kind,
        allowed_lateness: span(definition.lateness),
        key: if definition.keyed { vec![0] } else { vec![] },
        max_keys: 100,
        aggregates: aggregates.into(),
    }
}

fn tumbling(size: i128, keyed: bool) -> Definition {
    Definition { name: "w".into(), kind: Kind::Sliding { size, slide: size, offset: 0 }, lateness: 0, keyed }
}

fn settings(job: &Job) -> Settings {
    let at = |text: &str| text.parse().unwrap();
    Settings {
        format: Format::Ndjson,
        mapping: Mapping {
            id: Some(at("/id")),
            event_type: TypeFrom::Value("t".to_owned()),
            time: at("/time"),
            time_format: TimeFormat::UnixNanos,
            strings: vec![("key".to_owned(), at("/key")), ("status".to_owned(), at("/status"))],
            numbers: vec![("number".to_owned(), at("/number"))],
        },
        max_record_bytes: 1 << 20,
        filter: if job.only_ok { vec![Keep { field: 1, values: vec!["ok".to_owned()] }] } else { vec![] },
        deduplicate: job.ttl.map(|ttl| Deduplicate { ttl: span(ttl), max_entries: 1 << 20 }),
        watermark: WatermarkSettings { max_out_of_orderness: span(job.bound), max_future_skew: Span::ZERO },
        windows: job.windows.iter().map(window).collect(),
        llm: None,
    }
}

fn text(lines: &[Line]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        match line {
            Line::Dead(text) => out.extend_from_slice(text.as_bytes()),
            Line::Event(e) => {
                let number = match e.number {
                    Some(n) if n.fract() == 0.0 => format!(r#","number":{n:.0}"#),
                    Some(n) => format!(r#","number":{n}"#),
                    None => String::new(),
                };
                let (id, time, key, status) = (&e.id, e.time, &e.key, &e.status);
                let line = format!(r#"{{"id":"{id}","time":{time},"key":"{key}","status":"{status}"{number}}}"#);
                out.extend_from_slice(line.as_bytes());
            }
        }
        out.push(b'\n');
    }
    out
}

/// Feeds the bytes in reads of the given sizes, in turn.
fn blocks(bytes: &[u8], format: Format, reads: &[usize]) -> Vec<Block> {
    let (mut framer, mut blocks, mut rest) = (Framer::new(format, 1 << 20), Vec::new(), bytes);
    let mut reads = reads.iter().cycle();
    while !rest.is_empty() {
        let count = (*reads.next().unwrap()).min(rest.len()).min(framer.spare().len());
        framer.spare()[..count].copy_from_slice(&rest[..count]);
        framer.filled(count);
        rest = &rest[count..];
        blocks.extend(std::iter::from_fn(|| framer.next_block()));
    }
    framer.end();
    blocks.extend(std::iter::from_fn(|| framer.next_block()));
    blocks
}

/// Blocks of so many lines.
fn batches(bytes: &[u8], lines: usize) -> Vec<Block> {
    let (mut offset, mut blocks) = (0, Vec::new());
    let all: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    for some in all.chunks(lines) {
        blocks.push(Block { offset, bytes: some.concat(), ..Block::default() });
        offset += some.concat().len() as u64;
    }
    blocks
}

fn decoder(settings: &Settings) -> Decoder {
    Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes)
}

fn batch(decoded: &Decoded) -> Batch<'_> {
    Batch { source: "test", partition: 0, decoded, from: 0, in_turn: false }
}

fn run(settings: Settings, blocks: &[Block]) -> (Effects, Account, u64) {
    let mut decoder = decoder(&settings);
    let mut pipeline = Pipeline::new(settings, &Registry::new()).unwrap();
    let mut effects = Effects::default();
    for block in blocks {
        let records = decoder.decode(block.clone());
        let progress = pipeline.step(&batch(&records), NOW, None, &mut effects).unwrap();
        assert_eq!((progress.done, progress.stopped), (records.len(), None));
    }
    let open = pipeline.open_windows();
    pipeline.finish(&mut effects);
    assert_eq!(pipeline.open_windows(), 0);
    (effects, pipeline.account(), open)
}

fn rows(effects: &Effects) -> Vec<model::Row> {
    let number = |value: &Value| match value {
        Value::Null => None,
        Value::Whole(n) => Some(*n as f64),
        Value::Double(d) => Some(*d),
    };
    effects
        .rows
        .iter()
        .map(|row| model::Row {
            window: row.names.window.clone(),
            start: row.start.as_nanos(),
            end: row.end.as_nanos(),
            key: row.key.iter().map(ToString::to_string).collect(),
            values: row.values.map(|values| values.iter().map(number).collect::<Vec<_>>().try_into().unwrap()),
            revision: row.revision,
        })
        .collect()
}

fn kind() -> impl Strategy<Value = Kind> {
    let sizes = || prop_oneof![Just(1000 * MILLI), Just(10_000 * MILLI), Just(10_500 * MILLI), Just(7)];
    let offsets = || prop_oneof![Just(0), Just(250 * MILLI), Just(-3 * MILLI), Just(1)];
    let tumbling = (sizes(), offsets()).prop_map(|(size, offset)| Kind::Sliding { size, slide: size, offset });
    // As long as the size, a half, a third and a bit more, a seventh and a bit more.
    let slides = prop_oneof![Just(1), Just(2), Just(3), Just(7)];
    let sliding = (sizes(), slides, offsets()).prop_map(|(size, parts, offset)| Kind::Sliding {
        size,
        slide: size.div_euclid(parts) + i128::from(size % parts != 0),
        offset,
    });
    let gaps = prop_oneof![Just(100 * MILLI), Just(1000 * MILLI), Just(7000 * MILLI)];
    prop_oneof![tumbling, sliding, gaps.prop_map(|gap| Kind::Session { gap })]
}

fn definition() -> impl Strategy<Value = Definition> {
    let lateness = prop_oneof![2 => Just(0), 1 => Just(1000 * MILLI), 1 => Just(20_000 * MILLI)];
    (kind(), lateness, any::<bool>()).prop_map(|(kind, lateness, keyed)| Definition {
        name: String::new(),
        kind,
        lateness,
        keyed,
    })
}

fn job() -> impl Strategy<Value = Job> {
    let windows = prop::collection::vec(definition(), 1..4);
    let bound = prop_oneof![Just(0), Just(500 * MILLI), Just(5000 * MILLI)];
    let ttl = prop_oneof![Just(None), Just(Some(3000 * MILLI)), Just(Some(600_000 * MILLI))];
    (windows, bound, ttl, any::<bool>()).prop_map(|(mut windows, bound, ttl, only_ok)| {
        windows.iter_mut().enumerate().for_each(|(n, w)| w.name = format!("w{n}"));
        Job { windows, bound, ttl, only_ok }
    })
}

fn line(base: i128) -> impl Strategy<Value = Line> {
    let event = (0..60_i128, 0..40_000_i128, 0..300_u32, 0..4_usize, 0..3_usize, prop::option::of(-800..8000_i32));
    let event = event.prop_map(move |(second, jitter, id, key, status, eighths)| {
        Line::Event(Event {
            id: format!("e{id}"),
            time: base + second * 1000 * MILLI - jitter * MILLI,
            key: ["a", "b", "", "ключ"][key].to_owned(),
            status: ["ok", "error", "timeout"][status].to_owned(),
            number: eighths.map(|n| f64::from(n) / 8.0),
        })
    });
    let dead = prop_oneof![Just("{"), Just("null"), Just(r#"{"id":"x"}"#), Just(r#"{"id":"","time":1}"#)];
    prop_oneof![30 => event, 1 => dead.prop_map(Line::Dead)]
}

fn stream() -> impl Strategy<Value = Vec<Line>> {
    let base = prop_oneof![Just(0), Just(-30_000 * MILLI), Just(1_700_000_000_000_000_000)];
    base.prop_flat_map(|base| prop::collection::vec(line(base), 0..200))
}

/// Random streams that the model judges.
const CASES: u32 = 10_000;
/// Random streams and texts that are cut in several ways.
const CUTS: u32 = 2_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn every_row_and_every_count_is_as_the_model_says(job in job(), lines in stream()) {
        let expected = model::run(&job, &lines);
        let (effects, account, open) = run(settings(&job), &blocks(&text(&lines), Format::Ndjson, &[4096]));
        prop_assert_eq!(rows(&effects), expected.rows);
        prop_assert_eq!(account.processed, expected.processed);
        prop_assert_eq!(account.late, expected.late);
        prop_assert_eq!(account.duplicates, expected.duplicates);
        prop_assert_eq!(account.filtered, expected.filtered);
        prop_assert_eq!(account.dead_letters, expected.dead);
        prop_assert_eq!(account.received, lines.len() as u64);
        prop_assert_eq!(account.rows, effects.rows.len() as u64);
        prop_assert_eq!(effects.late.len() as u64, expected.late);
        prop_assert_eq!(open, expected.open);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CUTS))]

    #[test]
    fn how_the_input_is_cut_into_reads_changes_nothing(
        job in job(), lines in stream(), reads in prop::collection::vec(1..300_usize, 1..20),
    ) {
        let bytes = text(&lines);
        let (whole, account, _) = run(settings(&job), &blocks(&bytes, Format::Ndjson, &[usize::MAX]));
        let cuts = [blocks(&bytes, Format::Ndjson, &reads), batches(&bytes, 1), batches(&bytes, 7), batches(&bytes, 10_000)];
        for cut in cuts {
            let (cut, cut_account, _) = run(settings(&job), &cut);
            prop_assert_eq!(format!("{:?}", whole.rows), format!("{:?}", cut.rows), "to the last digit");
            prop_assert_eq!(&whole.dead, &cut.dead);
            prop_assert_eq!(&whole.late, &cut.late);
            prop_assert_eq!(account, cut_account);
        }
    }

    #[test]
    fn any_csv_text_is_cut_alike_whatever_the_reads(
        text in r#"([a-c",\r\n]|"[a,\n]{0,3}"|\n){0,60}"#, reads in prop::collection::vec(1..9_usize, 1..9),
    ) {
        let job = Job { windows: vec![], bound: 0, ttl: None, only_ok: false };
        let mut csv = settings(&job);
        csv.format = Format::Csv;
        let bytes = format!("id,time,key,status,number\n{text}");
        let whole = run(csv.clone(), &blocks(bytes.as_bytes(), Format::Csv, &[usize::MAX]));
        let cut = run(csv, &blocks(bytes.as_bytes(), Format::Csv, &reads));
        prop_assert_eq!(&whole.0.dead, &cut.0.dead);
        prop_assert_eq!(whole.1, cut.1);
    }
}

#[test]
fn a_step_stops_before_the_first_event_that_is_too_late_and_goes_on_from_there() {
    let job = Job { windows: vec![tumbling(10, false)], bound: 0, ttl: None, only_ok: false };
    let event =
        |time| Line::Event(Event { id: "x".into(), time, key: String::new(), status: "ok".into(), number: None });
    let bytes = text(&[event(5), event(3), event(25), event(7)]);
    let decoded = decoder(&settings(&job)).decode(Block { bytes: bytes.clone(), ..Block::default() });
    let mut pipeline = Pipeline::new(settings(&job), &Registry::new()).unwrap();
    let mut effects = Effects::default();
    let mut step = |from: usize, until| {
        let batch = Batch { from, ..batch(&decoded) };
        pipeline.step(&batch, NOW, Some(EventTime::from_nanos(until)), &mut effects).unwrap()
    };
    let first = step(0, 5);
    assert_eq!((first.done, first.stopped), (2, Some(Stopped::Early(EventTime::from_nanos(25)))));
    assert_eq!(step(first.done, 24), first);
    let rest = step(first.done, 25);
    assert_eq!((rest.done, rest.stopped), (4, None));
    assert_eq!(decoded.offset_behind(4), bytes.len() as u64);
    assert_eq!(pipeline.account().received, 4);
    assert_eq!(pipeline.account().late, 1);
}

#[test]
fn a_silent_input_lets_the_watermark_move_on() {
    let job = Job { windows: vec![tumbling(1000, false)], bound: 100, ttl: None, only_ok: false };
    let event = Event { id: "x".into(), time: 500, key: String::new(), status: "ok".into(), number: None };
    let mut pipeline = Pipeline::new(settings(&job), &Registry::new()).unwrap();
    let mut effects = Effects::default();
    let bytes = text(&[Line::Event(event)]);
    let decoded = decoder(&settings(&job)).decode(Block { bytes, ..Block::default() });
    pipeline.step(&batch(&decoded), NOW, None, &mut effects).unwrap();
    pipeline.pass(Span::from_nanos(599), &mut effects);
    assert!(effects.rows.is_empty());
    pipeline.pass(Span::from_nanos(600), &mut effects);
    assert_eq!(effects.rows.len(), 1);
}

#[test]
fn keys_beyond_the_limit_fold_into_one_and_are_counted() {
    let job = Job { windows: vec![tumbling(1000, true)], bound: 0, ttl: None, only_ok: false };
    let mut settings = settings(&job);
    settings.windows[0].max_keys = 2;
    let event =
        |key: &str| Line::Event(Event { id: "x".into(), time: 1, key: key.into(), status: "ok".into(), number: None });
    let bytes = text(&["a", "b", "c", "d", "a"].map(event));
    let (effects, account, _) = run(settings, &blocks(&bytes, Format::Ndjson, &[99]));
    let counts: Vec<_> = rows(&effects).iter().map(|row| (row.key[0].clone(), row.values.unwrap()[0])).collect();
    let expected = [("__other__", 2.0), ("a", 2.0), ("b", 1.0)];
    assert_eq!(counts, expected.map(|(key, count)| (key.to_owned(), Some(count))));
    assert_eq!(account.folded, 2);
}
