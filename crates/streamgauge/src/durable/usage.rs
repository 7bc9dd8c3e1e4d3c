//! How the state in the process is used, whatever its backend.

use std::time::Duration;

use streamgauge_flow::Pipeline;
use streamgauge_metrics::{Counter, Gauge, Histogram};
use streamgauge_state::{Backend, ByBackend, ByLock, ByOperation, ByTier, LockType, Operation, StateMetrics, Tier};

/// The handles that move with every block.
#[derive(Debug)]
pub(crate) struct Usage {
    updates: Counter,
    update_ms: Histogram,
    hits: Counter,
    misses: Counter,
    told: (u64, u64),
    size: Option<Gauge>, // of what is nowhere else
}

impl Usage {
    pub(crate) fn new(metrics: &StateMetrics, backend: Backend) -> Self {
        let by = ByOperation { backend, operation: Operation::Update };
        let tier = ByTier { cache_tier: Tier::L1 };
        let locks = metrics.active_locks.handle(&ByLock { lock_type: LockType::Folder });
        locks.set(if backend == Backend::Disk { 1.0 } else { 0.0 });
        Usage {
            updates: metrics.operations_total.handle(&by),
            update_ms: metrics.operation_duration_ms.handle(&by),
            hits: metrics.cache_hits_total.handle(&tier),
            misses: metrics.cache_misses_total.handle(&tier),
            told: (0, 0),
            size: (backend == Backend::Memory).then(|| metrics.size_bytes.handle(&ByBackend { backend })),
        }
    }

    /// A block was judged. Once a block, not once an event.
    pub(crate) fn note(&mut self, took: Duration, pipeline: &Pipeline) {
        self.updates.inc();
        self.update_ms.observe(took.as_secs_f64() * 1e3);
        let (hits, misses) = pipeline.lookups();
        self.hits.inc_by(hits - self.told.0);
        self.misses.inc_by(misses - self.told.1);
        self.told = (hits, misses);
    }

    /// Tells what the state takes. Now and then, since it is added up.
    pub(crate) fn measure(&self, pipeline: &Pipeline) {
        if let Some(size) = &self.size {
            size.set(pipeline.bytes() as f64);
        }
    }
}
