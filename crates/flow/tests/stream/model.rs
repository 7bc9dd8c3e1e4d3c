//! A brute-force model: every pane keeps its events, every aggregate is computed anew. Slow and plain on purpose.

use std::collections::BTreeMap;

/// An event as generated; times in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub id: String,
    pub time: i128,
    pub key: String,
    pub status: String,
    pub number: Option<f64>, // printed whole if it is whole
}

/// A line of the stream: an event, or one that must become a dead letter.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    Event(Event),
    Dead(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub name: String,
    pub size: i128,
    pub offset: i128,
    pub lateness: i128,
    pub keyed: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub windows: Vec<Definition>,
    pub bound: i128,
    pub ttl: Option<i128>,
    pub only_ok: bool,
}

/// A printed row; count, sum, avg, min, max in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    pub window: String,
    pub start: i128,
    pub end: i128,
    pub key: Vec<String>,
    pub values: [Option<f64>; 5],
    pub revision: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub rows: Vec<Row>,
    pub late: u64,
    pub dead: u64,
    pub duplicates: u64,
    pub filtered: u64,
    pub processed: u64,
}

#[derive(Clone, Debug, Default)]
struct Pane {
    numbers: Vec<Option<f64>>,
    printed: Option<u32>,
}

type Panes = BTreeMap<(i128, Vec<String>), Pane>; // by start and key

pub(crate) fn run(job: &Job, lines: &[Line]) -> Outcome {
    let mut out = Outcome::default();
    let mut panes: Vec<Panes> = vec![Panes::new(); job.windows.len()];
    let mut seen: BTreeMap<String, i128> = BTreeMap::new();
    let (mut top, mut mark) = (i128::MIN, i128::MIN);
    for line in lines {
        let Line::Event(event) = line else {
            out.dead += 1;
            continue;
        };
        judge(job, event, mark, &mut panes, &mut seen, &mut out);
        if event.time > top {
            top = event.time;
            mark = top - job.bound;
            fire(job, mark, &mut panes, &mut out);
        }
    }
    fire(job, i128::MAX / 2, &mut panes, &mut out);
    out
}

fn judge(
    job: &Job,
    event: &Event,
    mark: i128,
    panes: &mut [Panes],
    seen: &mut BTreeMap<String, i128>,
    out: &mut Outcome,
) {
    if job.only_ok && event.status != "ok" {
        out.filtered += 1;
        return;
    }
    if let Some(ttl) = job.ttl {
        if seen.get(&event.id).is_some_and(|first| mark < first + ttl) {
            out.duplicates += 1;
            return;
        }
        seen.insert(event.id.clone(), event.time);
    }
    let mut taken = false;
    for (window, panes) in job.windows.iter().zip(panes) {
        let start = (event.time - window.offset).div_euclid(window.size) * window.size + window.offset;
        if start + window.size + window.lateness <= mark {
            continue;
        }
        taken = true;
        let key = if window.keyed { vec![event.key.clone()] } else { vec![] };
        let pane = panes.entry((start, key.clone())).or_default();
        pane.numbers.push(event.number);
        if start + window.size <= mark {
            out.rows.push(print(window, start, &key, pane));
        }
    }
    *if taken { &mut out.processed } else { &mut out.late } += 1;
}

fn fire(job: &Job, mark: i128, panes: &mut [Panes], out: &mut Outcome) {
    let mut rows = Vec::new();
    for (window, panes) in job.windows.iter().zip(panes) {
        for ((start, key), pane) in panes.iter_mut() {
            if start + window.size <= mark && pane.printed.is_none() {
                rows.push(print(window, *start, key, pane));
            }
        }
        panes.retain(|(start, _), _| start + window.size + window.lateness > mark);
    }
    rows.sort_by(|a, b| (a.end, &a.window, &a.key, a.start).cmp(&(b.end, &b.window, &b.key, b.start)));
    out.rows.append(&mut rows);
}

fn print(window: &Definition, start: i128, key: &[String], pane: &mut Pane) -> Row {
    let revision = pane.printed.map_or(0, |last| last + 1);
    pane.printed = Some(revision);
    let numbers: Vec<f64> = pane.numbers.iter().flatten().copied().collect();
    let some = |value: f64| (!numbers.is_empty()).then_some(value);
    let sum: f64 = numbers.iter().sum(); // multiples of 1/8 far below 2^53: exact in any order
    let min = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let max = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Row {
        window: window.name.clone(),
        start,
        end: start + window.size,
        key: key.to_vec(),
        values: [Some(pane.numbers.len() as f64), some(sum), some(sum / numbers.len() as f64), some(min), some(max)],
        revision,
    }
}
