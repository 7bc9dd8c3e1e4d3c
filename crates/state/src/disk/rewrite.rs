//! Writes what is not out of date to the next file.

use std::time::Instant;

use streamgauge_flow::state::{Changes, StateError};

use super::{
    Current, DiskState, EPOCHS, FILE_HEAD, FRAME_HEAD, Head, Index, Kind, Lock, failed, file_head, name, number_of,
    numbered, read,
};
use crate::files::{Folder, Log};
use crate::metrics::{Backend, Operation};
use crate::step::Step;

/// A smaller file is not worth it.
const FLOOR: u64 = 256 << 10;
/// How much of the base goes into a frame.
const PIECE: usize = 4 << 20;
/// What the name of a file in the making ends with.
const DRAFT: &str = ".tmp";

/// A file in the making, which does not count before it has its name.
struct Draft<'a> {
    log: Box<dyn Log>,
    folder: &'a dyn Folder,
    number: u64,
    length: u64,
}

/// Writes the file of a new state; its number.
pub(super) fn begin(folder: &dyn Folder, lock: &mut Lock) -> Result<u64, StateError> {
    let base = Head::of(Kind::LastBase, 0, lock.token(), &[]);
    let (draft, _) = Draft::write(folder, 1, |draft| draft.append(&base, &[]))?;
    let file = draft.publish()?;
    lock.settle()?;
    Ok(file.number)
}

/// Copies a file, up to a byte at which a frame ends, to one that nobody else can write to. Everything stays where it stood.
///
/// The holder before may be alive, stopped anywhere. It looks at the lock before it does anything else, so when it wakes up it can
/// still append to the old file, and give the next number to one that it has written: that number is left to it.
pub(super) fn carry_over(old: &Current, folder: &dyn Folder, lock: &mut Lock) -> Result<Current, StateError> {
    let (draft, ()) = Draft::write(folder, old.number + 2, |draft| {
        let copy = |head: &Head, payload: &[u8]| draft.append(head, payload).map(drop);
        read::frames(&*old.log, folder, old.number, old.length, copy)
    })?;
    lock.check()?;
    let file = draft.publish()?;
    lock.settle()?;
    Ok(file)
}

/// Takes away what a death has left beside the file that counts. What stays is looked at again the next time.
pub(super) fn remove_leftovers(folder: &dyn Folder, current: u64) {
    for name in folder.list().unwrap_or_default() {
        let old = number_of(&name, EPOCHS).is_some_and(|number| number < current);
        // Later ones are of somebody who has taken over meanwhile.
        let draft = number_of(&name, DRAFT).is_some_and(|number| number <= current + 1);
        if old || draft {
            let _ = folder.remove(&name);
        }
    }
}

impl DiskState {
    /// Before the file takes more than about twice what it keeps. While it is rewritten, both are there: less than three times.
    pub(super) fn rewrite_if_worth_it(&mut self) -> Result<(), StateError> {
        if self.file.length < FLOOR.max(self.index.packed() / 10 * 17) {
            return Ok(());
        }
        let since = Instant::now();
        let result = self.rewrite();
        self.broken |= result.is_err();
        match &self.metrics {
            Some(metrics) => metrics.note(Backend::Disk, Operation::Rewrite, since.elapsed(), result),
            None => result,
        }
    }

    fn rewrite(&mut self) -> Result<(), StateError> {
        let (draft, index) = Draft::write(&*self.folder, self.file.number + 1, |draft| self.write_base(draft))?;
        (self.steps)(Step::BaseWritten);
        self.lock.check()?;
        let next = draft.publish()?;
        (self.steps)(Step::BaseRenamed);
        let old = name(self.file.number);
        (self.file, self.index) = (next, index);
        // Should it stay, the next one who opens the state takes it away.
        let _ = self.folder.remove(&old);
        (self.steps)(Step::OldRemoved);
        Ok(())
    }

    /// Writes all rows; where they are then.
    fn write_base(&self, draft: &mut Draft<'_>) -> Result<Index, StateError> {
        let (mut index, mut changes, mut value) = (Index::default(), Changes::default(), Vec::new());
        let mut write = |kind, changes: &Changes| {
            let payload = changes.as_bytes();
            let at = draft.append(&Head::of(kind, self.epochs.promoted, self.lock.token(), payload), payload)?;
            index.apply(self.edits(changes, at)?);
            Ok::<_, StateError>(())
        };
        for (table, row, spot) in self.index.iter() {
            read::value(&*self.file.log, &*self.folder, self.file.number, spot, &mut value)?;
            changes.put(table, row, |to| to.extend_from_slice(&value));
            if changes.as_bytes().len() >= PIECE {
                write(Kind::Base, &changes)?;
                changes.clear();
            }
        }
        write(Kind::LastBase, &changes)?;
        Ok(index)
    }
}

impl<'a> Draft<'a> {
    /// Writes a file and brings it to the disk. One that fails gives its room back: it may be just what was missing.
    fn write<T>(
        folder: &'a dyn Folder,
        number: u64,
        write: impl FnOnce(&mut Self) -> Result<T, StateError>,
    ) -> Result<(Self, T), StateError> {
        let result = Self::create(folder, number).and_then(|mut draft| {
            let written = write(&mut draft)?;
            draft.sync()?;
            Ok((draft, written))
        });
        result.inspect_err(|_| drop(folder.remove(&unnamed(number))))
    }

    fn create(folder: &'a dyn Folder, number: u64) -> Result<Self, StateError> {
        let name = unnamed(number);
        let doing = || format!("create {}", folder.path_of(&name).display());
        let mut log = folder.create(&name).map_err(|cause| failed(doing(), cause))?;
        log.write_at(&file_head(number), 0).map_err(|cause| failed(doing(), cause))?;
        Ok(Draft { log, folder, number, length: FILE_HEAD as u64 })
    }

    /// Appends a frame; where its payload begins.
    fn append(&mut self, head: &Head, payload: &[u8]) -> Result<u64, StateError> {
        let (at, behind) = (self.length, self.length + FRAME_HEAD as u64);
        let head = head.encode(self.number, at);
        let written = self.log.write_at(&head, at).and_then(|()| self.log.write_at(payload, behind));
        written.map_err(|cause| failed(self.doing("write to"), cause))?;
        self.length = behind + payload.len() as u64;
        Ok(behind)
    }

    fn sync(&mut self) -> Result<(), StateError> {
        let synced = self.log.sync();
        synced.map_err(|cause| failed(self.doing("sync"), cause))
    }

    /// From here on the file counts.
    fn publish(self) -> Result<Current, StateError> {
        let Draft { log, folder, number, length } = self;
        let to = folder.path_of(&name(number));
        let renamed = folder.rename(&unnamed(number), &name(number));
        renamed.map_err(|cause| {
            let _ = folder.remove(&unnamed(number));
            failed(format!("rename to {}", to.display()), cause)
        })?;
        sync_name(folder, number)?;
        Ok(Current { log, number, length })
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} {}", self.folder.path_of(&unnamed(self.number)).display())
    }
}

/// Returns once the name of a file of epochs is on the disk.
pub(super) fn sync_name(folder: &dyn Folder, number: u64) -> Result<(), StateError> {
    let doing = || format!("sync the folder of {}", folder.path_of(&name(number)).display());
    folder.sync().map_err(|cause| failed(doing(), cause))
}

fn unnamed(number: u64) -> String {
    numbered(number, DRAFT)
}
