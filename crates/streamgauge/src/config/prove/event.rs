//! The mapping of an event's fields, and what is decided on single events.

use streamgauge_flow::{Deduplicate, Keep, Mapping, Pointer, TypeFrom};

use super::super::fault::Faults;
use super::super::scalar::one_of;
use super::super::value::{Data, Value};

/// What was proven about single events.
pub(super) struct Event {
    pub(super) mapping: Option<Mapping>,
    pub(super) filter: Option<Vec<Keep>>,
    pub(super) deduplicate: Option<Option<Deduplicate>>,
}

pub(super) fn prove(root: &Value, faults: &mut Faults) -> Event {
    let mapping = root.get("event").and_then(mapping);
    let filter = mapping.as_ref().and_then(|m| filter(root.get("filter")?, m, faults));
    Event { filter, deduplicate: deduplicate(root, faults), mapping }
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

fn filter(filter: &Value, mapping: &Mapping, faults: &mut Faults) -> Option<Vec<Keep>> {
    if matches!(filter.data, Data::Faulty) {
        return None;
    }
    let conditions: Vec<_> = filter
        .entries()
        .iter()
        .map(|(name, values)| keep(name, values, mapping, faults))
        .collect();
    conditions.into_iter().collect()
}

fn keep(name: &str, values: &Value, mapping: &Mapping, faults: &mut Faults) -> Option<Keep> {
    let field = string_field(name, values, mapping, faults);
    let texts = values.items()?.iter().map(|v| v.text().map(str::to_owned)).collect::<Option<Vec<_>>>()?;
    if texts.is_empty() {
        faults.push(values.fault("no value passes, so every event would be dropped; expected at least one value"));
    }
    Some(Keep { field: field?, values: texts })
}

/// The index of a string field; what is wrong with the name is a fault of `at`.
pub(super) fn string_field(name: &str, at: &Value, mapping: &Mapping, faults: &mut Faults) -> Option<usize> {
    let names = || mapping.strings.iter().map(|(n, _)| n.as_str());
    let found = names().position(|n| n == name);
    if found.is_none() {
        let is_number = mapping.numbers.iter().any(|(n, _)| n == name);
        let what = if is_number {
            format!("\"{name}\" is a number; keys and filters need a field of event.strings")
        } else {
            format!("unknown field \"{name}\"; expected one of event.strings: {}", one_of(names()))
        };
        faults.push(at.fault(what).suggest(name, names()));
    }
    found
}

fn deduplicate(root: &Value, faults: &mut Faults) -> Option<Option<Deduplicate>> {
    let enabled: bool = root.parse("deduplicate.enabled")?;
    if !enabled {
        return Some(None);
    }
    if root.says("event.id", "none") {
        let at = root.at("deduplicate.enabled")?;
        faults.push(at.fault("events have no identity to tell duplicates by; expected event.id to be a JSON Pointer, or enabled: false"));
        return None;
    }
    Some(Some(Deduplicate {
        ttl: root.span("deduplicate.ttl")?,
        max_entries: root.parse("deduplicate.max_entries")?,
    }))
}
