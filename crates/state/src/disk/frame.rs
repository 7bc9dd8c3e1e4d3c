//! How epochs are written into a file.
//!
//! ```text
//! file     head ─ frame ─ frame ─ …
//! head     "sgepochs" ─ version (4) ─ number of the file (8) ─ checksum (4)
//! frame    kind (1) ─ epoch (8) ─ token (8) ─ length (8) ─ checksum of the payload (4) ─ checksum of all that (4) ─ payload
//! payload  changes, as `Changes` has them
//! ```
//! Numbers begin with their lowest byte. The checksum of a frame's head takes in the number of its file and where it stands in
//! it, so that a frame is none anywhere else; and it is by itself, so that a length can be believed before it is used.

use streamgauge_flow::state::Epoch;

/// The format that is written.
pub(crate) const VERSION: u32 = 1;
/// The length of a file's head.
pub(crate) const FILE_HEAD: usize = 24;
/// The length of a frame's head.
pub(crate) const FRAME_HEAD: usize = 33;

const MAGIC: &[u8; 8] = b"sgepochs";

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A piece of the state that the file begins with; more follow.
    Base = 1,
    /// The last piece of it.
    LastBase = 2,
    /// An epoch that is to be decided about.
    Staged = 3,
    /// The staged epoch counts.
    Promoted = 4,
    /// The staged epoch is forgotten.
    Discarded = 5,
    /// An epoch that counts at once.
    Committed = 6,
}

/// A frame without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) kind: Kind,
    pub(crate) epoch: Epoch,
    /// Of the holder that wrote it.
    pub(crate) token: u64,
    pub(crate) length: u64,
    pub(crate) checksum: u32,
}

/// Why the beginning of a file is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadError {
    /// Something else, or damaged.
    Unknown,
    /// Written by a newer version.
    Newer(u32),
}

/// The head of the file with this number.
pub(crate) fn file_head(number: u64) -> [u8; FILE_HEAD] {
    let mut head = [0; FILE_HEAD];
    head[..8].copy_from_slice(MAGIC);
    head[8..12].copy_from_slice(&VERSION.to_le_bytes());
    head[12..20].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&head[..20]);
    head[20..].copy_from_slice(&checksum.to_le_bytes());
    head
}

/// Makes sure that a file begins as the one with this number does.
pub(crate) fn check_file_head(head: &[u8; FILE_HEAD], number: u64) -> Result<(), HeadError> {
    let version = u32::from_le_bytes(array(head, 8));
    let whole = crc32fast::hash(&head[..20]) == u32::from_le_bytes(array(head, 20));
    if !head.starts_with(MAGIC) || !whole {
        return Err(HeadError::Unknown);
    }
    if version > VERSION {
        return Err(HeadError::Newer(version));
    }
    if *head == file_head(number) { Ok(()) } else { Err(HeadError::Unknown) }
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        use Kind::{Base, Committed, Discarded, LastBase, Promoted, Staged};
        [Base, LastBase, Staged, Promoted, Discarded, Committed].into_iter().find(|kind| *kind as u8 == byte)
    }
}

impl Head {
    /// The head of a frame with this payload.
    pub(crate) fn of(kind: Kind, epoch: Epoch, token: u64, payload: &[u8]) -> Self {
        Head { kind, epoch, token, length: payload.len() as u64, checksum: crc32fast::hash(payload) }
    }

    /// As it is written at the byte `at` of a file.
    pub(crate) fn encode(&self, file: u64, at: u64) -> [u8; FRAME_HEAD] {
        let mut bytes = [0; FRAME_HEAD];
        bytes[0] = self.kind as u8;
        bytes[1..9].copy_from_slice(&self.epoch.to_le_bytes());
        bytes[9..17].copy_from_slice(&self.token.to_le_bytes());
        bytes[17..25].copy_from_slice(&self.length.to_le_bytes());
        bytes[25..29].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = placed(&bytes[..29], file, at);
        bytes[29..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads what stands at the byte `at` of a file, if that is the head of a frame.
    pub(crate) fn decode(bytes: &[u8; FRAME_HEAD], file: u64, at: u64) -> Option<Self> {
        let kind = Kind::of(bytes[0])?;
        let whole = placed(&bytes[..29], file, at) == u32::from_le_bytes(array(bytes, 29));
        whole.then(|| Head {
            kind,
            epoch: u64::from_le_bytes(array(bytes, 1)),
            token: u64::from_le_bytes(array(bytes, 9)),
            length: u64::from_le_bytes(array(bytes, 17)),
            checksum: u32::from_le_bytes(array(bytes, 25)),
        })
    }
}

fn placed(bytes: &[u8], file: u64, at: u64) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes);
    hasher.update(&file.to_le_bytes());
    hasher.update(&at.to_le_bytes());
    hasher.finalize()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_one_only_where_it_was_written() {
        let head = Head::of(Kind::Staged, 7, 2, b"payload");
        let bytes = head.encode(3, 100);
        assert_eq!(Head::decode(&bytes, 3, 100), Some(head));
        assert_eq!(Head::decode(&bytes, 3, 101), None);
        assert_eq!(Head::decode(&bytes, 4, 100), None);
    }

    #[test]
    fn no_single_bit_of_a_head_can_be_wrong_unnoticed() {
        let bytes = Head::of(Kind::Committed, 7, 2, b"payload").encode(3, 100);
        for bit in 0..FRAME_HEAD * 8 {
            let mut wrong = bytes;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Head::decode(&wrong, 3, 100), None, "{bit}");
        }
        let head = file_head(9);
        assert_eq!(check_file_head(&head, 9), Ok(()));
        for bit in 0..FILE_HEAD * 8 {
            let mut wrong = head;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(check_file_head(&wrong, 9), Err(HeadError::Unknown), "{bit}");
        }
        assert_eq!(check_file_head(&head, 8), Err(HeadError::Unknown), "it is another file");
    }

    #[test]
    fn a_newer_format_is_told_from_damage() {
        let mut head = file_head(1);
        head[8..12].copy_from_slice(&9_u32.to_le_bytes());
        let checksum = crc32fast::hash(&head[..20]);
        head[20..].copy_from_slice(&checksum.to_le_bytes());
        assert_eq!(check_file_head(&head, 1), Err(HeadError::Newer(9)));
    }
}
