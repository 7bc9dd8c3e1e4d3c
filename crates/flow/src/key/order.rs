//! The order of keys by value, most of it without a look at the values.

use super::KeyId;

/// A key that is to be sorted, with the beginning of the value that it is compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsorted {
    beginning: u128,
    pub id: KeyId,
}

/// The bytes of a value that are at hand.
const AT_HAND: usize = 15;

impl Unsorted {
    pub(super) const fn new(id: KeyId) -> Self {
        Unsorted { beginning: 0, id }
    }
}

/// Sorts keys by their values from one field on. Runs that are in order already are merged.
///
/// Values are scattered over memory: each is read once for its beginning, and only those that begin alike and are longer
/// are read again and again.
pub(super) fn sort<'a, V>(list: &mut [Unsorted], field: usize, values: &impl Fn(KeyId) -> V)
where
    V: Iterator<Item = &'a [u8]>,
{
    for key in &mut *list {
        let Some(value) = values(key.id).nth(field) else { return };
        key.beginning = beginning(value);
    }
    list.sort_by_key(|key| key.beginning);
    for alike in list.chunk_by_mut(|one, next| one.beginning == next.beginning) {
        match alike {
            [] | [_] => {}
            [one, ..] if is_all(one.beginning) => sort(alike, field + 1, values),
            _ => alike.sort_by(|one, other| values(one.id).skip(field).cmp(values(other.id).skip(field))),
        }
    }
}

/// A value's first bytes, with zeros where it is shorter, then how many they are, one more if it is longer: numbers that are
/// ordered as values are.
fn beginning(value: &[u8]) -> u128 {
    let length = value.len().min(AT_HAND + 1);
    let first = &value[..length.min(AT_HAND)];
    let mut bytes = [0; AT_HAND + 1];
    bytes[..first.len()].copy_from_slice(first);
    u128::from_be_bytes(bytes) | length as u128
}

/// Whether it is the whole value.
fn is_all(beginning: u128) -> bool {
    beginning & 0xff <= AT_HAND as u128
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_ordered_as_their_values_are_wherever_they_begin_to_differ() {
        let texts = ["", "\0", "a", "a\0", "a\0b", "ab", "\u{1f600}"].map(str::to_owned);
        let long = (13..19).flat_map(|length| ["", "a", "\0"].map(|end| "k".repeat(length) + end));
        let texts: Vec<String> = texts.into_iter().chain(long).collect();
        let pairs = texts.iter().flat_map(|one| texts.iter().map(|other| vec![one.clone(), other.clone()]));
        let mut keys: Vec<Vec<String>> = pairs.collect();
        keys.sort();
        keys.dedup();
        let mut list: Vec<Unsorted> = (0..keys.len()).map(Unsorted::new).collect();
        list.sort_by_key(|key| key.id % 11);
        sort(&mut list, 0, &|id| keys[id].iter().map(String::as_bytes));
        assert!(list.iter().map(|key| key.id).eq(0..keys.len()), "numbers are in the order of values");
    }
}
