//! How the numbers of a state are written: whole ones seven bits to a byte, doubles as their eight bytes, the lowest first.
//!
//! Each number has one way to be written and no other is read, so that equal states have equal bytes.

use std::fmt;

use crate::time::EventTime;

/// Why bytes are not a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DecodeError {
    /// They end too early: what was saved is not all there.
    Truncated,
    /// Their first byte is no layout that this version reads: a newer version wrote them, or something else did.
    UnknownLayout(u8),
    /// They say what no state says: they were damaged.
    Corrupt(&'static str),
}

/// More events than this in one state are damage: a million a second take nine years. Far from the end of 64 bits, so that
/// states that were read can be merged.
pub(crate) const MOST_EVENTS: u64 = 1 << 48;

/// No window or watermark is further from 1970: events lie within three centuries of it, configured spans are shorter than that
/// by far.
const FURTHEST: u128 = 1 << 100;

pub(crate) fn put_layout(out: &mut Vec<u8>, layout: u8) {
    out.push(layout);
}

pub(crate) fn put_count(out: &mut Vec<u8>, count: u64) {
    put_whole(out, u128::from(count));
}

pub(crate) fn put_flag(out: &mut Vec<u8>, flag: bool) {
    out.push(u8::from(flag));
}

pub(crate) fn put_double(out: &mut Vec<u8>, double: f64) {
    out.extend_from_slice(&double.to_le_bytes());
}

/// Seven bits to a byte, the lowest first; the highest bit of a byte says that another follows (LEB128).
#[expect(clippy::cast_possible_truncation, reason = "the bits above are written next")]
pub(crate) fn put_whole(out: &mut Vec<u8>, mut whole: u128) {
    while whole > 0x7f {
        out.push(whole as u8 | 0x80);
        whole >>= 7;
    }
    out.push(whole as u8);
}

/// Small numbers of either sign get few bytes: 0, −1, 1, −2, … are written as 0, 1, 2, 3, …
pub(crate) fn put_signed(out: &mut Vec<u8>, whole: i128) {
    put_whole(out, (whole << 1 ^ whole >> 127).cast_unsigned());
}

/// A text is written behind its length.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &str) {
    put_count(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Event time and spans count nanoseconds.
pub(crate) fn put_time(out: &mut Vec<u8>, time: EventTime) {
    put_signed(out, time.as_nanos());
}

/// A time that may be missing.
pub(crate) fn put_time_if_any(out: &mut Vec<u8>, time: Option<EventTime>) {
    put_flag(out, time.is_some());
    if let Some(time) = time {
        put_time(out, time);
    }
}

/// Refuses every layout but this one.
pub(crate) fn take_layout(bytes: &mut &[u8], layout: u8) -> Result<(), DecodeError> {
    match take_byte(bytes)? {
        found if found == layout => Ok(()),
        other => Err(DecodeError::UnknownLayout(other)),
    }
}

pub(crate) fn take_byte(bytes: &mut &[u8]) -> Result<u8, DecodeError> {
    let (first, rest) = bytes.split_first().ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(*first)
}

pub(crate) fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], DecodeError> {
    let (first, rest) = bytes.split_first_chunk().ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    Ok(*first)
}

pub(crate) fn take_count(bytes: &mut &[u8]) -> Result<u64, DecodeError> {
    take_up_to(bytes, MOST_EVENTS)
}

pub(crate) fn take_up_to(bytes: &mut &[u8], most: u64) -> Result<u64, DecodeError> {
    let whole = u64::try_from(take_whole(bytes)?).ok().filter(|whole| *whole <= most);
    whole.ok_or(DecodeError::Corrupt("a number beyond its bound"))
}

pub(crate) fn take_flag(bytes: &mut &[u8]) -> Result<bool, DecodeError> {
    match take_byte(bytes)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(DecodeError::Corrupt("neither yes nor no")),
    }
}

/// A double as states keep them: finite, and zero without a sign.
pub(crate) fn take_double(bytes: &mut &[u8]) -> Result<f64, DecodeError> {
    let double = f64::from_le_bytes(take(bytes)?);
    let kept = double.is_finite() && (double != 0.0 || double.is_sign_positive());
    kept.then_some(double).ok_or(DecodeError::Corrupt("a double that no state keeps"))
}

pub(crate) fn take_whole(bytes: &mut &[u8]) -> Result<u128, DecodeError> {
    let (mut whole, mut shift) = (0_u128, 0);
    loop {
        let byte = take_byte(bytes)?;
        let bits = u128::from(byte & 0x7f);
        if shift > 127 || bits << shift >> shift != bits {
            return Err(DecodeError::Corrupt("a number beyond 128 bits"));
        }
        whole |= bits << shift;
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || shift == 0;
            return shortest.then_some(whole).ok_or(DecodeError::Corrupt("a number with needless bytes"));
        }
        shift += 7;
    }
}

pub(crate) fn take_signed(bytes: &mut &[u8]) -> Result<i128, DecodeError> {
    let whole = take_whole(bytes)?;
    Ok((whole >> 1).cast_signed() ^ -(whole & 1).cast_signed())
}

pub(crate) fn take_text<'a>(bytes: &mut &'a [u8]) -> Result<&'a str, DecodeError> {
    let length = usize::try_from(take_count(bytes)?).map_err(|_| DecodeError::Truncated)?;
    let (text, rest) = bytes.split_at_checked(length).ok_or(DecodeError::Truncated)?;
    *bytes = rest;
    std::str::from_utf8(text).map_err(|_| DecodeError::Corrupt("a text that is no UTF-8"))
}

/// A time in the name of a table: nanoseconds in decimal.
pub(crate) fn time_of(text: &str) -> Option<EventTime> {
    let nanos: i128 = text.parse().ok()?;
    (nanos.unsigned_abs() <= FURTHEST).then(|| EventTime::from_nanos(nanos))
}

/// A time as it can come of events and windows: far from the ends of 128 bits, so that sums cannot overflow.
pub(crate) fn take_time(bytes: &mut &[u8]) -> Result<EventTime, DecodeError> {
    let nanos = take_signed(bytes)?;
    let sane = nanos.unsigned_abs() <= FURTHEST;
    sane.then(|| EventTime::from_nanos(nanos)).ok_or(DecodeError::Corrupt("a time beyond all others"))
}

pub(crate) fn take_time_if_any(bytes: &mut &[u8]) -> Result<Option<EventTime>, DecodeError> {
    if take_flag(bytes)? { take_time(bytes).map(Some) } else { Ok(None) }
}

/// Refuses what is left over.
pub(crate) fn take_end(bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.is_empty() { Ok(()) } else { Err(DecodeError::Corrupt("more than there should be")) }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Truncated => f.write_str("what was saved ends too early"),
            DecodeError::UnknownLayout(layout) => {
                write!(f, "what was saved has layout {layout}, which this version does not read")
            }
            DecodeError::Corrupt(what) => write!(f, "what was saved is damaged: {what}"),
        }
    }
}

impl std::error::Error for DecodeError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_come_back_at_every_length() {
        for bits in 0..128 {
            for whole in [(1_i128 << bits.min(126)) - 1, -(1 << bits.min(126)), i128::MAX, i128::MIN] {
                let mut out = Vec::new();
                put_signed(&mut out, whole);
                assert_eq!(take_signed(&mut out.as_slice()), Ok(whole));
            }
        }
    }

    #[test]
    fn a_number_with_needless_or_too_many_bytes_is_refused() {
        assert_eq!(take_whole(&mut [0x81, 0].as_slice()), Err(DecodeError::Corrupt("a number with needless bytes")));
        assert_eq!(take_whole(&mut [0xff; 20].as_slice()), Err(DecodeError::Corrupt("a number beyond 128 bits")));
        assert_eq!(take_whole(&mut [0x80; 3].as_slice()), Err(DecodeError::Truncated));
        assert_eq!(take_count(&mut [0xff; 7].iter().chain(&[1]).copied().collect::<Vec<_>>().as_slice()).ok(), None);
    }

    #[test]
    fn doubles_that_no_state_keeps_are_refused() {
        for double in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
            assert!(take_double(&mut double.to_le_bytes().as_slice()).is_err(), "{double}");
        }
        assert_eq!(take_double(&mut (-5e-324_f64).to_le_bytes().as_slice()), Ok(-5e-324));
    }
}
