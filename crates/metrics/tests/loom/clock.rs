//! A clock that stands still.

#[derive(Clone, Debug, Default)]
pub(crate) struct Clock;

impl Clock {
    pub(crate) const fn now(&self) -> u64 {
        0
    }

    pub(crate) const fn wall_millis(&self) -> u64 {
        0
    }
}
