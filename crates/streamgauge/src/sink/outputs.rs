//! Everything that a run writes to, opened together and given up together.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;

use serde::{Deserialize, Serialize};
use streamgauge_flow::Effects;

use super::{Lines, OpenError, OutputPlace, ResumeError, Role, Sink, WriteError, Written};
use crate::config::{Config, Delivery, Input, Output};
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

/// How far the outputs that are files have been written. None of an output that is no file, or not configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places {
    pub(crate) sink: Option<OutputPlace>,
    pub(crate) late: Option<OutputPlace>,
    pub(crate) dead_letter: Option<OutputPlace>,
}

/// Outputs that cannot be written: the start is off.
#[derive(Debug)]
pub(crate) enum StartError {
    Open(OpenError),
    Resume(ResumeError),
    Write(WriteError),
    /// A file that is not gone on with cannot be cut back.
    CutOff {
        path: String,
        cause: io::Error,
    },
    /// Two outputs, or an input and an output, are one file.
    SameFile {
        role: Role,
        other: String,
    },
}

impl Places {
    /// Where the configured outputs are gone on with: as far as they were written, if they are the same files.
    ///
    /// # Errors
    /// If one must not be there and is, or rows may have to be taken back that cannot be.
    pub(crate) fn of(config: &Config, before: &Places) -> Result<Self, StartError> {
        let place = |output: Option<&Output>, before: &Option<OutputPlace>, role| {
            let same = before.clone().filter(|before| output.and_then(Output::path) == Some(before.path.as_path()));
            let place = match (same, output) {
                (Some(same), _) => Some(same),
                (None, Some(output)) => OutputPlace::of(output, role).map_err(StartError::Open)?,
                (None, None) => None,
            };
            match output {
                Some(output) if place.is_none() && config.delivery == Delivery::ExactlyOnce => {
                    Err(StartError::Resume(ResumeError::NoFile { role, name: output.to_string() }))
                }
                _ => Ok(place),
            }
        };
        Ok(Places {
            sink: place(Some(&config.sink), &before.sink, Role::Sink)?,
            late: place(config.late.as_ref(), &before.late, Role::Late)?,
            dead_letter: place(config.dead_letter.as_ref(), &before.dead_letter, Role::DeadLetter)?,
        })
    }

    /// Takes back what was not committed of files that are not gone on with.
    ///
    /// # Errors
    /// If the file system refuses.
    pub(crate) fn let_go(&self, now: &Places) -> Result<(), StartError> {
        let kept = |place: &OutputPlace| now.all().any(|now| now.path == place.path);
        self.all().filter(|place| !kept(place)).try_for_each(|place| {
            let failed = |cause| StartError::CutOff { path: escape_controls(&place.path.to_string_lossy()), cause };
            place.cut_off().map_err(failed)
        })
    }

    fn all(&self) -> impl Iterator<Item = &OutputPlace> {
        [&self.sink, &self.late, &self.dead_letter].into_iter().flatten()
    }
}

impl Outputs {
    /// Opens all outputs, or none: then no file is left that was not there before. Those that have a place are gone on with;
    /// `written` rows are in the sink from before.
    ///
    /// # Errors
    /// If one cannot be written, or is also an input or another output.
    pub(crate) fn open(config: &Config, places: &Places, written: Written, bar: &Bar) -> Result<Self, StartError> {
        let mut sink = Sink::open(&config.sink, places.sink.as_ref(), bar)?;
        sink.lines().counting_from(written);
        let mut outputs = Outputs { sink, late: SideOutput::none(), dead: SideOutput::none() };
        match outputs.open_rest(config, places) {
            Ok(()) => Ok(outputs),
            Err(e) => {
                outputs.abandon();
                Err(e)
            }
        }
    }

    /// Notes how far the outputs that have a place have been written, without what is buffered.
    pub(crate) fn measure(&mut self, places: &mut Places) {
        let places = [&mut places.sink, &mut places.late, &mut places.dead_letter];
        let lines = [Some(self.sink.lines()), self.late.lines(), self.dead.lines()];
        for (place, lines) in places.into_iter().zip(lines) {
            if let (Some(place), Some(lines)) = (place, lines) {
                place.length = lines.length();
            }
        }
    }

    /// The files that were written to since the last call, for whoever is to see to it that it is on the disk.
    ///
    /// # Errors
    /// If the process has too many files open.
    pub(crate) fn unsynced(&mut self) -> io::Result<Vec<File>> {
        let sides = [self.late.lines(), self.dead.lines()];
        let all = sides.into_iter().flatten().chain([self.sink.lines()]);
        all.filter_map(|lines| lines.unsynced().transpose()).collect()
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

    fn open_rest(&mut self, config: &Config, places: &Places) -> Result<(), StartError> {
        self.late = SideOutput::open(config.late.as_ref(), places.late.as_ref(), Role::Late)?;
        self.dead = SideOutput::open(config.dead_letter.as_ref(), places.dead_letter.as_ref(), Role::DeadLetter)?;
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
            StartError::Resume(e) => e.fmt(f),
            StartError::Write(e) => e.fmt(f),
            StartError::CutOff { path, cause } => {
                write!(f, "cannot take back what was not committed of {path}: {cause}")
            }
            StartError::SameFile { role, other } => {
                let key = role.key();
                write!(f, "{key}: it is the same file as {other}; give each a file of its own")
            }
        }
    }
}

/// Opens an output, or goes on with it where it has a place.
pub(crate) fn open_lines(output: &Output, place: Option<&OutputPlace>, role: Role) -> Result<Lines, StartError> {
    match place {
        Some(place) => Lines::resume(place, role).map_err(StartError::Resume),
        None => Lines::open(output, role).map_err(StartError::Open),
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
