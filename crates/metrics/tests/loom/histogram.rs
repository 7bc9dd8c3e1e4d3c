//! As much of a histogram as a metric needs.

#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    buckets: u32,
}

impl Bounds {
    pub(crate) fn cells(&self) -> u32 {
        self.buckets + 1
    }
}
