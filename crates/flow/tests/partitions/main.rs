//! Several partitions, always read where the watermark is lowest, against a model that is obviously right.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoded, Decoder, Deduplicate, Effects, Format, Function, Mapping, Pipeline,
    Settings, Span, Stopped, TimeFormat, TypeFrom, Value, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

const NOW: WallTime = WallTime::from_nanos(1_800_000_000_000_000_000);
const SIZE: i64 = 10;
const TTL: i64 = 30;

/// The lines of one file: events with an id and a time, or dead letters.
type File = Vec<Option<(u8, i64)>>;

/// What comes out: windows with their counts, in order; processed, late and duplicate events.
#[derive(Debug, PartialEq, Eq, Default)]
struct Outcome {
    rows: Vec<(i64, i64)>,
    processed: u64,
    late: u64,
    duplicates: u64,
}

fn settings(bound: i64) -> Settings {
    let at = |text: &str| text.parse().unwrap();
    Settings {
        format: Format::Ndjson,
        mapping: Mapping {
            id: Some(at("/id")),
            event_type: TypeFrom::Value("t".to_owned()),
            time: at("/time"),
            time_format: TimeFormat::UnixNanos,
            strings: vec![],
            numbers: vec![],
        },
        max_record_bytes: 1 << 20,
        filter: vec![],
        deduplicate: Some(Deduplicate { ttl: Span::from_nanos(TTL), max_entries: 1 << 20 }),
        watermark: WatermarkSettings { max_out_of_orderness: Span::from_nanos(bound), max_future_skew: Span::ZERO },
        windows: vec![WindowSettings {
            name: "w".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_nanos(SIZE), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![],
            max_keys: 10,
            aggregates: vec![AggregateSettings { name: "n".to_owned(), function: Function::Count }],
        }],
        llm: None,
    }
}

/// Event by event: the lowest watermark first, then the lowest number; judged by the lowest of those that have not ended.
fn model(files: &[File], bound: i64) -> Outcome {
    let mut places = vec![0; files.len()];
    let mut tops: Vec<Option<i64>> = vec![None; files.len()];
    let (mut open, mut seen) = (BTreeMap::<i64, i64>::new(), BTreeMap::<u8, i64>::new());
    let (mut mark, mut out) = (None::<i64>, Outcome::default());
    while let Some(file) = (0..files.len()).filter(|f| places[*f] < files[*f].len()).min_by_key(|f| (tops[*f], *f)) {
        let line = files[file][places[file]];
        places[file] += 1;
        if let Some((id, time)) = line {
            let known = seen.get(&id).is_some_and(|first| mark.is_none_or(|mark| mark < first + TTL));
            let start = time.div_euclid(SIZE) * SIZE;
            if known {
                out.duplicates += 1;
            } else {
                seen.insert(id, time);
                if mark.is_some_and(|mark| mark >= start + SIZE) {
                    out.late += 1;
                } else {
                    out.processed += 1;
                    *open.entry(start).or_default() += 1;
                }
            }
            tops[file] = tops[file].max(Some(time));
        }
        let unread = || (0..files.len()).filter(|f| places[*f] < files[*f].len());
        // A file counts until it is known to have ended, which is before the next one is chosen.
        let lowest = unread().map(|f| tops[f]).min();
        let top = lowest.flatten().map(|top| top - bound);
        mark = mark.max(top);
        while let Some((start, count)) = open.first_key_value().map(|(start, count)| (*start, *count)) {
            if mark.is_none_or(|mark| mark < start + SIZE) {
                break;
            }
            open.remove(&start);
            out.rows.push((start, count));
        }
    }
    out.rows.extend(open);
    out
}

/// The blocks of a file, each of some of its lines.
fn blocks(file: &File, lines: usize, decoder: &mut Decoder) -> Vec<Decoded> {
    let text = |line: &Option<(u8, i64)>| match line {
        Some((id, time)) => format!("{{\"id\":\"{id}\",\"time\":{time}}}\n"),
        None => "no event\n".to_owned(),
    };
    let block = |lines: &[Option<(u8, i64)>]| {
        let bytes = lines.iter().map(text).collect::<String>().into_bytes();
        decoder.decode(Block { bytes, ..Block::default() })
    };
    file.chunks(lines).map(block).collect()
}

/// What a worker does: it turns to the lowest partition and stays there until another one is lower.
fn run(files: &[File], bound: i64, lines: usize) -> Outcome {
    let settings = settings(bound);
    let mut reader = Decoder::new(settings.format, &settings.mapping, settings.max_record_bytes);
    let mut inputs: Vec<_> = files.iter().map(|file| (blocks(file, lines, &mut reader), 0, 0)).collect();
    let mut pipeline = Pipeline::new(settings, &Registry::new()).unwrap();
    let mut effects = Effects::default();
    (0..files.len()).for_each(|partition| pipeline.open(partition));
    for (partition, file) in files.iter().enumerate() {
        if file.is_empty() {
            pipeline.end(partition, &mut effects);
        }
    }
    while let Some(partition) = pipeline.lowest() {
        let (blocks, block, from) = &mut inputs[partition];
        let decoded = &blocks[*block];
        let batch = Batch { source: "f", partition, decoded, from: *from, in_turn: true };
        let progress = pipeline.step(&batch, NOW, None, &mut effects).unwrap();
        assert!(progress.stopped.is_none_or(|stopped| stopped == Stopped::Ahead));
        *from = progress.done;
        if *from == decoded.len() {
            (*block, *from) = (*block + 1, 0);
        }
        if *block == blocks.len() {
            pipeline.end(partition, &mut effects);
        }
    }
    pipeline.finish(&mut effects);
    let count = |value: &Value| if let Value::Whole(count) = value { i64::try_from(*count).unwrap() } else { -1 };
    let row = |row: streamgauge_flow::Row<'_>| {
        (i64::try_from(row.start.as_nanos()).unwrap(), row.values.map_or(-1, |values| count(&values[0])))
    };
    let account = pipeline.account();
    Outcome {
        rows: effects.rows.iter().map(row).collect(),
        processed: account.processed,
        late: account.late,
        duplicates: account.duplicates,
    }
}

fn files() -> impl Strategy<Value = Vec<File>> {
    let line = prop_oneof![9 => (0_u8..40, -30_i64..30).prop_map(Some), 1 => Just(None)];
    let file = (prop::collection::vec(line, 0..40), 1_i64..8).prop_map(|(lines, pace)| {
        let moved = |(at, line): (usize, Option<(u8, i64)>)| {
            line.map(|(id, time)| (id, time + i64::try_from(at).unwrap() * pace))
        };
        lines.into_iter().enumerate().map(moved).collect()
    });
    prop::collection::vec(file, 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]
    #[test]
    fn any_files_give_what_the_model_says_however_they_are_cut_into_blocks(
        files in files(), bound in prop_oneof![Just(0), 0_i64..40], lines in 1_usize..9,
    ) {
        let want = model(&files, bound);
        prop_assert_eq!(run(&files, bound, lines), want);
    }
}

/// A partition that is an hour behind is read first; judged by the highest time of all, everything in it would be late.
#[test]
fn trap_4_a_partition_that_is_far_behind_loses_nothing_while_it_catches_up() {
    let ahead: File = (0..100).map(|n| Some((n, 3_600 + i64::from(n)))).collect();
    let behind: File = (0..100).map(|n| Some((n + 100, i64::from(n) * 36))).collect();
    let outcome = run(&[ahead, behind], 5, 7);
    assert_eq!((outcome.processed, outcome.late), (200, 0));
}

#[test]
fn trap_19_a_duplicate_is_known_whatever_partition_it_is_in() {
    let outcome = run(&[vec![Some((1, 5)), Some((2, 6))], vec![Some((2, 5)), Some((1, 5)), Some((2, 7))]], 0, 2);
    assert_eq!((outcome.processed, outcome.duplicates), (2, 3));
}
