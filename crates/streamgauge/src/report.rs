//! The account of a run: a JSON file for programs, a line for people.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use streamgauge_flow::Account;

use crate::log::escape_controls;
use crate::sink::Written;

/// What a run did, as it is reported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    pub(crate) received: u64,
    pub(crate) processed: u64,
    pub(crate) duplicates: u64,
    pub(crate) late: u64,
    pub(crate) dead_letters: u64,
    pub(crate) filtered: u64,
    pub(crate) rows: u64,
    pub(crate) revisions: u64,
    pub(crate) open_windows: u64,
    pub(crate) bytes_in: u64,
    pub(crate) elapsed_ms: u64,
    pub(crate) events_per_second: u64,
}

/// Where the report goes. Proven to be writable before the run.
#[derive(Debug)]
pub(crate) struct ReportFile {
    path: PathBuf,
    /// Written first and then moved, so that nobody ever reads half a report. None where there is no file to replace: a pipe, a device.
    beside: Option<PathBuf>,
}

/// A report that cannot be written.
#[derive(Debug)]
pub(crate) struct ReportError {
    path: PathBuf,
    cause: io::Error,
}

impl Report {
    pub(crate) fn new(
        account: &Account,
        written: Written,
        open_windows: u64,
        bytes_in: u64,
        elapsed: Duration,
    ) -> Self {
        let seconds = elapsed.as_secs_f64().max(1e-6);
        Report {
            received: account.received,
            processed: account.processed,
            duplicates: account.duplicates,
            late: account.late,
            dead_letters: account.dead_letters,
            filtered: account.filtered,
            rows: written.rows,
            revisions: written.revisions,
            open_windows,
            bytes_in,
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            events_per_second: rounded(account.received as f64 / seconds),
        }
    }
}

impl ReportFile {
    /// Makes sure that a report can be written at `path`.
    ///
    /// # Errors
    /// If it cannot.
    pub(crate) fn prepare(path: &Path) -> Result<Self, ReportError> {
        let failed = |cause| ReportError { path: path.to_owned(), cause };
        // Through links: moving a file onto a link would replace the link.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let beside = match fs::metadata(&target) {
            Ok(there) if there.is_dir() => return Err(failed(io::ErrorKind::IsADirectory.into())),
            Ok(there) if !there.is_file() => None,
            _ => Some(beside(&target).map_err(failed)?),
        };
        if let Some(beside) = &beside {
            fs::write(beside, "").and_then(|()| fs::remove_file(beside)).map_err(failed)?;
        }
        Ok(ReportFile { path: target, beside })
    }

    /// Writes the report.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) fn write(&self, report: &Report) -> Result<(), ReportError> {
        self.put(report).map_err(|cause| ReportError { path: self.path.clone(), cause })
    }

    fn put(&self, report: &Report) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(report)?;
        text.push('\n');
        let Some(beside) = &self.beside else { return fs::write(&self.path, text) };
        let moved = fs::write(beside, text).and_then(|()| fs::rename(beside, &self.path));
        if moved.is_err() {
            // The first failure is the one to tell about.
            let _ = fs::remove_file(beside);
        }
        moved
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed_ms as f64 / 1e3;
        write!(f, "{} events in {seconds:.2} s", self.received)?;
        write!(f, " ({} per second): ", self.events_per_second)?;
        write!(f, "{} processed, {} duplicates, ", self.processed, self.duplicates)?;
        write!(f, "{} late, {} dead letters, ", self.late, self.dead_letters)?;
        write!(f, "{} filtered; {} rows", self.filtered, self.rows)?;
        if self.revisions > 0 {
            write!(f, ", {} of them revisions", self.revisions)?;
        }
        Ok(())
    }
}

impl fmt::Display for ReportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = escape_controls(&self.path.to_string_lossy());
        write!(f, "--report: cannot write {path}: {}", self.cause)?;
        match self.cause.kind() {
            io::ErrorKind::NotFound => write!(f, "; create its folder, or choose another path"),
            _ => write!(f, "; choose another path"),
        }
    }
}

fn beside(target: &Path) -> io::Result<PathBuf> {
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().ok_or_else(no_name)?);
    name.push(format!(".{}", std::process::id()));
    Ok(target.with_file_name(name))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, as it should")]
fn rounded(rate: f64) -> u64 {
    rate.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let account = Account {
            received: 19_366,
            processed: 19_360,
            duplicates: 1,
            late: 2,
            dead_letters: 3,
            rows: 351,
            ..Account::default()
        };
        let written = Written { rows: 351, revisions: 4 };
        Report::new(&account, written, 7, 719_188, Duration::from_millis(41))
    }

    fn folder(test: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("report-{test}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    #[test]
    fn the_report_has_its_fields_in_the_promised_order() {
        let want = r#"{"received":19366,"processed":19360,"duplicates":1,"late":2,"dead_letters":3,"filtered":0,"rows":351,"revisions":4,"open_windows":7,"bytes_in":719188,"elapsed_ms":41,"events_per_second":472341}"#;
        assert_eq!(serde_json::to_string(&report()).unwrap(), want);
    }

    #[test]
    fn the_summary_is_one_line_with_all_numbers_of_the_account() {
        let want = "19366 events in 0.04 s (472341 per second): 19360 processed, 1 duplicates, 2 late, \
                    3 dead letters, 0 filtered; 351 rows, 4 of them revisions";
        assert_eq!(report().to_string(), want);
    }

    #[test]
    fn a_report_replaces_the_last_one_and_leaves_nothing_beside_it() {
        let folder = folder("replace");
        let path = folder.join("report.json");
        for _ in 0..2 {
            ReportFile::prepare(&path).unwrap().write(&report()).unwrap();
        }
        let read: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(read["rows"], 351);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn preparing_changes_nothing() {
        let folder = folder("prepare");
        let path = folder.join("report.json");
        ReportFile::prepare(&path).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        fs::write(&path, "old").unwrap();
        ReportFile::prepare(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = folder("link");
        let (real, link) = (folder.join("real"), folder.join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        ReportFile::prepare(&link).unwrap().write(&report()).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&real).unwrap().contains("19366"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        ReportFile::prepare(Path::new("/dev/null")).unwrap().write(&report()).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[test]
    fn what_cannot_be_written_is_known_before_the_start() {
        for path in ["not/there/report.json", "/"] {
            let told = ReportFile::prepare(Path::new(path)).unwrap_err().to_string();
            assert!(told.contains(path) && told.contains("--report"), "{told}");
        }
    }
}
