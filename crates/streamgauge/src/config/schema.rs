//! The JSON Schema of the configuration, for editors.

use serde_json::{Map, Value as Json, json};
use streamgauge_yaml::{self as yaml, Faults, Node, Place, Tree};

use super::scalar::Scalar;
use super::table::{Key, Kind, Offered, Presence, ROOT};

/// The JSON Schema (draft 2020-12) of a configuration file.
pub fn schema() -> Json {
    let mut schema = record(ROOT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("streamgauge");
    schema
}

fn record(keys: &[Key]) -> Json {
    let properties: Map<String, Json> = keys.iter().map(|k| (k.name.to_owned(), property(k))).collect();
    let required: Vec<&str> =
        keys.iter().filter(|k| matches!(k.presence, Presence::Required)).map(|k| k.name).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn property(key: &Key) -> Json {
    let mut schema = kind(&key.kind);
    let note = match key.offered {
        Offered::Yes => "",
        Offered::OnlyDefault => " Only the default is available in this version.",
        Offered::No => " Not available in this version.",
    };
    schema["description"] = json!(format!("{}{note}", key.doc));
    if let Presence::Default(text) = key.presence
        && text != "{}"
        && let Some(node) = yaml::parse_as(text, &Place::Builtin, &mut Faults::new("default"))
    {
        schema["default"] = value(&node);
    }
    schema
}

fn kind(kind: &Kind) -> Json {
    match kind {
        Kind::Scalar(s) => scalar(*s),
        Kind::List(item) => json!({ "type": "array", "items": self::kind(item) }),
        Kind::Map(value) => json!({ "type": "object", "additionalProperties": self::kind(value) }),
        Kind::Record([]) => json!({ "type": ["object", "null"], "additionalProperties": false }),
        Kind::Record(keys) => record(keys),
        Kind::OneOf(keys) => {
            let mut schema = record(keys);
            schema["minProperties"] = json!(1);
            schema["maxProperties"] = json!(1);
            schema
        }
        Kind::Either(s, keys) => json!({ "anyOf": [scalar(*s), record(keys)] }),
    }
}

/// Wherever a value is not simply text, `${VAR}` may stand for it.
fn scalar(scalar: Scalar) -> Json {
    let exact = match scalar {
        Scalar::Text | Scalar::Aggregate | Scalar::TimeFormat | Scalar::Url => {
            return json!({ "type": ["string", "number", "boolean"] });
        }
        Scalar::Name => return json!({ "type": ["string", "number", "boolean"], "minLength": 1 }),
        Scalar::Bool => json!({ "type": "boolean" }),
        Scalar::Integer { min, max } => {
            json!({ "type": "integer", "minimum": min, "maximum": max })
        }
        Scalar::Number { min, .. } if min <= f64::MIN => json!({ "type": "number" }),
        Scalar::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Scalar::Duration { .. } => {
            json!({ "type": ["string", "integer"], "pattern": r"^-?[0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d)$|^0$" })
        }
        Scalar::Size => {
            json!({ "type": ["string", "integer"], "pattern": r"^[0-9]+(\.[0-9]+)? *([KMG]?B|[KMGT]iB)?$" })
        }
        Scalar::Pointer => json!({ "type": "string", "pattern": "^/" }),
        Scalar::PointerOrNone => json!({ "type": "string", "pattern": "^/|^none$" }),
        Scalar::Speed => {
            json!({ "anyOf": [{ "const": "max" }, { "type": "number", "exclusiveMinimum": 0 }] })
        }
        Scalar::Workers => json!({ "enum": ["auto", 1] }),
        Scalar::Choice(choices) => {
            json!({ "enum": choices.iter().map(|c| c.name).collect::<Vec<_>>() })
        }
    };
    json!({ "anyOf": [exact, { "type": "string", "pattern": r"\$\{" }] })
}

fn value(node: &Node) -> Json {
    match &node.tree {
        Tree::Null | Tree::Faulty => Json::Null,
        Tree::Scalar(text) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Tree::List(items) => items.iter().map(value).collect(),
        Tree::Map(entries) => Json::Object(entries.iter().map(|e| (e.key.clone(), value(&e.value))).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_in_the_schema_with_its_line() {
        let schema = schema();
        let window = &schema["properties"]["windows"]["items"]["properties"];
        assert_eq!(window["max_keys"]["default"], json!(100_000));
        assert_eq!(window["allowed_lateness"]["default"], json!("0s"));
        assert_eq!(schema["required"], json!(["source", "event", "windows"]));
        let text = schema.to_string();
        for key in ["time_to_first_token_ms", "max_entires"] {
            assert!(!text.contains(key));
        }
    }
}
