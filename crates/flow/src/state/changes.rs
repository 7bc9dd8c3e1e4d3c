//! What an epoch changes, in one buffer: building it copies each value once, and a store can write it as it stands.
//!
//! ```text
//! change   kind (1 byte) ─ length of the table's name (2) ─ name ─┬ put     row (8) ─ length of the value (8) ─ value
//!                                                                 ├ delete  row (8)
//!                                                                 └ drop
//! ```
//! Numbers begin with their lowest byte. The layout is part of the format of stored states.

use std::fmt;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const DROP: u8 = 3;

/// Changes in the order in which they are made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    bytes: Vec<u8>,
}

/// One change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A row is there from now on, with this value.
    Put {
        /// The name of its table.
        table: &'a [u8],
        /// Its number.
        row: u64,
        /// What is kept in it.
        value: &'a [u8],
    },
    /// A row is gone. It need not have been there.
    Delete {
        /// The name of its table.
        table: &'a [u8],
        /// Its number.
        row: u64,
    },
    /// All rows of a table are gone. It need not have had any.
    Drop {
        /// The name of the table.
        table: &'a [u8],
    },
}

/// Bytes that are no changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoChange {
    /// Where the change begins that is none.
    pub at: usize,
}

/// Reads changes one by one; ends after the first that is none.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    all: usize,
    rest: &'a [u8],
}

impl Changes {
    /// The longest name that a table may have, in bytes.
    pub const LONGEST_NAME: usize = u16::MAX as usize;

    /// A row gets the value that `write` appends.
    ///
    /// # Panics
    /// If the table's name is longer than [`LONGEST_NAME`](Self::LONGEST_NAME).
    pub fn put(&mut self, table: &[u8], row: u64, write: impl FnOnce(&mut Vec<u8>)) {
        self.begin(PUT, table);
        self.bytes.extend_from_slice(&row.to_le_bytes());
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 8]);
        write(&mut self.bytes);
        let length = (self.bytes.len() - length_at - 8) as u64;
        self.bytes[length_at..length_at + 8].copy_from_slice(&length.to_le_bytes());
    }

    /// A row goes.
    ///
    /// # Panics
    /// If the table's name is longer than [`LONGEST_NAME`](Self::LONGEST_NAME).
    pub fn delete(&mut self, table: &[u8], row: u64) {
        self.begin(DELETE, table);
        self.bytes.extend_from_slice(&row.to_le_bytes());
    }

    /// A table goes with all its rows.
    ///
    /// # Panics
    /// If its name is longer than [`LONGEST_NAME`](Self::LONGEST_NAME).
    pub fn drop_table(&mut self, table: &[u8]) {
        self.begin(DROP, table);
    }

    /// The changes in order.
    pub fn iter(&self) -> impl Iterator<Item = Change<'_>> {
        Self::read(&self.bytes).map_while(Result::ok)
    }

    /// Reads changes from bytes that [`as_bytes`](Self::as_bytes) gave, wherever they have been since.
    pub fn read(bytes: &[u8]) -> Iter<'_> {
        Iter { all: bytes.len(), rest: bytes }
    }

    /// The changes as a store keeps them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets everything, keeping the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    fn begin(&mut self, kind: u8, table: &[u8]) {
        let length = u16::try_from(table.len());
        let Ok(length) = length else { panic!("a table's name has {} bytes", table.len()) };
        self.bytes.push(kind);
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(table);
    }
}

impl<'a> Iter<'a> {
    /// How many bytes have been read: where the last change ends and the next one begins.
    pub fn read_so_far(&self) -> usize {
        self.all - self.rest.len()
    }

    fn change(&mut self) -> Option<Change<'a>> {
        let [kind] = *self.take_array()?;
        let length = u16::from_le_bytes(*self.take_array()?);
        let table = self.take(usize::from(length))?;
        Some(match kind {
            PUT => {
                let row = self.number()?;
                let length = self.number()?;
                Change::Put { table, row, value: self.take(usize::try_from(length).ok()?)? }
            }
            DELETE => Change::Delete { table, row: self.number()? },
            DROP => Change::Drop { table },
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<u64> {
        self.take_array().map(|bytes| u64::from_le_bytes(*bytes))
    }

    fn take_array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(array)
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Iter<'a> {
    type Item = Result<Change<'a>, NoChange>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let at = self.read_so_far();
        let change = self.change().ok_or(NoChange { at });
        if change.is_err() {
            self.rest = &[];
        }
        Some(change)
    }
}

impl fmt::Display for NoChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no change of a state begins at byte {}", self.at)
    }
}

impl std::error::Error for NoChange {}

#[cfg(test)]
mod tests {
    use super::*;

    fn changes() -> Changes {
        let mut changes = Changes::default();
        changes.put(b"t", 7, |to| to.extend_from_slice(b"value"));
        changes.put(b"", u64::MAX, |_| {});
        changes.delete(b"t", 1);
        changes.drop_table(b"u");
        changes
    }

    #[test]
    fn changes_are_read_back_in_order() {
        let want = [
            Change::Put { table: b"t", row: 7, value: b"value" },
            Change::Put { table: b"", row: u64::MAX, value: b"" },
            Change::Delete { table: b"t", row: 1 },
            Change::Drop { table: b"u" },
        ];
        assert_eq!(changes().iter().collect::<Vec<_>>(), want);
    }

    #[test]
    fn changes_that_are_cut_short_are_noticed_wherever_they_are_cut() {
        let changes = changes();
        let whole = |bytes| Changes::read(bytes).all(|change| change.is_ok());
        let starts = [0, 25, 44, 56]; // of the changes
        for end in 0..changes.as_bytes().len() {
            assert_eq!(whole(&changes.as_bytes()[..end]), starts.contains(&end), "{end}");
        }
        assert!(whole(changes.as_bytes()));
    }

    #[test]
    fn a_length_from_damaged_bytes_is_never_believed() {
        let mut changes = Changes::default();
        changes.put(b"t", 7, |to| to.extend_from_slice(b"value"));
        let mut bytes = changes.as_bytes().to_vec();
        bytes[12..20].fill(0xff);
        assert_eq!(Changes::read(&bytes).next(), Some(Err(NoChange { at: 0 })));
    }
}
