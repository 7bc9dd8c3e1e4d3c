//! A pipeline that dies and is rebuilt from what it saved goes on as if nothing had happened.

use proptest::prelude::*;
use streamgauge_flow::state::{Changes, Entry, Epoch, MemoryState, State};
use streamgauge_flow::{Account, Block, Decoded, Effects, Pipeline, RestoreError, Settings};
use streamgauge_metrics::Registry;

use super::{NOW, batch, batches, decoder, job, settings, stream, text, tumbling};
use crate::model::{Job, Kind, Line};

/// Random streams with random deaths.
const CASES: u32 = 3_000;

/// What happens before a record is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    GoOn,
    Save,
    Die,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![12 => Just(Fate::GoOn), 3 => Just(Fate::Save), 1 => Just(Fate::Die)]
}

/// A run whose state outlives it: what it printed up to the last save, and what it has printed since.
struct Run {
    settings: Settings,
    state: MemoryState,
    epoch: Epoch,
    pipeline: Pipeline,
    committed: Vec<String>,
    printed: Vec<String>,
    saved_at: usize, // the record that follows the last save
}

impl Run {
    /// Begins with a state in which the fingerprints' keys are fixed, so that two runs evict the same ids.
    fn new(settings: Settings, state: &MemoryState) -> Self {
        let pipeline = revive(&settings, &mut state.open()).unwrap();
        let (state, epoch) = (state.open(), state.epochs().promoted);
        Run { settings, state, epoch, pipeline, committed: Vec::new(), printed: Vec::new(), saved_at: 0 }
    }

    fn step(&mut self, record: &Decoded) {
        let mut effects = Effects::default();
        self.pipeline.step(&batch(record), NOW, None, &mut effects).unwrap();
        self.print(&effects);
    }

    fn print(&mut self, effects: &Effects) {
        self.printed.extend(effects.rows.iter().map(|row| format!("{row:?}")));
        self.printed.extend(effects.late.iter().chain(&effects.dead).map(|row| format!("{row:?}")));
    }

    fn save(&mut self, at: usize) {
        self.epoch += 1;
        let mut changes = Changes::default();
        self.pipeline.save(self.epoch, &mut changes);
        self.state.commit(self.epoch, &changes).unwrap();
        self.committed.append(&mut self.printed);
        self.saved_at = at;
    }

    /// What was not saved is gone; where to go on.
    fn die(&mut self) -> usize {
        self.printed.clear();
        self.pipeline = revive(&self.settings, &mut self.state).unwrap();
        self.saved_at
    }

    fn finish(&mut self) -> (Vec<String>, Account) {
        let mut effects = Effects::default();
        self.pipeline.finish(&mut effects);
        self.print(&effects);
        self.save(usize::MAX);
        (std::mem::take(&mut self.committed), self.pipeline.account())
    }

    /// The tables that hold something.
    fn tables(&mut self) -> Vec<String> {
        let mut tables = Vec::new();
        self.state.load(&mut |entry| tables.push(String::from_utf8_lossy(entry.table).into_owned())).unwrap();
        tables.dedup();
        tables
    }
}

fn durable(settings: &Settings) -> Pipeline {
    Pipeline::new(settings.clone(), &Registry::new()).unwrap().durable()
}

fn revive(settings: &Settings, state: &mut MemoryState) -> Result<Pipeline, RestoreError> {
    let mut pipeline = durable(settings);
    let mut result = Ok(());
    let each = &mut |entry: Entry<'_>| {
        if result.is_ok() {
            result = pipeline.restore(&entry).map(|own| assert!(own, "{entry:?}"));
        }
    };
    state.load(each).unwrap();
    result?;
    pipeline.restored();
    Ok(pipeline)
}

fn begun(settings: &Settings) -> MemoryState {
    let mut state = MemoryState::new();
    let mut changes = Changes::default();
    durable(settings).save(1, &mut changes);
    state.commit(1, &changes).unwrap();
    state
}

fn records(settings: &Settings, lines: &[Line]) -> Vec<Decoded> {
    let mut decoder = decoder(settings);
    batches(&text(lines), 1).into_iter().map(|block: Block| decoder.decode(block)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(CASES))]

    #[test]
    fn deaths_at_any_record_change_neither_rows_nor_account(
        job in job(), lines in stream(), fates in prop::collection::vec(fate(), 1..400),
        max_keys in prop_oneof![Just(2_usize), Just(100)], max_entries in prop_oneof![Just(7_usize), Just(40), Just(1 << 20)],
    ) {
        let mut settings = settings(&job);
        settings.windows.iter_mut().for_each(|window| window.max_keys = max_keys);
        settings.deduplicate.iter_mut().for_each(|deduplicate| deduplicate.max_entries = max_entries);
        let records = records(&settings, &lines);
        let start = begun(&settings);
        let mut undisturbed = Run::new(settings.clone(), &copy(&start));
        for record in &records {
            undisturbed.step(record);
        }
        let want = undisturbed.finish();

        let mut run = Run::new(settings, &start);
        let (mut at, mut fates) = (0, fates.into_iter());
        while at < records.len() {
            match fates.next().unwrap_or(Fate::GoOn) {
                Fate::GoOn => {}
                Fate::Save => run.save(at),
                Fate::Die => at = run.die(),
            }
            run.step(&records[at]);
            at += 1;
        }
        prop_assert_eq!(run.finish(), want);
        let left = run.tables();
        let closed = |table: &String| ["slices", "sessions", "revisions"].iter().any(|what| table.starts_with(what));
        prop_assert!(!left.iter().any(closed), "nothing is left of windows that are over: {:?}", left);
    }
}

/// Another state with the same rows.
fn copy(state: &MemoryState) -> MemoryState {
    let mut changes = Changes::default();
    state.open().load(&mut |e| changes.put(e.table, e.row, |to| to.extend_from_slice(e.value))).unwrap();
    let mut copy = MemoryState::new();
    copy.commit(1, &changes).unwrap();
    copy
}

fn example() -> (Settings, Vec<Decoded>) {
    let session = crate::model::Definition { kind: Kind::Session { gap: 1_000_000_000 }, ..tumbling(1, true) };
    let sliding = Kind::Sliding { size: 10_000_000_000, slide: 3_000_000_000, offset: 0 };
    let windows = vec![
        crate::model::Definition { name: "session".into(), lateness: 5_000_000_000, ..session },
        crate::model::Definition { name: "hop".into(), kind: sliding, lateness: 20_000_000_000, ..tumbling(1, true) },
    ];
    let job = Job { windows, bound: 0, ttl: Some(600_000_000_000), only_ok: false };
    let event = |n: i128| {
        Line::Event(crate::model::Event {
            id: format!("e{n}"),
            time: 1_700_000_000_000_000_000 + n % 40 * 900_000_000 - n % 7 * 2_000_000_000,
            key: ["a", "b", "ключ"][usize::try_from(n % 3).unwrap()].to_owned(),
            status: "ok".to_owned(),
            number: Some(f64::from(i32::try_from(n).unwrap()) / 8.0),
        })
    };
    let settings = settings(&job);
    let records = records(&settings, &(0..200).map(event).collect::<Vec<_>>());
    (settings, records)
}

fn saved_example() -> (Settings, MemoryState) {
    let (settings, records) = example();
    let mut run = Run::new(settings.clone(), &begun(&settings));
    for record in &records {
        run.step(record);
    }
    run.save(records.len());
    (settings, run.state)
}

#[test]
fn what_has_not_changed_is_not_saved_again() {
    let (settings, mut state) = saved_example();
    let mut pipeline = revive(&settings, &mut state).unwrap();
    let mut changes = Changes::default();
    pipeline.save(3, &mut changes);
    // What is always written: fingerprints' keys, watermark and account, the sums of each window.
    assert_eq!(changes.iter().count(), 4, "{:?}", changes.iter().collect::<Vec<_>>());
}

#[test]
fn a_damaged_row_is_refused_or_read_as_some_state_but_never_breaks_anything() {
    let (settings, mut state) = saved_example();
    let mut rows = Vec::new();
    state.load(&mut |e| rows.push((e.table.to_vec(), e.row, e.value.to_vec()))).unwrap();
    let (mut refused, mut random) = (0, 1_u64);
    for case in 0..6_000 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (which, how) = (usize::try_from(random >> 33).unwrap(), usize::try_from(random >> 40 & 0xffff).unwrap());
        let mut pipeline = durable(&settings);
        let result = rows.iter().enumerate().try_for_each(|(n, (table, row, value))| {
            let mut value = value.clone();
            if n == which % rows.len() && !value.is_empty() {
                if case % 2 == 0 {
                    value.truncate(how % value.len());
                } else {
                    let at = how % value.len();
                    value[at] ^= 1 << (random % 8);
                }
            }
            pipeline.restore(&Entry { table, row: *row, value: &value }).map(drop)
        });
        match result {
            Err(error) => {
                refused += 1;
                assert!(error.to_string().contains("state"), "it says what to do: {error}");
            }
            Ok(()) => pipeline.restored(),
        }
    }
    assert!(refused > 3_000, "what is cut short is always noticed: {refused}");
}

type Change<'a> = &'a dyn Fn(&mut Settings);

#[test]
fn a_configuration_that_the_state_depends_on_may_not_change_and_the_rest_may() {
    let (settings, state) = saved_example();
    let with = |change: Change| {
        let mut settings = settings.clone();
        change(&mut settings);
        revive(&settings, &mut copy(&state)).map(drop).map_err(|error| error.to_string())
    };
    let fine: [Change; 7] = [
        &|_| {},
        &|s| s.windows[0].allowed_lateness = streamgauge_flow::Span::from_secs(99),
        &|s| s.windows[0].max_keys = 1,
        &|s| s.windows[0].aggregates[0].name = "another".into(),
        &|s| s.windows.push(super::window(&tumbling(10, false))),
        &|s| s.windows.reverse(),
        &|s| s.deduplicate.iter_mut().for_each(|d| (d.max_entries, d.ttl) = (3, streamgauge_flow::Span::from_secs(9))),
    ];
    for (n, change) in fine.into_iter().enumerate() {
        assert_eq!(with(change), Ok(()), "{n}");
    }
    let refused: [(Change, &str); 6] = [
        (
            &|s| s.deduplicate = None,
            "deduplicate.enabled was true and is false now; put it back as it was, or begin with another state",
        ),
        (
            &|s| drop(s.windows.pop()),
            "windows[hop] was there and is missing now; put it back as it was, or begin with another state",
        ),
        (
            &|s| s.windows[1].kind = super::window(&tumbling(7, false)).kind,
            "windows[hop] was sliding, size 10s, slide 3s, offset 0s and is tumbling, size 0.000000007s, offset 0s now; \
             put it back as it was, or begin with another state",
        ),
        (
            &|s| s.windows[0].key = vec![],
            "windows[session].key was [key] and is [] now; put it back as it was, or begin with another state",
        ),
        (
            &|s| s.windows[0].aggregates.truncate(1),
            "windows[session].aggregates was [count, sum(number), avg(number), min(number), max(number), stddev(number), \
             percentile(number, 0.9), distinct(status)] and is [count] now; put it back as it was, or begin with another state",
        ),
        (
            &|s| s.mapping.numbers[0].0 = "other".into(),
            "windows[session].aggregates was [count, sum(number), avg(number), min(number), \
             max(number), stddev(number), percentile(number, 0.9), distinct(status)] and is [count, sum(other), avg(other), min(other), \
             max(other), stddev(other), percentile(other, 0.9), distinct(status)] now; put it back as it was, or begin with another state",
        ),
    ];
    for (change, want) in refused {
        assert_eq!(with(change), Err(want.to_owned()));
    }
}

/// Rows as the first layout has them, and what a pipeline prints that goes on with them. Later versions add lines, and change none.
const FIRST_LAYOUT: &str = include_str!("../saved.txt");

#[test]
fn what_the_first_layout_has_saved_is_gone_on_with() {
    let (settings, records) = example();
    let (mut state, mut changes, mut want) = (MemoryState::new(), Changes::default(), Vec::new());
    for line in FIRST_LAYOUT.lines() {
        match line.split_once(' ') {
            Some(("row", rest)) => {
                let [table, row, value] = rest.split(' ').collect::<Vec<_>>().try_into().unwrap();
                changes.put(table.as_bytes(), row.parse().unwrap(), |to| to.extend(unhex(value)));
            }
            Some(("prints", row)) => want.push(row.to_owned()),
            _ => {}
        }
    }
    state.commit(1, &changes).unwrap();
    let mut run = Run::new(settings, &state);
    for record in &records[150..] {
        run.step(record);
    }
    let (printed, account) = run.finish();
    assert!(!want.is_empty(), "{}", as_fixture(&records));
    assert_eq!(printed, want);
    assert_eq!((account.received, account.duplicates), (200, 0));
}

/// What the file holds: a state after 150 records, and what the other 50 print.
fn as_fixture(records: &[Decoded]) -> String {
    let (settings, _) = example();
    let mut run = Run::new(settings.clone(), &begun(&settings));
    for record in &records[..150] {
        run.step(record);
    }
    run.save(150);
    let mut lines = Vec::new();
    let each = &mut |e: Entry<'_>| {
        lines.push(format!("row {} {} {}", String::from_utf8_lossy(e.table), e.row, hex(e.value)));
    };
    run.state.load(each).unwrap();
    run.committed.clear();
    for record in &records[150..] {
        run.step(record);
    }
    lines.extend(run.finish().0.iter().map(|row| format!("prints {row}")));
    lines.join("\n")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// What a run with other settings makes of one more event, after a run that has printed the window of ten seconds at 0.
fn changed(change: &dyn Fn(&mut Settings), second: i128) -> (Vec<String>, Account) {
    let job = Job { windows: vec![tumbling(10_000_000_000, true)], bound: 0, ttl: None, only_ok: false };
    let event = |id: &str, second: i128| {
        Line::Event(crate::model::Event {
            id: id.into(),
            time: second * 1_000_000_000,
            key: "a".into(),
            status: "ok".into(),
            number: None,
        })
    };
    let mut settings = settings(&job);
    let records = records(&settings, &[event("1", 5), event("2", 25), event("3", second)]);
    let mut run = Run::new(settings.clone(), &begun(&settings));
    run.step(&records[0]);
    run.step(&records[1]);
    run.save(2);
    assert_eq!(run.committed.len(), 1);
    change(&mut settings);
    let state = run.state.open();
    let mut run = Run::new(settings, &state);
    run.step(&records[2]);
    run.finish()
}

/// A run that allows more lateness than the one before took late events for windows that the earlier one had let go, and printed them
/// as if they held nothing else.
#[test]
fn more_lateness_does_not_bring_windows_back_that_were_let_go() {
    let more: Change = &|s| s.windows[0].allowed_lateness = streamgauge_flow::Span::from_secs(60);
    let (printed, account) = changed(more, 6);
    assert_eq!((account.late, account.processed), (1, 2), "{printed:?}");
    let (_, account) = changed(more, 21);
    assert_eq!(account.processed, 3, "a window that is still there takes it");
}

/// A watermark that is to stay further behind than before went back, and events disappeared in windows that never close again.
#[test]
fn a_watermark_that_is_to_stay_further_behind_does_not_go_back() {
    let further: Change = &|s| s.watermark.max_out_of_orderness = streamgauge_flow::Span::from_secs(60);
    let (printed, account) = changed(further, 6);
    assert_eq!((account.late, account.processed, printed.len()), (1, 2, 2), "{printed:?}");
}
