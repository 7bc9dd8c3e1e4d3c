//! The fingerprints of the next events, made before they are asked for.

use super::identity::Identities;
use super::table::{Fingerprint, Table};
use crate::decode::Decoded;

/// Ids are spread over more memory than any cache holds. What is to be looked up soon is touched for some events at once: then
/// the memory is waited for once.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    first: usize,                   // the record that the first one is of
    fingerprints: Vec<Fingerprint>, // 0 for a record that has no id
}

/// Enough to hide one wait behind another, few enough to still be in the nearest cache when they are asked for.
const RECORDS: usize = 32;

impl Ahead {
    /// Other records come.
    pub(super) fn clear(&mut self) {
        self.fingerprints.clear();
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
        if !(self.first..self.first + self.fingerprints.len()).contains(&at) {
            self.look(records, at, identities, table);
        }
        self.fingerprints.get(at - self.first).copied().filter(|fingerprint| *fingerprint != 0)
    }

    #[inline(never)]
    fn look(&mut self, records: &Decoded, at: usize, identities: &Identities, table: &Table) {
        self.first = at;
        self.fingerprints.clear();
        let next = at..records.len().min(at + RECORDS);
        self.fingerprints.extend(next.map(|at| records.id(at).map_or(0, |id| identities.of(id))));
        table.touch(self.fingerprints.iter().copied());
    }
}
