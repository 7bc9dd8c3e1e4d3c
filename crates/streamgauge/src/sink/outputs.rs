//! Everything that a run writes to, opened together and given up together.

use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;

use streamgauge_flow::Effects;

use super::{Lines, OpenError, Role, Sink, WriteError, Written};
use crate::config::{Config, Input};
use crate::dead_letter::SideOutput;
use crate::log::escape_controls;
use crate::progress::Bar;
use crate::signals::Stop;

/// The sink of result rows and the two side outputs.
#[derive(Debug)]
pub(crate) struct Outputs {
    sink: Sink,
    late: SideOutput,
    dead: SideOutput,
}

/// Outputs that cannot be written: the start is off.
#[derive(Debug)]
pub(crate) enum StartError {
    Open(OpenError),
    Write(WriteError),
    /// Two outputs, or an input and an output, are one file.
    SameFile {
        role: Role,
        other: String,
    },
}

impl Outputs {
    /// Opens all outputs, or none: then no file is left that was not there before.
    ///
    /// # Errors
    /// If one cannot be written, or is also an input or another output.
    pub(crate) fn open(config: &Config, bar: &Bar) -> Result<Self, StartError> {
        let sink = Sink::open(&config.sink, bar).map_err(StartError::Open)?;
        let mut outputs = Outputs { sink, late: SideOutput::none(), dead: SideOutput::none() };
        match outputs.open_rest(config) {
            Ok(()) => Ok(outputs),
            Err(e) => {
                outputs.abandon();
                Err(e)
            }
        }
    }

    /// From now on a stop is not kept waiting by a reader that takes nothing.
    pub(crate) fn heed(&mut self, stop: &Stop) {
        let sides = [self.late.lines(), self.dead.lines()];
        for lines in sides.into_iter().flatten().chain([self.sink.lines()]) {
            lines.heed(stop);
        }
    }

    /// Hands everything that came of a step to its output.
    ///
    /// # Errors
    /// If one takes no more.
    pub(crate) fn write(&mut self, effects: &Effects) -> Result<(), WriteError> {
        self.sink.write(&effects.rows)?;
        self.late.write(&effects.late)?;
        self.dead.write(&effects.dead)
    }

    /// Writes whatever is buffered, also to the outputs after one that failed.
    ///
    /// # Errors
    /// The first failure.
    pub(crate) fn flush(&mut self) -> Result<(), WriteError> {
        let sink = self.sink.flush();
        let late = self.late.flush();
        let dead = self.dead.flush();
        sink.and(late).and(dead)
    }

    /// How many rows are in the sink.
    pub(crate) fn written(&self) -> Written {
        self.sink.written()
    }

    /// Takes the files away again that this start has created and that nothing was written to.
    pub(crate) fn abandon(self) {
        for lines in self.into_all() {
            lines.abandon();
        }
    }

    fn open_rest(&mut self, config: &Config) -> Result<(), StartError> {
        let open = |output, role| SideOutput::open(output, role).map_err(StartError::Open);
        self.late = open(config.late.as_ref(), Role::Late)?;
        self.dead = open(config.dead_letter.as_ref(), Role::DeadLetter)?;
        self.refuse_same_files(&config.source.inputs)?;
        self.sink.lines().begin().map_err(StartError::Write)?;
        for side in [&mut self.late, &mut self.dead] {
            side.lines().map_or(Ok(()), Lines::begin).map_err(StartError::Write)?;
        }
        Ok(())
    }

    /// An output that is also an input would feed itself; two that are one file would tear each other's rows.
    fn refuse_same_files(&mut self, inputs: &[Input]) -> Result<(), StartError> {
        let mut taken: Vec<(String, Metadata)> = inputs.iter().filter_map(of_input).collect();
        let outputs = [
            (Role::Sink, Some(self.sink.lines())),
            (Role::Late, self.late.lines()),
            (Role::DeadLetter, self.dead.lines()),
        ];
        for (role, lines) in outputs {
            let Some(metadata) = lines.and_then(|l| l.metadata().ok()) else { continue };
            if !metadata.is_file() {
                continue;
            }
            if let Some((other, _)) = taken.iter().find(|(_, there)| same(there, &metadata)) {
                return Err(StartError::SameFile { role, other: other.clone() });
            }
            taken.push((role.key().into(), metadata));
        }
        Ok(())
    }

    fn into_all(self) -> impl Iterator<Item = Lines> {
        let sides = [self.late.into_lines(), self.dead.into_lines()];
        std::iter::once(self.sink.into_lines()).chain(sides.into_iter().flatten())
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Open(e) => e.fmt(f),
            StartError::Write(e) => e.fmt(f),
            StartError::SameFile { role, other } => {
                let key = role.key();
                write!(f, "{key}: it is the same file as {other}; give each a file of its own")
            }
        }
    }
}

fn of_input(input: &Input) -> Option<(String, Metadata)> {
    let Input::File(path) = input else { return None };
    let metadata = fs::metadata(path).ok()?;
    Some((format!("the input {}", escape_controls(&path.to_string_lossy())), metadata))
}

fn same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
