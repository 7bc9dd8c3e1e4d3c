//! Windows and their aggregates.

use streamgauge_flow::{AggregateSettings, Function, Rank, WindowKind, WindowSettings};
use streamgauge_yaml::{Fault, Faults};

use super::super::scalar::{number, one_of};
use super::super::value::{Data, Value};
use super::event::{Fields, number_field, string_field};

const FUNCTIONS: [&str; 8] = ["count", "sum", "avg", "min", "max", "stddev", "percentile", "distinct"];

/// More than any name needs, in bytes.
const LONGEST_NAME: usize = 1_000;

/// An aggregate as typed: `function(field, argument)`.
struct Call<'a> {
    function: &'a str,
    field: Option<&'a str>,
    argument: Option<&'a str>,
}

pub(super) fn prove(root: &Value, fields: &Fields, faults: &mut Faults) -> Option<Vec<WindowSettings>> {
    let windows = root.get("windows")?;
    let items = windows.items()?;
    if items.is_empty() {
        faults.push(windows.fault("is empty; expected at least one window"));
    }
    refuse_same_names(items, faults);
    let proven: Vec<_> = items.iter().map(|w| window(w, fields, faults)).collect();
    proven.into_iter().collect()
}

fn refuse_same_names(windows: &[Value], faults: &mut Faults) {
    let names: Vec<_> = windows.iter().map(|w| w.get("name")).collect();
    for (index, name) in names.iter().enumerate() {
        let Some((name, text)) = name.and_then(|n| Some((n, n.text()?))) else {
            continue;
        };
        let first = names[..index].iter().flatten().find(|n| n.text() == Some(text));
        if let Some(first) = first {
            faults.push(name.fault(format!(
                "\"{text}\" is already the name of {}; expected a name of its own",
                parent(&first.path)
            )));
        }
    }
}

/// A name stands in each row, and in the names of what is saved.
fn refuse_long_name(window: &Value, faults: &mut Faults) {
    let Some((name, text)) = window.get("name").and_then(|name| Some((name, name.text()?))) else { return };
    if text.len() > LONGEST_NAME {
        faults.push(name.fault(format!("has {} bytes; expected at most {LONGEST_NAME}", text.len())));
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(parent, _)| parent)
}

fn window(value: &Value, fields: &Fields, faults: &mut Faults) -> Option<WindowSettings> {
    refuse_long_name(value, faults);
    let kind = kind(value, faults);
    let key = value.get("key").and_then(|v| key(v, fields, faults));
    let aggregates = value.get("aggregates").and_then(|v| aggregates(v, fields, faults));
    Some(WindowSettings {
        name: value.get("name")?.text()?.to_owned(),
        kind: kind?,
        allowed_lateness: value.span("allowed_lateness")?,
        key: key?,
        max_keys: value.parse("max_keys")?,
        aggregates: aggregates?,
    })
}

fn kind(window: &Value, faults: &mut Faults) -> Option<WindowKind> {
    let kind = window.get("type")?.text()?;
    let (needed, foreign): (&[&str], &[&str]) = match kind {
        "sliding" => (&["size", "slide"], &["gap"]),
        "session" => (&["gap"], &["size", "slide", "offset"]),
        _ => (&["size"], &["slide", "gap"]),
    };
    for name in needed.iter().filter(|name| window.get(name).is_none()) {
        let path = format!("{}.{name}", window.path);
        faults.push(Fault::new(&window.place, &path, format!("missing; a {kind} window needs its {name}")));
    }
    for foreign in foreign.iter().filter_map(|name| window.get(name)).filter(|v| v.is_given()) {
        faults.push(
            foreign.fault(format!("means nothing to a {kind} window; expected {}", one_of(needed.iter().copied()))),
        );
    }
    match kind {
        "sliding" => sliding(window, faults),
        "session" => Some(WindowKind::Session { gap: window.span("gap")? }),
        _ => Some(WindowKind::Tumbling { size: window.span("size")?, offset: window.span("offset")? }),
    }
}

fn sliding(window: &Value, faults: &mut Faults) -> Option<WindowKind> {
    let (size, slide) = (window.span("size")?, window.span("slide")?);
    let given = window.get("slide")?;
    if slide > size {
        faults.push(
            given.fault("is longer than size, so events between two windows would be lost; expected at most size"),
        );
    } else if size > slide * WindowKind::MAX_OVERLAP {
        faults.push(given.fault(format!(
            "makes each event part of more than {0} windows; expected at least size / {0}",
            WindowKind::MAX_OVERLAP
        )));
    }
    Some(WindowKind::Sliding { size, slide, offset: window.span("offset")? })
}

fn key(value: &Value, fields: &Fields, faults: &mut Faults) -> Option<Vec<usize>> {
    let mut key = Vec::new();
    let mut complete = true;
    for item in value.items()? {
        let field = item.text().and_then(|name| string_field(name, item, fields, faults));
        match field {
            Some(field) if key.contains(&field) => {
                faults.push(item.fault("is already part of the key; expected each field once"));
            }
            Some(field) => key.push(field),
            None => complete = false,
        }
    }
    complete.then_some(key)
}

fn aggregates(value: &Value, fields: &Fields, faults: &mut Faults) -> Option<Vec<AggregateSettings>> {
    if value.entries().is_empty() && !matches!(value.data, Data::Faulty) {
        faults.push(value.fault("is empty; expected at least one aggregate such as count: count"));
    }
    let proven: Vec<_> = value
        .entries()
        .iter()
        .map(|(name, call)| {
            let function = function(call, fields, faults)?;
            Some(AggregateSettings { name: name.clone(), function })
        })
        .collect();
    proven.into_iter().collect()
}

fn function(value: &Value, fields: &Fields, faults: &mut Faults) -> Option<Function> {
    let text = value.text()?;
    let Some(call) = Call::read(text) else {
        faults.push(value.fault(format!("\"{text}\" is not a function; expected for example count or sum(field)")));
        return None;
    };
    if let Some(fault) = call.misfit(value) {
        faults.push(fault);
        return None;
    }
    let Some(field) = call.field else { return Some(Function::Count) };
    if call.function == "distinct" {
        return string_field(field, value, fields, faults).map(Function::Distinct);
    }
    call.of_number(number_field(field, value, fields, faults)?)
}

impl<'a> Call<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let Some((function, rest)) = text.split_once('(') else {
            return Some(Call { function: text.trim(), field: None, argument: None });
        };
        let inside = rest.trim_end().strip_suffix(')')?.trim();
        // A field's name may hold a comma, so only a percentile's last part is split off.
        let function = function.trim();
        let (field, argument) = match inside.rsplit_once(',') {
            Some((field, argument)) if function == "percentile" => (field.trim_end(), Some(argument.trim())),
            _ => (inside, None),
        };
        Some(Call { function, field: (!field.is_empty()).then_some(field), argument })
    }

    fn misfit(&self, value: &Value) -> Option<Fault> {
        let function = self.function;
        if !FUNCTIONS.contains(&function) {
            let what = format!("unknown aggregate \"{function}\"; expected {}", one_of(FUNCTIONS));
            return Some(value.fault(what).suggest(function, FUNCTIONS));
        }
        match (function, self.field) {
            ("count", Some(_)) => Some(value.fault("count takes no field; expected count")),
            ("count", None) => None,
            (_, None) => Some(value.fault(format!("{function} needs a field; expected {function}(field)"))),
            ("percentile", _) if self.rank().is_none() => {
                Some(value.fault(
                    "percentile needs a share above 0 and at most 1; expected for example percentile(field, 0.99)",
                ))
            }
            _ => None,
        }
    }

    fn rank(&self) -> Option<Rank> {
        self.argument.and_then(number).and_then(Rank::new)
    }

    /// The function of a number field; whether it fits was looked at before.
    fn of_number(&self, field: usize) -> Option<Function> {
        match self.function {
            "sum" => Some(Function::Sum(field)),
            "avg" => Some(Function::Avg(field)),
            "min" => Some(Function::Min(field)),
            "max" => Some(Function::Max(field)),
            "stddev" => Some(Function::Stddev(field)),
            "percentile" => Some(Function::Percentile(field, self.rank()?)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_a_function_a_field_and_for_percentiles_a_share() {
        let call = Call::read("percentile( a,b , 0.99 )").unwrap();
        assert_eq!((call.function, call.field, call.argument), ("percentile", Some("a,b"), Some("0.99")));
        let call = Call::read("sum(a, b)").unwrap();
        assert_eq!((call.function, call.field, call.argument), ("sum", Some("a, b"), None));
        assert!(Call::read("sum(a").is_none());
        assert!(Call::read("count()").unwrap().field.is_none());
    }
}
