//! One file that is followed: what it is told by, how far it has been read, and what became of it since.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Message;
use super::cutter::{Cut, Cutter};
use super::place::{HEAD, Identity, Numbers, Origin, Place, begins_with};

/// A last line that is still without its end after this long is taken as whole, where another file follows.
const LINE_PATIENCE: Duration = Duration::from_secs(1);

/// The file that had a name before another one got it, and how far it is to be read first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) identity: Identity,
    length: u64,
}

/// A file that is read up to its end again and again.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) identity: Identity,
    pub(super) path: PathBuf, // where it is now, as far as is known
    pub(super) gone: bool,    // nothing that is looked for leads to it any more
    pub(super) after: Option<Before>,
    file: File,
    cut: Cut,
    at_once: usize,
    cutter: Cutter,
    head: Vec<u8>, // its first bytes, as far as they have been read
    offset: u64,   // how far it has been read
    seen: Seen,
    changed: Instant,
}

/// What was left of a file that is no longer open: enough to go on with it if it turns up again.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) number: u64,
    pub(super) identity: Identity,
    pub(super) place: Place,
}

/// What the file system last said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    length: u64,
    modified: (i64, i64), // seconds and nanoseconds
}

/// A file lost its content while it was followed.
#[derive(Debug)]
pub(super) struct Truncated {
    pub(super) read: u64,   // how far it had been read
    pub(super) unread: u64, // bytes that are known to have been behind that
    pub(super) length: u64, // how long it is now
}

impl Tail {
    /// Begins with a file, or goes on with it if one of the `memories` is of it.
    pub(super) fn open(
        path: &Path,
        cut: Cut,
        at_once: usize,
        memories: &mut Vec<Memory>,
        numbers: &mut Numbers,
        now: Instant,
    ) -> io::Result<Self> {
        let file = File::open(path)?;
        let identity = Identity::of(&file.metadata()?);
        let memory = match memories.iter().position(|memory| memory.identity == identity) {
            Some(at) => Some(memories.swap_remove(at)).filter(|memory| begins_with(&file, &memory.place.head)),
            None => None,
        };
        let (number, place) = match memory {
            Some(memory) => (memory.number, memory.place),
            None => (numbers.next(), Place { name: path.to_string_lossy().into(), ..Place::default() }),
        };
        let origin = Arc::new(Origin { number, name: place.name.as_str().into(), identity: Some(identity) });
        let mut cutter = cut.cutter(origin, at_once).starting_at(place.offset, place.shared_header());
        cutter.known_by(&place.head);
        Ok(Tail {
            identity,
            path: path.to_owned(),
            gone: false,
            after: None,
            file,
            cutter,
            cut,
            at_once,
            head: place.head,
            offset: place.offset,
            seen: Seen::default(),
            changed: now,
        })
    }

    /// The name that it was opened by; its records keep it.
    pub(super) fn source(&self) -> &Arc<str> {
        &self.origin().name
    }

    pub(super) fn origin(&self) -> &Arc<Origin> {
        self.cutter.origin()
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether there is something to be read.
    pub(super) fn is_ready(&self) -> bool {
        self.offset < self.seen.length
    }

    /// Whether all has been read and nothing has come for so long.
    pub(super) fn is_quiet(&self, now: Instant, patience: Duration) -> bool {
        !self.is_ready() && now.saturating_duration_since(self.changed) >= patience
    }

    /// What another file that has got its name is to wait for.
    pub(super) fn as_before(&self) -> Before {
        Before { identity: self.identity, length: self.seen.length }
    }

    /// Whether all has been read, and the last line has had the time to get its end.
    pub(super) fn is_done(&self, now: Instant) -> bool {
        !self.is_ready() && (!self.cutter.is_amid_record() || self.is_quiet(now, LINE_PATIENCE))
    }

    /// Whether the file that has got its name may begin. One that is still written to does not hold that up for ever.
    pub(super) fn makes_way(&self, before: Before, now: Instant) -> bool {
        self.offset > before.length || self.is_done(now)
    }

    /// Whether the file has no name any more.
    pub(super) fn is_deleted(&self) -> bool {
        self.file.metadata().is_ok_and(|metadata| metadata.nlink() == 0)
    }

    /// All the bytes that it is told by, if it has as many.
    pub(super) fn full_head(&self) -> Option<[u8; HEAD]> {
        let mut head = [0; HEAD];
        self.file.read_exact_at(&mut head, 0).ok().map(|()| head)
    }

    /// Whether this is all that it is told by.
    pub(super) fn has_head(&self, head: &[u8; HEAD]) -> bool {
        self.head == head
    }

    /// Looks whether the file has changed. A truncated one is begun again.
    pub(super) fn look(&mut self, now: Instant, to: &mut Vec<Message>) -> io::Result<Option<Truncated>> {
        let seen = Seen::of(&self.file.metadata()?);
        if seen == self.seen {
            return Ok(None);
        }
        // What is read is compared then; what was written over, to the same length, is noticed by its time.
        let overwritten = seen.length == self.offset && !begins_with(&self.file, &self.head);
        if seen.length < self.offset || overwritten {
            return Ok(Some(self.begin_again(seen, now, to)));
        }
        self.seen = seen;
        self.changed = now;
        Ok(None)
    }

    /// Reads a little.
    ///
    /// The file is compared with what is known of it after the read: bytes of a file that was truncated and has grown
    /// again past the old place would otherwise be taken for its continuation.
    pub(super) fn read(&mut self, now: Instant, to: &mut Vec<Message>) -> io::Result<Option<Truncated>> {
        let spare = self.cutter.spare();
        let count = loop {
            match self.file.read_at(spare, self.offset) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        let end = self.offset + count as u64;
        let fresh = HEAD.saturating_sub(self.head.len()).min(count);
        let fresh = spare[..fresh].to_vec();
        let seen = Seen::of(&self.file.metadata()?);
        if seen.length < end || !begins_with(&self.file, &self.head) {
            return Ok(Some(self.begin_again(seen, now, to)));
        }
        if !fresh.is_empty() {
            self.head.extend(fresh);
            self.cutter.known_by(&self.head);
        }
        self.changed = now;
        if count == 0 {
            self.seen.length = self.offset; // it says that it is longer than what can be read
        }
        self.offset = end;
        self.cutter.filled(count, end, to);
        Ok(None)
    }

    /// Takes the last line as whole, though it has no end. Should more come after all, it is a record of its own.
    pub(super) fn take_last_line(&mut self, to: &mut Vec<Message>) {
        if self.cutter.is_amid_record() {
            self.cutter.end(self.offset, to);
            let header = self.cutter.header();
            self.cutter = self.fresh_cutter().starting_at(self.offset, header);
            self.cutter.known_by(&self.head);
        }
    }

    /// Says that it is let go, and how far it was read.
    pub(super) fn closed(&self) -> Message {
        self.cutter.closed(self.offset)
    }

    pub(super) fn into_memory(self) -> Memory {
        let place = Place {
            name: self.source().to_string(),
            identity: Some(self.identity),
            header: self.cutter.header().map_or_else(Vec::new, |header| header.to_vec()),
            head: self.head,
            offset: self.offset,
            ended: None,
        };
        Memory { number: self.cutter.origin().number, identity: self.identity, place }
    }

    fn begin_again(&mut self, seen: Seen, now: Instant, to: &mut Vec<Message>) -> Truncated {
        let unread = self.seen.length.saturating_sub(self.offset);
        let truncated = Truncated { read: self.offset, unread, length: seen.length };
        self.take_last_line(to);
        self.cutter = self.fresh_cutter();
        self.head.clear();
        self.offset = 0;
        self.seen = seen;
        self.changed = now;
        truncated
    }

    fn fresh_cutter(&self) -> Cutter {
        self.cut.cutter(Arc::clone(self.origin()), self.at_once)
    }
}

impl Memory {
    /// Where the file is now, of the places next to where it was, and how long it is.
    pub(super) fn moved_to(&self) -> Option<(PathBuf, u64)> {
        let folder = Path::new(&self.place.name).parent().filter(|folder| !folder.as_os_str().is_empty());
        let entries = fs::read_dir(folder.unwrap_or(Path::new("."))).ok()?;
        entries.filter_map(Result::ok).find_map(|entry| {
            let metadata = entry.metadata().ok().filter(|metadata| Identity::of(metadata) == self.identity)?;
            let file = File::open(entry.path()).ok()?;
            begins_with(&file, &self.place.head).then(|| (entry.path(), metadata.len()))
        })
    }

    pub(super) fn forgotten(self) -> Message {
        let Memory { number, identity, place } = self;
        Message::Forgotten(Arc::new(Origin { number, name: place.name.into(), identity: Some(identity) }))
    }
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Seen { length: metadata.len(), modified: (metadata.mtime(), metadata.mtime_nsec()) }
    }
}

#[cfg(test)]
mod tests {
    use streamgauge_flow::Format;
    use tempfile::TempDir;

    use super::*;
    use crate::decoders::Decoders;

    fn cut() -> Cut {
        Cut { format: Format::Ndjson, max_record_bytes: 1 << 20, buffers: 1, decoders: Decoders::none() }
    }

    struct Bench {
        folder: TempDir,
        now: Instant,
        memories: Vec<Memory>,
        numbers: Numbers,
    }

    impl Bench {
        fn new(text: &str) -> Self {
            let bench = Bench {
                folder: TempDir::new().unwrap(),
                now: Instant::now(),
                memories: Vec::new(),
                numbers: Numbers::behind([].iter()),
            };
            bench.write(text);
            bench
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("log")
        }

        fn write(&self, text: &str) {
            fs::write(self.path(), text).unwrap();
        }

        fn open(&mut self) -> Tail {
            Tail::open(&self.path(), cut(), 1, &mut self.memories, &mut self.numbers, self.now).unwrap()
        }

        fn look(&self, tail: &mut Tail) -> Option<Truncated> {
            tail.look(self.now, &mut Vec::new()).unwrap()
        }

        /// All records that there are to be read.
        fn read(&self, tail: &mut Tail) -> String {
            let mut messages = Vec::new();
            while tail.is_ready() {
                tail.read(self.now, &mut messages).unwrap();
            }
            text(&messages)
        }
    }

    fn text(messages: &[Message]) -> String {
        let blocks = messages.iter().map(|message| match message {
            Message::Block(chunk) => String::from_utf8(chunk.records.block().bytes.clone()).unwrap(),
            other => panic!("{other:?}"),
        });
        blocks.collect()
    }

    #[test]
    fn a_file_that_was_let_go_is_gone_on_with_at_the_record_that_was_not_read() {
        let mut bench = Bench::new("one\ntwo\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        assert_eq!(bench.read(&mut tail), "one\ntwo\n");
        bench.memories.push(tail.into_memory());
        fs::OpenOptions::new()
            .append(true)
            .open(bench.path())
            .and_then(|mut f| io::Write::write_all(&mut f, b"three\n"))
            .unwrap();
        let mut tail = bench.open();
        assert_eq!(tail.offset(), 8);
        bench.look(&mut tail);
        assert_eq!(bench.read(&mut tail), "three\n");
        assert!(bench.memories.is_empty());
    }

    /// An inode is given to another file as soon as it is free.
    #[test]
    fn another_file_with_a_remembered_inode_is_told_by_its_first_bytes() {
        let mut bench = Bench::new("one\ntwo\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        bench.read(&mut tail);
        bench.memories.push(tail.into_memory());
        bench.write("uno\ndos\ntres\n"); // the same inode
        let mut tail = bench.open();
        assert_eq!(tail.offset(), 0);
        bench.look(&mut tail);
        assert_eq!(bench.read(&mut tail), "uno\ndos\ntres\n");
    }

    #[test]
    fn a_truncation_says_what_was_known_to_be_there_and_had_not_been_read() {
        let mut bench = Bench::new("one\ntwo\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        bench.read(&mut tail);
        bench.write("one\ntwo\nthree\nfour\n");
        assert!(bench.look(&mut tail).is_none());
        bench.write("new\n");
        let Truncated { read, unread, length } = bench.look(&mut tail).unwrap();
        assert_eq!((read, unread, length), (8, 11, 4));
        assert_eq!(bench.read(&mut tail), "new\n");
    }

    #[test]
    fn a_file_written_over_to_the_same_length_is_noticed() {
        let mut bench = Bench::new("one\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        bench.read(&mut tail);
        bench.write("two\n");
        // Two writes within one tick of the file system's clock would look alike; a test cannot wait for the next one.
        let later = fs::metadata(bench.path()).unwrap().modified().unwrap() + Duration::from_secs(1);
        File::options().write(true).open(bench.path()).unwrap().set_modified(later).unwrap();
        assert!(bench.look(&mut tail).is_some());
        assert_eq!(bench.read(&mut tail), "two\n");
    }

    /// Between the look and the read the file was truncated and has grown past the old place: what stands there now is the
    /// middle of another line.
    #[test]
    fn bytes_of_another_content_are_not_taken_for_the_continuation() {
        let mut bench = Bench::new("one\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        bench.read(&mut tail);
        bench.write("one\ntwo\n");
        bench.look(&mut tail);
        bench.write("a long line\nand another\n");
        let mut messages = Vec::new();
        assert!(tail.read(bench.now, &mut messages).unwrap().is_some());
        assert!(messages.is_empty());
        assert_eq!(bench.read(&mut tail), "a long line\nand another\n");
    }

    #[test]
    fn a_last_line_without_its_end_is_done_with_after_a_while() {
        let mut bench = Bench::new("one\ntw");
        let mut tail = bench.open();
        bench.look(&mut tail);
        assert_eq!(bench.read(&mut tail), "one\n");
        let before = tail.as_before();
        assert!(!tail.makes_way(before, bench.now));
        assert!(tail.makes_way(before, bench.now + LINE_PATIENCE));
        let mut messages = Vec::new();
        tail.take_last_line(&mut messages);
        assert_eq!(text(&messages), "tw");
        assert!(tail.makes_way(before, bench.now));
    }

    /// A writer that never lets go of the old file would keep the new one from being read.
    #[test]
    fn a_file_that_is_still_written_to_makes_way_once_it_is_read_as_far_as_it_was() {
        let mut bench = Bench::new("one\n");
        let mut tail = bench.open();
        bench.look(&mut tail);
        let before = tail.as_before();
        assert!(!tail.makes_way(before, bench.now), "nothing has been read");
        bench.read(&mut tail);
        bench.write("one\ntwo\nthr");
        bench.look(&mut tail);
        assert!(!tail.makes_way(before, bench.now));
        bench.read(&mut tail);
        assert!(tail.makes_way(before, bench.now));
    }
}
