//! The memory of blocks that were judged, for those that come: fresh memory costs a zeroed page and a fault every 4 KiB.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use streamgauge_flow::Decoded;

/// As many blocks are under way at once where decoders are few; more are not worth keeping.
const MOST: usize = 16;

/// Where the worker hands memory in, for the threads that read and decode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spares(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    blocks: Vec<Vec<u8>>,
    records: Vec<Decoded>, // without their blocks
}

impl Spares {
    /// Keeps the memory of records that nobody needs any more.
    pub(crate) fn put(&self, mut decoded: Decoded) {
        let bytes = decoded.take_bytes();
        let mut kept = self.kept();
        if kept.blocks.len() < MOST {
            kept.blocks.push(bytes);
        }
        if kept.records.len() < MOST {
            kept.records.push(decoded);
        }
    }

    /// Memory for a block, if there is some.
    pub(crate) fn block(&self) -> Option<Vec<u8>> {
        self.kept().blocks.pop()
    }

    /// Memory for records, empty if there is none.
    pub(crate) fn records(&self) -> Decoded {
        self.kept().records.pop().unwrap_or_default()
    }

    /// A thread that panicked with the lock left nothing half done.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_handed_out_until_there_is_none() {
        let spares = Spares::default();
        (0..3 * MOST).for_each(|_| spares.put(Decoded::default()));
        assert_eq!(std::iter::from_fn(|| spares.block()).count(), MOST);
        assert_eq!(spares.kept().records.len(), MOST);
        assert!(spares.records().is_empty());
    }
}
