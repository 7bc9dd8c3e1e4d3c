//! The keys of the next events, looked up before they are asked for.

use super::KeyId;

/// The keys of many events are spread over more memory than a near cache holds, or the cache is full of their texts. Those of
/// some events are looked up one right behind the other: then the memory is waited for once.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    first: usize,    // the row of the first event
    ids: Vec<KeyId>, // `NONE`: there was no such key
}

const NONE: KeyId = KeyId::MAX;

impl Ahead {
    /// Other events come, from this row on: takes the key of each of them, if it is there.
    #[inline]
    pub(super) fn begin(&mut self, row: usize) -> impl FnMut(Option<KeyId>) {
        self.first = row;
        self.ids.clear();
        |id| self.ids.push(id.unwrap_or(NONE))
    }

    /// The key of the event of a row, if it is known.
    #[inline]
    pub(super) fn of(&self, row: usize) -> Option<KeyId> {
        self.ids.get(row.wrapping_sub(self.first)).copied().filter(|id| *id != NONE)
    }

    /// All that are known.
    pub(super) fn known(&self) -> impl Iterator<Item = KeyId> {
        self.ids.iter().copied().filter(|id| *id != NONE)
    }

    /// A key has gone.
    #[inline]
    pub(super) fn forget(&mut self, key: KeyId) {
        self.ids.iter_mut().for_each(|id| *id = if *id == key { NONE } else { *id });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_known_for_its_row_until_it_has_gone_or_others_come() {
        let mut ahead = Ahead::default();
        [Some(1), None, Some(2), Some(1)].into_iter().for_each(ahead.begin(5));
        let of = |ahead: &Ahead| (4..10).map(|row| ahead.of(row)).collect::<Vec<_>>();
        assert_eq!(of(&ahead), [None, Some(1), None, Some(2), Some(1), None]);
        ahead.forget(1);
        assert_eq!(of(&ahead), [None, None, None, Some(2), None, None]);
        [Some(1)].into_iter().for_each(ahead.begin(9));
        assert_eq!(of(&ahead), [None, None, None, None, None, Some(1)]);
    }
}
