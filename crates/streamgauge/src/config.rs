//! The configuration: read from YAML, then proven into these types. Nothing behind them validates again.

mod effective;
mod load;
mod overrides;
mod pattern;
mod preset;
mod prove;
mod quantity;
mod reference;
mod scalar;
mod schema;
mod substitute;
mod table;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use streamgauge_flow::{Settings, Span};
use streamgauge_metrics::Limits;

use crate::log::escape_controls;

pub use effective::Effective;
pub use load::{Loaded, load};
pub use pattern::Pattern;
pub(crate) use pattern::is_compressed;
pub(crate) use prove::user_of;
pub use reference::reference;
pub use schema::schema;
pub use streamgauge_yaml::Faults;

/// A proven configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who is running.
    pub service: Service,
    /// Where `/metrics` is served; `None` if it is switched off.
    pub prometheus: Option<Prometheus>,
    /// Where events come from.
    pub source: Source,
    /// What is computed.
    pub pipeline: Settings,
    /// A silent live input lets the watermark move on after this long.
    pub idle_timeout: Duration,
    /// A live partition further ahead of the lowest active one is not read on.
    pub max_drift: Span,
    /// Where running state is kept.
    pub state: State,
    /// What a restart may do to rows.
    pub delivery: Delivery,
    /// How many threads decode records; `None`: one for each core.
    pub workers: Option<usize>,
    /// Where result rows go.
    pub sink: Output,
    /// Where late events go, if anywhere.
    pub late: Option<Output>,
    /// Where dead letters go, if anywhere.
    pub dead_letter: Option<Output>,
}

/// Who is running.
#[derive(Clone, Debug)]
pub struct Service {
    /// The service's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Such as production or dev.
    pub environment: String,
    /// Which of several instances.
    pub instance_id: String,
}

/// The scrape endpoint.
#[derive(Clone, Debug)]
pub struct Prometheus {
    /// Where to listen; port 0 picks one.
    pub address: SocketAddr,
    /// The path of the metrics, `/metrics` by default.
    pub path: String,
    /// What says who may come in, and how, if anything does.
    pub web_config_file: Option<PathBuf>,
    /// Overrides of the standard histogram buckets, if configured.
    pub latency_ms_buckets: Option<Vec<f64>>,
    /// The same for sizes.
    pub size_bytes_buckets: Option<Vec<f64>>,
    /// The same for throughput.
    pub throughput_buckets: Option<Vec<f64>>,
    /// The same for single histograms, by name; it goes before the others.
    pub per_metric_buckets: BTreeMap<String, Vec<f64>>,
    /// Histograms with native buckets.
    pub native_histograms: BTreeSet<String>,
    /// How many series there may be, and which labels.
    pub limits: Limits,
}

/// Where events come from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The inputs in the order of their names; at least one, unless files are followed.
    pub inputs: Vec<Input>,
    /// What is a partition.
    pub partitions: Partitions,
    /// Where to look for files again and again, if they are followed.
    pub follow: Option<Vec<Pattern>>,
    /// How fast they are played.
    pub speed: Speed,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Standard input.
    Stdin,
    /// A file; `.gz` and `.zst` are decompressed.
    File(PathBuf),
}

/// What is a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partitions {
    /// All inputs together: they follow each other.
    One,
    /// Each file.
    PerFile,
}

/// How fast the input is played.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As fast as it can be read.
    Max,
    /// This many times the speed of event time; positive and finite.
    Factor(f64),
}

/// Where running state is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// In the process alone.
    Memory,
    /// In a folder.
    Disk {
        /// Its path.
        path: PathBuf,
        /// The time between two commits.
        commit_interval: Duration,
    },
}

/// What a restart may do to rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// None is lost; where an output cannot be cut back, some come again.
    AtLeastOnce,
    /// Each is there once.
    ExactlyOnce,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Stdout,
    /// A file.
    File {
        /// Its path.
        path: PathBuf,
        /// What to do if it is there already.
        existing: Existing,
    },
}

/// What to do with a file that is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Write behind what is there.
    Append,
    /// Begin anew.
    Truncate,
    /// Do not start.
    Refuse,
}

/// The reason why a value is not there: its fault was reported.
#[derive(Clone, Copy, Debug)]
struct Reported;

impl Output {
    /// The file, unless it is standard output.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Output::Stdout => None,
            Output::File { path, .. } => Some(path),
        }
    }
}

impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Stdout => f.write_str("standard output"),
            Output::File { path, .. } => f.write_str(&escape_controls(&path.to_string_lossy())),
        }
    }
}

impl Input {
    /// The file, unless it is standard input.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Input::Stdin => None,
            Input::File(path) => Some(path),
        }
    }

    /// What inputs are ordered by: the path, or `-`.
    pub(crate) fn name(&self) -> &OsStr {
        self.file().map_or(OsStr::new("-"), Path::as_os_str)
    }
}
