//! How the panes of a window definition are saved, page by page, and read back.
//!
//! ```text
//! window/<name>            row 0       what was fired and printed so far
//! slices/<start>/<name>    row = page  keys of a slice with their states, sixteen to a page
//! revisions/<start>/<name> row = page  keys of a window that were printed more than once, and how often
//! sessions/<name>          row = page  sessions with their states, sixteen to a page, as the slab numbers them
//! ```
//! A key stands in a page by its values: its number is its own only while the process lives.

use crate::aggregate::States;
use crate::encoding::{
    DecodeError, put_count, put_layout, put_signed, put_text, put_time, put_time_if_any, take_count, take_end,
    take_layout, take_text, take_time, take_time_if_any, take_up_to,
};
use crate::key::KeyId;
use crate::pages::{self, PAGE};
use crate::state::Changes;
use crate::time::{EventTime, Span};

use super::definition::Definition;
use super::slice::Slice;

const LAYOUT: u8 = 1;

/// What a window definition keeps beside its panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums {
    pub fired: Option<EventTime>,
    pub printed: u64,
    pub taken_back: u64,
    pub allowed_lateness: Span,
    pub forgotten: Option<EventTime>,
}

/// A session as it is saved, without its states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SavedSession {
    pub key: KeyId,
    pub start: EventTime,
    pub end: EventTime,
    pub printed: Option<u32>,
}

/// The name of a table of what begins at `start`. Names of windows may hold anything, so they come last.
pub(super) fn table_at(what: &str, start: EventTime, name: &str) -> String {
    format!("{what}/{}/{name}", start.as_nanos())
}

pub(super) fn save_sums(of: &Definition, fired: Option<EventTime>, to: &mut Changes) {
    to.put(format!("window/{}", of.names.window).as_bytes(), 0, |out| {
        put_layout(out, LAYOUT);
        put_time_if_any(out, fired);
        put_count(out, of.printed);
        put_count(out, of.taken_back);
        put_signed(out, of.allowed_lateness.as_nanos());
        put_time_if_any(out, of.forgotten);
    });
}

pub(super) fn read_sums(mut bytes: &[u8]) -> Result<Sums, DecodeError> {
    let bytes = &mut bytes;
    take_layout(bytes, LAYOUT)?;
    let fired = take_time_if_any(bytes)?;
    let (printed, taken_back) = (take_count(bytes)?, take_count(bytes)?);
    // A span is read like a time: neither is far from 0.
    let allowed_lateness = take_time(bytes)? - EventTime::from_nanos(0);
    let sums = Sums { fired, printed, taken_back, allowed_lateness, forgotten: take_time_if_any(bytes)? };
    take_end(bytes)?;
    Ok(sums)
}

/// Saves the pages of a slice that have changed.
pub(super) fn save_slice(slice: &mut Slice, of: &Definition, to: &mut Changes) {
    let table = table_at("slices", slice.span.start, &of.names.window);
    for page in slice.take_touched() {
        to.put(table.as_bytes(), page as u64, |out| {
            let places = pages::places(page, slice.keys().len());
            put_layout(out, LAYOUT);
            put_count(out, places.len() as u64);
            for at in places {
                put_key(out, of, slice.keys()[at]);
                slice.states().encode(at, out);
            }
        });
    }
    slice.saved = true;
}

/// Reads a page of a slice; pages come in order.
pub(super) fn read_slice(
    slice: &mut Slice,
    of: &mut Definition,
    page: u64,
    mut bytes: &[u8],
) -> Result<(), DecodeError> {
    if page.checked_mul(PAGE as u64) != Some(slice.keys().len() as u64) {
        return Err(DecodeError::Corrupt("a page that does not follow the one before it"));
    }
    take_layout(&mut bytes, LAYOUT)?;
    for _ in 0..take_up_to(&mut bytes, PAGE as u64)? {
        let key = take_key(of, &mut bytes)?;
        let states = States::decode(&of.layout, &mut bytes)?;
        if slice.find(key).is_some() {
            return Err(DecodeError::Corrupt("a key that is there twice"));
        }
        of.keys.pin(key);
        slice.open_with(key, &states, 0);
    }
    take_end(bytes)
}

/// Saves keys with numbers of their own, such as revisions.
pub(super) fn save_numbers(numbers: &[(KeyId, u32)], of: &Definition, out: &mut Vec<u8>) {
    put_layout(out, LAYOUT);
    put_count(out, numbers.len() as u64);
    for (key, number) in numbers {
        put_key(out, of, *key);
        put_count(out, u64::from(*number));
    }
}

pub(super) fn read_numbers(of: &mut Definition, mut bytes: &[u8]) -> Result<Vec<(KeyId, u32)>, DecodeError> {
    take_layout(&mut bytes, LAYOUT)?;
    let count = take_up_to(&mut bytes, PAGE as u64)?;
    let numbers = (0..count).map(|_| Ok((take_key(of, &mut bytes)?, take_u32(&mut bytes)?)));
    let numbers = numbers.collect::<Result<_, DecodeError>>()?;
    take_end(bytes)?;
    Ok(numbers)
}

/// Appends a session to its page. Its states stand where it does.
pub(super) fn put_session(out: &mut Vec<u8>, of: &Definition, at: usize, session: SavedSession, states: &States) {
    put_count(out, (at % PAGE) as u64);
    put_key(out, of, session.key);
    put_time(out, session.start);
    put_time(out, session.end);
    put_count(out, session.printed.map_or(0, |revision| u64::from(revision) + 1));
    states.encode(at, out);
}

pub(super) fn begin_sessions(out: &mut Vec<u8>, count: usize) {
    put_layout(out, LAYOUT);
    put_count(out, count as u64);
}

/// Reads a page of sessions: each with its place in the slab and its states.
pub(super) fn read_sessions(
    of: &mut Definition,
    page: usize,
    mut bytes: &[u8],
) -> Result<Vec<(usize, SavedSession, States)>, DecodeError> {
    take_layout(&mut bytes, LAYOUT)?;
    let count = take_up_to(&mut bytes, PAGE as u64)?;
    let mut sessions = Vec::new();
    for _ in 0..count {
        let within = usize::try_from(take_up_to(&mut bytes, PAGE as u64 - 1)?).unwrap_or(0);
        let key = take_key(of, &mut bytes)?;
        let (start, end) = (take_time(&mut bytes)?, take_time(&mut bytes)?);
        if start >= end {
            return Err(DecodeError::Corrupt("a session that ends before it begins"));
        }
        let printed = take_up_to(&mut bytes, 1 << 32)?.checked_sub(1);
        let printed = printed.map(|revision| u32::try_from(revision).unwrap_or(u32::MAX));
        let session = SavedSession { key, start, end, printed };
        sessions.push((page * PAGE + within, session, States::decode(&of.layout, &mut bytes)?));
    }
    take_end(bytes)?;
    Ok(sessions)
}

fn put_key(out: &mut Vec<u8>, of: &Definition, key: KeyId) {
    for value in of.keys.values(key).texts() {
        put_text(out, value);
    }
}

fn take_key(of: &mut Definition, bytes: &mut &[u8]) -> Result<KeyId, DecodeError> {
    let values = (0..of.keys.fields()).map(|_| take_text(bytes)).collect::<Result<Vec<_>, _>>()?;
    Ok(of.keys.restore(&values))
}

fn take_u32(bytes: &mut &[u8]) -> Result<u32, DecodeError> {
    Ok(u32::try_from(take_up_to(bytes, u64::from(u32::MAX))?).unwrap_or(u32::MAX))
}
