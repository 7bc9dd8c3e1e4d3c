//! How many files this process may have open.

use std::fmt;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Outputs, connections of the endpoint and what else is open beside the inputs.
const OTHERS: u64 = 100;

/// More inputs than may be open at once.
#[derive(Debug)]
pub(crate) struct TooMany {
    inputs: usize,
    allowed: u64,
}

/// Makes sure that so many inputs can be open at once. The limit that holds unasked is often far below the one that may be
/// asked for.
///
/// # Errors
/// If that is not enough either.
pub(super) fn make_room(inputs: usize) -> Result<(), TooMany> {
    let needed = inputs as u64 + OTHERS;
    if allowed(getrlimit(Resource::Nofile).current) < needed {
        make_most_room();
    }
    let allowed = allowed(getrlimit(Resource::Nofile).current);
    if allowed < needed { Err(TooMany { inputs, allowed: allowed.saturating_sub(OTHERS) }) } else { Ok(()) }
}

/// Makes room for as many inputs as may be asked for: nobody knows how many will come.
pub(super) fn make_most_room() {
    let limit = getrlimit(Resource::Nofile);
    // Where that is refused the limit stays as it is, and whatever cannot be opened is told by name.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
}

/// No limit is more than there can be files.
fn allowed(limit: Option<u64>) -> u64 {
    limit.unwrap_or(u64::MAX)
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TooMany { inputs, allowed } = self;
        write!(f, "source.file.partitions: per_file opens {inputs} files at once, but the system allows {allowed}")?;
        write!(f, "; raise ulimit -n, or set partitions: one")
    }
}
