//! Metrics of a program that nobody can scrape, because it ends: a file for the textfile
//! collector of Prometheus' node exporter.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use streamgauge_metrics::encode::{self, Format};
use streamgauge_metrics::{Desc, Registry};
use tracing::warn;

/// Writes what a registry holds now, as Prometheus text, version 0.0.4. The node exporter reads the
/// files of its folder whose names end in `.prom`.
///
/// A reader sees the last file or this one, never a part: the text goes into a file beside it, whose
/// name begins with a dot and does not end in `.prom`, is synced, and takes the place of the other. After
/// an error the last file is as it was.
///
/// The node exporter refuses all files if two of them, or one and itself, have a series in common. So
/// what a registry tells about itself is left out, and [`process::install`](crate::process::install) is
/// not for such a registry. Jobs that share names need a label to tell them apart, which
/// [`Registry::scoped`] gives to all metrics at once.
///
/// ```
/// use streamgauge_export::textfile;
/// use streamgauge_metrics::{Counter, Desc, Registry};
///
/// let registry = Registry::new();
/// let rows: Counter = registry.register(Desc::of::<Counter>("backup_rows_total", "Rows saved."))?;
/// rows.inc_by(3);
/// let path = std::env::temp_dir().join(format!("backup-{}.prom", std::process::id()));
/// textfile::write(&registry, &path)?;
/// let text = "# HELP backup_rows_total Rows saved.\n# TYPE backup_rows_total counter\nbackup_rows_total 3\n";
/// assert_eq!(std::fs::read_to_string(&path)?, text);
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write(registry: &Registry, path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    replace(path, &page(registry))
        .map_err(|error| io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display())))
}

fn page(registry: &Registry) -> Vec<u8> {
    let own = Registry::new().describe();
    let snapshot = registry.snapshot_of(|desc| !own.iter().map(Desc::name).any(|name| name == desc.name()));
    let page = encode::encode(&snapshot, Format::default());
    for dropped in page.dropped {
        warn!("{} is left out of a textfile: {}", dropped.family, dropped.fault);
    }
    page.body
}

fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = beside(path)?;
    let replaced = write_synced(&beside, text).and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        // The first failure is the one to tell about.
        let _ = fs::remove_file(&beside);
    }
    replaced
}

fn write_synced(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(text)?;
    // A rename can reach the disk before what was renamed: after a crash the file would be empty.
    file.sync_all()
}

/// In the same folder, since a rename is atomic within one file system only; of this call alone.
fn beside(path: &Path) -> io::Result<PathBuf> {
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let no_name = || io::Error::new(io::ErrorKind::InvalidInput, "the path names no file");
    let mut name = OsString::from(".");
    name.push(path.file_name().ok_or_else(no_name)?);
    name.push(format!(".{}.{}", std::process::id(), CALLS.fetch_add(1, Ordering::Relaxed)));
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::thread;

    use streamgauge_metrics::{Counter, Desc, Family, Gauge, Registry};

    use super::write;

    struct Folder(PathBuf);

    impl Folder {
        fn new(test: &str) -> Self {
            let path = std::env::temp_dir().join(format!("textfile-{test}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn jobs() -> (Registry, Counter) {
        let registry = Registry::new();
        let jobs = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done.")).unwrap();
        (registry, jobs)
    }

    #[test]
    fn a_file_replaces_the_last_one_and_leaves_nothing_beside_it() {
        let (folder, (registry, jobs)) = (Folder::new("replace"), jobs());
        let path = folder.0.join("jobs.prom");
        for round in 1..=3 {
            jobs.inc();
            write(&registry, &path).unwrap();
            assert!(fs::read_to_string(&path).unwrap().ends_with(&format!("\njobs_total {round}\n")));
        }
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn two_files_have_no_series_in_common_that_was_not_declared() {
        let (registry, _jobs) = jobs();
        let open: Family<Gauge> =
            registry.register(Desc::of::<Family<Gauge>>("open", "Open.").with_labels(["of"])).unwrap();
        open.get_or_create(&[("of", "a")]).set(1.0);
        let page = String::from_utf8(super::page(&registry)).unwrap();
        let types: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        assert_eq!(types, ["jobs_total counter", "open gauge"]);
    }

    #[test]
    fn a_reader_sees_whole_files_only_however_many_write() {
        const SERIES: usize = 500;
        let folder = Folder::new("whole");
        let registry = Registry::new();
        let sizes: Family<Gauge> =
            registry.register(Desc::of::<Family<Gauge>>("size", "Sizes.").with_labels(["of"])).unwrap();
        for i in 0..SERIES {
            sizes.get_or_create(&[("of", i.to_string().as_str())]).set(1.0);
        }
        let path = folder.0.join("sizes.prom");
        write(&registry, &path).unwrap();
        let whole = fs::read(&path).unwrap();
        thread::scope(|scope| {
            let writers: Vec<_> =
                (0..3).map(|_| scope.spawn(|| (0..20).for_each(|_| write(&registry, &path).unwrap()))).collect();
            while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
                assert!(fs::read(&path).unwrap() == whole);
            }
        });
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named_and_nothing_is_left_there() {
        let (folder, (registry, _jobs)) = (Folder::new("errors"), jobs());
        let taken = folder.0.join("taken.prom");
        fs::create_dir(&taken).unwrap();
        for path in [taken, folder.0.join("no/such/folder.prom"), PathBuf::from("/"), PathBuf::new()] {
            let error = write(&registry, &path).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot write {}: ", path.display())), "{error}");
        }
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1);
    }
}
