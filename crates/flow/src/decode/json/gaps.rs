//! What was seen between two scalars before, and what it meant.
//!
//! A gap that the walker judged once in some containers is right there for ever, so its bytes need only be compared. Which
//! gap comes next is guessed from the last time; if the guess is wrong, it is looked for among those known in the same
//! containers.

use std::collections::HashMap;

use fearless_simd::prelude::*;
use fearless_simd::u8x32;

use super::super::paths::Node;
use super::super::slots::{Kind, Slots};
use super::REACH;
use super::text::Length;
use super::walk::{Container, Note, Walker};

/// How many gaps are remembered, and how many bytes of those that are long.
pub(super) const MOST_GAPS: usize = 2_048;
const MOST_BYTES: usize = 1 << 20;
/// How many different surroundings are told apart, and how many gaps in one of them are looked through.
const MOST_SURROUNDINGS: usize = 500;
const MOST_IN_ONE: usize = 128;
/// How many bytes of a gap are compared at once.
const WIDTH: usize = 32;
/// In the place of the slot of a scalar that is not mapped; of one in a list of which nothing is.
const NO_SLOT: u16 = u16::MAX;
const LISTED: u16 = NO_SLOT - 1;

/// Which gap.
pub(super) type GapId = u16;

/// All gaps that are known.
#[derive(Debug)]
pub(super) struct Gaps {
    gaps: Box<[Gap; MOST_GAPS]>, // an array, so that every number below its length is good without looking
    seconds: Box<[GapId; MOST_GAPS]>, // the second guess for each
    count: usize,
    rests: Vec<Rest>,
    bytes: usize, // of gaps that are longer than `WIDTH`
    surroundings: Vec<Surroundings>,
    known: HashMap<Box<[Container]>, u16>, // the place of each in `surroundings`
    full: bool,                            // whether something could not be remembered
    ascii: bool,                           // whether all that are known are
}

/// A gap: one line of the cache.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(super) struct Gap {
    head: [u8; WIDTH], // its first bytes
    mask: u32,         // which of them there are
    length: u8,        // of the head
    slot: u16,         // of the scalar behind it, if it has one
    within: u16,       // the surroundings of that scalar
    rest: u16,         // what else is to be known of it
    pub next: GapId,   // what followed it last
    before: GapId,     // which other one came last before it, if it is before an item of such a list
    pub then: Then,
    pub text: Length, // of the string behind it
}

/// What few gaps have.
#[derive(Debug)]
struct Rest {
    tail: Box<[u8]>, // what does not fit into the head
    notes: Box<[Note]>,
    then: Then,
}

/// What stands behind a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing is known yet.
    Unknown,
    /// It is one of the few gaps of which more is to be known.
    Rest,
    /// The content of a string.
    Text,
    /// A number or a word.
    Bare,
    /// The next record.
    End,
}

/// The containers around a scalar, and the gaps that were seen behind it.
#[derive(Debug)]
struct Surroundings {
    open: Box<[Container]>,
    gaps: Vec<GapId>,
    begins: Vec<Begin>, // of each of them: most are told apart without looking at anything else
}

/// The first eight bytes of a gap.
#[derive(Clone, Copy, Debug)]
struct Begin {
    bytes: u64,
    mask: u64, // which of them there are
}

impl Gaps {
    /// Where a record begins.
    pub(super) const START: GapId = 0;

    #[expect(clippy::large_stack_arrays, reason = "once, and a thread has far more")]
    pub(super) fn new() -> Self {
        let mut gaps = Gaps {
            gaps: Box::new([Gap::UNKNOWN; MOST_GAPS]),
            seconds: Box::new([Self::START; MOST_GAPS]),
            count: 0,
            rests: Vec::new(),
            bytes: 0,
            surroundings: Vec::new(),
            known: HashMap::new(),
            full: false,
            ascii: true,
        };
        gaps.forget();
        gaps
    }

    /// Begins anew.
    pub(super) fn forget(&mut self) {
        self.gaps[usize::from(Self::START)] = Gap::UNKNOWN;
        self.seconds.fill(Self::START);
        self.count = 1;
        self.rests.clear();
        self.bytes = 0;
        self.known.clear();
        self.full = false;
        self.ascii = true;
        self.surroundings.clear();
        self.surroundings.push(Surroundings::new(&[]));
    }

    #[inline(always)]
    pub(super) fn gap(&self, id: GapId) -> &Gap {
        &self.gaps[usize::from(id) % MOST_GAPS]
    }

    #[inline(always)]
    pub(super) fn gap_mut(&mut self, id: GapId) -> &mut Gap {
        &mut self.gaps[usize::from(id) % MOST_GAPS]
    }

    /// All of them, by their numbers.
    #[inline(always)]
    pub(super) fn all_mut(&mut self) -> &mut [Gap; MOST_GAPS] {
        &mut self.gaps
    }

    /// Whose second guess is asked for: that of the gap before; where that is the comma of a list, of the gap that began the list,
    /// as long as it is in the same containers.
    #[inline(always)]
    fn guesser(&self, last: GapId) -> GapId {
        let Gap { next, before, within, .. } = *self.gap(last);
        if next == last && self.gap(before).within == within { before } else { last }
    }

    /// What else may follow a gap, or the list that it is part of.
    #[inline(always)]
    pub(super) fn second(&self, last: GapId) -> GapId {
        self.seconds[usize::from(self.guesser(last)) % MOST_GAPS]
    }

    /// Another gap than the two that were guessed stood there. The next time the first guess before comes second; in a list, where the
    /// first one is always its comma, this one.
    pub(super) fn note_second(&mut self, last: GapId, first: GapId, id: GapId) {
        let guesser = self.guesser(last);
        self.seconds[usize::from(guesser) % MOST_GAPS] = if guesser == last { first } else { id };
    }

    /// Whether a gap stands at a place, where these bytes begin, with what has to follow it.
    #[inline(always)]
    pub(super) fn follows<S: Simd>(&self, simd: S, gap: &Gap, there: &[u8; REACH], bytes: &[u8], at: usize) -> bool {
        gap.begins_with(simd, there) && self.goes_on(gap, bytes, at)
    }

    #[inline(never)]
    fn tail_stands(&self, gap: &Gap, bytes: &[u8], at: usize) -> bool {
        bytes.get(at + gap.head_length()..).is_some_and(|there| there.starts_with(&self.rest(gap).tail))
    }

    fn rest(&self, gap: &Gap) -> &Rest {
        &self.rests[usize::from(gap.rest)]
    }

    /// How long a gap is.
    #[inline(always)]
    pub(super) fn length(&self, gap: &Gap) -> usize {
        gap.head_length() + if gap.then == Then::Rest { self.rest(gap).tail.len() } else { 0 }
    }

    /// What stands behind a gap.
    #[inline(always)]
    pub(super) fn then(&self, gap: &Gap) -> Then {
        if gap.then == Then::Rest { self.rest(gap).then } else { gap.then }
    }

    /// Writes down what a gap means for mapped places.
    #[inline(always)]
    pub(super) fn apply_notes(&self, gap: &Gap, slots: &mut Slots) {
        if gap.then == Then::Rest {
            self.rest(gap).notes.iter().for_each(|note| slots.note(note.slot, note.kind));
        }
    }

    /// Looks for the gap that stands behind the one before, with what has to follow it. It is guessed the next time.
    pub(super) fn find(&mut self, last: GapId, there: &[u8; REACH], bytes: &[u8], at: usize) -> Option<GapId> {
        let first = u64::from_le_bytes(*there.first_chunk()?);
        let Surroundings { gaps, begins, .. } = &self.surroundings[usize::from(self.gap(last).within)];
        let begin = begins.iter().zip(gaps).filter(|(begin, _)| first & begin.mask == begin.bytes);
        let head = there.first_chunk()?;
        let stands = |gap: &Gap| gap.begins(head) && self.goes_on(gap, bytes, at);
        let id = begin.map(|(_, id)| *id).find(|id| stands(self.gap(*id)))?;
        let before = self.gap_mut(last);
        // The comma of a list is likely to be followed by another one, however often lists end.
        if before.next != last {
            before.next = id;
        }
        Some(id)
    }

    /// Whether a gap whose head stands at a place goes on as it has to. One before a number begins like one before a string.
    #[inline(always)]
    fn goes_on(&self, gap: &Gap, bytes: &[u8], at: usize) -> bool {
        if gap.then == Then::Rest && !self.tail_stands(gap, bytes, at) {
            return false;
        }
        match self.then(gap) {
            Then::Bare => bytes.get(at + self.length(gap)).is_some_and(|byte| is_bare(*byte)),
            then => then != Then::Unknown,
        }
    }

    /// The containers in which the scalar behind a gap stands.
    pub(super) fn open(&self, id: GapId) -> &[Container] {
        &self.surroundings[usize::from(self.gap(id).within)].open
    }

    /// Whether there was no room for something.
    pub(super) fn are_full(&self) -> bool {
        self.full
    }

    /// Whether all that are known are ASCII.
    #[inline(always)]
    pub(super) fn are_ascii(&self) -> bool {
        self.ascii
    }

    /// Remembers the gap that the walker just passed, before the scalar of a `node`; `None` if there is no room.
    pub(super) fn learn(
        &mut self,
        last: GapId,
        bytes: &[u8],
        then: Then,
        node: Option<&Node>,
        walker: &Walker,
    ) -> Option<GapId> {
        let id = self.add(last, bytes, then, node, walker);
        self.full |= id.is_none();
        id
    }

    fn add(&mut self, last: GapId, bytes: &[u8], then: Then, node: Option<&Node>, walker: &Walker) -> Option<GapId> {
        let before = usize::from(self.gap(last).within);
        let room = self.count < MOST_GAPS
            && self.bytes + bytes.len() <= MOST_BYTES
            && self.surroundings[before].gaps.len() < MOST_IN_ONE;
        let id = GapId::try_from(self.count).ok().filter(|_| room)?;
        let (head, tail) = bytes.split_at(bytes.len().min(WIDTH));
        let below = node.filter(|node| !node.is_leaf()).map_or(&[][..], |node| &node.below);
        let below = below.iter().map(|slot| Note { slot: *slot, kind: Kind::Absent });
        let notes: Box<[Note]> = walker.notes().iter().copied().chain(below).collect();
        let mut gap = Gap {
            mask: u32::try_from((1_u64 << head.len()) - 1).ok()?,
            length: u8::try_from(head.len()).ok()?,
            slot: match node.and_then(|node| node.slot) {
                Some(slot) => u16::try_from(slot).ok().filter(|slot| *slot < LISTED)?,
                None if walker.is_in_plain_list() => LISTED,
                None => NO_SLOT,
            },
            within: self.within(walker.open())?,
            then,
            ..Gap::UNKNOWN
        };
        gap.head[..head.len()].copy_from_slice(head);
        if !tail.is_empty() || !notes.is_empty() {
            (gap.then, gap.rest) = (Then::Rest, u16::try_from(self.rests.len()).ok()?);
            self.rests.push(Rest { tail: tail.into(), notes, then });
        }
        self.bytes += tail.len();
        self.ascii &= bytes.is_ascii();
        *self.gap_mut(id) = gap;
        self.count += 1;
        self.surroundings[before].gaps.push(id);
        self.surroundings[before].begins.push(gap.begin());
        self.gap_mut(last).next = id;
        Some(id)
    }

    /// The number of some surroundings.
    fn within(&mut self, open: &[Container]) -> Option<u16> {
        if let Some(known) = self.known.get(open) {
            return Some(*known);
        }
        let number = u16::try_from(self.surroundings.len()).ok().filter(|n| usize::from(*n) < MOST_SURROUNDINGS)?;
        self.surroundings.push(Surroundings::new(open));
        self.known.insert(open.into(), number);
        Some(number)
    }
}

/// Whether a number or a word may begin so.
pub(super) fn is_bare(byte: u8) -> bool {
    matches!(byte, b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
}

impl Gap {
    /// What is guessed where nothing is known.
    const UNKNOWN: Gap = Gap {
        head: [0; WIDTH],
        mask: 0,
        length: 0,
        slot: NO_SLOT,
        within: 0,
        rest: 0,
        next: Gaps::START,
        before: Gaps::START,
        then: Then::Unknown,
        text: Length::UNSEEN,
    };

    /// Whether its head stands where these bytes begin.
    #[inline(always)]
    pub(super) fn begins_with<S: Simd>(&self, simd: S, there: &[u8; REACH]) -> bool {
        let same = u8x32::from_slice(simd, &there[..WIDTH]).simd_eq(u8x32::from_slice(simd, &self.head));
        let mask = u64::from(self.mask);
        same.to_bitmask() & mask == mask
    }

    /// How long it is, as far as it is compared at once.
    #[inline(always)]
    pub(super) fn head_length(&self) -> usize {
        usize::from(self.length)
    }

    /// Which gap came before it, if that is another one.
    #[inline(always)]
    pub(super) fn note_before(&mut self, last: GapId, own: GapId) {
        if last != own {
            self.before = last;
        }
    }

    /// Where the scalar behind it is to be noted.
    #[inline(always)]
    pub(super) fn slot(&self) -> Option<usize> {
        (self.slot < LISTED).then_some(usize::from(self.slot))
    }

    /// Whether that scalar is in a list of which nothing is mapped.
    #[inline(always)]
    pub(super) fn is_listed(&self) -> bool {
        self.slot == LISTED
    }

    /// Whether its first bytes are these, as far as it has so many.
    #[inline]
    fn begins(&self, bytes: &[u8; WIDTH]) -> bool {
        let differ = std::array::from_fn::<u8, WIDTH, _>(|at| bytes[at] ^ self.head[at]);
        let differ = differ.iter().enumerate().fold(0_u32, |sum, (at, byte)| sum | u32::from(*byte != 0) << at);
        differ & self.mask == 0
    }

    fn begin(&self) -> Begin {
        let mask = if self.length >= 8 { u64::MAX } else { (1 << (8 * self.length)) - 1 };
        let bytes = self.head.first_chunk().map_or(0, |eight| u64::from_le_bytes(*eight));
        Begin { bytes, mask }
    }
}

impl Surroundings {
    fn new(open: &[Container]) -> Self {
        Surroundings { open: open.into(), gaps: Vec::new(), begins: Vec::new() }
    }
}

const _: () = assert!(size_of::<Gap>() == 64, "a gap is one line of the cache");
