//! A file system on which one call fails: the n-th, for every n there is.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use streamgauge_flow::state::{State, StateError};
use streamgauge_state::{DiskState, Folder, Log, RealFolder};
use tempfile::TempDir;

use crate::rows::{Random, Rows, apply, rows};

/// Counts calls that change something; when none are left, one fails, and half of what it was to write is there.
#[derive(Clone, Debug)]
struct Fuse {
    left: Arc<AtomicI64>,
    kind: ErrorKind,
    blown: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Faulty {
    real: RealFolder,
    fuse: Fuse,
}

#[derive(Debug)]
struct FaultyLog {
    real: Box<dyn Log>,
    fuse: Fuse,
    synced_badly: bool,
}

impl Fuse {
    fn new(calls: i64, kind: ErrorKind) -> Self {
        Fuse { left: Arc::new(AtomicI64::new(calls)), kind, blown: Arc::default() }
    }

    fn burn(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.blown.store(true, Ordering::Relaxed);
            return Err(self.kind.into());
        }
        Ok(())
    }

    fn is_blown(&self) -> bool {
        self.blown.load(Ordering::Relaxed)
    }
}

impl Faulty {
    fn log(&self, real: Box<dyn Log>) -> Box<dyn Log> {
        Box::new(FaultyLog { real, fuse: self.fuse.clone(), synced_badly: false })
    }
}

impl Folder for Faulty {
    fn list(&self) -> io::Result<Vec<String>> {
        self.real.list()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Log>> {
        self.real.open(name).map(|log| self.log(log))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Log>> {
        self.fuse.burn()?;
        self.real.create(name).map(|log| self.log(log))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.fuse.burn()?;
        self.real.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.fuse.burn()?;
        self.real.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.fuse.burn()?;
        self.real.sync()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.real.path_of(name)
    }
}

impl Log for FaultyLog {
    fn length(&self) -> io::Result<u64> {
        self.real.length()
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.real.read_at(into, at)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        assert!(!self.synced_badly, "after a failed sync nobody knows what is on the disk: nothing may follow");
        if let Err(error) = self.fuse.burn() {
            self.real.write_at(&bytes[..bytes.len() / 2], at)?;
            return Err(error);
        }
        self.real.write_at(bytes, at)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.fuse.burn()?;
        self.real.cut(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.fuse.burn().inspect_err(|_| self.synced_badly = true)?;
        self.real.sync()
    }
}

fn open(folder: &Path, fuse: &Fuse) -> Result<DiskState, StateError> {
    DiskState::open_on(Box::new(Faulty { real: RealFolder::new(folder), fuse: fuse.clone() }), folder)
}

/// Commits and stages until something fails; what was promised, and what may be there besides.
fn script(state: &mut DiskState) -> (Rows, Rows, Option<StateError>) {
    let mut random = Random(11);
    let (mut promised, mut epoch) = (Rows::new(), state.epochs().promoted);
    for round in 0..40 {
        let changes = random.changes(60_000);
        let mut next = promised.clone();
        apply(&mut next, &changes);
        epoch += 1;
        let done = if round % 4 == 3 {
            state.stage(epoch, &changes).and_then(|()| state.promote(epoch))
        } else {
            state.commit(epoch, &changes)
        };
        match done {
            Ok(()) => promised = next,
            Err(error) => return (promised, next, Some(error)),
        }
    }
    (promised.clone(), promised, None)
}

fn every_fault(kind: ErrorKind) {
    let mut calls = 0;
    loop {
        let folder = TempDir::new().unwrap();
        let fuse = Fuse::new(calls, kind);
        let (mut promised, mut maybe) = (Rows::new(), Rows::new());
        match open(folder.path(), &fuse) {
            Ok(mut state) => {
                let error;
                (promised, maybe, error) = script(&mut state);
                if let Some(error) = error {
                    assert!(
                        matches!(&error, StateError::Io { doing, .. } if doing.contains(".epochs") || doing.contains(".tmp")),
                        "{error:?}"
                    );
                    // Nothing is known of that epoch, so nothing goes on before the state is opened again.
                    let next = state.epochs().promoted + 1;
                    let staged = state.epochs().staged.is_some();
                    let again = if staged { state.promote(next) } else { state.commit(next, &Random(1).changes(9)) };
                    assert!(matches!(again, Err(StateError::Io { .. })), "{again:?}");
                } else if !fuse.is_blown() {
                    return;
                }
            }
            Err(error) => assert!(matches!(error, StateError::Io { .. }), "{error:?}"),
        }
        let mut state = DiskState::open(folder.path()).unwrap();
        if let Some(staged) = state.epochs().staged {
            state.promote(staged).unwrap();
        }
        let found = rows(&mut state);
        assert!(found == promised || found == maybe, "after {calls} calls");
        // There is room again: it goes on.
        let changes = Random(5).changes(100);
        let mut want = found;
        apply(&mut want, &changes);
        state.commit(state.epochs().promoted + 1, &changes).unwrap();
        assert!(rows(&mut state) == want);
        calls += 1;
    }
}

#[test]
fn whatever_fails_what_was_promised_is_there_after_the_restart() {
    every_fault(ErrorKind::Other);
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_an_epoch_leaves_the_state_as_it_was() {
    every_fault(ErrorKind::StorageFull);
}
