//! Reads a file of epochs from its beginning, and tells what a death can leave from damage.

use std::io;

use streamgauge_flow::state::{Epoch, Epochs, StateError};

use super::frame::{HeadError, check_file_head};
use super::{EPOCHS, Edits, FILE_HEAD, FRAME_HEAD, Head, Index, Kind, Spot, VERSION, damaged, failed, name, number_of};
use crate::files::{Folder, Log};

/// How much is looked through at once for a frame behind a bad one.
const PIECE: usize = 1 << 20;
/// No state comes this far.
const LAST: u64 = u64::MAX >> 1;

/// What a file says.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) index: Index,
    pub(crate) epochs: Epochs,
    pub(crate) staged: Edits,
    /// Up to where it is whole.
    pub(crate) length: u64,
    /// Bytes behind that, which a death in the middle of a write has left.
    pub(crate) torn: u64,
    /// The highest token of those who wrote it.
    pub(crate) token: u64,
}

/// A file that is being read.
struct Reading<'a> {
    log: &'a dyn Log,
    folder: &'a dyn Folder,
    number: u64,
    length: u64,
    payload: Vec<u8>,
}

/// The number of the file that counts, if there is one: the last one that got its name.
pub(crate) fn current(folder: &dyn Folder) -> Result<Option<u64>, StateError> {
    let names = folder.list().map_err(|cause| failed(format!("list {}", folder.path_of("").display()), cause))?;
    let number = names.iter().filter_map(|name| number_of(name, EPOCHS)).max();
    match number {
        Some(number) if number > LAST => Err(damaged(folder, number, 0, "no other file can follow it")),
        number => Ok(number),
    }
}

/// Reads a whole file.
pub(crate) fn read(log: &dyn Log, folder: &dyn Folder, number: u64) -> Result<Contents, StateError> {
    let doing = || format!("read {}", folder.path_of(&name(number)).display());
    let length = log.length().map_err(|cause| failed(doing(), cause))?;
    let mut reading = Reading { log, folder, number, length, payload: Vec::new() };
    reading.check_head()?;
    let mut contents = Contents {
        index: Index::default(),
        epochs: Epochs::default(),
        staged: Edits::default(),
        length: FILE_HEAD as u64,
        torn: 0,
        token: 0,
    };
    let mut based = false;
    while contents.length < length {
        let at = contents.length;
        let Some(head) = reading.frame(at)? else {
            if let Some(next) = reading.frame_behind(at, contents.epochs.promoted)? {
                let what = format!("no epoch can be read here, but one is at byte {next}");
                return Err(reading.damaged(at, &what));
            }
            contents.torn = length - at;
            break;
        };
        let is_base = matches!(head.kind, Kind::Base | Kind::LastBase);
        if is_base == based || !contents.take(&head, &reading.payload, at + FRAME_HEAD as u64) {
            return Err(reading.damaged(at, &format!("{:?} of epoch {} is out of order", head.kind, head.epoch)));
        }
        based |= head.kind == Kind::LastBase;
        contents.length += FRAME_HEAD as u64 + head.length;
    }
    if based {
        Ok(contents)
    } else {
        Err(reading.damaged(contents.length, "the state that it begins with is not whole"))
    }
}

/// Hands over the frames of a file up to a byte at which one ends, once more.
pub(super) fn frames(
    log: &dyn Log,
    folder: &dyn Folder,
    number: u64,
    end: u64,
    mut each: impl FnMut(&Head, &[u8]) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut reading = Reading { log, folder, number, length: end, payload: Vec::new() };
    let mut at = FILE_HEAD as u64;
    while at < end {
        let Some(head) = reading.frame(at)? else {
            return Err(reading.damaged(at, "an epoch is not what it was a moment ago"));
        };
        each(&head, &reading.payload)?;
        at += FRAME_HEAD as u64 + head.length;
    }
    Ok(())
}

/// Reads a value, and makes sure that it is the one that was written.
pub(crate) fn value(
    log: &dyn Log,
    folder: &dyn Folder,
    number: u64,
    spot: Spot,
    into: &mut Vec<u8>,
) -> Result<(), StateError> {
    // The length was found in the file itself, so there is as much.
    into.resize(usize::try_from(spot.length).unwrap_or(usize::MAX), 0);
    let doing = || format!("read {}", folder.path_of(&name(number)).display());
    log.read_at(into, spot.at).map_err(|cause| failed(doing(), cause))?;
    let same = crc32fast::hash(into) == spot.checksum;
    if same { Ok(()) } else { Err(damaged(folder, number, spot.at, "a value is not what it was a moment ago")) }
}

impl Contents {
    /// Takes in a frame whose payload begins at the byte `at`; whether it may come here.
    fn take(&mut self, head: &Head, payload: &[u8], at: u64) -> bool {
        let Ok(edits) = Edits::read(payload, at) else { return false };
        self.token = self.token.max(head.token);
        let epoch = head.epoch;
        match head.kind {
            Kind::Base | Kind::LastBase => {
                self.index.apply(edits);
                self.epochs.promoted = epoch;
                true
            }
            Kind::Committed => {
                self.index.apply(edits);
                let next = self.epochs.may_stage(epoch).is_ok();
                self.epochs.promoted = epoch;
                next
            }
            Kind::Staged => {
                self.staged = edits;
                let next = self.epochs.may_stage(epoch).is_ok();
                self.epochs.staged = Some(epoch);
                next
            }
            Kind::Promoted => {
                self.index.apply(std::mem::take(&mut self.staged));
                let staged = self.epochs.may_decide(epoch).is_ok();
                self.epochs = Epochs { promoted: epoch, staged: None };
                staged
            }
            Kind::Discarded => {
                self.staged = Edits::default();
                let staged = self.epochs.may_decide(epoch).is_ok();
                self.epochs.staged = None;
                staged
            }
        }
    }
}

impl Reading<'_> {
    fn check_head(&self) -> Result<(), StateError> {
        let mut head = [0; FILE_HEAD];
        if self.length < FILE_HEAD as u64 {
            return Err(self.damaged(0, "the file is shorter than its head"));
        }
        self.read_at(&mut head, 0)?;
        check_file_head(&head, self.number).map_err(|error| match error {
            HeadError::Newer(found) => StateError::Newer { found, known: VERSION },
            HeadError::Unknown => self.damaged(0, "this is no beginning of a file of epochs"),
        })
    }

    /// The frame at the byte `at`, if a whole one stands there; its payload is left behind.
    fn frame(&mut self, at: u64) -> Result<Option<Head>, StateError> {
        let mut head = [0; FRAME_HEAD];
        let left = self.length - at;
        if left < FRAME_HEAD as u64 {
            return Ok(None);
        }
        self.read_at(&mut head, at)?;
        let head = Head::decode(&head, self.number, at);
        let Some(head) = head.filter(|head| head.length <= left - FRAME_HEAD as u64) else { return Ok(None) };
        // No more than the file has.
        let mut payload = std::mem::take(&mut self.payload);
        payload.resize(usize::try_from(head.length).unwrap_or(usize::MAX), 0);
        let result = self.read_at(&mut payload, at + FRAME_HEAD as u64);
        self.payload = payload;
        result?;
        Ok((crc32fast::hash(&self.payload) == head.checksum).then_some(head))
    }

    /// Where the next frame begins behind a byte at which none does. Each frame is on the disk before the next one is written:
    /// what a death leaves at the end has none behind it. Among millions of bytes some pass for one by their checksum alone, but
    /// not also by an epoch that can have come after the promoted one.
    fn frame_behind(&mut self, at: u64, promoted: Epoch) -> Result<Option<u64>, StateError> {
        let mut piece = vec![0; PIECE.min(usize::try_from(self.length - at).unwrap_or(PIECE))];
        let mut from = at + 1;
        while from + FRAME_HEAD as u64 <= self.length {
            let count = piece.len().min(usize::try_from(self.length - from).unwrap_or(usize::MAX));
            self.read_at(&mut piece[..count], from)?;
            for (offset, window) in (from..).zip(piece[..count].windows(FRAME_HEAD)) {
                let head = window.first_chunk().and_then(|head| Head::decode(head, self.number, offset));
                let between = (offset - at) / FRAME_HEAD as u64; // frames at most
                let most = promoted.saturating_add(between + 1);
                if head.is_some_and(|head| (promoted..=most).contains(&head.epoch)) {
                    return Ok(Some(offset));
                }
            }
            from += (count - FRAME_HEAD + 1) as u64;
        }
        Ok(None)
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> Result<(), StateError> {
        self.log.read_at(into, at).map_err(|cause: io::Error| {
            failed(format!("read {}", self.folder.path_of(&name(self.number)).display()), cause)
        })
    }

    fn damaged(&self, at: u64, what: &str) -> StateError {
        damaged(self.folder, self.number, at, what)
    }
}
