//! The mapping of an event's fields, and what is decided on single events.

use streamgauge_flow::{Deduplicate, Keep, LlmFields, Mapping, Pointer, TypeFrom};
use streamgauge_yaml::Faults;

use super::super::Reported;
use super::super::scalar::one_of;
use super::super::value::{Data, Value};

/// What was proven about single events.
pub(super) struct Event {
    pub(super) mapping: Option<Mapping>,
    pub(super) fields: Fields,
    pub(super) filter: Option<Vec<Keep>>,
    pub(super) deduplicate: Result<Option<Deduplicate>, Reported>,
    pub(super) llm: Option<LlmFields>,
}

/// The names of the fields, known also where something else about the event is at fault; `None` where even they are not.
#[derive(Debug)]
pub(super) struct Fields {
    pub(super) strings: Option<Vec<String>>,
    pub(super) numbers: Option<Vec<String>>,
}

pub(super) fn prove(root: &Value, faults: &mut Faults) -> Event {
    let event = root.get("event");
    let fields = Fields { strings: names(event, "strings"), numbers: names(event, "numbers") };
    let filter = root.get("filter").and_then(|f| filter(f, &fields, faults));
    let deduplicate = deduplicate(root, faults);
    let llm = event.filter(|event| event.says("preset", "llm")).and_then(|_| llm(&fields));
    Event { mapping: event.and_then(mapping), filter, deduplicate, llm, fields }
}

/// Where the preset put the fields of an LLM request.
fn llm(fields: &Fields) -> Option<LlmFields> {
    let place = |among: &Option<Vec<String>>, name: &str| among.as_ref()?.iter().position(|field| field == name);
    let number = |name| place(&fields.numbers, name);
    Some(LlmFields {
        model: place(&fields.strings, "model")?,
        input_tokens: number("input_tokens")?,
        output_tokens: number("output_tokens")?,
        duration_ms: number("duration_ms")?,
        time_to_first_token_ms: number("time_to_first_token_ms")?,
        cost_usd: number("cost_usd")?,
    })
}

fn names(event: Option<&Value>, kind: &str) -> Option<Vec<String>> {
    let fields = event?.get(kind).filter(|v| !matches!(v.data, Data::Faulty))?;
    Some(fields.entries().iter().map(|(name, _)| name.clone()).collect())
}

fn mapping(event: &Value) -> Option<Mapping> {
    Some(Mapping {
        id: if event.says("id", "none") { None } else { Some(event.parse("id")?) },
        event_type: event_type(event.get("type")?)?,
        time: event.parse("time.from")?,
        time_format: event.parse("time.format")?,
        strings: fields(event.get("strings")?)?,
        numbers: fields(event.get("numbers")?)?,
    })
}

fn event_type(value: &Value) -> Option<TypeFrom> {
    match &value.data {
        Data::Scalar(text) => text.parse().ok().map(TypeFrom::Field),
        _ => value.get("value")?.text().map(|text| TypeFrom::Value(text.to_owned())),
    }
}

fn fields(value: &Value) -> Option<Vec<(String, Pointer)>> {
    if matches!(value.data, Data::Faulty) {
        return None;
    }
    let field = |(name, at): &(String, Value)| Some((name.clone(), at.text()?.parse().ok()?));
    value.entries().iter().map(field).collect()
}

fn filter(filter: &Value, fields: &Fields, faults: &mut Faults) -> Option<Vec<Keep>> {
    if matches!(filter.data, Data::Faulty) {
        return None;
    }
    let conditions: Vec<_> = filter.entries().iter().map(|(name, values)| keep(name, values, fields, faults)).collect();
    conditions.into_iter().collect()
}

fn keep(name: &str, values: &Value, fields: &Fields, faults: &mut Faults) -> Option<Keep> {
    let field = string_field(name, values, fields, faults);
    let texts = values.items()?.iter().map(|v| v.text().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    if texts.is_empty() {
        faults.push(values.fault("no value passes, so every event would be dropped; expected at least one value"));
    }
    Some(Keep { field: field?, values: texts })
}

/// The index of a string field; what is wrong with the name is a fault of `at`.
pub(super) fn string_field(name: &str, at: &Value, fields: &Fields, faults: &mut Faults) -> Option<usize> {
    find(name, ("string", &fields.strings), ("number", &fields.numbers), at, faults)
}

/// The same for a number field.
pub(super) fn number_field(name: &str, at: &Value, fields: &Fields, faults: &mut Faults) -> Option<usize> {
    find(name, ("number", &fields.numbers), ("string", &fields.strings), at, faults)
}

/// Looks among the fields of one kind, so that a field of the other kind is told apart from one that is unknown.
fn find(
    name: &str,
    (kind, among): (&str, &Option<Vec<String>>),
    (other_kind, others): (&str, &Option<Vec<String>>),
    at: &Value,
    faults: &mut Faults,
) -> Option<usize> {
    let among = among.as_ref()?;
    let found = among.iter().position(|n| n == name);
    if found.is_none() {
        let is_other = others.as_ref()?.iter().any(|n| n == name);
        let is = if is_other { format!("\"{name}\" is a {other_kind}") } else { format!("unknown field \"{name}\"") };
        let names = || among.iter().map(String::as_str);
        let what = match among.as_slice() {
            [] => format!("{is}; expected a field of event.{kind}s, which has none"),
            _ => format!("{is}; expected {} of event.{kind}s", one_of(names())),
        };
        faults.push(at.fault(what).suggest(name, names()));
    }
    found
}

fn deduplicate(root: &Value, faults: &mut Faults) -> Result<Option<Deduplicate>, Reported> {
    let Some(enabled) = root.at("deduplicate.enabled") else { return Err(Reported) };
    match enabled.text() {
        Some("false") => return Ok(None),
        Some("true") => {}
        _ => return Err(Reported),
    }
    if root.says("event.id", "none") {
        let what =
            "events have no identity to tell duplicates by; expected event.id to be a JSON Pointer, or enabled: false";
        faults.push(enabled.fault(what));
    }
    let settings = || {
        Some(Deduplicate { ttl: root.span("deduplicate.ttl")?, max_entries: root.parse("deduplicate.max_entries")? })
    };
    settings().map(Some).ok_or(Reported)
}
