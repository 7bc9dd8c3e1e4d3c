//! What the operating system says of this process; `None` where it does not.

use std::time::Duration;

#[cfg(target_os = "linux")]
mod procfs;

#[cfg(target_os = "linux")]
pub(super) use self::procfs::{reading, start_time};

/// What is read for a scrape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) stat: Stat,
    pub(super) open_fds: Option<u64>,
    pub(super) max_fds: u64,
    pub(super) virtual_max_bytes: u64,
    pub(super) network: Option<Network>,
}

/// Threads and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) threads: u64,
    pub(super) virtual_bytes: u64,
    pub(super) resident_bytes: u64,
}

/// What the network namespace took in and gave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Network {
    pub(super) received_bytes: u64,
    pub(super) transmitted_bytes: u64,
}

/// Processor time of all threads, also of those that have ended.
#[cfg(unix)]
pub(super) fn processor_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).ok()?;
    let nanos = u32::try_from(time.tv_nsec).ok()?;
    Some(Duration::new(seconds, nanos))
}

#[cfg(not(unix))]
pub(super) fn processor_time() -> Option<Duration> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn reading() -> Option<Reading> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn start_time() -> Option<f64> {
    None
}
