//! What the series of a summary have in common.

use super::times::Times;
use crate::sync::Arc;

#[derive(Debug)]
pub(crate) struct Setup {
    pub(super) quantiles: Box<[f64]>,
    pub(super) times: Times,
}

impl Setup {
    pub(crate) fn standard() -> Arc<Self> {
        Self::with(Times::stopped())
    }

    /// Each look at the clock is at another slice.
    pub(crate) fn hasty() -> Arc<Self> {
        Self::with(Times::hasty())
    }

    fn with(times: Times) -> Arc<Self> {
        Arc::new(Self { quantiles: [0.0, 1.0].into(), times })
    }
}
