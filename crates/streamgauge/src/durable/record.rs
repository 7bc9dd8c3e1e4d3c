//! The rows that a run keeps beside the pipeline's, as JSON: they are few, and people may want to read them.

use std::fmt;

use serde::{Deserialize, Serialize};
use streamgauge_flow::{EventTime, PartitionMark};

use crate::config::{Config, Partitions};
use crate::sink::{Places, Written};
use crate::source::Place;

/// The layout of the rows.
const LAYOUT: u32 = 1;

/// How a run stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRecord {
    layout: u32,
    pub(crate) partitions: Split,
    pub(crate) follow: bool,
    pub(crate) outputs: Places,
    pub(crate) written: Written,
    /// Decompressed, and as it is stored.
    pub(crate) bytes_in: u64,
    pub(crate) bytes_stored: u64,
    pub(crate) elapsed_ms: u64,
    /// Why nothing comes any more, if that is so.
    pub(crate) ended: Option<Ended>,
    /// The input that will say whether it goes on before another one is turned to.
    pub(crate) unsettled: Option<u64>,
}

/// What is a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Split {
    #[default]
    One,
    PerFile,
}

/// Why the windows of a run are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// The input was read to its end.
    Input,
    /// `--drain` has closed them.
    Drained,
}

/// How far an input was judged, and how far event time was in its partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InputRow {
    #[serde(flatten)]
    pub(crate) place: Place,
    /// Nanoseconds since 1970; accepted times fit.
    pub(crate) highest_ns: Option<i64>,
}

/// A row that this version does not read.
#[derive(Debug)]
pub(crate) struct RowError(String);

impl RunRecord {
    /// The record of a run that begins.
    pub(crate) fn new(config: &Config) -> Self {
        let partitions = split(config.source.partitions);
        RunRecord { layout: LAYOUT, partitions, follow: config.source.follow.is_some(), ..Self::default() }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        let record: RunRecord = json(bytes)?;
        if record.layout > LAYOUT {
            return Err(RowError(format!("layout {} is newer than {LAYOUT}, the newest known here", record.layout)));
        }
        Ok(record)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_json(out, self);
    }

    /// What of the source has changed that the state depends on, if anything has.
    pub(crate) fn difference(&self, config: &Config) -> Option<&'static str> {
        if self.partitions != split(config.source.partitions) {
            return Some("source.file.partitions is not what it was");
        }
        (self.follow != config.source.follow.is_some()).then_some("source.file.follow is not what it was")
    }
}

impl InputRow {
    pub(crate) fn new(place: Place, mark: PartitionMark) -> Self {
        let nanos = |time: EventTime| i64::try_from(time.as_nanos()).ok();
        InputRow { place, highest_ns: mark.highest.and_then(nanos) }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, RowError> {
        json(bytes)
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        put_json(out, self);
    }

    /// How far event time was in the partition of the input.
    pub(crate) fn mark(&self) -> PartitionMark {
        let highest = self.highest_ns.map(|nanos| EventTime::from_nanos(nanos.into()));
        PartitionMark { highest, ended: self.place.ended.is_some() }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn split(partitions: Partitions) -> Split {
    match partitions {
        Partitions::One => Split::One,
        Partitions::PerFile => Split::PerFile,
    }
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, RowError> {
    serde_json::from_slice(bytes).map_err(|error| RowError(error.to_string()))
}

fn put_json(out: &mut Vec<u8>, row: &impl Serialize) {
    // Rows hold nothing that JSON cannot say, and a vector takes whatever is written to it.
    let _ = serde_json::to_writer(out, row);
}
