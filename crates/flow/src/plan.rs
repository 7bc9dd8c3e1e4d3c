//! What a saved state depends on in the configuration: compared when a run goes on with it.

use std::fmt;

use crate::encoding::{
    DecodeError, put_flag, put_layout, put_text, take_count, take_end, take_flag, take_layout, take_text,
};
use crate::settings::{Function, Settings, WindowKind, WindowSettings};
use crate::time::Span;

const LAYOUT: u8 = 1;

/// What of the settings a state is made of. Everything else may change between two runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    deduplicates: bool,
    windows: Vec<WindowPlan>,
}

/// The same of one window definition, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct WindowPlan {
    name: String,
    kind: String,
    key: Vec<String>,
    functions: Vec<String>, // in order; their names in the rows may change
}

/// A change of the configuration that a state cannot be gone on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The key in the configuration.
    pub place: String,
    /// How it was.
    pub before: String,
    /// How it is.
    pub now: String,
}

impl Plan {
    pub(crate) fn of(settings: &Settings) -> Self {
        let window = |window: &WindowSettings| WindowPlan {
            name: window.name.clone(),
            kind: kind(window.kind),
            key: window.key.iter().map(|field| settings.mapping.strings[*field].0.clone()).collect(),
            functions: window.aggregates.iter().map(|aggregate| function(aggregate.function, settings)).collect(),
        };
        Plan { deduplicates: settings.deduplicate.is_some(), windows: settings.windows.iter().map(window).collect() }
    }

    /// Whether a state of this plan can be gone on with under `now`. Windows that are new begin empty; ids that came before
    /// they were remembered are not known.
    pub(crate) fn allows(&self, now: &Plan) -> Result<(), Refusal> {
        if self.deduplicates && !now.deduplicates {
            return Err(refusal("deduplicate.enabled".into(), "true", "false"));
        }
        for before in &self.windows {
            let place = |key: &str| format!("windows[{}]{key}", before.name);
            let Some(now) = now.windows.iter().find(|now| now.name == before.name) else {
                return Err(refusal(place(""), "there", "missing"));
            };
            let pairs = [
                ("", before.kind.clone(), now.kind.clone()),
                (".key", list(&before.key), list(&now.key)),
                (".aggregates", list(&before.functions), list(&now.functions)),
            ];
            if let Some((key, before, now)) = pairs.into_iter().find(|(_, before, now)| before != now) {
                return Err(refusal(place(key), &before, &now));
            }
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_layout(out, LAYOUT);
        put_flag(out, self.deduplicates);
        put_list(out, &self.windows, |out, window| {
            put_text(out, &window.name);
            put_text(out, &window.kind);
            put_list(out, &window.key, |out, text| put_text(out, text));
            put_list(out, &window.functions, |out, text| put_text(out, text));
        });
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Result<Self, DecodeError> {
        take_layout(&mut bytes, LAYOUT)?;
        let deduplicates = take_flag(&mut bytes)?;
        let windows = take_list(&mut bytes, |bytes| {
            Ok(WindowPlan {
                name: take_text(bytes)?.to_owned(),
                kind: take_text(bytes)?.to_owned(),
                key: take_list(bytes, |bytes| take_text(bytes).map(str::to_owned))?,
                functions: take_list(bytes, |bytes| take_text(bytes).map(str::to_owned))?,
            })
        })?;
        take_end(bytes)?;
        Ok(Plan { deduplicates, windows })
    }
}

fn put_list<T>(out: &mut Vec<u8>, list: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    crate::encoding::put_count(out, list.len() as u64);
    for one in list {
        put(out, one);
    }
}

/// Grows with what is really there, whatever the count says.
fn take_list<T>(bytes: &mut &[u8], take: impl Fn(&mut &[u8]) -> Result<T, DecodeError>) -> Result<Vec<T>, DecodeError> {
    let count = take_count(bytes)?;
    (0..count).map(|_| take(bytes)).collect()
}

fn kind(kind: WindowKind) -> String {
    match kind {
        WindowKind::Tumbling { size, offset } => {
            format!("tumbling, size {}, offset {}", seconds(size), seconds(offset))
        }
        WindowKind::Sliding { size, slide, offset } => {
            format!("sliding, size {}, slide {}, offset {}", seconds(size), seconds(slide), seconds(offset))
        }
        WindowKind::Session { gap } => format!("session, gap {}", seconds(gap)),
    }
}

/// Exact, so that spans that differ in a nanosecond are told apart.
fn seconds(span: Span) -> String {
    let nanos = span.as_nanos();
    let (sign, nanos) = (if nanos < 0 { "-" } else { "" }, nanos.unsigned_abs());
    let text = format!("{sign}{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000);
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

fn function(function: Function, settings: &Settings) -> String {
    let number = |field: usize| &settings.mapping.numbers[field].0;
    match function {
        Function::Count => "count".to_owned(),
        Function::Sum(field) => format!("sum({})", number(field)),
        Function::Avg(field) => format!("avg({})", number(field)),
        Function::Min(field) => format!("min({})", number(field)),
        Function::Max(field) => format!("max({})", number(field)),
        Function::Stddev(field) => format!("stddev({})", number(field)),
        Function::Percentile(field, rank) => format!("percentile({}, {rank})", number(field)),
        Function::Distinct(field) => format!("distinct({})", settings.mapping.strings[field].0),
    }
}

fn list(texts: &[String]) -> String {
    format!("[{}]", texts.join(", "))
}

fn refusal(place: String, before: &str, now: &str) -> Refusal {
    Refusal { place, before: before.to_owned(), now: now.to_owned() }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { place, before, now } = self;
        write!(f, "{place} was {before} and is {now} now; put it back as it was, or begin with another state")
    }
}
