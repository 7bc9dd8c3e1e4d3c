//! The configuration as it takes effect, printed so that it loads again.

use std::fmt::{self, Write};

use streamgauge_yaml::{escape_of, is_null};

use super::value::{Data, Value};

const SECRET: &str = "<secret>";

/// The effective configuration: every default filled in, secrets hidden; prints as YAML.
#[derive(Clone, Debug)]
pub struct Effective {
    pub(crate) root: Value,
}

impl fmt::Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        entries(f, &self.root, 0)
    }
}

fn entries(f: &mut fmt::Formatter<'_>, value: &Value, indent: usize) -> fmt::Result {
    for (name, value) in value.entries() {
        write!(f, "{:indent$}{}:", "", quoted(name))?;
        behind(f, name, value, indent)?;
    }
    Ok(())
}

/// What stands behind `name:`.
fn behind(f: &mut fmt::Formatter<'_>, name: &str, value: &Value, indent: usize) -> fmt::Result {
    match &value.data {
        Data::Faulty => writeln!(f),
        Data::Scalar(text) if hides(&value.path, name) => writeln!(f, " {}", quoted(hidden(text))),
        Data::Scalar(text) => writeln!(f, " {}", written(text)),
        Data::Map(inner) if inner.is_empty() => writeln!(f, " {{}}"),
        Data::Map(_) => {
            writeln!(f)?;
            entries(f, value, indent + 2)
        }
        Data::List(items) => list(f, items, indent),
    }
}

fn list(f: &mut fmt::Formatter<'_>, items: &[Value], indent: usize) -> fmt::Result {
    if items.iter().all(|item| item.text().is_some()) {
        let items: Vec<String> = items.iter().filter_map(Value::text).map(written).collect();
        return writeln!(f, " [{}]", items.join(", "));
    }
    writeln!(f)?;
    for item in items {
        let mut lines = String::new();
        write!(lines, "{}", Effective { root: item.clone() })?;
        for (index, line) in lines.lines().enumerate() {
            writeln!(f, "{:indent$}{}{line}", "", if index == 0 { "  - " } else { "    " })?;
        }
    }
    Ok(())
}

/// A client property is a secret if it is named like one.
fn hides(path: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    let secret = ["password", "secret", "key", "token", "credential"];
    path.contains("properties.") && secret.iter().any(|word| name.contains(word))
}

fn hidden(text: &str) -> &str {
    if text.is_empty() { text } else { SECRET }
}

/// A scalar as YAML: a variable's look-alike is escaped, and an address loses its password.
fn written(text: &str) -> String {
    quoted(&without_password(text).replace("${", "$${"))
}

fn without_password(text: &str) -> String {
    let parts = text.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (user, _) = rest[..end].rsplit_once('@').and_then(|(login, _)| login.split_once(':'))?;
        let host = &rest[rest[..end].rfind('@')?..];
        Some(format!("{scheme}://{user}:{SECRET}{host}"))
    });
    parts.unwrap_or_else(|| text.to_owned())
}

/// Plain where YAML reads that as the same text everywhere, else in double quotes.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./()+<>".contains(c);
    let begins = |c: char| c.is_ascii_alphanumeric() || "_./(<".contains(c);
    let signed = text.strip_prefix('-').is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit()));
    if !is_null(text) && text.chars().all(plain) && (signed || text.starts_with(begins)) {
        return text.to_owned();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                out.push_str(&escape_of(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_yaml_could_misread_is_quoted() {
        for plain in ["a", "/a.b", "-10s", "1.5", "sum(a)", "<secret>"] {
            assert_eq!(quoted(plain), plain);
        }
        for text in ["", "null", "~", "- a", "a: b", "#", "*", "[", "é", "a,b"] {
            assert!(quoted(text).starts_with('"'), "{text}");
        }
        assert_eq!(quoted("a\"\\\n"), "\"a\\\"\\\\\\U0000000a\"");
    }

    #[test]
    fn passwords_in_addresses_and_secret_properties_are_hidden() {
        assert_eq!(without_password("redis://u:p@h:1/0"), "redis://u:<secret>@h:1/0");
        assert_eq!(without_password("redis://u:p@x@h"), "redis://u:<secret>@h");
        assert_eq!(without_password("http://h:1/a@b:c"), "http://h:1/a@b:c");
        assert!(hides("source.kafka.properties.sasl.password", "sasl.password"));
        assert!(!hides("windows.0.key", "key"));
    }
}
