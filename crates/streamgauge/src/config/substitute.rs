//! `${VAR}` and `${VAR:-default}` in scalar values.

use streamgauge_yaml::{Fault, Faults, Node, Tree, child};

/// Looks a variable up: `None` if it is not set.
pub(crate) type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces the variables in every scalar value below `node`; keys stay as they are.
pub(crate) fn substitute(node: &mut Node, path: &str, lookup: Lookup, faults: &mut Faults) {
    match &mut node.tree {
        Tree::Scalar(text) if text.contains("${") => match expand(text, lookup) {
            Ok(expanded) => *text = expanded,
            Err(what) => {
                faults.push(Fault::new(&node.place, path, what));
                node.tree = Tree::Faulty;
            }
        },
        Tree::Null | Tree::Scalar(_) | Tree::Faulty => {}
        Tree::List(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                substitute(item, &child(path, &index.to_string()), lookup, faults);
            }
        }
        Tree::Map(entries) => {
            for entry in entries {
                substitute(&mut entry.value, &child(path, &entry.key), lookup, faults);
            }
        }
    }
}

/// One pass over the text: what a variable brings in is not looked at again.
fn expand(text: &str, lookup: Lookup) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("${ has no closing }; a literal ${ is written $${")?;
        out.push_str(&value_of(&inside[..end], lookup)?);
        rest = &inside[end + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

fn value_of(expression: &str, lookup: Lookup) -> Result<String, String> {
    let (name, default) = match expression.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (expression, None),
    };
    if !is_name(name) {
        return Err(format!("${{{expression}}} names no variable; expected ${{VAR}} or ${{VAR:-default}}"));
    }
    match (lookup(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            Err(format!("the environment variable {name} is not set; set it or write ${{{name}:-default}}"))
        }
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        expand(text, &|name| match name {
            "HOST" => Some("h".to_owned()),
            "EMPTY" => Some(String::new()),
            "NESTED" => Some("${HOST}".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_replaced_wherever_they_stand() {
        assert_eq!(expanded("a${HOST}b${HOST}").unwrap(), "ahbh");
        assert_eq!(expanded("$HOST $ {HOST}").unwrap(), "$HOST $ {HOST}");
    }

    #[test]
    fn a_default_stands_in_for_what_is_unset_or_empty() {
        assert_eq!(expanded("${PORT:-9090}").unwrap(), "9090");
        assert_eq!(expanded("${EMPTY:-x}").unwrap(), "x");
        assert_eq!(expanded("${EMPTY}").unwrap(), "");
        assert_eq!(expanded("${PORT:-}").unwrap(), "");
    }

    #[test]
    fn what_a_variable_brings_in_is_not_looked_at_again() {
        assert_eq!(expanded("${NESTED}").unwrap(), "${HOST}");
    }

    #[test]
    fn a_second_dollar_makes_it_literal() {
        assert_eq!(expanded("$${HOST}").unwrap(), "${HOST}");
    }

    #[test]
    fn an_unset_variable_without_default_is_a_fault() {
        assert!(expanded("${PORT}").unwrap_err().contains("PORT is not set"));
        assert!(expanded("${HOST").unwrap_err().contains("no closing"));
        assert!(expanded("${A B}").unwrap_err().contains("names no variable"));
    }
}
