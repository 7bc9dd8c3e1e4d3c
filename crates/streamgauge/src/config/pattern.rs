//! What an entry of `source.file.paths` leads to: a file, or all files of a glob.

use std::path::{Path, PathBuf};

const OPTIONS: glob::MatchOptions =
    glob::MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// A path or a glob. What it leads to may change, so it can be asked again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    pub(super) fn new(text: &str) -> Self {
        Pattern(text.to_owned())
    }

    /// The files that are there now, without folders.
    ///
    /// # Errors
    /// If it is not a glob, or a folder cannot be looked into.
    pub fn files(&self) -> Result<Vec<PathBuf>, String> {
        let Pattern(text) = self;
        if self.is_path() {
            let path = PathBuf::from(text);
            return Ok(if path.exists() && !path.is_dir() { vec![path] } else { Vec::new() });
        }
        let found = glob::glob_with(text, OPTIONS)
            .map_err(|e| format!("\"{text}\" is not a glob: {}; expected for example data/*.csv", e.msg))?;
        let mut files = Vec::new();
        for path in found {
            let path = path.map_err(|e| format!("\"{}\" cannot be looked into: {}", e.path().display(), e.error()))?;
            if !path.is_dir() {
                files.push(path);
            }
        }
        Ok(files)
    }

    /// Whether it leads to one path. A file may well be named like a glob.
    pub(super) fn is_path(&self) -> bool {
        !self.0.contains(['*', '?', '[']) || Path::new(&self.0).is_file()
    }

    /// Whether it leads, or would lead, to this path; judged by the names alone.
    pub(super) fn covers(&self, path: &Path) -> bool {
        let (Ok(text), Ok(path)) = (std::path::absolute(&self.0), std::path::absolute(path)) else { return false };
        if self.is_path() {
            return text == path;
        }
        glob::Pattern::new(&text.to_string_lossy()).is_ok_and(|glob| glob.matches_path_with(&path, OPTIONS))
    }
}

/// Whether a file is compressed, as its name tells.
pub(crate) fn is_compressed(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz") || e.eq_ignore_ascii_case("zst"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_what_it_would_find_however_the_path_is_written() {
        let covers = |text: &str, path: &str| Pattern::new(text).covers(Path::new(path));
        assert!(covers("logs/*.ndjson", "./logs/a.ndjson"));
        assert!(covers("logs/a.ndjson", "logs/./a.ndjson"));
        assert!(!covers("logs/*.ndjson", "logs/a/b.ndjson"));
        assert!(!covers("*.ndjson", ".a.ndjson"));
        assert!(!covers("logs/a.ndjson", "a.ndjson"));
    }

    #[test]
    fn a_name_tells_what_is_compressed() {
        assert!(is_compressed(Path::new("a.csv.GZ")) && is_compressed(Path::new("b.zst")));
        assert!(!is_compressed(Path::new("gz")) && !is_compressed(Path::new("a.gz.csv")));
    }
}
