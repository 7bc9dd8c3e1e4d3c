//! What the events of one span of time come to, key by key.

use std::sync::Arc;

use super::SPREAD;
use super::cut::SliceSpan;
use super::places::Places;
use crate::aggregate::{Layout, States};
use crate::key::KeyId;
use crate::pages::Touched;

/// The states of all keys of one span of time, in the order in which the keys came.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    last: (KeyId, usize), // the key that was looked for last, and its place: with few keys it is often the one, and near
    states: States,       // of each key, at its place
    keys: Vec<KeyId>,
    places: Places,
    touched: Touched,
    pub span: SliceSpan,
    pub saved: bool,
}

impl Slice {
    pub(super) fn new(span: SliceSpan, layout: &Arc<Layout>) -> Self {
        let last = (KeyId::MAX, 0);
        Slice {
            last,
            states: States::new(layout),
            keys: Vec::new(),
            places: Places::default(),
            touched: Touched::default(),
            span,
            saved: false,
        }
    }

    /// The keys, each at its place.
    pub(super) fn keys(&self) -> &[KeyId] {
        &self.keys
    }

    /// The place of the key of an event, which is about to change.
    #[inline]
    pub(super) fn turn_to(&mut self, key: KeyId) -> Option<usize> {
        if self.last.0 != key {
            let at = self.find(key)?;
            self.last = (key, at);
            self.touched.touch(at);
        }
        Some(self.last.1)
    }

    /// Whether something has changed since the pages were taken.
    pub(super) fn is_touched(&self) -> bool {
        !self.touched.is_empty()
    }

    /// The pages of places that have changed since the last time.
    pub(super) fn take_touched(&mut self) -> Vec<usize> {
        self.last = (KeyId::MAX, 0); // the next event of that key is to be noticed
        self.touched.take()
    }

    /// The place of a key.
    #[inline]
    pub(super) fn find(&self, key: KeyId) -> Option<usize> {
        self.places.find(key)
    }

    /// Reads where the states of keys stand, and leaves them as they are: who turns to one of them next finds it in the cache.
    #[inline]
    pub(super) fn touch(&self, keys: impl Iterator<Item = KeyId>) {
        if self.keys.len() >= SPREAD {
            keys.filter_map(|key| self.find(key)).for_each(|at| self.states.touch(at));
        }
    }

    /// Gives a new key its place, before its first event.
    pub(super) fn open(&mut self, key: KeyId) -> usize {
        self.states.open();
        self.add(key)
    }

    /// Gives a new key its place, with the states of another pane.
    pub(super) fn open_with(&mut self, key: KeyId, states: &States, from: usize) -> usize {
        self.states.push(states, from);
        self.add(key)
    }

    fn add(&mut self, key: KeyId) -> usize {
        let at = self.keys.len();
        self.keys.push(key);
        self.touched.touch(at);
        self.places.add(key);
        at
    }

    /// The states of the keys, each at its place.
    #[inline]
    pub(super) fn states(&self) -> &States {
        &self.states
    }

    #[inline]
    pub(super) fn states_mut(&mut self) -> &mut States {
        &mut self.states
    }

    /// Takes in what another span of time holds.
    pub(super) fn merge(&mut self, other: &Slice) {
        for (theirs, key) in other.keys.iter().enumerate() {
            match self.find(*key) {
                Some(mine) => self.states.merge(mine, &other.states, theirs),
                None => _ = self.open_with(*key, &other.states, theirs),
            }
        }
    }
}
