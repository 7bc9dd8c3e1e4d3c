//! A brute-force model: every pane keeps its events, every aggregate is computed anew. Slow and plain on purpose.

use std::collections::{BTreeMap, BTreeSet};

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
    pub kind: Kind,
    pub lateness: i128,
    pub keyed: bool,
}

/// A tumbling window is a sliding one whose slide is its size.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Sliding { size: i128, slide: i128, offset: i128 },
    Session { gap: i128 },
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub windows: Vec<Definition>,
    pub bound: i128,
    pub ttl: Option<i128>,
    pub only_ok: bool,
}

/// What is computed: count, sum, avg, min, max, stddev, the percentile of 0.9, and how many statuses there are.
pub(crate) type Values = [Option<f64>; 8];

/// A printed row; without values where an earlier row is taken back.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub window: String,
    pub start: i128,
    pub end: i128,
    pub key: Vec<String>,
    pub values: Option<Values>,
    pub revision: u32,
}

/// Equal but for what may differ: the last digits of a deviation, and a percentile of more than 64 numbers by 1 %.
impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        let place = |row: &Row| (row.window.clone(), row.start, row.end, row.key.clone(), row.revision);
        let values = match (&self.values, &other.values) {
            (None, None) => true,
            (Some(a), Some(b)) => a.iter().zip(b).enumerate().all(|(which, (a, b))| is_close(which, *a, *b)),
            _ => false,
        };
        place(self) == place(other) && values
    }
}

fn is_close(which: usize, a: Option<f64>, b: Option<f64>) -> bool {
    let error = [0.0, 0.0, 0.0, 0.0, 0.0, 1e-9, 0.01, 0.0][which];
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= error * a.abs().max(b.abs()) * (1.0 + 1e-9),
        (a, b) => a.is_none() && b.is_none(),
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    pub rows: Vec<Row>,
    pub late: u64,
    pub dead: u64,
    pub duplicates: u64,
    pub filtered: u64,
    pub processed: u64,
    /// Panes that were not printed when the input had ended.
    pub open: u64,
}

#[derive(Clone, Debug, Default)]
struct Pane {
    events: Vec<(Option<f64>, String)>,
    printed: Option<u32>,
}

/// By key, start and end.
type Panes = BTreeMap<(Vec<String>, i128, i128), Pane>;

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
    out.open = panes.iter().flat_map(BTreeMap::values).filter(|pane| pane.printed.is_none()).count() as u64;
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
        taken |= match window.kind {
            Kind::Sliding { size, slide, offset } => {
                let last = (event.time - offset).div_euclid(slide) * slide + offset;
                let held = |start: &i128| start + size > event.time;
                let mut starts: Vec<i128> = (0..=size / slide).map(|n| last - n * slide).filter(held).collect();
                starts.reverse();
                take_aligned(window, &starts, size, event, mark, panes, out)
            }
            Kind::Session { gap } => take_session(window, gap, event, mark, panes, out),
        };
    }
    *if taken { &mut out.processed } else { &mut out.late } += 1;
}

fn key_of(window: &Definition, event: &Event) -> Vec<String> {
    if window.keyed { vec![event.key.clone()] } else { vec![] }
}

fn take_aligned(
    window: &Definition,
    starts: &[i128],
    size: i128,
    event: &Event,
    mark: i128,
    panes: &mut Panes,
    out: &mut Outcome,
) -> bool {
    let open: Vec<i128> = starts.iter().copied().filter(|start| start + size + window.lateness > mark).collect();
    for start in &open {
        let at = (key_of(window, event), *start, start + size);
        let pane = panes.entry(at.clone()).or_default();
        pane.events.push((event.number, event.status.clone()));
        if start + size <= mark {
            out.rows.push(print(window, &at, pane));
        }
    }
    !open.is_empty()
}

/// Everything that the event touches becomes one session, which is judged only then.
fn take_session(
    window: &Definition,
    gap: i128,
    event: &Event,
    mark: i128,
    panes: &mut Panes,
    out: &mut Outcome,
) -> bool {
    let key = key_of(window, event);
    let is_near = |(other, start, end): &(Vec<String>, i128, i128)| {
        *other == key && *start <= event.time + gap && event.time <= *end
    };
    let touched: Vec<_> = panes.keys().filter(|at| is_near(at)).cloned().collect();
    let start = touched.iter().map(|at| at.1).fold(event.time, i128::min);
    let end = touched.iter().map(|at| at.2).fold(event.time + gap, i128::max);
    if end + window.lateness <= mark {
        return false;
    }
    let mut merged = Pane::default();
    for at in touched {
        let mut pane = panes.remove(&at).unwrap();
        merged.events.append(&mut pane.events);
        match pane.printed {
            Some(_) if (at.1, at.2) == (start, end) => merged.printed = pane.printed,
            Some(last) => out.rows.push(Row { values: None, revision: last + 1, ..row(window, &at) }),
            None => {}
        }
    }
    merged.events.push((event.number, event.status.clone()));
    let at = (key, start, end);
    if end <= mark {
        out.rows.push(print(window, &at, &mut merged));
    }
    panes.insert(at, merged);
    true
}

fn fire(job: &Job, mark: i128, panes: &mut [Panes], out: &mut Outcome) {
    let mut rows = Vec::new();
    for (window, panes) in job.windows.iter().zip(panes) {
        for (at, pane) in panes.iter_mut() {
            if at.2 <= mark && pane.printed.is_none() {
                rows.push(print(window, at, pane));
            }
        }
        panes.retain(|(_, _, end), _| *end + window.lateness > mark);
    }
    rows.sort_by(|a, b| (a.end, &a.window, &a.key, a.start).cmp(&(b.end, &b.window, &b.key, b.start)));
    out.rows.append(&mut rows);
}

fn row(window: &Definition, (key, start, end): &(Vec<String>, i128, i128)) -> Row {
    Row { window: window.name.clone(), start: *start, end: *end, key: key.clone(), values: None, revision: 0 }
}

fn print(window: &Definition, at: &(Vec<String>, i128, i128), pane: &mut Pane) -> Row {
    let revision = pane.printed.map_or(0, |last| last + 1);
    pane.printed = Some(revision);
    Row { values: Some(values(&pane.events)), revision, ..row(window, at) }
}

fn values(events: &[(Option<f64>, String)]) -> Values {
    let mut numbers: Vec<f64> = events.iter().filter_map(|(number, _)| *number).collect();
    numbers.sort_by(f64::total_cmp);
    let statuses: BTreeSet<&String> = events.iter().map(|(_, status)| status).collect();
    let count = numbers.len() as f64;
    let some = |value: f64| (!numbers.is_empty()).then_some(value);
    let sum: f64 = numbers.iter().sum(); // multiples of 1/8 far below 2^53: exact in any order
    let squares: f64 = numbers.iter().map(|number| (number - sum / count).powi(2)).sum();
    let rank = (numbers.len() * 9).div_ceil(10).max(1);
    [
        Some(events.len() as f64),
        some(sum),
        some(sum / count),
        numbers.first().copied(),
        numbers.last().copied(),
        (numbers.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        numbers.get(rank - 1).copied(),
        Some(statuses.len() as f64),
    ]
}
