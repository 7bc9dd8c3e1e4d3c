//! Decoding against serde_json, line by line: what is an event, what is none and why, and what its fields are.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod lines;
mod oracle;

use std::sync::Arc;

use lines::Random;
use oracle::Refused;
use streamgauge_flow::{
    AggregateSettings, Batch, Block, Decoded, Decoder, Effects, Format, Framer, Function, HeaderError, Mapping, Number,
    Pipeline, Reason, Settings, Span, TimeFormat, TypeFrom, WallTime, WatermarkSettings, WindowKind, WindowSettings,
};
use streamgauge_metrics::Registry;

const STRINGS: [&[&str]; 2] = [&["text"], &["deep", "a"]];
const NUMBERS: [&[&str]; 3] = [&["number"], &["deep", "b"], &["other"]];

fn mapping() -> Mapping {
    let at = |text: &str| text.parse().unwrap();
    let fields = |paths: &[&[&str]]| {
        paths.iter().map(|path| (path.join("_"), format!("/{}", path.join("/")).parse().unwrap())).collect()
    };
    Mapping {
        id: Some(at("/id")),
        event_type: TypeFrom::Value("t".to_owned()),
        time: at("/time"),
        time_format: TimeFormat::Rfc3339,
        strings: fields(&STRINGS),
        numbers: fields(&NUMBERS),
    }
}

/// The text of a field by the rules: strings as they are, numbers and booleans as written.
fn text_of(raw: &str) -> Result<String, Reason> {
    match raw.as_bytes()[0] {
        b'"' => serde_json::from_str(raw).map_err(|_| Reason::InvalidField),
        b'{' | b'[' => Err(Reason::InvalidField),
        b'n' => Ok(String::new()),
        _ => Ok(raw.to_owned()),
    }
}

fn number_of(raw: &str) -> Result<Option<Number>, Reason> {
    if raw == "null" {
        return Ok(None);
    }
    if raw.starts_with('"') {
        return Err(Reason::InvalidField);
    }
    let whole = !raw.contains(['.', 'e', 'E']);
    if let Some(whole) = raw.parse().ok().filter(|_| whole) {
        return Ok(Some(Number::Whole(whole)));
    }
    let double: Option<f64> = serde_json::from_str(raw).ok();
    double.map(|double| Some(Number::Double(double))).ok_or(Reason::InvalidField)
}

type Fields = (String, Vec<String>, Vec<Option<Number>>);

fn expected(line: &[u8]) -> Result<Fields, Reason> {
    let paths: Vec<&[&str]> = [&["id"][..], &["time"]].into_iter().chain(STRINGS).chain(NUMBERS).collect();
    let members = oracle::members(line, &paths).map_err(|refused| match refused {
        Refused::Utf8 => Reason::InvalidUtf8,
        Refused::Json => Reason::InvalidJson,
    })?;
    let text = |at: usize| members[at].as_deref().map_or(Ok(String::new()), text_of);
    let present = |at: usize| members[at].as_deref().is_some_and(|raw| raw != "null");
    let id = text(0)?;
    if id.is_empty() {
        return Err(Reason::MissingField);
    }
    let time = text(1)?;
    if !present(1) {
        return Err(Reason::MissingField);
    }
    if time != "2024-01-01T00:00:00Z" {
        return Err(Reason::InvalidTimestamp);
    }
    let strings = (2..4).map(text).collect::<Result<_, _>>()?;
    let numbers = (4..7).map(|at| members[at].as_deref().map_or(Ok(None), number_of)).collect::<Result<_, _>>()?;
    Ok((id, strings, numbers))
}

fn decoder(format: Format, mapping: &Mapping) -> Decoder {
    Decoder::new(format, mapping, 1 << 20)
}

/// The records of some lines, in the middle of a file.
fn one(decoder: &mut Decoder, line: &[u8], header: Option<&Arc<[u8]>>) -> Decoded {
    decoder.decode(Block { offset: 99, bytes: line.to_vec(), oversize: None, header: header.cloned() })
}

/// What becomes of a line between two good ones.
fn decoded(decoder: &mut Decoder, line: &[u8]) -> Result<Fields, Reason> {
    let block = one(decoder, &[GOOD.as_bytes(), line, GOOD.as_bytes()].join(&b'\n'), None);
    let mut events: Vec<_> = block.events().collect();
    assert!(events.remove(0).is_ok() && events.pop().is_some_and(|event| event.is_ok()), "the good ones stay good");
    assert!(events.len() <= 1);
    // An empty line is no record, and no object either.
    let event = events.pop().ok_or(Reason::InvalidJson)?.map_err(|refusal| refusal.reason)?;
    let strings = (0..2).map(|field| event.string(field).to_owned()).collect();
    Ok((event.id().unwrap().to_owned(), strings, (0..3).map(|field| event.number(field)).collect()))
}

/// Compares lines with what serde_json says of them; how many were events, and how many refused.
fn compare(seed: u64, lines: usize) -> (usize, usize) {
    let mut random = Random(seed);
    let (mut events, mut refused) = (0, 0);
    let mut decoder = decoder(Format::Ndjson, &mapping());
    for case in 0..lines {
        if case % 1_000 == 0 {
            decoder = self::decoder(Format::Ndjson, &mapping()); // one that has seen too much of these remembers nothing new
        }
        let line = lines::line(&mut random);
        let (want, got) = (expected(&line), decoded(&mut decoder, &line));
        if want == Err(Reason::InvalidTimestamp) {
            continue; // a damaged time may still be one: the tests of times judge that
        }
        assert_eq!(got, want, "case {case}: {}", String::from_utf8_lossy(&line));
        *if want.is_ok() { &mut events } else { &mut refused } += 1;
    }
    (events, refused)
}

#[test]
fn a_million_odd_lines_are_judged_and_read_as_serde_json_does() {
    let (events, refused) = compare(20_261_126, 1_000_000);
    assert!(events > 100_000 && refused > 100_000, "{events} events and {refused} refused: both kinds are wanted");
}

#[test]
fn a_pointer_reaches_into_arrays_and_the_last_of_repeated_objects_wins() {
    let mut mapping = mapping();
    mapping.strings =
        vec![("a".to_owned(), "/list/1/x".parse().unwrap()), ("b".to_owned(), "/deep/a".parse().unwrap())];
    mapping.numbers.clear();
    let mut decoder = decoder(Format::Ndjson, &mapping);
    let mut read = |rest: &str| {
        let line = format!(r#"{{"id":"x","time":"2024-01-01T00:00:00Z",{rest}}}"#);
        let block = one(&mut decoder, line.as_bytes(), None);
        let event = block.events().next().unwrap().unwrap();
        (event.string(0).to_owned(), event.string(1).to_owned())
    };
    let is = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(read(r#""list":[{"x":"no"},{"x":"yes"}],"deep":{"a":"b"}"#), is("yes", "b"));
    assert_eq!(read(r#""deep":{"a":"b"},"deep":{}"#), is("", ""));
    assert_eq!(read(r#""deep":{"a":"b"},"deep":7"#), is("", ""));
    assert_eq!(read(r#""deep":{"a":"b","a":"c"}"#), is("", "c"));
    assert_eq!(read(r#""list":[],"list":{"1":{"x":"member"}}"#), is("member", ""));
}

fn settings(format: Format, max_record_bytes: usize) -> Settings {
    Settings {
        format,
        mapping: mapping(),
        max_record_bytes,
        filter: vec![],
        deduplicate: None,
        watermark: WatermarkSettings { max_out_of_orderness: Span::ZERO, max_future_skew: Span::from_secs(300) },
        windows: vec![WindowSettings {
            name: "w".to_owned(),
            kind: WindowKind::Tumbling { size: Span::from_secs(1), offset: Span::ZERO },
            allowed_lateness: Span::ZERO,
            key: vec![],
            max_keys: 1,
            aggregates: vec![AggregateSettings { name: "n".to_owned(), function: Function::Count }],
        }],
        llm: None,
    }
}

/// Dead letters as (reason, offset, payload), and how many events were received.
fn refused(format: Format, text: &[u8]) -> (Vec<(Reason, u64, String)>, u64) {
    let settings = settings(format, 80);
    let mut decoder = Decoder::new(format, &settings.mapping, 80);
    let mut pipeline = Pipeline::new(settings, &Registry::new()).unwrap();
    let mut effects = Effects::default();
    let now = WallTime::from_nanos(1_800_000_000_000_000_000);
    let block = decoder.decode(Block { bytes: text.to_vec(), ..Block::default() });
    let batch = Batch { source: "t", partition: 0, decoded: &block, from: 0, in_turn: false };
    pipeline.step(&batch, now, None, &mut effects).unwrap();
    let payload = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let dead = effects.dead.iter().map(|row| (row.reason, row.offset, payload(&row.payload))).collect();
    (dead, pipeline.account().received)
}

const GOOD: &str = r#"{"id":"x","time":"2024-01-01T00:00:00Z"}"#;

#[test]
fn a_byte_order_mark_empty_lines_and_carriage_returns_are_no_matter() {
    let text = format!("\u{feff}{GOOD}\r\n\r\n\n{GOOD}");
    assert_eq!(refused(Format::Ndjson, text.as_bytes()), (vec![], 2));
}

#[test]
fn each_refused_line_says_where_it_stood_and_what_it_was() {
    let long = "x".repeat(81);
    let text = format!("{GOOD}\nnull\r\n{long}\n{{\"id\":\"x\",\"time\":\"2099-01-01T00:00:00Z\"}}\n");
    let (dead, received) = refused(Format::Ndjson, text.as_bytes());
    assert_eq!(received, 4);
    assert_eq!(dead[0], (Reason::InvalidJson, 41, "null".to_owned()));
    assert_eq!(dead[1], (Reason::LineTooLong, 47, long));
    assert_eq!((dead[2].0, dead[2].1), (Reason::FutureTimestamp, 129));
}

#[test]
fn one_bad_line_does_not_make_its_neighbours_bad() {
    let mut text = format!("{GOOD}\n").into_bytes();
    text.extend_from_slice(b"{\"id\":\"\xff\"}\n");
    text.extend_from_slice(GOOD.as_bytes());
    let (dead, received) = refused(Format::Ndjson, &text);
    assert_eq!((dead.len(), dead[0].0, received), (1, Reason::InvalidUtf8, 3));
}

const HEADER: &str = "id,time,text,number,other,deep";

fn csv_mapping_events(rows: &str) -> (Vec<(Reason, u64, String)>, u64) {
    let mut mapping = mapping();
    mapping.strings = vec![("text".to_owned(), "/text".parse().unwrap())];
    mapping.numbers = vec![("number".to_owned(), "/number".parse().unwrap())];
    let mut decoder = decoder(Format::Csv, &mapping);
    let header = Arc::from(HEADER.as_bytes());
    let mut out = (vec![], 0);
    for record in rows.split('|') {
        out.1 += 1;
        let block = one(&mut decoder, record.as_bytes(), Some(&header));
        if let Err(refusal) = block.events().next().unwrap() {
            out.0.push((refusal.reason, 0, record.to_owned()));
        }
    }
    out
}

#[test]
fn csv_quotes_blanks_and_empty_fields_mean_what_rfc_4180_says() {
    let mut mapping = mapping();
    mapping.strings = vec![("text".to_owned(), "/text".parse().unwrap())];
    mapping.numbers = vec![("number".to_owned(), "/number".parse().unwrap())];
    let mut decoder = decoder(Format::Csv, &mapping);
    let header = Arc::from(&b"\xef\xbb\xbfid, time ,\"text\",number\r\n"[..]);
    let mut read = |record: &str| {
        let block = one(&mut decoder, record.as_bytes(), Some(&header));
        let event = block.events().next().unwrap().unwrap();
        (event.string(0).to_owned(), event.number(0))
    };
    assert_eq!(read("x,2024-01-01T00:00:00Z, a , 7 "), ("a".to_owned(), Some(Number::Whole(7))));
    assert_eq!(
        read("x,2024-01-01T00:00:00Z,\"a,\"\"b\"\"\n\",\"1.5\""),
        ("a,\"b\"".to_owned(), Some(Number::Double(1.5)))
    );
    assert_eq!(read("x,2024-01-01T00:00:00Z,,"), (String::new(), None));
}

#[test]
fn malformed_csv_records_are_refused_each_for_its_reason() {
    let rows = "x,2024-01-01T00:00:00Z,a,1,,|x,2024-01-01T00:00:00Z,a,1,|x,2024-01-01T00:00:00Z,a\"b,1,,|\
                x,2024-01-01T00:00:00Z,\"a\"b,1,,|,2024-01-01T00:00:00Z,a,1,,|x,,a,1,,|x,2024-01-01T00:00:00Z,a,01,,|\
                x,2024-01-01T00:00:00Z,\"a,1,,";
    let (dead, received) = csv_mapping_events(rows);
    let reasons: Vec<_> = dead.iter().map(|(reason, ..)| *reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::InvalidCsv,
            Reason::InvalidCsv,
            Reason::InvalidCsv,
            Reason::MissingField,
            Reason::MissingField,
            Reason::InvalidField,
            Reason::InvalidCsv,
        ]
    );
    assert_eq!(received, 8);
}

#[test]
fn a_header_without_a_mapped_column_names_the_column_and_what_there_is() {
    let error = streamgauge_flow::check_csv_header(b"id,time,Text,number,other\n", &mapping()).unwrap_err();
    assert_eq!(error.to_string(), "the CSV header has no column \"text\"; it has id, time, Text, number, other");
    let nested = streamgauge_flow::check_csv_header(b"id,time,text,number,other\n", &mapping()).unwrap_err();
    assert_eq!(nested.to_string(), "/deep/a names no CSV column: write /<column name>");
}

/// The blocks of a file that comes in reads of `read` bytes.
fn blocks(format: Format, text: &[u8], read: usize) -> Vec<Block> {
    let (mut framer, mut out) = (Framer::new(format, 80), Vec::new());
    for bytes in text.chunks(read) {
        framer.spare()[..bytes.len()].copy_from_slice(bytes);
        framer.filled(bytes.len());
        out.extend(std::iter::from_fn(|| framer.next_block()));
    }
    framer.end();
    out.extend(std::iter::from_fn(|| framer.next_block()));
    out
}

#[test]
fn every_block_of_a_csv_file_knows_its_header_however_the_file_was_read() {
    let text = b"\xef\xbb\xbf\r\n\nid,time,text,number\n1,a,b,c\n2,a,b,c\n\n3,a,\"b\nb\",c";
    for read in 1..text.len() {
        let blocks = blocks(Format::Csv, text, read);
        assert!(blocks.iter().all(|block| block.header.as_deref() == Some(&b"id,time,text,number"[..])), "{read}");
        let bytes: Vec<u8> = blocks.iter().flat_map(|block| block.bytes.clone()).collect();
        assert_eq!(bytes, b"1,a,b,c\n2,a,b,c\n\n3,a,\"b\nb\",c", "{read}");
        let mut offset = 26;
        for block in &blocks {
            assert_eq!(block.offset, offset, "{read}");
            offset += block.bytes.len() as u64;
        }
        assert_eq!(offset, text.len() as u64, "{read}");
    }
}

#[test]
fn a_wrong_header_shows_itself_although_no_record_follows() {
    let fault = |text: &[u8], read| -> HeaderError {
        let settings = settings(Format::Csv, 80);
        let mut decoder = Decoder::new(Format::Csv, &settings.mapping, 80);
        let block = decoder.decode(blocks(Format::Csv, text, read).remove(0));
        let batch = Batch { source: "t", partition: 0, decoded: &block, from: 0, in_turn: false };
        let mut pipeline = Pipeline::new(settings, &Registry::new()).unwrap();
        pipeline.step(&batch, WallTime::from_nanos(0), None, &mut Effects::default()).unwrap_err()
    };
    assert_eq!(fault(b"id,when\n", 3).to_string(), "the CSV header has no column \"time\"; it has id, when");
    let endless = "x".repeat(300);
    assert_eq!(fault(endless.as_bytes(), 7).to_string(), "the CSV header is longer than 80 bytes");
    assert!(blocks(Format::Csv, b"\n\r\n\n", 1).is_empty(), "nothing but empty lines is an empty file");
}
