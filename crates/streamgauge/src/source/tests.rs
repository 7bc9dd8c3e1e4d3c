use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;
use crate::config::{Partitions, Speed};

/// Nothing here takes as long; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_mins(10);

/// A folder that is gone when the test is.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("source-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Input {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        Input::File(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn gz(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn zst(text: &str) -> Vec<u8> {
    zstd::encode_all(text.as_bytes(), 1).unwrap()
}

fn lines(from: usize, to: usize) -> String {
    let all: Vec<_> = (from..to).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    all.concat()
}

fn read(inputs: Vec<Input>) -> Vec<Message> {
    let feed =
        open(inputs).unwrap().start(Decoders::none(), Counter::default(), Laps::of_nobody(), Gauge::default()).unwrap();
    let next = || match feed.next(&[0], PATIENCE) {
        Next::Message(_, message) => Some(message),
        Next::Finished => None,
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(next).collect()
}

fn open(inputs: Vec<Input>) -> Result<Inputs, OpenError> {
    let source = Source { inputs, partitions: Partitions::One, follow: None, speed: Speed::Max };
    Inputs::open(&source, Format::Ndjson, 1 << 20, Known::default())
}

fn chunks(messages: &[Message]) -> impl Iterator<Item = &Chunk> {
    messages.iter().filter_map(|message| match message {
        Message::Block(chunk) => Some(chunk),
        _ => None,
    })
}

fn text(messages: &[Message]) -> String {
    chunks(messages).map(|chunk| String::from_utf8(chunk.records.block().bytes.clone()).unwrap()).collect()
}

fn failure(messages: &[Message]) -> String {
    match messages.last() {
        Some(Message::Failed(error)) => error.to_string(),
        other => panic!("no failure but {other:?}"),
    }
}

#[test]
fn packed_or_not_the_bytes_are_the_same() {
    let folder = Folder::new("packed");
    let all = lines(0, 50_000);
    for input in [
        folder.file("a.ndjson", all.as_bytes()),
        folder.file("a.ndjson.gz", &gz(&all)),
        folder.file("a.ndjson.ZST", &zst(&all)),
    ] {
        let messages = read(vec![input]);
        assert_eq!(text(&messages), all);
        assert_eq!(chunks(&messages).map(|chunk| chunk.read.end - chunk.read.start).sum::<u64>(), all.len() as u64);
        assert_eq!(messages.iter().filter(|m| matches!(m, Message::Ended)).count(), 1);
        assert!(matches!(messages.last(), Some(Message::Ended)));
    }
}

#[test]
fn parts_that_were_packed_one_by_one_follow_each_other() {
    let folder = Folder::new("parts");
    for (name, pack) in [("a.gz", gz as fn(&str) -> Vec<u8>), ("a.zst", zst)] {
        let parts = [pack(&lines(0, 10)), pack(&lines(10, 20))].concat();
        assert_eq!(text(&read(vec![folder.file(name, &parts)])), lines(0, 20));
    }
}

#[test]
fn inputs_follow_each_other_and_the_share_grows_to_the_whole() {
    let folder = Folder::new("share");
    let inputs = vec![
        folder.file("1.ndjson", lines(0, 30_000).as_bytes()),
        folder.file("2.ndjson.gz", &gz(&lines(30_000, 60_000))),
        folder.file("3.ndjson", lines(60_000, 60_001).as_bytes()),
    ];
    let total = open(inputs.clone()).unwrap().total().unwrap();
    let messages = read(inputs);
    assert_eq!(text(&messages), lines(0, 60_001));
    assert_eq!(chunks(&messages).map(|chunk| chunk.stored).sum::<u64>(), total);
}

#[test]
fn what_was_read_before_a_failure_is_not_lost() {
    let folder = Folder::new("cut");
    let all = lines(0, 100_000);
    for (name, packed) in [("a.gz", gz(&all)), ("a.zst", zst(&all))] {
        let messages = read(vec![folder.file(name, &packed[..packed.len() * 3 / 4])]);
        let read = text(&messages);
        assert!(!read.is_empty() && all.starts_with(&read) && read.ends_with("}\n"));
        let told = failure(&messages);
        assert!(told.contains(name) && told.contains("at byte "), "{told}");
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_lost_at_its_beginning() {
    let folder = Folder::new("wrong");
    for name in ["plain.gz", "plain.zst"] {
        let told = failure(&read(vec![folder.file(name, lines(0, 9).as_bytes())]));
        assert!(told.contains(name) && told.contains("at byte 0"), "{told}");
    }
}

#[test]
fn a_missing_input_is_known_before_the_start() {
    for path in ["not/there.csv", "/"] {
        let refused = open(vec![Input::File(Path::new(path).into())]).unwrap_err().to_string();
        assert!(refused.contains(path) && refused.contains("source.file.paths"), "{refused}");
    }
}

#[test]
fn nobody_listening_ends_the_reading() {
    let folder = Folder::new("closed");
    let inputs = vec![folder.file("a", lines(0, 200_000).as_bytes())];
    drop(
        open(inputs).unwrap().start(Decoders::none(), Counter::default(), Laps::of_nobody(), Gauge::default()).unwrap(),
    );
}
