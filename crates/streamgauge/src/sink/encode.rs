//! Rows as JSON lines.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_flow::{EventTime, Row, SideRow, Value};

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends one result row as a JSON object, without a line end.
pub(crate) fn row(out: &mut Vec<u8>, row: &Row<'_>) {
    out.extend_from_slice(b"{\"window\":");
    string(out, &row.names.window);
    out.extend_from_slice(b",\"start\":");
    time(out, row.start);
    out.extend_from_slice(b",\"end\":");
    time(out, row.end);
    out.extend_from_slice(b",\"key\":");
    object(out, &row.names.key, row.key, |out, value| string(out, value));
    out.extend_from_slice(b",\"values\":");
    match row.values {
        Some(values) => object(out, &row.names.values, values, |out, v| value(out, *v)),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"revision\":");
    whole(out, row.revision);
    out.push(b'}');
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
        Value::Whole(n) => whole(out, n),
        Value::Double(0.0) => out.push(b'0'), // also -0
        Value::Double(d) if d.is_finite() => {
            out.extend_from_slice(zmij::Buffer::new().format_finite(d).as_bytes());
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

fn object<T>(out: &mut Vec<u8>, names: &[String], values: &[T], mut encode: impl FnMut(&mut Vec<u8>, &T)) {
    out.push(b'{');
    for (i, (name, value)) in names.iter().zip(values).enumerate() {
        if i > 0 {
            out.push(b',');
        }
        string(out, name);
        out.push(b':');
        encode(out, value);
    }
    out.push(b'}');
}

fn time(out: &mut Vec<u8>, at: EventTime) {
    // Writing into a vector cannot fail.
    let _ = write!(out, "\"{at}\"");
}

fn whole(out: &mut Vec<u8>, number: impl itoa::Integer) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|b| must_escape(*b)) {
        out.extend_from_slice(&rest[..at]);
        escape(out, rest[at]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// What JSON forbids inside a string, and DEL, which a terminal may obey.
fn must_escape(byte: u8) -> bool {
    byte < 0x20 || matches!(byte, b'"' | b'\\' | 0x7f)
}

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
    use std::sync::Arc;

    use serde_json::{Value as Json, json};
    use streamgauge_flow::{Reason, RowNames, Span};

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
        let key: [Arc<str>; 2] = ["m1".into(), "t7".into()];
        let values = [Value::Whole(12), Value::Double(812.25), Value::Null];
        let full = Row {
            names: &names,
            start,
            end: start + Span::from_secs(10),
            key: &key,
            values: Some(&values),
            revision: 0,
        };
        let head = r#"{"window":"by_model","start":"2023-11-16T18:15:40.000Z","end":"2023-11-16T18:15:50.000Z","key":{"model":"m1","tenant":"t7"},"values":"#;
        let want = format!(r#"{head}{{"requests":12,"avg":812.25,"max":null}},"revision":0}}"#);
        assert_eq!(text_of(|out| row(out, &full)), want);
        let taken_back = Row { values: None, revision: 3, ..full };
        assert_eq!(text_of(|out| row(out, &taken_back)), format!(r#"{head}null,"revision":3}}"#));
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
