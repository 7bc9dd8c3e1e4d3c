//! From where on each input is read, given how far it was read before a restart.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use super::place::{Identity, Numbers, Origin, Place, begins_with};
use super::sequence::Start;
use super::{OpenError, name};
use crate::config::{Input, is_compressed};
use crate::log::escape_controls;

/// What a state knows of the inputs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// How far each was read, by number.
    pub(crate) places: Vec<(u64, Place)>,
    /// All of them had been read to their end, and the windows were closed.
    pub(crate) finished: bool,
}

/// An input as it stands at the start.
#[derive(Debug)]
pub(super) struct Stand {
    pub(super) origin: Arc<Origin>,
    /// From where on it is read, unless its end was reached before.
    pub(super) start: Option<Start>,
}

/// An input that is not what it was: going on would count events twice or not at all.
#[derive(Debug)]
pub(crate) struct Changed {
    name: String,
    what: What,
}

#[derive(Debug)]
enum What {
    /// Its end counted as the end.
    Grown { from: u64, to: u64 },
    /// It begins otherwise, or is shorter.
    Another { read: u64 },
    /// It was not read to its end, and is not among the inputs any more.
    Missing { read: u64 },
    /// It came after the end of all.
    Late,
}

/// How the inputs stand, in their order.
///
/// # Errors
/// If one cannot be looked at, or is not what it was.
pub(super) fn stands(inputs: &[Input], known: Known) -> Result<Vec<Stand>, OpenError> {
    let mut numbers = Numbers::behind(known.places.iter().map(|(number, _)| number));
    let of_name = |(number, place): (u64, Place)| (place.name.clone(), (number, place));
    let mut places: HashMap<String, (u64, Place)> = known.places.into_iter().map(of_name).collect();
    let mut stands = Vec::with_capacity(inputs.len());
    for input in inputs {
        let name = name(input);
        let (number, place) = match places.remove(&name) {
            Some(known) => known,
            None if known.finished => return Err(changed(name, What::Late)),
            None => (numbers.next(), Place { name, ..Place::default() }),
        };
        stands.push(stand(input, number, place)?);
    }
    let missing = places.into_values().find(|(_, place)| place.ended.is_none());
    match missing {
        Some((_, Place { name, offset, .. })) => Err(changed(name, What::Missing { read: offset })),
        None => Ok(stands),
    }
}

fn stand(input: &Input, number: u64, mut place: Place) -> Result<Stand, OpenError> {
    let failed = |cause| OpenError::One { name: name(input), cause };
    let path = input.file().filter(|path| path.is_file());
    let identity =
        path.map(|path| path.metadata().map(|metadata| Identity::of(&metadata))).transpose().map_err(failed)?;
    let origin = Arc::new(Origin { number, name: place.name.as_str().into(), identity });
    if let Some(path) = path {
        compare(path, &place)?;
    } else if place.ended.is_some() {
        tracing::warn!("{} is not read: its end was reached before the restart", escape_controls(&place.name));
    } else if place.offset > 0 {
        let name = escape_controls(&place.name);
        tracing::warn!("{name} cannot be read again: what it said after the last commit before the restart is lost");
        place.offset = 0;
    }
    let start = place.ended.is_none().then(|| Start { input: input.clone(), origin: Arc::clone(&origin), place });
    Ok(Stand { origin, start })
}

/// Makes sure that a file is the one that was read, and has not grown since its end counted.
fn compare(path: &Path, place: &Place) -> Result<(), OpenError> {
    let failed = |cause| OpenError::One { name: place.name.clone(), cause };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    // How long something packed was is known only once it was read to its end.
    let least = place.ended.unwrap_or(if is_compressed(path) { 0 } else { place.offset });
    if size < least || !begins_with(&file, &place.head) {
        return Err(changed(place.name.clone(), What::Another { read: place.offset }));
    }
    match place.ended {
        Some(from) if size > from => Err(changed(place.name.clone(), What::Grown { from, to: size })),
        _ => Ok(()),
    }
}

fn changed(name: String, what: What) -> OpenError {
    OpenError::Changed(Changed { name, what })
}

impl fmt::Display for Changed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = escape_controls(&self.name);
        write!(f, "source.file.paths: ")?;
        match self.what {
            What::Grown { from, to } => write!(
                f,
                "{name} has grown from {from} to {to} bytes since its end was reached, and its windows are closed; \
                 files that grow are read with source.file.follow: true and a state of their own"
            ),
            What::Another { read } => write!(
                f,
                "{name} is not the file of which {read} bytes were read before the restart; bring that one back, \
                 or begin with another state"
            ),
            What::Missing { read } => write!(
                f,
                "{name} is not there any more, and only {read} bytes of it were read before the restart; bring it \
                 back, or begin with another state"
            ),
            What::Late => write!(
                f,
                "{name} was not there when the end of the input was reached, and the windows are closed; \
                 files that are yet to come are read with source.file.follow: true, or begin with another state"
            ),
        }
    }
}
