//! Reads the text formats, and refuses what their specifications do.

use std::collections::BTreeMap;

use crate::page::{Exemplar, Family, Sample};

/// Versions 0.0.4 and 1.0.0.
pub(crate) fn read(page: &str) -> Vec<Family> {
    let families = families(page, &["HELP", "TYPE"]);
    let all = families.iter().flat_map(|family| &family.samples);
    assert!(all.clone().all(|sample| sample.exemplar.is_none()), "these versions know no exemplars");
    families
}

pub(crate) fn read_open_metrics(page: &str) -> Vec<Family> {
    let page = page.strip_suffix("# EOF\n").expect("the last line says that it is the last");
    assert!(!page.split('\n').any(|line| line == "# EOF"), "nothing follows the last line");
    let families = families(page, &["TYPE", "UNIT", "HELP"]);
    for family in &families {
        let total = format!("{}_total", family.name);
        let info = format!("{}_info", family.name);
        match family.kind.as_str() {
            "counter" => assert!(family.samples.iter().all(|sample| sample.name == total), "{family:?}"),
            "info" => assert!(family.samples.iter().all(|sample| sample.name == info), "{family:?}"),
            "stateset" => {
                assert!(family.samples.iter().all(|sample| sample.labels.contains_key(&family.name)), "{family:?}");
            }
            _ => {}
        }
        if let Some(unit) = &family.unit {
            assert!(family.name.ends_with(&format!("_{unit}")), "{family:?}");
        }
    }
    families
}

/// Families whose metadata come in this order, all but the unit always.
fn families(page: &str, order: &[&str]) -> Vec<Family> {
    if page.is_empty() {
        return Vec::new();
    }
    let page = page.strip_suffix('\n').expect("the last line ends");
    let mut families: Vec<Family> = Vec::new();
    let mut lines = page.split('\n').peekable();
    while lines.peek().is_some() {
        let mut family = Family::default();
        for keyword in order {
            let Some(line) = lines.next_if(|line| line.starts_with(&format!("# {keyword} "))) else {
                assert_eq!(*keyword, "UNIT", "{keyword} is missing before {:?}", lines.peek());
                continue;
            };
            describe(&mut family, keyword, &line["# ".len() + keyword.len() + 1..], order.len() == 3);
        }
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line);
            assert!(sample.name.starts_with(&family.name), "{line} is not of {}", family.name);
            family.samples.push(sample);
        }
        families.push(family);
    }
    families
}

fn describe(family: &mut Family, keyword: &str, rest: &str, open_metrics: bool) {
    let (name, text) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (name, rest) = unquote(quoted);
            (name, rest.strip_prefix(' ').expect("one space"))
        }
        None => rest.split_once(' ').map(|(name, text)| (name.to_owned(), text)).expect("a name and a text"),
    };
    assert!(family.name.is_empty() || family.name == name, "metadata of {} and {name} are mixed", family.name);
    family.name = name;
    match keyword {
        "HELP" => family.help = unescape(text, if open_metrics { "n\\\"" } else { "n\\" }),
        "TYPE" => text.clone_into(&mut family.kind),
        _ => family.unit = Some(text.to_owned()),
    }
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect("a sample has a value");
    let (name, mut rest) = line.split_at(end);
    let mut sample = Sample::new(name, &[], 0.0);
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        if name.is_empty() {
            (sample.name, rest) = unquote(rest.strip_prefix('"').expect("a name in quotation marks"));
            rest = rest.strip_prefix(',').unwrap_or(rest);
        }
        while !rest.starts_with('}') {
            let (label, after) = match rest.strip_prefix('"') {
                Some(quoted) => unquote(quoted),
                None => rest.split_once('=').map(|(name, _)| (name.to_owned(), &rest[name.len()..])).unwrap(),
            };
            let (value, after) = unquote(after.strip_prefix("=\"").expect("a value in quotation marks"));
            sample = sample.with(&label, &value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    let (value, exemplar) = value.split_once(" # ").map_or((value, None), |(value, rest)| (value, Some(rest)));
    assert!(!value.contains(' '), "there is a timestamp: {line}");
    sample.value = value.parse::<f64>().expect("a value is a number").into();
    sample.exemplar = exemplar.map(self::exemplar);
    sample
}

fn exemplar(text: &str) -> Exemplar {
    let mut rest = text.strip_prefix('{').expect("an exemplar has labels");
    let mut labels = BTreeMap::new();
    while !rest.starts_with('}') {
        let (name, value) = rest.split_once("=\"").expect("a label has a value");
        let (value, after) = unquote(value);
        assert!(labels.insert(name.to_owned(), value).is_none(), "a label is there twice: {text}");
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    let (value, at) = rest.strip_prefix("} ").and_then(|rest| rest.split_once(' ')).expect("a value and a time");
    let (seconds, millis) = at.split_once('.').expect("a time has a point");
    assert_eq!(millis.len(), 3, "{text}");
    let millis = seconds.parse::<u64>().unwrap() * 1000 + millis.parse::<u64>().unwrap();
    Exemplar { labels, value: value.parse::<f64>().unwrap().into(), millis }
}

/// What stands before the closing quotation mark, and what behind it.
fn unquote(text: &str) -> (String, &str) {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    });
    let end = end.unwrap_or_else(|| panic!("a quotation mark is missing: {text}"));
    (unescape(&text[..end], "n\\\""), &text[end + 1..])
}

fn unescape(text: &str, known: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' => match characters.next() {
                Some(escaped) if known.contains(escaped) => {
                    if escaped == 'n' {
                        '\n'
                    } else {
                        escaped
                    }
                }
                other => panic!("an escape that is none: {other:?} in {text}"),
            },
            other => other,
        });
    }
    out
}

#[test]
fn the_reader_of_these_tests_does_refuse_bad_pages() {
    let head = "# HELP a A.\n# TYPE a gauge\n";
    for bad in [
        "a 1\n".to_owned(),
        format!("{head}a 1"),
        format!("{head}b 1\n"),
        format!("{head}a{{x=\"\\t\"}} 1\n"),
        format!("{head}a{{x=\"1\",x=\"2\"}} 1\n"),
        format!("{head}a 1 1700000000\n"),
        format!("{head}\na 1\n"),
        "# HELP a \\t.\n# TYPE a gauge\n".to_owned(),
        "# HELP a A.\n# TYPE b gauge\n".to_owned(),
    ] {
        assert!(std::panic::catch_unwind(|| read(&bad)).is_err(), "{bad}");
    }
    let head = "# TYPE a counter\n# HELP a A.\n";
    for bad in [
        head.to_owned(),
        format!("{head}a_total 1\n# EOF"),
        format!("{head}# EOF\na_total 1\n# EOF\n"),
        format!("{head}a 1\n# EOF\n"),
        "# TYPE a gauge\n# UNIT a ms\n# HELP a A.\n# EOF\n".to_owned(),
    ] {
        assert!(std::panic::catch_unwind(|| read_open_metrics(&bad)).is_err(), "{bad}");
    }
}
