//! Reads delimited messages `io.prometheus.client.MetricFamily`, field by field.

use crate::page::{Family, Sample};

enum Field<'a> {
    Number(u64),
    Float(f64),
    Bytes(&'a [u8]),
}

impl<'a> Field<'a> {
    fn text(&self) -> &'a str {
        std::str::from_utf8(self.bytes()).expect("a text is UTF-8")
    }

    fn bytes(&self) -> &'a [u8] {
        let Self::Bytes(bytes) = self else { panic!("a field is no message and no text") };
        bytes
    }

    fn float(&self) -> f64 {
        let Self::Float(value) = self else { panic!("a field is no float") };
        *value
    }

    fn number(&self) -> u64 {
        let Self::Number(value) = self else { panic!("a field is no whole number") };
        *value
    }
}

pub(crate) fn read(mut page: &[u8]) -> Vec<Family> {
    let mut families = Vec::new();
    while !page.is_empty() {
        let length = varint(&mut page);
        families.push(family(take(&mut page, length)));
    }
    families
}

fn family(message: &[u8]) -> Family {
    let mut family = Family::default();
    let (mut kind, mut metrics) = (None, Vec::new());
    for (number, field) in fields(message) {
        match number {
            1 => field.text().clone_into(&mut family.name),
            2 => field.text().clone_into(&mut family.help),
            3 => kind = Some(field.number()),
            4 => metrics.push(field.bytes()),
            5 => family.unit = Some(field.text().to_owned()),
            other => panic!("MetricFamily has no field {other} that is written"),
        }
    }
    let kind = kind.expect("a type is always told, also if it is 0");
    let kinds = ["counter", "gauge", "summary", "untyped", "histogram"];
    kinds[usize::try_from(kind).unwrap()].clone_into(&mut family.kind);
    for message in metrics {
        metric(&mut family, message);
    }
    family
}

fn metric(family: &mut Family, message: &[u8]) {
    let mut labels = Vec::new();
    let mut values = Vec::new();
    for (number, field) in fields(message) {
        match number {
            1 => labels.push(label(field.bytes())),
            2 => values.push(("gauge", field.bytes())),
            3 => values.push(("counter", field.bytes())),
            7 => values.push(("histogram", field.bytes())),
            other => panic!("Metric has no field {other} that is written"),
        }
    }
    let [(kind, value)] = values[..] else { panic!("a metric has one value") };
    assert_eq!(kind, family.kind);
    let sample = |name: &str, value: f64| {
        labels.iter().fold(Sample::new(name, &[], value), |sample, (name, value)| sample.with(name, value))
    };
    let name = family.name.clone();
    if kind == "histogram" {
        histogram(value, |ending, bound, value| {
            let sample = sample(&format!("{name}{ending}"), value);
            family
                .samples
                .push(bound.into_iter().fold(sample, |sample, bound: f64| sample.with("le", &bound.to_string())));
        });
    } else {
        let fields = fields(value);
        let [(1, value)] = &fields[..] else { panic!("a value has one field") };
        family.samples.push(sample(&name, value.float()));
    }
}

fn label(message: &[u8]) -> (String, String) {
    let fields = fields(message);
    let [(1, name), (2, value)] = &fields[..] else { panic!("a label has a name and a value") };
    (name.text().to_owned(), value.text().to_owned())
}

fn histogram(message: &[u8], mut tell: impl FnMut(&str, Option<f64>, f64)) {
    for (number, field) in fields(message) {
        match number {
            1 => tell("_count", None, field.number() as f64),
            2 => tell("_sum", None, field.float()),
            3 => {
                let fields = fields(field.bytes());
                let [(1, count), (2, bound)] = &fields[..] else { panic!("a bucket has a count and a bound") };
                tell("_bucket", Some(bound.float()), count.number() as f64);
            }
            other => panic!("Histogram has no field {other} that is written"),
        }
    }
}

fn fields(mut message: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut fields = Vec::new();
    while !message.is_empty() {
        let tag = varint(&mut message);
        let field = match tag & 7 {
            0 => Field::Number(varint(&mut message)),
            1 => Field::Float(f64::from_le_bytes(take(&mut message, 8).try_into().unwrap())),
            2 => {
                let length = varint(&mut message);
                Field::Bytes(take(&mut message, length))
            }
            other => panic!("a wire type that is not written: {other}"),
        };
        fields.push((tag >> 3, field));
    }
    fields
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> &'a [u8] {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).unwrap()).expect("a message is whole");
    *bytes = rest;
    taken
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let end = bytes.iter().position(|byte| *byte < 0x80).expect("a number ends");
    let (number, rest) = bytes.split_at(end + 1);
    *bytes = rest;
    assert!(number.len() == 1 || number.last() != Some(&0), "a number is as short as it can be");
    number.iter().rev().fold(0, |all, byte| all << 7 | u64::from(byte & 0x7f))
}
