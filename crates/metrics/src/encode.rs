//! Snapshots as bytes on the wire. An encoder writes what is declared and edits nothing.
//!
//! | [`Protocol`] | names that are not plain | info, state set | numbers | besides |
//! |---|---|---|---|---|
//! | [`Text004`](Protocol::Text004) | `underscores` | gauges | `1`, `1e+06` | |
//! | [`Text100`](Protocol::Text100) | as asked for | gauges | `1`, `1e+06` | |
//! | [`OpenMetrics001`](Protocol::OpenMetrics001) | `underscores` | as they are | `1.0`, `1e+06` | UNIT, exemplars, `# EOF` |
//! | [`OpenMetrics100`](Protocol::OpenMetrics100) | as asked for | as they are | `1.0`, `1e+06` | UNIT, exemplars, `# EOF` |
//! | [`Protobuf`](Protocol::Protobuf) | as asked for | gauges | eight bytes | unit, exemplars, native buckets, start times |
//!
//! Counts are whole numbers in all of them, exact also beyond 2⁵³; but the value of a counter is a
//! float in protobuf, as its message has no other. `OpenMetrics` forbids sums that can fall: there
//! `_sum` and `_count` of a histogram are left out if a bound is negative, or the sum is or is no
//! number; of a summary `_sum` and quantiles while they are negative. A histogram with native buckets has the others in every format; in protobuf its sum is no
//! number once one was observed that is none, since readers take it for damaged else.
//!
//! [`Format::negotiate`] reads what a client accepts, [`encode`] writes the page:
//!
//! ```
//! use streamgauge_metrics::{Counter, Desc, Registry, encode};
//!
//! let registry = Registry::new();
//! let jobs: Counter = registry.register(Desc::of::<Counter>("jobs_total", "Jobs done."))?;
//! jobs.inc();
//! let format = encode::Format::negotiate("application/openmetrics-text;version=1.0.0");
//! let page = encode::encode(&registry.snapshot(), format);
//! assert!(page.body.starts_with(b"# TYPE jobs counter\n# HELP jobs Jobs done.\njobs_total 1\n"));
//! assert!(page.body.ends_with(b"# EOF\n"));
//! # Ok::<(), streamgauge_metrics::RegisterError>(())
//! ```
//!
//! A family that cannot be told in a format is left out and named in [`Page::dropped`]; the rest of
//! the page is as valid as without it.

use std::fmt;

pub mod accept;
mod escaping;
mod format;
mod lines;
mod names;
mod negotiate;
pub(crate) mod number;
mod openmetrics;
mod protobuf;
mod text;

use self::names::{Named, Names};
use crate::LabelValue;
use crate::snapshot::Snapshot;

pub use self::escaping::Escaping;
pub use self::format::{Format, Protocol};

/// A snapshot in a format.
///
/// ```
/// use streamgauge_metrics::{Registry, encode};
///
/// let page = encode::encode(&Registry::new().snapshot(), encode::Format::default());
/// assert!(page.dropped.is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What goes on the wire.
    pub body: Vec<u8>,
    /// What does not.
    pub dropped: Vec<Dropped>,
}

/// A family that is missing from a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// Its name, as declared.
    pub family: String,
    /// Why it is missing.
    pub fault: Fault,
}

/// Why a family cannot be told in a format.
///
/// ```
/// use streamgauge_metrics::{Desc, Gauge, Registry, encode, encode::Fault};
///
/// let registry = Registry::new();
/// for name in ["a.b", "a_b"] {
///     let _: Gauge = registry.register(Desc::of::<Gauge>(name, "Level.").with_utf8_names())?;
/// }
/// let page = encode::encode(&registry.snapshot(), encode::Format::default());
/// let dropped = &page.dropped[0];
/// assert_eq!((dropped.family.as_str(), dropped.fault), ("a.b", Fault::NameTaken));
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
#[non_exhaustive]
pub enum Fault {
    /// Its name, or one of its samples', is another family's once it is escaped. A plain name is
    /// never lost to one that is not.
    NameTaken,
    /// Two of its labels have one name once they are escaped.
    LabelTaken,
    /// One of its labels has a name that Prometheus reserves, once it is escaped.
    LabelReserved,
}

/// Writes a snapshot. A metric that has no series yet shows its help and type, so that what exists
/// can be seen before it moves.
///
/// ```
/// use streamgauge_metrics::{Registry, encode};
///
/// let registry = Registry::new();
/// let page = encode::encode(&registry.snapshot(), encode::Format::default());
/// assert_eq!(page.body, registry.render_prometheus().into_bytes());
/// ```
pub fn encode(snapshot: &Snapshot, format: Format) -> Page {
    let escaping = format.escaping();
    let (body, dropped) = match format.protocol() {
        Protocol::Text004 | Protocol::Text100 => bytes(text::page(snapshot, escaping)),
        Protocol::OpenMetrics001 | Protocol::OpenMetrics100 => bytes(openmetrics::page(snapshot, escaping)),
        Protocol::Protobuf => protobuf::page(snapshot, escaping),
    };
    Page { body, dropped }
}

/// The text format, version 0.0.4.
pub(crate) fn plain_text(snapshot: &Snapshot) -> String {
    text::page(snapshot, Escaping::Underscores).0
}

fn bytes((text, dropped): (String, Vec<Dropped>)) -> (Vec<u8>, Vec<Dropped>) {
    (text.into_bytes(), dropped)
}

/// What a page grows in.
trait Body {
    fn size(&self) -> usize;
    fn cut(&mut self, size: usize);
}

impl Body for String {
    fn size(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, size: usize) {
        self.truncate(size);
    }
}

impl Body for Vec<u8> {
    fn size(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, size: usize) {
        self.truncate(size);
    }
}

/// Writes the families one after the other; what a family with a fault has written is cut off. Those that have
/// one come back.
fn write_each<B: Body>(
    out: &mut B,
    snapshot: &Snapshot,
    escaping: Escaping,
    mut write: impl FnMut(&mut B, &Named<'_>) -> Result<(), Fault>,
) -> Vec<Dropped> {
    let (mut names, mut dropped) = (Names::of(snapshot, escaping), Vec::new());
    for family in snapshot.families() {
        let size = out.size();
        if let Err(fault) = names.name(family).and_then(|named| write(out, &named)) {
            out.cut(size);
            dropped.push(Dropped { family: family.desc().name().to_owned(), fault });
        }
    }
    dropped
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NameTaken => "its escaped name is another family's",
            Self::LabelTaken => "two of its escaped labels have one name",
            Self::LabelReserved => "the escaped name of a label is reserved",
        })
    }
}
