//! A disk in memory. A process can die at any of its calls, and when the power fails, of what was not synced anything may be
//! there: each write and each name, all of it, half of it or nothing, in any order.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use streamgauge_state::{Folder, Log};
use tempfile::TempDir;

use crate::rows::Random;

/// A folder of the file system that is in memory where there is one, for tests that open states by the thousand.
pub(crate) fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// The disk; its clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Platter(Arc<Mutex<Content>>);

#[derive(Debug, Default)]
struct Content {
    files: Vec<Stored>,
    names: Names,
    safe_names: Names,
    naming: Vec<Naming>,     // since the folder was synced
    calls_left: Option<u64>, // of a process that is to die
}

type Names = BTreeMap<String, usize>;

#[derive(Debug, Default)]
struct Stored {
    now: Vec<u8>,
    safe: Vec<u8>,
    writes: Vec<Write>, // since it was synced
}

#[derive(Debug)]
enum Write {
    Bytes(usize, Vec<u8>),
    Cut(usize),
}

#[derive(Debug)]
enum Naming {
    Give(String, usize),
    Take(String),
}

#[derive(Debug)]
struct Open {
    disk: Platter,
    file: usize,
}

impl Platter {
    /// The process that uses it dies at the call after so many; from then on all of its calls fail.
    pub(crate) fn let_die_after(&self, calls: u64) {
        self.content().calls_left = Some(calls);
    }

    /// Another process uses it.
    pub(crate) fn revive(&self) {
        self.content().calls_left = None;
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.content().calls_left == Some(0)
    }

    pub(crate) fn fail_power(&self, random: &mut Random) {
        let mut content = self.content();
        let Content { files, names, safe_names, naming, .. } = &mut *content;
        for naming in naming.drain(..).filter(|_| random.below(2) == 0) {
            naming.apply(safe_names);
        }
        names.clone_from(safe_names);
        for file in files {
            for write in file.writes.drain(..) {
                match (random.below(3), write) {
                    (0, _) => {}
                    (1, Write::Bytes(at, bytes)) => {
                        Write::Bytes(at, bytes[..bytes.len() / 2].to_vec()).apply(&mut file.safe);
                    }
                    (_, write) => write.apply(&mut file.safe),
                }
            }
            file.now.clone_from(&file.safe);
        }
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.0.lock().unwrap()
    }

    /// Counts a call; whether the process lives to see its end.
    fn call(&self) -> io::Result<MutexGuard<'_, Content>> {
        let mut content = self.content();
        match &mut content.calls_left {
            Some(0) => return Err(io::Error::other("the process is dead")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(content)
    }

    fn log(&self, file: usize) -> Box<dyn Log> {
        Box::new(Open { disk: self.clone(), file })
    }
}

impl Content {
    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.naming.push(naming);
    }

    fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }
}

impl Stored {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.now);
        self.writes.push(write);
    }
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Write::Bytes(at, bytes) => {
                to.resize(to.len().max(at + bytes.len()), 0);
                to[*at..at + bytes.len()].copy_from_slice(bytes);
            }
            Write::Cut(length) => to.resize(*length, 0),
        }
    }
}

impl Naming {
    fn apply(&self, to: &mut Names) {
        match self {
            Naming::Give(name, file) => {
                // A file has one name: a rename is one step.
                to.retain(|_, other| other != file);
                to.insert(name.clone(), *file);
            }
            Naming::Take(name) => drop(to.remove(name)),
        }
    }
}

impl Folder for Platter {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.call()?.names.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Log>> {
        let file = self.call()?.find(name)?;
        Ok(self.log(file))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Log>> {
        let mut content = self.call()?;
        let file = content.find(name).unwrap_or(content.files.len());
        if file == content.files.len() {
            content.files.push(Stored::default());
            content.name(Naming::Give(name.to_owned(), file));
        }
        content.files[file].write(Write::Cut(0));
        Ok(self.log(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut content = self.call()?;
        let file = content.find(from)?;
        content.name(Naming::Give(to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut content = self.call()?;
        content.find(name)?;
        content.name(Naming::Take(name.to_owned()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut content = self.call()?;
        content.naming.clear();
        content.safe_names = content.names.clone();
        Ok(())
    }

    fn path_of(&self, name: &str) -> PathBuf {
        Path::new("/platter").join(name)
    }
}

impl Log for Open {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.call()?.files[self.file].now.len() as u64)
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        let content = self.disk.call()?;
        let at = usize::try_from(at).unwrap();
        let bytes = content.files[self.file].now.get(at..at + into.len());
        into.copy_from_slice(bytes.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        let at = usize::try_from(at).unwrap();
        let mut content = self.disk.call()?;
        // The call at which a process dies may still have begun.
        let dies = content.calls_left == Some(0);
        let done = if dies { &bytes[..bytes.len() / 2] } else { bytes };
        content.files[self.file].write(Write::Bytes(at, done.to_vec()));
        if dies { Err(io::Error::other("the process dies")) } else { Ok(()) }
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).unwrap();
        self.disk.call()?.files[self.file].write(Write::Cut(length));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let file = &mut self.disk.call()?.files[self.file];
        file.writes.clear();
        file.safe.clone_from(&file.now);
        Ok(())
    }
}
