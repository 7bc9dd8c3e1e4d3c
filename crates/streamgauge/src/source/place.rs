//! Which input it is, and how far it has been read: all that is needed to go on there after a restart.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How much of a file's beginning tells it from another one that has got its name, its inode, or its place.
pub(super) const HEAD: usize = 1024;

/// What a file is told by while it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

/// One input of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The number that it has in the state for as long as it is there.
    pub(crate) number: u64,
    /// Its name as it was found, for people and dead letters.
    pub(crate) name: Arc<str>,
    /// Of a file.
    pub(crate) identity: Option<Identity>,
}

/// How far an input has been read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Identity>,
    /// Its first bytes as they are stored, as far as they were there.
    #[serde(default, with = "in_base64")]
    pub(crate) head: Vec<u8>,
    /// The byte of the next record, decompressed.
    pub(crate) offset: u64,
    /// The header of CSV, if that has been read.
    #[serde(default, with = "in_base64", skip_serializing_if = "Vec::is_empty")]
    pub(crate) header: Vec<u8>,
    /// Its size as it is stored, once its end was reached and it was not to grow any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<u64>,
}

/// Gives every input its number.
#[derive(Debug)]
pub(super) struct Numbers(u64);

impl Identity {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Identity { device: metadata.dev(), inode: metadata.ino() }
    }
}

impl Place {
    /// The header of CSV as those who read on want it.
    pub(super) fn shared_header(&self) -> Option<Arc<[u8]>> {
        (!self.header.is_empty()).then(|| self.header.as_slice().into())
    }
}

impl Numbers {
    /// Goes on behind the numbers that are taken.
    pub(super) fn behind<'a>(taken: impl Iterator<Item = &'a u64>) -> Self {
        Numbers(taken.copied().max().unwrap_or(0))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

/// The first bytes of a file, at most [`HEAD`].
pub(super) fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut filled = 0;
    while filled < HEAD {
        match file.read_at(&mut head[filled..], filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    head.truncate(filled);
    Ok(head)
}

/// Whether a file still begins with these bytes, at most [`HEAD`] of them.
pub(super) fn begins_with(file: &File, head: &[u8]) -> bool {
    let mut found = [0; HEAD];
    let Some(found) = found.get_mut(..head.len()) else { return false };
    file.read_exact_at(found, 0).is_ok() && found == head
}

/// Bytes as JSON can say them.
mod in_base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(D::Error::custom)
    }
}
