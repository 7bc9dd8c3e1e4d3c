//! Keys of short texts, each of which is a row of words of fixed width.
//!
//! ```text
//! byte    0                                  31
//!       [ t e n a n t - 0 4 2 0 0 0 … 0 0 0  10 ]    the text, zeros, its length
//! ```
//! Texts that differ have words that differ. Names of different lengths come in no order, and what asks for a length is
//! mispredicted: here words are loaded, masked, hashed and compared in the same steps, however long the texts are.

use std::hash::{BuildHasher, RandomState};

use super::KeyId;
use super::table::Table;
use crate::decode::Event;

const WORDS: usize = 4;
const WIDTH: usize = WORDS * 8;

/// A text of up to 31 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Short([[u8; 8]; WORDS]);

/// Keys of `N` short texts.
#[derive(Debug)]
pub(super) struct ShortKeys<const N: usize> {
    seeds: [[u64; WORDS]; N], // nobody knows them: keys come from outside
    table: Table,
    texts: Vec<[Short; N]>, // by number, up to the highest of a short key; [`Short::NONE`] where a key is not short
    wanted: Vec<Wanted<N>>, // reused
}

/// A key that is looked for.
#[derive(Clone, Copy, Debug)]
struct Wanted<const N: usize> {
    texts: [Short; N],
    hash: u32,
}

/// For each length the bytes that belong to a text.
static MASKS: [[u64; WORDS]; WIDTH] = masks();

const fn masks() -> [[u64; WORDS]; WIDTH] {
    let mut masks = [[0; WORDS]; WIDTH];
    let mut length = 0;
    while length < WIDTH {
        let mut byte = 0;
        while byte < length {
            masks[length][byte / 8] |= 0xff << (byte % 8 * 8);
            byte += 1;
        }
        length += 1;
    }
    masks
}

impl Short {
    pub(super) const EMPTY: Short = Short([[0; 8]; WORDS]);
    /// No text.
    pub(super) const NONE: Short = Short([[0xff; 8]; WORDS]);

    /// A field of an event, if it is short.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the words stay in registers, and are not handed over in memory")]
    pub(super) fn of_event(event: &Event<'_>, field: usize) -> Option<Short> {
        let text = event.bytes(field);
        match event.window(field) {
            Some(window) => Short::masked(window, text.len()),
            None => Short::of(text),
        }
    }

    /// A text, if it is short.
    pub(super) fn of(text: &[u8]) -> Option<Short> {
        let mut window = [0; WIDTH];
        window.get_mut(..text.len())?.copy_from_slice(text);
        Short::masked(&window, text.len())
    }

    /// The first `length` bytes of some.
    #[inline]
    fn masked(window: &[u8; WIDTH], length: usize) -> Option<Short> {
        let (mask, (bytes, _)) = (MASKS.get(length)?, window.as_chunks());
        let mut words: [u64; WORDS] = std::array::from_fn(|n| u64::from_le_bytes(bytes[n]) & mask[n]);
        words[WORDS - 1] |= (length as u64) << 56;
        Some(Short(words.map(u64::to_le_bytes)))
    }

    #[inline]
    fn words(&self) -> [u64; WORDS] {
        self.0.map(u64::from_le_bytes)
    }

    #[inline]
    fn is_none(&self) -> bool {
        self.0[WORDS - 1] == Short::NONE.0[WORDS - 1]
    }

    /// The text, if it is one.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = self.0.as_flattened();
        bytes.get(..usize::from(bytes[WIDTH - 1])).unwrap_or_default()
    }
}

impl<const N: usize> ShortKeys<N> {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let seeds = std::array::from_fn(|text| std::array::from_fn(|word| random.hash_one((text, word))));
        ShortKeys { seeds, table: Table::default(), texts: Vec::new(), wanted: Vec::new() }
    }

    /// The texts of a key, if it is a short one.
    #[inline]
    pub(super) fn texts(&self, key: KeyId) -> Option<&[Short; N]> {
        self.texts.get(key).filter(|texts| texts.iter().all(|text| !text.is_none()))
    }

    /// The number of a key.
    #[inline]
    pub(super) fn find(&self, texts: &[Short; N]) -> Option<KeyId> {
        self.find_hashed(hash(&self.seeds, texts), texts)
    }

    #[inline]
    fn find_hashed(&self, hash: u32, texts: &[Short; N]) -> Option<KeyId> {
        self.table.find(hash, |key| are_same(&self.texts[key], texts))
    }

    /// The numbers of some keys.
    ///
    /// Each step is taken for all of them before the next one, so that memory that is far away is waited for once.
    #[inline]
    pub(super) fn find_all(&mut self, keys: impl Iterator<Item = Option<[Short; N]>>, tell: impl FnMut(Option<KeyId>)) {
        self.wanted.clear();
        self.wanted.extend(keys.map(|texts| {
            let texts = texts.unwrap_or([Short::NONE; N]);
            Wanted { texts, hash: hash(&self.seeds, &texts) }
        }));
        self.wanted.iter().for_each(|wanted| self.table.touch(wanted.hash));
        self.wanted.iter().map(|wanted| self.find_hashed(wanted.hash, &wanted.texts)).for_each(tell);
    }

    /// Takes a key in that is not there.
    pub(super) fn add(&mut self, texts: [Short; N], key: KeyId) {
        if self.texts.len() <= key {
            self.texts.resize(key + 1, [Short::NONE; N]);
        }
        self.texts[key] = texts;
        let hash = hash(&self.seeds, &texts);
        self.table.add(hash, key);
    }

    /// Reads where a key stands, if it is a short one.
    pub(super) fn touch(&self, key: KeyId) {
        if let Some(texts) = self.texts(key) {
            self.table.touch(hash(&self.seeds, texts));
        }
    }

    /// Lets a key go, if it is a short one.
    pub(super) fn remove(&mut self, key: KeyId) -> bool {
        let Some(texts) = self.texts(key) else { return false };
        let hash = hash(&self.seeds, texts);
        self.table.remove(hash, key);
        self.texts[key] = [Short::NONE; N];
        true
    }
}

/// One comparison for all words: they are nearly always the same, and to stop early is not worth a branch for each.
#[inline]
fn are_same<const N: usize>(some: &[Short; N], others: &[Short; N]) -> bool {
    let pairs = some.iter().zip(others).flat_map(|(one, other)| one.words().into_iter().zip(other.words()));
    pairs.fold(0, |all, (one, other)| all | (one ^ other)) == 0
}

/// Two words at a time are multiplied, and the halves of the product are folded: each bit depends on most bits of both (the
/// step that foldhash and wyhash consist of). The products do not wait for each other.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half depends on all of the key")]
fn hash<const N: usize>(seeds: &[[u64; WORDS]; N], texts: &[Short; N]) -> u32 {
    let all = texts.iter().zip(seeds).fold(0, |all, (text, [e, f, g, h])| {
        let [a, b, c, d] = text.words();
        all ^ fold(a ^ e, b ^ f) ^ fold(c ^ g, d ^ h)
    });
    all as u32
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
fn fold(one: u64, other: u64) -> u64 {
    let product = u128::from(one) * u128::from(other);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_differ_in_a_byte_or_in_length_have_other_words_whatever_stands_behind_them() {
        for length in 0..WIDTH {
            let text: Vec<u8> = (0..).take(length).collect();
            let short = Short::of(&text).unwrap();
            let mut window = [0xaa; WIDTH];
            window[..length].copy_from_slice(&text);
            assert!(are_same(&[short], &[Short::masked(&window, length).unwrap()]));
            for at in 0..length {
                window[at] ^= 0x80;
                assert!(!are_same(&[short], &[Short::masked(&window, length).unwrap()]), "byte {at} of {length}");
                window[at] ^= 0x80;
            }
            let longer = Short::of(&[&text[..], &[0]].concat());
            assert!(longer.is_none_or(|longer| !are_same(&[short], &[longer])), "{length} bytes and a zero");
            assert_eq!(longer.is_none(), length == WIDTH - 1);
        }
    }

    /// A table goes by the lowest bits, and by more of them the larger it is.
    #[test]
    fn keys_that_look_alike_are_spread_evenly() {
        let keys = ShortKeys::<2>::new();
        for make in [|n| [format!("model-{}", n % 8), format!("tenant-{n:06}")], |n| [format!("{n}"), String::new()]] {
            for shift in [0, 16] {
                let mut counts = [0; 64];
                for n in 0..64_000_u64 {
                    let texts = make(n).map(|text| Short::of(text.as_bytes()).unwrap());
                    counts[usize::try_from(hash(&keys.seeds, &texts) >> shift & 63).unwrap()] += 1;
                }
                assert!(counts.iter().all(|count| (700..1300).contains(count)), "{counts:?}");
            }
        }
    }
}
