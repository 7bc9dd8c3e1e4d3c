//! What a state costs, and whether it keeps up.

use std::time::Duration;

use streamgauge_flow::state::{Size, StateError};
use streamgauge_metrics::{Counter, Family, Gauge, Histogram, LabelSet, LabelValue, Metrics};

const MS: &[f64] = &[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0];

/// The metrics of a state, whatever its backend.
#[derive(Metrics, Clone, Debug)]
#[metrics(prefix = "state")]
pub struct StateMetrics {
    /// Operations on the state: update (a block of events was judged against it), load, commit, stage, promote, discard, sync of the outputs that an epoch counts, and rewrite of what is not out of date, which a commit waits for now and then.
    pub operations_total: Family<Counter, ByOperation>,
    /// How long they took, in milliseconds.
    #[metrics(buckets = MS, unit = "ms")]
    pub operation_duration_ms: Family<Histogram, ByOperation>,
    /// Operations that failed.
    pub failures_total: Family<Counter, ByOperation>,
    /// What the state takes where it is kept; of memory, about what its windows and ids take in the process.
    #[metrics(unit = "bytes")]
    pub size_bytes: Family<Gauge, ByBackend>,
    /// Locks that this process holds.
    pub active_locks: Family<Gauge, ByLock>,
    /// How long it took to get a lock, in milliseconds.
    #[metrics(buckets = MS, unit = "ms")]
    pub lock_wait_duration_ms: Family<Histogram, ByLock>,
    /// Look-ups of the state of a key that found it in the process.
    pub cache_hits_total: Family<Counter, ByTier>,
    /// Look-ups that did not, and began with an empty one.
    pub cache_misses_total: Family<Counter, ByTier>,
    /// Epochs that were committed.
    pub epochs_total: Family<Counter, ByBackend>,
    /// How long the oldest change has waited to be committed, in milliseconds; 0 if none waits.
    #[metrics(unit = "ms")]
    pub epoch_age_ms: Family<Gauge, ByBackend>,
    /// From the first step of an epoch to its last one, in milliseconds.
    #[metrics(buckets = MS, unit = "ms")]
    pub epoch_duration_ms: Family<Histogram, ByBackend>,
    /// Bytes that an epoch changed.
    #[metrics(buckets = [256.0, 1024.0, 4096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0, 4_194_304.0, 16_777_216.0, 67_108_864.0, 268_435_456.0], unit = "bytes")]
    pub epoch_bytes: Family<Histogram, ByBackend>,
    /// How long it took to go on with what was there at the start, in milliseconds.
    #[metrics(unit = "ms")]
    pub recovery_duration_ms: Family<Gauge, ByBackend>,
}

/// Where a state is kept.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByBackend {
    /// Such as disk.
    pub backend: Backend,
}

/// An operation on a state.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByOperation {
    /// Such as disk.
    pub backend: Backend,
    /// Such as commit.
    pub operation: Operation,
}

/// A kind of lock.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByLock {
    /// What is locked.
    pub lock_type: LockType,
}

/// A tier of the state.
#[derive(LabelSet, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByTier {
    /// How near it is.
    pub cache_tier: Tier,
}

/// Where a state is kept.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// In the process alone.
    Memory,
    /// In a folder.
    Disk,
}

/// What is done with a state.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Judging a block of events against it, in the process.
    Update,
    /// Reading all of it.
    Load,
    /// Keeping an epoch that counts at once.
    Commit,
    /// Keeping an epoch that is to be decided about.
    Stage,
    /// Deciding for it.
    Promote,
    /// Deciding against it.
    Discard,
    /// Making sure that the rows that an epoch counts are on the disk.
    SyncOutputs,
    /// Writing what is not out of date anew, so that the rest takes no room.
    Rewrite,
}

/// What is locked.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LockType {
    /// The folder of a state.
    Folder,
}

/// How near a tier of the state is.
#[derive(LabelValue, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// In the process.
    L1,
}

impl StateMetrics {
    /// Notes an operation that took so long.
    pub fn note<T>(
        &self,
        backend: Backend,
        operation: Operation,
        took: Duration,
        result: Result<T, StateError>,
    ) -> Result<T, StateError> {
        let by = ByOperation { backend, operation };
        self.operations_total.handle(&by).inc();
        self.operation_duration_ms.handle(&by).observe(millis(took));
        if result.is_err() {
            self.failures_total.handle(&by).inc();
        }
        result
    }

    /// Notes what it took to go on with what was there at the start, and how much that was.
    pub fn recovered(&self, backend: Backend, took: Duration, size: Size) {
        let by = ByBackend { backend };
        self.recovery_duration_ms.handle(&by).set(millis(took));
        self.size_bytes.handle(&by).set(size.stored as f64);
    }

    /// Notes how long it took to get a lock.
    pub fn locked(&self, lock_type: LockType, waited: Duration) {
        self.lock_wait_duration_ms.handle(&ByLock { lock_type }).observe(millis(waited));
    }

    /// Notes how long the oldest change has waited to be committed.
    pub fn waits(&self, backend: Backend, waits: Duration) {
        self.epoch_age_ms.handle(&ByBackend { backend }).set(millis(waits));
    }

    /// Notes an epoch that was committed.
    pub(crate) fn committed(&self, backend: Backend, took: Duration, bytes: usize, size: Size) {
        let by = ByBackend { backend };
        self.epochs_total.handle(&by).inc();
        self.epoch_duration_ms.handle(&by).observe(millis(took));
        self.epoch_bytes.handle(&by).observe(bytes as f64);
        self.size_bytes.handle(&by).set(size.stored as f64);
    }
}

/// In milliseconds, with their fraction.
pub(crate) fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
