//! usage: store [--rounds N] [--ids N] [--keys N] [--epochs N]
//!
//! What the store of epochs costs by itself: beginning one, a commit beside an embedded key-value store that does the same, going
//! on with a large state, and the room that an hour of churn takes.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use streamgauge_bench::draw::Draw;
use streamgauge_flow::state::{Changes, State};
use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoder, Deduplicate, Effects, Format, Function, Mapping, Pipeline, Settings,
    Span, TimeFormat, TypeFrom, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;
use streamgauge_state::{DiskState, Step};
use tempfile::TempDir;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Keys of a row, and the bytes that one takes in it.
const PAGE: u64 = 16;
const KEY_BYTES: usize = 100;
const NOW: WallTime = WallTime::from_nanos(2_000_000_000_000_000_000);

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, default: u64| -> Outcome<u64> {
        let at = arguments.iter().position(|argument| argument == name);
        Ok(at.and_then(|at| arguments.get(at + 1)).map_or(Ok(default), |text| text.parse())?)
    };
    beginning(number("--rounds", 30)?)?;
    commits(number("--rounds", 30)?)?;
    recovery(number("--keys", 1_000_000)?, number("--ids", 10_000_000)?)?;
    churn(number("--epochs", 3_600)?)
}

/// An epoch in which so many keys have changed, and as many ids are new.
fn epoch(draw: &mut Draw, keys: u64, of: u64) -> Changes {
    let mut changes = Changes::default();
    for _ in 0..keys / PAGE {
        let row = draw.below(of / PAGE);
        changes.put(b"slices/0/by_user", row, |to| fill(to, draw, PAGE as usize * KEY_BYTES));
    }
    let number = draw.any();
    changes.put(b"ids/0", number, |to| fill(to, draw, keys as usize * 24));
    changes
}

fn fill(to: &mut Vec<u8>, draw: &mut Draw, bytes: usize) {
    (0..bytes.div_ceil(8)).for_each(|_| to.extend_from_slice(&draw.any().to_le_bytes()));
}

fn beginning(rounds: u64) -> Outcome<()> {
    let folder = TempDir::new()?;
    let mut times = Vec::new();
    for number in 0..rounds {
        let since = Instant::now();
        DiskState::open(&folder.path().join(number.to_string()))?;
        times.push(since.elapsed());
    }
    println!("A new state in a new folder, in ms (p50 / p95 of {rounds}): {}\n", quantiles(&mut times));
    Ok(())
}

fn commits(rounds: u64) -> Outcome<()> {
    println!("A commit, synced, in ms (p50 / p95 of {rounds}), of a state of 1,000,000 keys:\n");
    println!("{:>12} {:>10} {:>18} {:>18}", "changed keys", "MiB", "epoch log", "fjall 3");
    for keys in [1_000, 10_000, 30_000, 100_000] {
        let (log, other) = (TempDir::new()?, TempDir::new()?);
        let mut state = DiskState::open(log.path())?;
        let database = Database::builder(other.path()).open()?;
        let space = database.keyspace("state", KeyspaceCreateOptions::default)?;
        let mut draw = Draw::new(keys);
        let (mut ours, mut theirs, mut bytes) = (Vec::new(), Vec::new(), 0);
        for number in 1..=rounds {
            let changes = epoch(&mut draw, keys, 1_000_000);
            bytes += changes.as_bytes().len();
            let since = Instant::now();
            state.commit(number, &changes)?;
            ours.push(since.elapsed());
            let since = Instant::now();
            let mut batch = database.batch().durability(Some(PersistMode::SyncAll));
            for change in changes.iter() {
                if let streamgauge_flow::state::Change::Put { table, row, value } = change {
                    batch.insert(&space, [table, &row.to_be_bytes()].concat(), value);
                }
            }
            batch.commit()?;
            theirs.push(since.elapsed());
        }
        let mib = bytes as f64 / rounds as f64 / f64::from(1 << 20);
        println!("{keys:>12} {mib:>10.1} {:>18} {:>18}", quantiles(&mut ours), quantiles(&mut theirs));
    }
    Ok(())
}

fn quantiles(times: &mut [Duration]) -> String {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    format!("{:.1} / {:.1}", at(0.5), at(0.95))
}

/// A state of so many keys and ids, as a run leaves it; how long another one takes to go on with it.
fn recovery(keys: u64, ids: u64) -> Outcome<()> {
    let folder = TempDir::new()?;
    let mut state = DiskState::open(folder.path())?;
    let mut pipeline = pipeline()?.durable();
    let mut decoder = Decoder::new(Format::Ndjson, &settings().mapping, 1 << 20);
    let (mut effects, mut changes) = (Effects::default(), Changes::default());
    for number in 0..600 {
        let lines = (ids / 600 * number..ids / 600 * (number + 1)).map(|n| {
            let time = 1_700_000_000_000_000 + n * 100;
            format!(
                "{{\"id\":\"request-{n}\",\"time\":{time},\"user\":\"user-{:07}\",\"v\":{}}}\n",
                n % keys,
                n % 5_000
            )
        });
        let bytes = lines.collect::<String>().into_bytes();
        let decoded = decoder.decode(Block { bytes, ..Block::default() });
        let batch = Batch { source: "", partition: 0, decoded: &decoded, from: 0, in_turn: false };
        pipeline.step(&batch, NOW, None, &mut effects).map_err(|error| error.0)?;
        changes.clear();
        pipeline.save(number + 1, &mut changes);
        state.commit(number + 1, &changes)?;
    }
    let size = state.size();
    drop((state, pipeline));
    let since = Instant::now();
    let mut state = DiskState::open(folder.path())?;
    let opened = since.elapsed();
    let mut pipeline = self::pipeline()?.durable();
    let mut result = Ok(true);
    state.load(&mut |entry| {
        if result.is_ok() {
            result = pipeline.restore(&entry);
        }
    })?;
    result?;
    pipeline.restored();
    println!(
        "\nGoing on with {keys} keys and {ids} ids ({} MiB in {} rows, file of {} MiB): {:.2} s, {:.2} s of them to read the file",
        size.live >> 20,
        size.rows,
        size.stored >> 20,
        since.elapsed().as_secs_f64(),
        opened.as_secs_f64()
    );
    Ok(())
}

fn pipeline() -> Outcome<Pipeline> {
    Ok(Pipeline::new(settings(), &Registry::new())?)
}

fn settings() -> Settings {
    let at = |text: &str| text.parse().unwrap_or_else(|_| unreachable!("a pointer"));
    let functions = [Function::Count, Function::Sum(0), Function::Avg(0), Function::Min(0), Function::Max(0)];
    let hour = Span::from_secs(3_600);
    Settings {
        format: Format::Ndjson,
        mapping: Mapping {
            id: Some(at("/id")),
            event_type: TypeFrom::Value("t".to_owned()),
            time: at("/time"),
            time_format: TimeFormat::UnixMicros,
            strings: vec![("user".to_owned(), at("/user"))],
            numbers: vec![("v".to_owned(), at("/v"))],
        },
        max_record_bytes: 1 << 20,
        filter: Vec::new(),
        deduplicate: Some(Deduplicate { ttl: hour, max_entries: 20_000_000 }),
        watermark: WatermarkSettings { max_out_of_orderness: Span::ZERO, max_future_skew: Span::ZERO },
        windows: vec![WindowSettings {
            name: "by_user".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(86_400), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![0],
            max_keys: 10_000_000,
            aggregates: functions.map(|function| AggregateSettings { name: function.name().into(), function }).into(),
        }],
        llm: None,
    }
}

static FOLDER: OnceLock<PathBuf> = OnceLock::new();
static LARGEST: AtomicU64 = AtomicU64::new(0);

/// An hour of epochs: rows that change, generations of ids that come and go. The room is looked at after each, and while a file
/// takes the place of the one before.
fn churn(epochs: u64) -> Outcome<()> {
    let folder = TempDir::new()?;
    FOLDER.set(folder.path().to_owned()).map_err(|_| "churn is measured once")?;
    let mut state = DiskState::open(folder.path())?.telling(look);
    let mut draw = Draw::new(9);
    let (mut worst, mut spent) = (0.0_f64, Duration::ZERO);
    for number in 1..=epochs {
        let mut changes = Changes::default();
        for _ in 0..125 {
            changes.put(b"slices/0/by_user", draw.below(1_250), |to| fill(to, &mut draw, 1_600));
        }
        let generation = number / 75;
        changes.put(format!("ids/{generation}").as_bytes(), number, |to| fill(to, &mut draw, 24_000));
        if let Some(gone) = generation.checked_sub(9) {
            changes.drop_table(format!("ids/{gone}").as_bytes());
        }
        LARGEST.store(0, Ordering::Relaxed);
        let since = Instant::now();
        state.commit(number, &changes)?;
        spent += since.elapsed();
        look(Step::BaseRenamed);
        // Before there is as much as there will be, the floor of the file's size would say more than the ratio.
        if number > epochs / 10 {
            worst = worst.max(LARGEST.load(Ordering::Relaxed) as f64 / state.size().live as f64);
        }
    }
    let size = state.size();
    println!(
        "\n{epochs} epochs of 2,000 changed keys and 1,000 ids: {:.1} MiB live, {:.1} MiB stored; at worst, two files side by side \
         included, {worst:.2} times what was live; {:.1} ms an epoch",
        size.live as f64 / f64::from(1 << 20),
        size.stored as f64 / f64::from(1 << 20),
        spent.as_secs_f64() * 1e3 / epochs as f64
    );
    Ok(())
}

fn look(step: Step) {
    let Some(folder) = FOLDER.get().filter(|_| step == Step::BaseRenamed) else { return };
    LARGEST.fetch_max(room(folder), Ordering::Relaxed);
}

fn room(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}
