//! Rows as JSON lines.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_flow::{EventTime, Row, SideRow, Value};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes result rows as JSON objects. What rows have in common is made once: what a window definition is called, what its parts
/// are called, and the times of the window that most rows share with the one before.
#[derive(Debug, Default)]
pub(crate) struct RowWriter {
    shapes: Vec<Shape>,
    last: usize,
}

/// What the rows of one window definition have in common.
#[derive(Debug)]
struct Shape {
    window: String,
    head: Vec<u8>, // up to the key, of a row of this span
    span: (EventTime, EventTime),
    key: Vec<Label>, // what stands before each value
    values: Vec<Label>,
}

/// What stands before a value: a short one is copied with what is behind it, which takes no call, and is cut off again.
#[derive(Debug)]
struct Label {
    text: Vec<u8>, // with room behind it up to `WIDTH`
    length: usize,
}

impl RowWriter {
    /// Appends one result row, without a line end.
    pub(crate) fn row(&mut self, out: &mut Vec<u8>, row: &Row<'_>) {
        let shape = self.shape_of(row);
        if shape.span != (row.start, row.end) {
            shape.turn_to(row.start, row.end);
        }
        out.extend_from_slice(&shape.head);
        object(out, &shape.key, row.key.iter(), string);
        out.extend_from_slice(b",\"values\":");
        match row.values {
            Some(values) => object(out, &shape.values, values.iter().copied(), value),
            None => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"revision\":");
        whole(out, row.revision);
        out.push(b'}');
    }

    fn shape_of(&mut self, row: &Row<'_>) -> &mut Shape {
        let is_it = |shape: &Shape| shape.window == row.names.window;
        if !self.shapes.get(self.last).is_some_and(is_it) {
            self.last = self.shapes.iter().position(is_it).unwrap_or_else(|| {
                self.shapes.push(Shape::of(row));
                self.shapes.len() - 1
            });
        }
        &mut self.shapes[self.last]
    }
}

impl Shape {
    fn of(row: &Row<'_>) -> Self {
        let mut shape = Shape {
            window: row.names.window.clone(),
            head: Vec::new(),
            span: (row.start, row.end),
            key: labels(&row.names.key),
            values: labels(&row.names.values),
        };
        shape.turn_to(row.start, row.end);
        shape
    }

    fn turn_to(&mut self, start: EventTime, end: EventTime) {
        self.span = (start, end);
        self.head.clear();
        self.head.extend_from_slice(b"{\"window\":");
        string(&mut self.head, &self.window);
        // Writing into a vector cannot fail.
        let _ = write!(self.head, ",\"start\":\"{start}\",\"end\":\"{end}\",\"key\":");
    }
}

impl Label {
    const WIDTH: usize = 32;

    fn new(mut text: Vec<u8>) -> Self {
        let length = text.len();
        text.resize(length.max(Self::WIDTH), 0);
        Label { text, length }
    }

    #[inline]
    fn put(&self, out: &mut Vec<u8>) {
        match self.text.first_chunk::<{ Self::WIDTH }>() {
            Some(wide) if self.length <= Self::WIDTH => {
                let end = out.len() + self.length;
                out.extend_from_slice(wide);
                out.truncate(end);
            }
            _ => out.extend_from_slice(&self.text),
        }
    }
}

/// What stands before each value of an object.
fn labels(names: &[String]) -> Vec<Label> {
    let label = |(n, name): (usize, &String)| {
        let mut label = vec![if n == 0 { b'{' } else { b',' }];
        string(&mut label, name);
        label.push(b':');
        Label::new(label)
    };
    names.iter().enumerate().map(label).collect()
}

/// Appends a dead letter or a late event as a JSON object, without a line end.
pub(crate) fn side_row(out: &mut Vec<u8>, row: &SideRow) {
    out.extend_from_slice(b"{\"reason\":");
    string(out, row.reason.name());
    out.extend_from_slice(b",\"detail\":");
    string(out, &row.detail);
    out.extend_from_slice(b",\"source\":");
    string(out, &row.source);
    out.extend_from_slice(b",\"partition\":");
    whole(out, row.partition);
    out.extend_from_slice(b",\"offset\":");
    whole(out, row.offset);
    payload(out, &row.payload);
    if let Some(length) = row.oversize {
        out.extend_from_slice(b",\"truncated\":true,\"length\":");
        whole(out, length);
    }
    out.push(b'}');
}

/// Appends a number, or `null`: doubles as the shortest digits that read back the same.
pub(crate) fn value(out: &mut Vec<u8>, value: Value) {
    match value {
        // Most fit into 64 bits, which are divided faster than 128.
        Value::Whole(n) => match i64::try_from(n) {
            Ok(short) => whole(out, short),
            Err(_) => whole(out, n),
        },
        Value::Double(0.0) => out.push(b'0'), // also -0
        Value::Double(d) if d.is_finite() => {
            short(out, zmij::Buffer::new().format_finite(d).as_bytes());
        }
        // JSON has no other way to say what is not finite.
        Value::Null | Value::Double(_) => out.extend_from_slice(b"null"),
    }
}

fn payload(out: &mut Vec<u8>, bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        out.extend_from_slice(b",\"payload\":");
        string(out, text);
    } else {
        out.extend_from_slice(b",\"payload_base64\":\"");
        out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
        out.push(b'"');
    }
}

fn object<T>(out: &mut Vec<u8>, labels: &[Label], values: impl Iterator<Item = T>, encode: impl Fn(&mut Vec<u8>, T)) {
    if labels.is_empty() {
        out.push(b'{');
    }
    for (label, value) in labels.iter().zip(values) {
        label.put(out);
        encode(out, value);
    }
    out.push(b'}');
}

fn whole(out: &mut Vec<u8>, number: impl itoa::Integer) {
    short(out, itoa::Buffer::new().format(number).as_bytes());
}

/// Appends a text that is likely to be short, without a call: its first bytes, then its last ones over them.
#[inline]
fn short(out: &mut Vec<u8>, text: &[u8]) {
    match text.len() {
        4..=7 => ends::<4>(out, text),
        8..=16 => ends::<8>(out, text),
        17..=32 => ends::<16>(out, text),
        0..=3 => text.iter().for_each(|byte| out.push(*byte)),
        _ => out.extend_from_slice(text),
    }
}

#[inline]
fn ends<const N: usize>(out: &mut Vec<u8>, text: &[u8]) {
    if let (Some(first), Some(last)) = (text.first_chunk::<N>(), text.last_chunk::<N>()) {
        let end = out.len() + text.len();
        out.extend_from_slice(first);
        out.truncate(end - N);
        out.extend_from_slice(last);
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| MUST_ESCAPE[usize::from(*b)]) {
        out.extend_from_slice(&rest[..at]);
        escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// What JSON forbids inside a string, and DEL, which a terminal may obey.
const MUST_ESCAPE: [bool; 256] = {
    let mut must = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        must[byte] = true;
        byte += 1;
    }
    must[b'"' as usize] = true;
    must[b'\\' as usize] = true;
    must[0x7f] = true;
    must
};

fn escape(out: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend([b'\\', short]);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use serde_json::{Value as Json, json};
    use streamgauge_flow::{KeyValues, Reason, RowNames, Span};

    use super::*;

    fn text_of(encode: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        encode(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn number(v: Value) -> String {
        text_of(|out| value(out, v))
    }

    fn names() -> RowNames {
        RowNames {
            window: "by_model".into(),
            key: vec!["model".into(), "tenant".into()],
            values: vec!["requests".into(), "avg".into(), "max".into()],
        }
    }

    fn side() -> SideRow {
        SideRow {
            reason: Reason::InvalidJson,
            detail: Cow::Borrowed("expected a value"),
            source: "in.ndjson".into(),
            partition: 0,
            offset: 1234,
            payload: b"{\"a\": \x01".to_vec(),
            oversize: None,
        }
    }

    #[test]
    fn a_row_has_its_fields_in_the_promised_order() {
        let names = names();
        let start = EventTime::from_nanos(1_700_158_540_000_000_000);
        let key = KeyValues { text: "m1t7", ends: &[2, 4] };
        let values = [Value::Whole(12), Value::Double(812.25), Value::Null];
        let full =
            Row { names: &names, start, end: start + Span::from_secs(10), key, values: Some(&values), revision: 0 };
        let head = r#"{"window":"by_model","start":"2023-11-16T18:15:40.000Z","end":"2023-11-16T18:15:50.000Z","key":{"model":"m1","tenant":"t7"},"values":"#;
        let want = format!(r#"{head}{{"requests":12,"avg":812.25,"max":null}},"revision":0}}"#);
        let mut writer = RowWriter::default();
        assert_eq!(text_of(|out| writer.row(out, &full)), want);
        let taken_back = Row { values: None, revision: 3, ..full };
        assert_eq!(text_of(|out| writer.row(out, &taken_back)), format!(r#"{head}null,"revision":3}}"#));
    }

    #[test]
    fn rows_of_several_windows_and_times_do_not_mix() {
        let (of_all, by_model) = (
            RowNames { window: "all \"of\" them".into(), key: vec![], values: vec!["n".into()] },
            RowNames { window: "by_model".into(), key: vec!["model".into()], values: vec![] },
        );
        let (mut writer, model) = (RowWriter::default(), KeyValues { text: "m\n1", ends: &[3] });
        let at = |seconds: i64| EventTime::from_nanos(0) + Span::from_secs(seconds);
        for second in [0, 0, 10, 0] {
            let (start, end, text) = (at(second), at(second + 10), |n: i64| format!("1970-01-01T00:00:{n:02}.000Z"));
            let (from, to) = (text(second), text(second + 10));
            let row = Row {
                names: &of_all,
                start,
                end,
                key: KeyValues::default(),
                values: Some(&[Value::Whole(1)]),
                revision: 0,
            };
            let want = format!(
                r#"{{"window":"all \"of\" them","start":"{from}","end":"{to}","key":{{}},"values":{{"n":1}},"revision":0}}"#
            );
            assert_eq!(text_of(|out| writer.row(out, &row)), want);
            let row = Row { names: &by_model, start, end, key: model, values: Some(&[]), revision: 1 };
            let want = format!(
                r#"{{"window":"by_model","start":"{from}","end":"{to}","key":{{"model":"m\n1"}},"values":{{}},"revision":1}}"#
            );
            assert_eq!(text_of(|out| writer.row(out, &row)), want);
        }
    }

    #[test]
    fn every_string_reads_back_as_itself() {
        let all_ascii: String = (0..=127u8).map(char::from).collect();
        for text in ["", "plain", "é\"\\\n", "ключ", "\u{1f600}\u{2028}", &all_ascii] {
            let line = text_of(|out| string(out, text));
            assert!(!line.bytes().any(|b| b < 0x20), "{line}");
            assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
        }
    }

    #[test]
    fn doubles_read_back_to_the_last_bit() {
        let mut bits = 0x9e37_79b9_7f4a_7c15_u64;
        let tricky = [0.1, 0.1 + 0.2, 5e-324, f64::MAX, f64::MIN_POSITIVE, 1e16, 1e23, -812.25];
        let random = std::iter::repeat_with(|| {
            bits = bits.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1_442_695_040_888_963_407);
            f64::from_bits(bits)
        });
        for d in tricky.into_iter().chain(random.take(20_000)).filter(|d| d.is_finite()) {
            let line = number(Value::Double(d));
            assert_eq!(line.parse::<f64>().unwrap().to_bits(), d.to_bits(), "{line}");
            assert!(serde_json::from_str::<f64>(&line).is_ok(), "{line}");
        }
    }

    #[test]
    fn zero_has_no_sign_and_whole_numbers_have_all_their_digits() {
        assert_eq!(number(Value::Double(-0.0)), "0");
        assert_eq!(number(Value::Whole(0)), "0");
        assert_eq!(number(Value::Whole(i128::MIN)), i128::MIN.to_string());
        assert_eq!(number(Value::Whole(i128::MAX)), i128::MAX.to_string());
    }

    #[test]
    fn what_json_cannot_say_becomes_null() {
        assert_eq!(number(Value::Double(f64::NAN)), "null");
        assert_eq!(number(Value::Double(f64::INFINITY)), "null");
    }

    #[test]
    fn a_dead_letter_keeps_its_payload_and_where_it_stood() {
        let line = text_of(|out| side_row(out, &side()));
        assert!(line.starts_with(r#"{"reason":"invalid_json","detail":"expected a value","#));
        let want = json!({"reason": "invalid_json", "detail": "expected a value", "source": "in.ndjson",
            "partition": 0, "offset": 1234, "payload": "{\"a\": \u{1}"});
        assert_eq!(serde_json::from_str::<Json>(&line).unwrap(), want);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept_in_base64() {
        let letter = SideRow { reason: Reason::InvalidUtf8, payload: b"\xff\xfe{}".to_vec(), ..side() };
        let line = text_of(|out| side_row(out, &letter));
        let read: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(read["payload_base64"], "//57fQ==");
        assert!(read.get("payload").is_none());
    }

    #[test]
    fn a_payload_that_is_only_a_beginning_says_so() {
        let letter = SideRow { reason: Reason::LineTooLong, oversize: Some(70_000), ..side() };
        let line = text_of(|out| side_row(out, &letter));
        assert!(line.ends_with(r#","truncated":true,"length":70000}"#), "{line}");
    }
}
