//! The fingerprints of the next events, made before they are asked for.

use super::identity::Identities;
use super::table::{Fingerprint, Table};
use crate::decode::Decoded;

/// Ids are spread over more memory than any cache holds. What is to be looked up soon is touched for some events at once: then
/// the memory is waited for once.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    first: usize,                         // the record that the first one is of
    count: usize,                         // how many there are
    fingerprints: [Fingerprint; RECORDS], // 0 for a record that has no id
}

/// Enough to hide one wait behind another, few enough to still be in the nearest cache when they are asked for.
const RECORDS: usize = 16;

impl Ahead {
    /// Other records come.
    pub(super) fn clear(&mut self) {
        self.count = 0;
    }

    /// The fingerprint of a record that has an id.
    #[inline]
    pub(super) fn of(
        &mut self,
        records: &Decoded,
        at: usize,
        identities: &Identities,
        table: &Table,
    ) -> Option<Fingerprint> {
        if at.wrapping_sub(self.first) >= self.count {
            self.look(records, at, identities, table);
        }
        Some(self.fingerprints[at - self.first]).filter(|fingerprint| *fingerprint != 0)
    }

    #[inline(never)]
    fn look(&mut self, records: &Decoded, at: usize, identities: &Identities, table: &Table) {
        self.first = at;
        self.count = RECORDS.min(records.len() - at);
        for (ahead, fingerprint) in self.fingerprints[..self.count].iter_mut().enumerate() {
            *fingerprint = records.id(at + ahead).map_or(0, |id| identities.of(id));
        }
        table.touch(&self.fingerprints);
    }
}
