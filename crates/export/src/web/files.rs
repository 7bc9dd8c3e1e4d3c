//! The file and those it names: read within a bound, and known again when they have changed.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use ring::digest::{Context, SHA256};

/// The largest file of settings, certificates or a key.
pub(super) const LARGEST: u64 = 1 << 20;

/// Reads files that belong together.
///
/// Whether they have changed is told by what is in them and not by their times: a file that is written twice within one
/// tick of the clock that stamps it looks the same by every stamp.
pub(super) struct Files {
    folder: PathBuf,
    read: Vec<(PathBuf, u64)>,
    content: Context,
}

/// What was in files when they were read.
#[derive(Clone)]
pub(super) struct Fingerprint {
    read: Vec<(PathBuf, u64)>,
    content: Vec<u8>,
}

impl Files {
    /// Relative names are seen from the folder of this file, not from that of the process.
    pub(super) fn beside(file: &Path) -> Self {
        let folder = file.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { folder, read: Vec::new(), content: Context::new(&SHA256) }
    }

    /// The bytes of a file, or what to tell about it.
    pub(super) fn read(&mut self, name: &Path, limit: u64) -> Result<Vec<u8>, String> {
        let path = self.folder.join(name);
        let bytes = take_in(&mut self.content, &path, limit);
        self.read.push((path, limit));
        bytes
    }

    pub(super) fn fingerprint(self) -> Fingerprint {
        Fingerprint { read: self.read, content: self.content.finish().as_ref().to_vec() }
    }
}

impl Fingerprint {
    /// Whether reading the same files again would find the same.
    pub(super) fn still_fits(&self) -> bool {
        let mut content = Context::new(&SHA256);
        for (path, limit) in &self.read {
            // What cannot be read is part of the content, so that its coming back is a change.
            let _ = take_in(&mut content, path, *limit);
        }
        content.finish().as_ref() == self.content
    }
}

fn take_in(content: &mut Context, path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let read = read(path, limit);
    let (kind, bytes) = match &read {
        Ok(bytes) => (b'+', bytes.as_slice()),
        Err(what) => (b'-', what.as_bytes()),
    };
    content.update(&[kind]);
    content.update(&(bytes.len() as u64).to_be_bytes());
    content.update(bytes);
    read
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => format!("there is no file {shown}"),
        _ => format!("{shown} cannot be read: {error}"),
    };
    // Opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(format!("{shown} is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(format!("{shown} is longer than {limit} bytes"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::Files;

    #[test]
    fn files_fit_until_one_of_them_says_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), "ab").unwrap();
        fs::write(path("b"), "c").unwrap();
        let mut files = Files::beside(&path("web.yml"));
        for name in ["a", "b", "missing"] {
            let _ = files.read(Path::new(name), 10);
        }
        let fingerprint = files.fingerprint();
        assert!(fingerprint.still_fits());
        fs::write(path("a"), "a").unwrap();
        fs::write(path("b"), "bc").unwrap();
        assert!(!fingerprint.still_fits(), "the same bytes, cut elsewhere");
        fs::write(path("a"), "ab").unwrap();
        fs::write(path("b"), "c").unwrap();
        assert!(fingerprint.still_fits());
        fs::write(path("missing"), "").unwrap();
        assert!(!fingerprint.still_fits());
    }

    #[test]
    fn what_is_too_long_or_no_file_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "12345").unwrap();
        let mut files = Files::beside(&folder.path().join("web.yml"));
        assert_eq!(files.read(Path::new("a"), 5).unwrap(), b"12345");
        assert!(files.read(Path::new("a"), 4).unwrap_err().ends_with("a is longer than 4 bytes"));
        assert!(files.read(Path::new("."), 4).unwrap_err().ends_with("is not a regular file"));
        assert!(files.read(Path::new("b"), 4).unwrap_err().starts_with("there is no file "));
    }
}
