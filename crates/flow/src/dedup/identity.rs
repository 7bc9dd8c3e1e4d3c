//! Ids as 128 bits.
//!
//! ```text
//! a UUID as it is usually written    its 16 bytes ─┐
//! a text of n ≤ 16 bytes             the text ─────┼─ shuffled by keys of its kind ──► 128 bits
//! any other                          ──────────────┴─ SipHash-1-3 ───────────────────► 128 bits
//! ```
//! A shuffle can be undone, so two UUIDs, or two texts of the same length, are never taken for each other. Ids of different
//! kinds are so with the probability with which two hashed ones are, and nobody can look for a pair: each kind has keys of its
//! own, and nobody knows them. To shuffle costs a sixth of what it costs to hash, and what comes of it is spread as evenly,
//! however ids were made: the table relies on that.

use siphasher::sip128::SipHasher13;

use super::table::Fingerprint;

/// How ids are told apart.
#[derive(Debug)]
pub(super) struct Identities {
    pub keys: (u64, u64),
    hasher: SipHasher13,
    /// None: all ids are hashed, as they were in states of the first layout.
    shuffles: Option<Box<Shuffles>>,
}

/// A shuffle for texts of each length up to `LONGEST`, and the one of UUIDs.
type Shuffles = [Shuffle; LONGEST + 2];

/// The longest text that is its own fingerprint.
const LONGEST: usize = 16;
const OF_UUIDS: usize = LONGEST + 1;

/// Three rounds of a Feistel network (M. Luby, C. Rackoff, "How to construct pseudorandom permutations from pseudorandom
/// functions", 1988): each changes one half by a function of the other.
#[derive(Clone, Copy, Debug)]
struct Shuffle([Round; 3]);

/// The keys of a round.
#[derive(Clone, Copy, Debug)]
struct Round {
    mask: u64,
    factor: u64, // odd
}

/// Two halves of 128 bits.
type Halves = (u64, u64);

impl Identities {
    pub(super) fn new(keys: (u64, u64)) -> Self {
        let all_hashed = Self::all_hashed(keys);
        let shuffle = |kind| Shuffle::new(&all_hashed.hasher, kind);
        let shuffles = Box::new(std::array::from_fn(shuffle));
        Identities { shuffles: Some(shuffles), ..all_hashed }
    }

    /// As it was before ids had kinds.
    pub(super) fn all_hashed(keys: (u64, u64)) -> Self {
        Identities { keys, hasher: SipHasher13::new_with_keys(keys.0, keys.1), shuffles: None }
    }

    pub(super) fn are_all_hashed(&self) -> bool {
        self.shuffles.is_none()
    }

    /// What stands for an id.
    #[inline]
    pub(super) fn of(&self, id: &[u8]) -> Fingerprint {
        let shuffled = self.shuffles.as_ref().and_then(|shuffles| match id.len() {
            length @ ..=LONGEST => Some(shuffles[length].apply(halves(id))),
            _ => uuid(id).map(|uuid| shuffles[OF_UUIDS].apply(uuid)),
        });
        let (upper, lower) = shuffled.unwrap_or_else(|| self.hasher.hash(id).as_u64());
        // 0 stands for no id: what it and 1 would stand for share one of 2¹²⁸ places.
        (u128::from(upper) << 64 | u128::from(lower)).max(1)
    }
}

impl Shuffle {
    fn new(hasher: &SipHasher13, kind: usize) -> Self {
        let round = |round| {
            let (mask, factor) = hasher.hash(format!("shuffle {kind}, round {round}").as_bytes()).as_u64();
            Round { mask, factor: factor | 1 }
        };
        Shuffle([0, 1, 2].map(round))
    }

    #[inline]
    fn apply(&self, (mut upper, mut lower): Halves) -> Halves {
        let [first, second, third] = &self.0;
        upper ^= first.of(lower);
        lower ^= second.of(upper);
        upper ^= third.of(lower);
        (upper, lower)
    }
}

impl Round {
    /// Both halves of a product: each of its bits depends on most bits of the number.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    fn of(&self, number: u64) -> u64 {
        let product = u128::from(number ^ self.mask) * u128::from(self.factor);
        product as u64 ^ (product >> 64) as u64
    }
}

/// A text of up to sixteen bytes: its first and its last bytes, which overlap where it is shorter than both.
#[inline]
fn halves(text: &[u8]) -> Halves {
    if let (Some(first), Some(last)) = (text.first_chunk::<8>(), text.last_chunk::<8>()) {
        return (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return (u64::from(u32::from_le_bytes(*first)), u64::from(u32::from_le_bytes(*last)));
    }
    (0, text.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)))
}

/// The bytes of a UUID, if the text is one in its usual form: 36 characters, letters small. One in any other form is another
/// text, and another id.
#[inline]
fn uuid(text: &[u8]) -> Option<Halves> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [8, 13, 18, 23].iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let four = |at: usize| text[at..].first_chunk().map_or(0, |four| u64::from(u32::from_be_bytes(*four)));
    let eight = |at, other| hexadecimal(four(at) << 32 | four(other));
    Some((eight(0, 4)? << 32 | eight(9, 14)?, eight(19, 24)? << 32 | eight(28, 32)?))
}

/// What eight digits mean, the first of which stand in the highest byte; letters are small.
#[inline]
fn hexadecimal(digits: u64) -> Option<u64> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Letters, and others, have bit 6; the lower four bits of `a` are 1.
    let values = (digits & (0x0f * EACH)) + (digits >> 6 & EACH) * 9;
    // What a digit must look like is told from its value: so nothing else passes.
    let is_letter = (values + 6 * EACH) >> 4 & EACH;
    let looks = values + u64::from(b'0') * EACH + is_letter * u64::from(b'a' - b'9' - 1);
    if looks != digits || values & (0xf0 * EACH) != 0 {
        return None;
    }
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    Some((fours | fours >> 16) & 0xffff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "01234567-89ab-4cde-8f01-23456789abcd";

    #[test]
    fn a_uuid_is_its_sixteen_bytes() {
        assert_eq!(uuid(UUID.as_bytes()), Some((0x0123_4567_89ab_4cde, 0x8f01_2345_6789_abcd)));
    }

    #[test]
    fn each_character_of_a_uuid_has_one_spelling() {
        for at in 0..UUID.len() {
            let mut text = UUID.as_bytes().to_vec();
            let accepted = (0..=255).filter(|byte| {
                text[at] = *byte;
                uuid(&text).is_some()
            });
            let want = if UUID.as_bytes()[at] == b'-' { "-" } else { "0123456789abcdef" };
            assert_eq!(String::from_utf8(accepted.collect()).unwrap(), want, "character {at}");
        }
        for other in ["", &UUID[1..], &format!("{UUID}0"), &UUID.to_uppercase(), &format!("{{{}}}", &UUID[..34])] {
            assert_eq!(uuid(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn texts_of_one_length_that_differ_have_different_halves() {
        for length in 0..=LONGEST {
            let text: Vec<u8> = (1..=16).take(length).collect();
            for at in 0..length {
                let mut other = text.clone();
                other[at] ^= 0x40;
                assert_ne!(halves(&text), halves(&other), "{length} bytes, changed at {at}");
            }
        }
    }

    #[test]
    fn ids_of_all_kinds_are_told_apart_also_where_their_bytes_are_the_same() {
        let bytes = [0x61_u8; 16];
        let text = std::str::from_utf8(&bytes).unwrap();
        let uuid = "61616161-6161-6161-6161-616161616161";
        let ids = Identities::new((1, 2));
        let mut all: Vec<Fingerprint> = (1..=16).map(|length| ids.of(&text.as_bytes()[..length])).collect();
        all.extend(
            [uuid, "a\0", "a\0\0", &UUID[1..], UUID, &UUID.to_uppercase()].map(|id: &str| ids.of(id.as_bytes())),
        );
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
        assert_ne!(
            Identities::new((1, 3)).of(uuid.as_bytes()),
            ids.of(uuid.as_bytes()),
            "without the keys nobody knows what stands for an id"
        );
    }

    /// UUIDs of version 7 begin with a time, numbered ids with the same letters: a table that goes by the leading bits, and tells
    /// apart by the last ones, must not see that.
    #[test]
    fn ids_that_look_alike_are_spread_evenly() {
        let ids = Identities::new((3, 4));
        for make in [|n| format!("req-{n:012x}"), |n| format!("018bd9c7-{:04x}-7000-8000-{n:012x}", n >> 8)] {
            for shift in [122, 10, 0] {
                let bits = |n| usize::try_from(ids.of(make(n).as_bytes()) >> shift & 63).unwrap();
                let mut counts = [0; 64];
                (0..64_000_u64).for_each(|n| counts[bits(n)] += 1);
                assert!(counts.iter().all(|count| (850..1150).contains(count)), "{shift}: {counts:?}");
            }
        }
    }
}
