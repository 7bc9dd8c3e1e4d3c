//! The recent past, in slices that leave as a whole.

use super::digest::Digest;

/// Distributions by the slice of time they are of.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    /// The oldest first.
    slices: Vec<Slice>,
}

#[derive(Clone, Debug)]
struct Slice {
    number: u64,
    digest: Digest,
}

impl Window {
    /// The distribution of a slice. Those that are too old to be seen beside it leave.
    pub(super) fn slice(&mut self, number: u64, slices: u64) -> &mut Digest {
        if self.slices.last().is_none_or(|last| last.number < number) {
            self.slices.retain(|slice| is_seen(slice.number, number, slices));
            self.slices.iter_mut().for_each(|slice| slice.digest.close());
            self.slices.reserve_exact(1);
            self.slices.push(Slice { number, digest: Digest::default() });
        }
        // Nobody goes back: what somebody is a moment late with is of the last one.
        let last = self.slices.len() - 1;
        &mut self.slices[last].digest
    }

    /// Takes all out of another one that is seen at a slice.
    pub(super) fn absorb(&mut self, other: &mut Self, now: u64, slices: u64) {
        self.slices.retain(|slice| is_seen(slice.number, now, slices));
        for slice in other.slices.drain(..).filter(|slice| is_seen(slice.number, now, slices)) {
            match self.slices.binary_search_by_key(&slice.number, |own| own.number) {
                Ok(at) => self.slices[at].digest.absorb(&slice.digest),
                Err(at) => {
                    self.slices.reserve_exact(1);
                    self.slices.insert(at, slice);
                }
            }
        }
        self.slices.iter_mut().for_each(|slice| slice.digest.close());
    }

    /// What is seen at a slice.
    pub(super) fn seen(&self, now: u64, slices: u64) -> impl Iterator<Item = &Digest> {
        self.slices.iter().filter(move |slice| is_seen(slice.number, now, slices)).map(|slice| &slice.digest)
    }
}

/// Whether a slice is one of the last ones. A clock that somebody read a moment later is no reason
/// to leave something out.
pub(super) const fn is_seen(slice: u64, now: u64, slices: u64) -> bool {
    slice.saturating_add(slices) > now
}
