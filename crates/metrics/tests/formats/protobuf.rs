//! Reads delimited messages `io.prometheus.client.MetricFamily`, field by field.

use std::collections::BTreeMap;

use crate::page::{Exemplar, Family, Native, Sample};

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
            4 => values.push(("summary", field.bytes())),
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
    let created = match kind {
        "counter" => Some(3),
        "summary" => Some(4),
        "histogram" => Some(15),
        _ => None,
    };
    let is_created = |(number, _): &(u64, Field<'_>)| created.is_some_and(|created| *number == created);
    family.created.extend(fields(value).iter().filter(|field| is_created(field)).map(|(_, at)| time(at.bytes())));
    if kind == "histogram" {
        let native = histogram(value, |ending, bound, value, exemplar| {
            let sample = Sample { exemplar, ..sample(&format!("{name}{ending}"), value) };
            family
                .samples
                .push(bound.into_iter().fold(sample, |sample, bound: f64| sample.with("le", &bound.to_string())));
        });
        let labels: BTreeMap<_, _> = labels.iter().cloned().collect();
        family.natives.extend(native.map(|native| Native { labels, ..native }));
    } else if kind == "summary" {
        summary(value, |ending, part, value| {
            let sample = sample(&format!("{name}{ending}"), value);
            let part = part.into_iter();
            family.samples.push(part.fold(sample, |sample, part| sample.with("quantile", &part.to_string())));
        });
    } else {
        let fields: Vec<_> = fields(value).into_iter().filter(|field| !is_created(field)).collect();
        let (value, exemplar) = match &fields[..] {
            [(1, value)] => (value, None),
            [(1, value), (2, taken)] if kind == "counter" => (value, Some(exemplar(taken.bytes()))),
            _ => panic!("a value has one field, and a counter an exemplar"),
        };
        family.samples.push(Sample { exemplar, ..sample(&name, value.float()) });
    }
}

fn summary(message: &[u8], mut tell: impl FnMut(&str, Option<f64>, f64)) {
    for (number, field) in fields(message) {
        match number {
            1 => tell("_count", None, field.number() as f64),
            2 => tell("_sum", None, field.float()),
            3 => {
                let fields = fields(field.bytes());
                let [(1, part), (2, value)] = &fields[..] else { panic!("a quantile has a part and a value") };
                tell("", Some(part.float()), value.float());
            }
            4 => {}
            other => panic!("Summary has no field {other} that is written"),
        }
    }
}

fn exemplar(message: &[u8]) -> Exemplar {
    let (mut labels, mut value, mut millis) = (BTreeMap::new(), None, None);
    for (number, field) in fields(message) {
        match number {
            1 => {
                let (name, value) = label(field.bytes());
                assert!(labels.insert(name, value).is_none(), "a label is there twice");
            }
            2 => value = Some(field.float()),
            3 => millis = Some(time(field.bytes())),
            other => panic!("Exemplar has no field {other}"),
        }
    }
    Exemplar { labels, value: value.unwrap().into(), millis: millis.unwrap() }
}

fn time(message: &[u8]) -> u64 {
    let fields = fields(message);
    let [(1, seconds), (2, nanos)] = &fields[..] else { panic!("a time has seconds and nanoseconds") };
    seconds.number() * 1000 + nanos.number() / 1_000_000
}

fn label(message: &[u8]) -> (String, String) {
    let fields = fields(message);
    let [(1, name), (2, value)] = &fields[..] else { panic!("a label has a name and a value") };
    (name.text().to_owned(), value.text().to_owned())
}

fn histogram(message: &[u8], mut tell: impl FnMut(&str, Option<f64>, f64, Option<Exemplar>)) -> Option<Native> {
    let (mut schema, mut zero_threshold, mut zero_count) = (None, None, None);
    let (mut positive, mut negative) = (Side::default(), Side::default());
    let mut exemplars = Vec::new();
    for (number, field) in fields(message) {
        match number {
            1 => tell("_count", None, field.number() as f64, None),
            2 => tell("_sum", None, field.float(), None),
            3 => {
                let fields = fields(field.bytes());
                let (count, bound, exemplar) = match &fields[..] {
                    [(1, count), (2, bound)] => (count, bound, None),
                    [(1, count), (2, bound), (3, taken)] => (count, bound, Some(exemplar(taken.bytes()))),
                    _ => panic!("a bucket has a count, a bound and perhaps an exemplar"),
                };
                tell("_bucket", Some(bound.float()), count.number() as f64, exemplar);
            }
            5 => schema = Some(signed(field.number())),
            6 => zero_threshold = Some(field.float()),
            7 => zero_count = Some(field.number()),
            9 => negative.spans.push(span(field.bytes())),
            10 => negative.deltas = deltas(field.bytes()),
            12 => positive.spans.push(span(field.bytes())),
            13 => positive.deltas = deltas(field.bytes()),
            15 => {}
            16 => exemplars.push(exemplar(field.bytes())),
            other => panic!("Histogram has no field {other} that is written"),
        }
    }
    let schema = schema?;
    assert!(!positive.spans.is_empty() || !negative.spans.is_empty(), "a native histogram has a span");
    Some(Native {
        labels: BTreeMap::new(),
        schema,
        zero_threshold: zero_threshold?.into(),
        zero_count: zero_count?,
        positive: positive.buckets(),
        negative: negative.buckets(),
        exemplars,
    })
}

#[derive(Default)]
struct Side {
    spans: Vec<(i64, u64)>,
    deltas: Vec<i64>,
}

impl Side {
    /// Those that are not empty; a bucket that is must have one on each side in its span.
    fn buckets(&self) -> Vec<(i64, u64)> {
        let (mut index, mut count, mut deltas, mut buckets) = (0, 0, self.deltas.iter(), Vec::new());
        for (offset, length) in &self.spans {
            index += offset;
            for _ in 0..*length {
                count += deltas.next().expect("a delta for each bucket of a span");
                buckets.push((index, u64::try_from(count).expect("a count is not negative")));
                index += 1;
            }
        }
        assert!(deltas.next().is_none(), "a delta for no bucket");
        let ends = [buckets.first(), buckets.last()];
        assert!(ends.into_iter().flatten().all(|(_, count)| *count > 0), "a side begins and ends with a count");
        buckets.retain(|(_, count)| *count > 0);
        buckets
    }
}

fn span(message: &[u8]) -> (i64, u64) {
    let fields = fields(message);
    let [(1, offset), (2, length)] = &fields[..] else { panic!("a span has an offset and a length") };
    (signed(offset.number()), length.number())
}

fn deltas(mut packed: &[u8]) -> Vec<i64> {
    let mut deltas = Vec::new();
    while !packed.is_empty() {
        deltas.push(signed(varint(&mut packed)));
    }
    deltas
}

fn signed(zigzag: u64) -> i64 {
    let size = i64::try_from(zigzag >> 1).unwrap();
    if zigzag & 1 == 1 { -size - 1 } else { size }
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
