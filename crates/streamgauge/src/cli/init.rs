//! `streamgauge init`: a configuration to begin with.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::{DONE, complain, print};

const STARTER: &str = include_str!("../init.yaml");

/// Prints the starter configuration, or writes it to a file that must not be there yet.
pub(super) fn run(output: Option<&Path>) -> u8 {
    let Some(path) = output else {
        return print(STARTER);
    };
    let written = File::create_new(path).and_then(|mut file| file.write_all(STARTER.as_bytes()));
    match written {
        Ok(()) => DONE,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            complain(format!("--output: \"{}\" is there already; remove it or choose another path", path.display()))
        }
        Err(error) => complain(format!("--output: \"{}\" cannot be created: {error}", path.display())),
    }
}
