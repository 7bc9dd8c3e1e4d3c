//! The fast way against the plain one: records that are damaged in every way, between good ones whose gaps are known.

use std::collections::BTreeSet;

use super::escapes::unescape;
use super::walk::MAX_DEPTH;
use super::*;
use crate::decode::number::Number;
use crate::decode::slots::Kind;

const POINTERS: [&str; 7] = ["/id", "/deep", "/deep/a", "/deep/b", "/list/1/x", "/number", "/text"];
const SEEDS: [&str; 15] = [
    r#"{"id":"r-1","type":"t","number":12,"text":"some text","deep":{"a":"b","b":-7.25,"c":{"d":[1,2,{"e":"f"}]}},"other":null}"#,
    r#"{"id":"r-2","type":"t","number":12345678,"text":"","deep":{"a":"","b":0.000001},"other":true}"#,
    r#"{"id":"r-3","type":"t","number":1234567890.1234567,"text":"a text that is longer than one window of sixty-four bytes, and then some","deep":{}}"#,
    r#"{"id":"r-4","text":"with \"escapes\" \\ \/ \b\f\n\r\t \u00e9 \ud83d\ude00","number":-0,"deep":7,"list":["",{"x":"in a list"},[]]}"#,
    r#"{"id":"é","text":"ключ 😀","number":1e3,"deep":{"a":"1"},"deep":{"b":2},"list":[1,2,3,4,5,6,7,8,9,10,11,12]}"#,
    r#" { "id" : "r-5" , "text" : "\ud800" , "number" : 1E-7 , "deep" : [ ] , "list" : [ { "x" : 1 } , { "x" : 2 } ] } "#,
    r#"{"te\u0078t":"a","i\u0064":"b","number":true,"deep":false,"list":{"1":{"x":"member"}},"n":[null,false]}"#,
    r#"{"id":1,"number":"12","text":{},"deep":{"a":[],"b":{},"deep":{"a":"not this one"}},"numbers":[0,-0,0.0,-1,99999999,123456789012345,1234567890123456,0.123456789012345]}"#,
    "{}",
    r#"{"id":"r-6","a name that is longer than the thirty-two bytes that are compared at once":"value","number":9007199254740993}"#,
    r#"{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":[[[[[[[[[[1]]]]]]]]]]}}}}}}}}}},"id":"deep"}"#,
    r#"{"text":"0123456789012345678901234567890123456789012345678901234567890123","id":"x","s":"01234567890123456789012345678901234567890123456789012345678901","t":"012345678901234567890123456789012345678901234567890123456789012"}"#,
    r#"{"n":[1,20,300,4,5,67],"m":[0,10,0,7],"id":"numbers","o":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28],"p":[],"q":[-1,-2,3.5,4,1e3,0,9]}"#,
    r#"{"n":[1, 2, 30, 4],"text":"\\\\n\\\"\\u00e9\u00e9\u20ac A text that goes on beyond its window: \\\\\\\ud83d\ude00\ud83d\ude00 and \"so\" on","id":"\ud83d\ude00\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\ud83d\ude00\ud83d\ude00\t"}"#,
    r#"{"text":"\t0123456789012345678901234567890123456789012\ud83d\ude00\ud83d\ude00","id":"\t012345678901234567890123456789012345678901234567\ud83d\ude00 and \ud83d","deep":{"a":"\n"}}"#,
];
const PIECES: [&str; 34] = [
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\t",
    "\r",
    "\u{1}",
    "\u{7f}",
    "é",
    "😀",
    "-",
    "0",
    "1",
    ".",
    "e",
    "E+",
    "null",
    "true",
    "false",
    "nul",
    "\"id\":",
    "\"a\":",
    "\"deep\":{",
    "\\u00",
    "\\ud800",
    "\\\"",
    "12345678",
    "\u{0}",
    "0123456789012345678901234567890123456789012345678901234567890123",
];

/// A generator with a fixed seed (splitmix64), so that a failure comes back.
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % end as u64).unwrap()
    }

    fn record(&mut self) -> Vec<u8> {
        let mut record = SEEDS[self.below(SEEDS.len())].as_bytes().to_vec();
        if self.below(40) == 0 {
            let depth = MAX_DEPTH - 4 + self.below(8);
            record = [&b"{\"id\":\"n\",\"deep\":"[..], &b"[".repeat(depth), &b"]".repeat(depth), b"}"].concat();
        }
        for _ in 0..self.below(4) {
            self.damage(&mut record);
        }
        record.retain(|byte| *byte != b'\n');
        record
    }

    fn damage(&mut self, record: &mut Vec<u8>) {
        let at = self.below(record.len() + 1);
        let until = (at + 1 + self.below(8)).min(record.len());
        let other = SEEDS[self.below(SEEDS.len())].as_bytes();
        match self.below(6) {
            0 if at < record.len() => record[at] ^= 1 << self.below(8),
            1 => record.truncate(at),
            2 if at < until => drop(record.drain(at..until)),
            3 => {
                let from = self.below(other.len());
                let piece = &other[from..(from + 1 + self.below(40)).min(other.len())];
                record.splice(at..at, piece.iter().copied()).for_each(drop);
            }
            4 => record.truncate(at.max(1)),
            _ => drop(record.splice(at..at, PIECES[self.below(PIECES.len())].bytes())),
        }
    }
}

/// What stands at each mapped place, as text and as number; containers and what is absent by name. Nobody reads what is no UTF-8.
fn seen(bytes: &[u8], slots: &Slots) -> Vec<(String, Option<Number>)> {
    let Ok(record) = std::str::from_utf8(bytes) else { return Vec::new() };
    let one = |index| {
        let slot = slots.get(index);
        let text = || &record[slot.place()];
        match slot.kind {
            Kind::Absent | Kind::Container => (format!("{:?}", slot.kind), None),
            Kind::Number => (text().to_owned(), Number::read_checked(text().as_bytes())),
            Kind::Read => (text().to_owned(), slot.number()),
            Kind::Escaped => (format!("{:?}", unescape(text().as_bytes())), None),
            Kind::Resolved => (format!("{:?}", slots.resolved().get(slot.place())), None),
            kind => (format!("{kind:?} {}", text()), None),
        }
    };
    (0..POINTERS.len()).map(one).collect()
}

type Judged = (usize, usize, Result<Vec<(String, Option<Number>)>, Refusal>);

fn plainly(decoder: &mut JsonDecoder, bytes: &[u8], start: usize, slots: &mut Slots) -> Judged {
    slots.clear();
    let line = decoder.walk_line(bytes, start, slots);
    let Record { start, end } = Record::of_line(bytes, start..line.next);
    let read = line.verdict.map(|()| seen(&bytes[start..end], slots));
    (start, end, read.map_err(|refusal| *refusal))
}

/// The vector instructions of this machine, and fewer of them.
fn levels() -> Vec<Level> {
    #[cfg(target_arch = "x86_64")]
    let more = [Level::new().as_avx2().map(Level::Avx2), Level::new().as_sse4_2().map(Level::Sse4_2)];
    #[cfg(not(target_arch = "x86_64"))]
    let more = [];
    [Level::new(), Level::baseline()].into_iter().chain(more.into_iter().flatten()).collect()
}

/// Judges the records both ways, in blocks of some good ones, one from `record` and some good ones again.
fn compare(seed: u64, blocks: usize) -> BTreeSet<String> {
    let pointers: Vec<Pointer> = POINTERS.iter().map(|text| text.parse().unwrap()).collect();
    let (mut fast, mut plain) = (JsonDecoder::new(&pointers), JsonDecoder::new(&pointers));
    let (mut slots, mut plain_slots) = (Slots::new(POINTERS.len()), Slots::new(POINTERS.len()));
    let levels = levels();
    let (mut draw, mut faults) = (Draw(seed), BTreeSet::new());
    for block in 0..blocks {
        if block % 300 == 0 {
            fast = JsonDecoder::new(&pointers); // records like these cost trust, and fill up what is known
            fast.level = levels[draw.below(levels.len())];
        }
        let mut bytes = Vec::new();
        for _ in 0..=draw.below(4) {
            let record = if draw.below(3) == 0 { SEEDS[draw.below(4)].into() } else { draw.record() };
            bytes.extend(record);
            bytes.extend([&b"\n"[..], b"\r\n", b"\n\n"][draw.below(3)]);
        }
        bytes.truncate(bytes.len() - draw.below(2));
        let mut judged: Vec<Judged> = Vec::new();
        fast.lines(&bytes, 0, &mut slots, &mut |record, line, slots| {
            assert!(!line.is_ascii || bytes[record.start..record.end].is_ascii(), "block {block}");
            let read = line.verdict.map(|()| seen(&bytes[record.start..record.end], slots));
            judged.push((record.start, record.end, read.map_err(|refusal| *refusal)));
        });
        let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b'\r']));
        assert_eq!(judged.len(), lines.count(), "block {block}");
        for got in judged {
            let expected = plainly(&mut plain, &bytes, got.0, &mut plain_slots);
            assert_eq!(got, expected, "block {block}: {:?}", String::from_utf8_lossy(&bytes));
            if let Err(refusal) = expected.2 {
                faults.insert(refusal.detail.split(" at byte").next().unwrap_or_default().to_owned());
            }
        }
    }
    faults
}

#[test]
fn a_record_is_seen_to_be_ascii_on_the_way_unless_something_else_is_in_it_or_near() {
    let pointers: Vec<Pointer> = POINTERS.iter().map(|text| text.parse().unwrap()).collect();
    let far = "x".repeat(60); // nearly a window, of which only the end is in the next record
    let long = "y".repeat(150);
    let [foreign_end, escaped_foreign] = [format!("{long}é"), format!("\\n{long}é")];
    let lines = [
        ("r-1", true),
        ("r-2", true),
        ("é", false),
        ("r-4", true),
        ("r-\\u00e9\\n", true),
        (&long, true),
        (&foreign_end, false),
        (&escaped_foreign, false),
        ("r-5", true),
    ];
    let bytes = lines.map(|(id, _)| format!("{{\"id\":\"{id}\",\"number\":12,\"text\":\"{far}\"}}\n")).concat();
    let mut seen = Vec::new();
    JsonDecoder::new(&pointers).lines(bytes.as_bytes(), 0, &mut Slots::new(POINTERS.len()), &mut |_, line, _| {
        seen.push(line.is_ascii);
    });
    assert_eq!(seen, lines.map(|(_, is_ascii)| is_ascii));
}

/// What the walker can find wrong.
const FAULTS: usize = 15;

#[test]
fn a_million_blocks_of_damaged_records_are_judged_and_read_alike_whether_their_gaps_are_known_or_not() {
    let faults = compare(20_261_126, 1_000_000);
    assert_eq!(faults.len(), FAULTS, "{faults:#?}");
}
