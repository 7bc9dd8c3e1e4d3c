//! Writes what is not out of date to the next file.

use streamgauge_flow::state::{Changes, StateError};

use super::{Current, DiskState, Edits, FILE_HEAD, FRAME_HEAD, Head, Index, Kind, failed, file_head, name, read};
use crate::files::{Folder, Log};
use crate::step::Step;

/// A smaller file is not worth it.
const FLOOR: u64 = 256 << 10;
/// How much of the base goes into a frame.
const PIECE: usize = 4 << 20;

/// A base in the making.
struct Base<'a> {
    log: Box<dyn Log>,
    folder: &'a dyn Folder,
    number: u64,
    epoch: u64,
    token: u64,
    length: u64,
    index: Index,
}

/// Writes the file of a new state; its number.
pub(super) fn begin(folder: &dyn Folder, token: u64) -> Result<u64, StateError> {
    let mut base = Base::create(folder, 1, 0, token)?;
    base.frame(Kind::LastBase, &Changes::default())?;
    base.sync()?;
    rename(folder, 1)?;
    Ok(1)
}

/// Takes away what a death has left beside the file that counts. What stays is looked at again the next time.
pub(super) fn remove_leftovers(folder: &dyn Folder, current: u64) {
    for name in folder.list().unwrap_or_default() {
        let old = read::number_of(&name).is_some_and(|number| number < current);
        if old || name.strip_suffix(".tmp").is_some() {
            let _ = folder.remove(&name);
        }
    }
}

impl DiskState {
    /// Before the file takes more than about twice what it keeps. While it is rewritten, both are there: less than three times.
    pub(super) fn rewrite_if_worth_it(&mut self) -> Result<(), StateError> {
        let live = self.index.size().live;
        if self.file.length < FLOOR.max(live / 10 * 17) {
            return Ok(());
        }
        let result = self.rewrite();
        self.broken |= result.is_err();
        result
    }

    fn rewrite(&mut self) -> Result<(), StateError> {
        let number = self.file.number + 1;
        let mut base = Base::create(&*self.folder, number, self.epochs.promoted, self.lock.token())?;
        let (mut changes, mut value) = (Changes::default(), Vec::new());
        for (table, row, spot) in self.index.iter() {
            read::value(&*self.file.log, &*self.folder, self.file.number, spot, &mut value)?;
            changes.put(table, row, |to| to.extend_from_slice(&value));
            if changes.as_bytes().len() >= PIECE {
                base.frame(Kind::Base, &changes)?;
                changes.clear();
            }
        }
        base.frame(Kind::LastBase, &changes)?;
        base.sync()?;
        let Base { log, length, index, .. } = base;
        (self.steps)(Step::BaseWritten);
        self.lock.check()?;
        rename(&*self.folder, number)?;
        (self.steps)(Step::BaseRenamed);
        let old = name(self.file.number);
        (self.file, self.index) = (Current { log, number, length }, index);
        // Should it stay, the next one who opens the state takes it away.
        let _ = self.folder.remove(&old);
        (self.steps)(Step::OldRemoved);
        Ok(())
    }
}

impl<'a> Base<'a> {
    fn create(folder: &'a dyn Folder, number: u64, epoch: u64, token: u64) -> Result<Self, StateError> {
        let name = unnamed(number);
        let doing = || format!("create {}", folder.path_of(&name).display());
        let mut log = folder.create(&name).map_err(|cause| failed(doing(), cause))?;
        log.write_at(&file_head(number), 0).map_err(|cause| failed(doing(), cause))?;
        Ok(Base { log, folder, number, epoch, token, length: FILE_HEAD as u64, index: Index::default() })
    }

    fn frame(&mut self, kind: Kind, changes: &Changes) -> Result<(), StateError> {
        let (payload, at) = (changes.as_bytes(), self.length);
        let head = Head::of(kind, self.epoch, self.token, payload).encode(self.number, at);
        let behind = at + FRAME_HEAD as u64;
        let written = self.log.write_at(&head, at).and_then(|()| self.log.write_at(payload, behind));
        written.map_err(|cause| failed(self.doing("write to"), cause))?;
        let edits = Edits::read(payload, behind);
        self.index.apply(edits.unwrap_or_default());
        self.length = behind + payload.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), StateError> {
        let synced = self.log.sync();
        synced.map_err(|cause| failed(self.doing("sync"), cause))
    }

    fn doing(&self, what: &str) -> String {
        format!("{what} {}", self.folder.path_of(&unnamed(self.number)).display())
    }
}

/// From here on the file counts.
fn rename(folder: &dyn Folder, number: u64) -> Result<(), StateError> {
    let doing = |what: &str| format!("{what} {}", folder.path_of(&name(number)).display());
    folder.rename(&unnamed(number), &name(number)).map_err(|cause| failed(doing("rename to"), cause))?;
    folder
        .sync()
        .map_err(|cause| failed(format!("sync the folder of {}", folder.path_of(&name(number)).display()), cause))
}

fn unnamed(number: u64) -> String {
    format!("{number:016x}.tmp")
}
