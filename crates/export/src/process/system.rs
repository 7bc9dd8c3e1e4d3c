//! What the operating system says of this process; `None` where it does not.

use std::time::Duration;

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

/// Memory of the process that is in RAM.
#[cfg(target_os = "linux")]
pub(super) fn resident_bytes() -> Option<u64> {
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(resident_pages(&statm)? * page)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn resident_bytes() -> Option<u64> {
    None
}

/// The second number of `statm`; the first is the size of the address space.
#[cfg(target_os = "linux")]
fn resident_pages(statm: &str) -> Option<u64> {
    statm.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{processor_time, resident_bytes, resident_pages};

    #[test]
    fn resident_memory_is_the_second_number() {
        assert_eq!(resident_pages("5000 321 200 1 0 80 0\n"), Some(321));
        assert_eq!(resident_pages(""), None);
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        assert!(processor_time().is_some());
        assert!(resident_bytes() > Some(0));
    }
}
