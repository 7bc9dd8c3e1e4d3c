//! Files that are followed: which there are, which of them are the same file under another name, and which are over.
//!
//! A file is told by device, inode and first bytes, never by its name: names wander when logs are rotated. Each stays
//! open while it is followed, so that nothing can get its inode and what is left in it can still be read once it has
//! been renamed or deleted.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use streamgauge_metrics::Counter;

use super::Message;
use super::cutter::Cut;
use super::feed::{Closed, Sender, Turn};
use super::lane::Lane;
use super::place::{Identity, Numbers, Place};
use super::tail::{Memory, Tail};
use crate::config::{Partitions, Pattern, is_compressed};
use crate::log::escape_controls;

/// How often is looked for new content.
const GLANCE: Duration = Duration::from_millis(100);
/// How often is looked for new files.
const LOOKUP: Duration = Duration::from_secs(1);
/// Files that were let go and are remembered, lest they be read again when they come back.
const MEMORIES: usize = 1_000;

/// The files that are followed.
pub(super) struct Follow {
    patterns: Vec<Pattern>,
    partitions: Partitions,
    cut: Cut,
    lanes: Vec<Lane>, // by partition
    memories: Vec<Memory>,
    numbers: Numbers,
    complained: HashSet<PathBuf>, // what cannot be followed, and has been said to be so
    at_start: bool,               // nothing has been looked up yet
    looked_up: Option<Instant>,
    losses: Counter,
}

/// A file that was found, and where.
struct Found {
    path: PathBuf,
    identity: Identity,
    regular: bool,
}

impl Follow {
    /// Follows what the patterns lead to, and goes on with what is known already, by number.
    pub(super) fn new(
        patterns: Vec<Pattern>,
        partitions: Partitions,
        cut: Cut,
        known: Vec<(u64, Place)>,
        losses: Counter,
    ) -> Self {
        let numbers = Numbers::behind(known.iter().map(|(number, _)| number));
        let memory = |(number, place): (u64, Place)| Some(Memory { number, identity: place.identity?, place });
        Follow {
            patterns,
            partitions,
            cut,
            lanes: Vec::new(),
            memories: known.into_iter().filter_map(memory).collect(),
            numbers,
            complained: HashSet::new(),
            at_start: true,
            looked_up: None,
            losses,
        }
    }

    /// Reads until nobody listens any more.
    pub(super) fn run(mut self, to: &Sender) -> Result<(), Closed> {
        if self.partitions == Partitions::One {
            self.lanes.push(Lane::default());
        }
        let mut messages = Vec::new();
        let mut due = Instant::now();
        loop {
            match to.turn(Some(due))? {
                Turn::Read(partition) => {
                    self.lanes[partition].read(&self.losses, &mut messages);
                    to.put(partition, &mut messages, self.lanes[partition].then());
                }
                Turn::Due => {
                    self.glance(to);
                    due = Instant::now() + GLANCE;
                }
            }
        }
    }

    fn add_lane(&mut self, to: &Sender) -> usize {
        self.lanes.push(Lane::default());
        to.add()
    }

    /// Looks after every file, and now and then after new ones.
    fn glance(&mut self, to: &Sender) {
        let now = Instant::now();
        if self.looked_up.is_none_or(|at| now.saturating_duration_since(at) >= LOOKUP) {
            self.looked_up = Some(now);
            self.look_up(to, now);
        }
        let mut messages = Vec::new();
        for (partition, lane) in self.lanes.iter_mut().enumerate().filter(|(_, lane)| !lane.ended) {
            lane.look(now, &self.losses, &mut messages);
            lane.let_go(now, &mut self.memories, &mut messages);
            if self.partitions == Partitions::PerFile && lane.tails.is_empty() {
                lane.ended = true;
                messages.push(Message::Ended);
            }
            to.put(partition, &mut messages, lane.then());
        }
        self.forget(to);
    }

    /// Lets go of the oldest memories if there are too many.
    fn forget(&mut self, to: &Sender) {
        let surplus = self.memories.len().saturating_sub(MEMORIES);
        let mut forgotten: Vec<Message> = self.memories.drain(..surplus).map(Memory::forgotten).collect();
        if let Some(lane) = self.lanes.first() {
            to.put(0, &mut forgotten, lane.then());
        }
    }

    fn look_up(&mut self, to: &Sender, now: Instant) {
        let (found, all) = self.found();
        let mut names: HashMap<Identity, Vec<&Path>> = HashMap::new();
        for file in &found {
            names.entry(file.identity).or_default().push(&file.path);
        }
        if self.at_start {
            self.adopt_moved(&names, now, to);
        }
        let mut known = HashSet::new();
        for tail in self.lanes.iter_mut().flat_map(|lane| &mut lane.tails) {
            known.insert(tail.identity);
            match names.get(&tail.identity) {
                Some(names) => recognise(tail, names),
                None if all => miss(tail),
                None => {} // it may be where nothing could be seen just now
            }
        }
        for file in &found {
            if !known.contains(&file.identity)
                && let Some(tail) = self.open(file, now)
                && known.insert(tail.identity)
            {
                self.begin(tail, to);
            }
        }
        if self.at_start && known.is_empty() {
            tracing::info!("no file matches source.file.paths yet; waiting for one");
        }
        self.at_start = false;
    }

    /// Begins with what is left of files that were renamed while nobody followed them, before those that got their names.
    fn adopt_moved(&mut self, names: &HashMap<Identity, Vec<&Path>>, now: Instant, to: &Sender) {
        let missing = self.memories.iter().filter(|memory| !names.contains_key(&memory.identity));
        let missing: Vec<Memory> = missing.cloned().collect();
        for memory in missing {
            match memory.moved_to() {
                Some((path, length)) if length > memory.place.offset => {
                    let file = Found { path, identity: memory.identity, regular: true };
                    if let Some(mut tail) = self.open(&file, now)
                        && tail.look(now, &mut Vec::new()).is_ok()
                    {
                        self.begin(tail, to);
                    }
                }
                None if memory.place.ended.is_none() => {
                    self.losses.inc();
                    let (name, at) = (escape_controls(&memory.place.name), memory.place.offset);
                    tracing::warn!(
                        "{name} was read up to byte {at} before the restart and cannot be found any more, \
                         nor under another name in its folder; whatever came behind that is lost"
                    );
                }
                _ => {}
            }
        }
    }

    /// What the paths lead to now, in the order of names; and whether that is all.
    fn found(&mut self) -> (Vec<Found>, bool) {
        let (mut paths, mut all) = (Vec::new(), true);
        for pattern in &self.patterns {
            match pattern.files() {
                Ok(files) => paths.extend(files),
                Err(what) => {
                    all = false;
                    if self.complained.insert(PathBuf::from(&what)) {
                        tracing::warn!("source.file.paths: {what}");
                    }
                }
            }
        }
        paths.sort();
        paths.dedup();
        let mut found = Vec::with_capacity(paths.len());
        for path in paths {
            match fs::metadata(&path) {
                Ok(metadata) => {
                    found.push(Found { path, identity: Identity::of(&metadata), regular: metadata.is_file() });
                }
                Err(cause) => all &= cause.kind() == io::ErrorKind::NotFound,
            }
        }
        (found, all)
    }

    fn open(&mut self, found: &Found, now: Instant) -> Option<Tail> {
        let path = &found.path;
        if is_compressed(path) {
            self.complain(path, "is compressed, so it is not followed");
            return None;
        }
        if !found.regular {
            self.complain(path, "is not a regular file, so it is not followed");
            return None;
        }
        let at_once = self.lanes.iter().map(|lane| lane.tails.len()).sum::<usize>() + 1;
        match Tail::open(path, self.cut.clone(), at_once, &mut self.memories, &mut self.numbers, now) {
            Ok(tail) => Some(tail),
            // It went away between the look and the opening.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => {
                if self.complain(path, &format!("cannot be opened: {cause}; it is tried again every second")) {
                    self.losses.inc();
                }
                None
            }
        }
    }

    /// Says once what is wrong with a path.
    fn complain(&mut self, path: &Path, what: &str) -> bool {
        let first = self.complained.insert(path.to_owned());
        if first {
            tracing::warn!("{} {what}", shown(path));
        }
        first
    }

    fn begin(&mut self, mut tail: Tail, to: &Sender) {
        let partition = match self.partitions {
            Partitions::One => 0,
            Partitions::PerFile => self.lane_of(tail.source()).unwrap_or_else(|| self.add_lane(to)),
        };
        if !self.at_start && tail.offset() == 0 {
            self.warn_of_copy(&tail);
        }
        let lane = &mut self.lanes[partition];
        let before = lane.tails.iter().rfind(|other| other.source() == tail.source());
        tail.after = before.map(Tail::as_before);
        self.complained.remove(&tail.path);
        introduce(&tail, before, self.at_start);
        let opened = Message::Opened { origin: Arc::clone(tail.origin()), live: true };
        lane.tails.push(tail);
        to.put(partition, &mut vec![opened], lane.then());
    }

    /// Copies are made to be kept: whoever follows them too counts every event twice.
    fn warn_of_copy(&self, tail: &Tail) {
        let Some(head) = tail.full_head() else { return };
        if let Some(original) = self.lanes.iter().flat_map(|lane| &lane.tails).find(|other| other.has_head(&head)) {
            let (copy, original) = (shown(&tail.path), shown(&original.path));
            tracing::warn!(
                "{copy} begins like {original}: if it is a copy, its events are read twice; narrow source.file.paths"
            );
        }
    }

    /// Where files of this name are read.
    fn lane_of(&self, source: &Arc<str>) -> Option<usize> {
        self.lanes.iter().position(|lane| lane.tails.iter().any(|tail| tail.source() == source))
    }
}

/// Notes under which name a file is to be found now.
fn recognise(tail: &mut Tail, names: &[&Path]) {
    tail.gone = false;
    if let [name, ..] = names
        && !names.contains(&tail.path.as_path())
    {
        let (path, at) = (shown(&tail.path), tail.offset());
        tracing::info!("{path} was renamed to {}; it is read on from byte {at}", shown(name));
        tail.path = name.to_path_buf();
    }
}

/// Notes that nothing leads to a file any more.
fn miss(tail: &mut Tail) {
    if !tail.gone {
        tail.gone = true;
        let (path, at) = (shown(&tail.path), tail.offset());
        let became = if tail.is_deleted() { "deleted" } else { "moved to where source.file.paths does not look" };
        tracing::info!("{path} was {became} when byte {at} had been read; what is left of it is read");
    }
}

fn introduce(tail: &Tail, before: Option<&Tail>, at_start: bool) {
    let path = shown(&tail.path);
    match before {
        _ if tail.offset() > 0 && at_start => {
            tracing::info!("{path} is read on from byte {}, where the state says that it was left", tail.offset());
        }
        _ if tail.offset() > 0 => {
            tracing::info!("{path} was read before under another name; it is read on from byte {}", tail.offset());
        }
        Some(before) => {
            let at = before.offset();
            tracing::info!(
                "{path} is another file now; it is read from its start, after the one before (now at byte {at})"
            );
        }
        None if at_start => tracing::debug!("{path} is followed"),
        None => tracing::info!("{path} has appeared; it is read from its start"),
    }
}

pub(super) fn shown(path: &Path) -> String {
    escape_controls(&path.to_string_lossy())
}
