//! What a store asks of the file system: little enough that a test can fail each of it on purpose.

use std::fmt::Debug;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A folder of files.
pub trait Folder: Debug + Send {
    /// The names of the files in it.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file that is there, to read it and to append to it.
    fn open(&self, name: &str) -> io::Result<Box<dyn Log>>;

    /// Creates a file, or empties it if it is there.
    fn create(&self, name: &str) -> io::Result<Box<dyn Log>>;

    /// Gives a file another name, in one step; a file that had that name is gone.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Takes a file away.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Returns once the names of the files are on the disk.
    fn sync(&self) -> io::Result<()>;

    /// Where a file is, for people.
    fn path_of(&self, name: &str) -> PathBuf;
}

/// An open file that grows at its end.
pub trait Log: Debug + Send {
    /// How long it is.
    fn length(&self) -> io::Result<u64>;

    /// Reads all of `into`, from the byte `at` on.
    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()>;

    /// Writes all of `bytes` at the byte `at`.
    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()>;

    /// Cuts it to a length.
    fn cut(&mut self, length: u64) -> io::Result<()>;

    /// Returns once what was written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Clone, Debug)]
pub struct RealFolder(PathBuf);

impl RealFolder {
    /// The folder at this path.
    pub fn new(path: &Path) -> Self {
        RealFolder(path.to_owned())
    }

    /// Opens a file that is there, to read it only.
    pub(crate) fn open_to_read(&self, name: &str) -> io::Result<File> {
        File::open(self.path_of(name))
    }
}

impl Folder for RealFolder {
    fn list(&self) -> io::Result<Vec<String>> {
        let name =
            |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().to_string_lossy().into_owned());
        fs::read_dir(&self.0)?.map(name).collect()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Log>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path_of(name))?;
        Ok(Box::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn Log>> {
        let options = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(self.path_of(name))?;
        Ok(Box::new(options))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path_of(from), self.path_of(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path_of(name))
    }

    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Log for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, into: &mut [u8], at: u64) -> io::Result<()> {
        self.read_exact_at(into, at)
    }

    fn write_at(&mut self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.write_all_at(bytes, at)
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}
