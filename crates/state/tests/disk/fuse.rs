//! Files on which something happens before the n-th call: it fails, or somebody else comes in between.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use streamgauge_flow::state::StateError;
use streamgauge_state::{DiskState, Folder, Log, RealFolder};

/// Counts calls, and blows before one of them.
#[derive(Clone)]
pub(crate) struct Fuse {
    left: Arc<AtomicI64>,
    then: Arc<Mutex<Then>>,
    blown: Arc<AtomicBool>,
}

type Then = dyn FnMut() -> io::Result<()> + Send;

#[derive(Debug)]
struct FusedFolder {
    real: RealFolder,
    fuse: Fuse,
}

#[derive(Debug)]
struct FusedLog {
    real: Box<dyn Log>,
    fuse: Fuse,
    synced_badly: bool,
}

impl Fuse {
    /// After so many calls `then` is called before the next one, which fails if that does, with half of its work done.
    pub(crate) fn new(calls: i64, then: impl FnMut() -> io::Result<()> + Send + 'static) -> Self {
        Fuse { left: Arc::new(AtomicI64::new(calls)), then: Arc::new(Mutex::new(then)), blown: Arc::default() }
    }

    /// Opens a state on such files.
    pub(crate) fn open(&self, folder: &Path) -> Result<DiskState, StateError> {
        let real = RealFolder::new(folder);
        DiskState::open_on(Box::new(FusedFolder { real, fuse: self.clone() }), folder)
    }

    pub(crate) fn is_blown(&self) -> bool {
        self.blown.load(Ordering::Relaxed)
    }

    fn burn(&self) -> io::Result<()> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 0 {
            self.blown.store(true, Ordering::Relaxed);
            return (self.then.lock().unwrap())();
        }
        Ok(())
    }

    fn log(&self, real: Box<dyn Log>) -> Box<dyn Log> {
        Box::new(FusedLog { real, fuse: self.clone(), synced_badly: false })
    }
}

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fuse({:?})", self.left)
    }
}

impl Folder for FusedFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        self.fuse.burn()?;
        self.real.list()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Log>> {
        self.fuse.burn()?;
        self.real.open(name).map(|log| self.fuse.log(log))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Log>> {
        self.fuse.burn()?;
        self.real.create(name).map(|log| self.fuse.log(log))
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

impl Log for FusedLog {
    fn length(&self) -> io::Result<u64> {
        self.fuse.burn()?;
        self.real.length()
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.fuse.burn()?;
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
