//! The wire format of protocol buffers, as far as it is needed.

const VARINT: u32 = 0;
const EIGHT_BYTES: u32 = 1;
const LENGTH_AND_BYTES: u32 = 2;

/// A whole number.
pub(super) fn uint(out: &mut Vec<u8>, field: u32, value: u64) {
    tag(out, field, VARINT);
    varint(out, value);
}

/// A whole number of either sign, the small ones of both short.
pub(super) fn sint(out: &mut Vec<u8>, field: u32, value: i64) {
    uint(out, field, zigzag(value));
}

/// Whole numbers of either sign, one behind the other.
pub(super) fn sints(out: &mut Vec<u8>, field: u32, values: impl Iterator<Item = i64>) {
    nested(out, field, |out| values.for_each(|value| varint(out, zigzag(value))));
}

/// 0, −1, 1, −2 … are 0, 1, 2, 3 …
const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

/// A float.
pub(super) fn double(out: &mut Vec<u8>, field: u32, value: f64) {
    tag(out, field, EIGHT_BYTES);
    out.extend(value.to_le_bytes());
}

/// A text.
pub(super) fn string(out: &mut Vec<u8>, field: u32, text: &str) {
    tag(out, field, LENGTH_AND_BYTES);
    varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A message in a message.
pub(super) fn nested(out: &mut Vec<u8>, field: u32, write: impl FnOnce(&mut Vec<u8>)) {
    tag(out, field, LENGTH_AND_BYTES);
    let start = begin(out);
    write(out);
    end(out, start);
}

/// A message behind its length, unless it cannot be written.
pub(super) fn delimited<E>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
    let start = begin(out);
    write(out)?;
    end(out, start);
    Ok(())
}

/// Leaves room for a length of one byte, which is what most need.
fn begin(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len()
}

/// Writes the length of what has come since `start` before it; if it needs more room, what has
/// come moves.
fn end(out: &mut Vec<u8>, start: usize) {
    let length = (out.len() - start) as u64;
    if length < 0x80 {
        out[start - 1] = low_bits(length);
    } else {
        let (bytes, used) = bytes_of(length);
        out.splice(start - 1..start, bytes.into_iter().take(used));
    }
}

fn tag(out: &mut Vec<u8>, field: u32, kind: u32) {
    varint(out, u64::from(field << 3 | kind));
}

#[inline]
fn varint(out: &mut Vec<u8>, value: u64) {
    // Tags are of one byte, and so are most lengths.
    if value < 0x80 {
        out.push(low_bits(value));
    } else {
        let (bytes, used) = bytes_of(value);
        out.extend_from_slice(&bytes[..used]);
    }
}

/// Seven bits a byte, the lowest first, and how many bytes that makes.
fn bytes_of(mut value: u64) -> ([u8; 10], usize) {
    let (mut bytes, mut used) = ([0; 10], 0);
    while value >= 0x80 {
        bytes[used] = low_bits(value) | 0x80;
        value >>= 7;
        used += 1;
    }
    bytes[used] = low_bits(value);
    (bytes, used + 1)
}

const fn low_bits(value: u64) -> u8 {
    (value & 0x7f) as u8
}

#[cfg(test)]
mod tests {
    use super::{delimited, nested, string, uint};

    #[test]
    fn whole_numbers_take_seven_bits_a_byte() {
        let bytes = |value| {
            let mut out = Vec::new();
            uint(&mut out, 1, value);
            out
        };
        assert_eq!(bytes(0), [8, 0]);
        assert_eq!(bytes(127), [8, 127]);
        assert_eq!(bytes(128), [8, 128, 1]);
        assert_eq!(bytes(300), [8, 0xac, 2]);
        assert_eq!(bytes(u64::MAX), [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn trap_39_a_message_stands_behind_its_length_however_long() {
        for length in [0, 1, 125, 126, 200, 16_381, 16_382, 70_000] {
            let text = "x".repeat(length);
            let mut out = vec![7];
            delimited(&mut out, |out| {
                nested(out, 3, |out| string(out, 1, &text));
                Ok::<(), ()>(())
            })
            .unwrap();
            let mut rest = &out[1..];
            assert_eq!(varint(&mut rest), rest.len(), "{length}");
            assert_eq!(varint(&mut rest), 3 << 3 | 2);
            assert_eq!(varint(&mut rest), rest.len());
            assert_eq!(varint(&mut rest), 1 << 3 | 2);
            assert_eq!(varint(&mut rest), length);
            assert_eq!(rest, text.as_bytes());
        }
    }

    fn varint(bytes: &mut &[u8]) -> usize {
        let end = bytes.iter().position(|byte| *byte < 0x80).unwrap();
        let (number, rest) = bytes.split_at(end + 1);
        *bytes = rest;
        number.iter().rev().fold(0, |all, byte| all << 7 | usize::from(byte & 0x7f))
    }
}
