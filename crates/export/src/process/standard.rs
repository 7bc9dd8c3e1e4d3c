//! What dashboards expect of any process: the names that Prometheus' client libraries agree on.

use streamgauge_metrics::{Counter, Gauge, Metrics, RegisterError, Registry};

use super::system::{self, Reading};

/// The metrics that every client library of Prometheus has of its process. They are read from
/// `/proc`, and absent from the scrapes of a system without it.
#[derive(Clone, Debug, Metrics)]
#[metrics(prefix = "process")]
pub struct StandardMetrics {
    /// File descriptors that are open.
    pub open_fds: Gauge,
    /// File descriptors that may be open at a time; 2⁶⁴ if there is no limit.
    pub max_fds: Gauge,
    /// Size of the address space.
    #[metrics(unit = "bytes")]
    pub virtual_memory_bytes: Gauge,
    /// What the address space may grow to; 2⁶⁴ if there is no limit.
    #[metrics(unit = "bytes")]
    pub virtual_memory_max_bytes: Gauge,
    /// Resident memory.
    #[metrics(unit = "bytes")]
    pub resident_memory_bytes: Gauge,
    /// When the process began, in seconds since 1970.
    #[metrics(unit = "seconds")]
    pub start_time_seconds: Gauge,
    /// Threads of the operating system.
    pub threads: Gauge,
    /// Bytes that came in by IP. The system counts them for the network namespace, so they are the process's own only if it has one to itself.
    #[metrics(unit = "bytes")]
    pub network_receive_bytes_total: Counter,
    /// Bytes that went out by IP, counted like those that came in.
    #[metrics(unit = "bytes")]
    pub network_transmit_bytes_total: Counter,
}

impl StandardMetrics {
    /// Registers them where the system tells them.
    pub(super) fn install(registry: &Registry) -> Result<Option<Self>, RegisterError> {
        let Some(start) = system::start_time() else { return Ok(None) };
        let metrics = Self::register(registry)?;
        metrics.start_time_seconds.set(start);
        Ok(Some(metrics))
    }

    /// Makes them say what was read. Not to be called twice at a time: a counter is brought up to
    /// its new value from the one it has.
    pub(super) fn show(&self, reading: Reading) {
        let gauges = [
            (&self.open_fds, reading.open_fds),
            (&self.max_fds, Some(reading.max_fds)),
            (&self.virtual_memory_bytes, Some(reading.stat.virtual_bytes)),
            (&self.virtual_memory_max_bytes, Some(reading.virtual_max_bytes)),
            (&self.resident_memory_bytes, Some(reading.stat.resident_bytes)),
            (&self.threads, Some(reading.stat.threads)),
        ];
        for (gauge, value) in gauges {
            gauge.set(value.map_or(f64::NAN, |value| value as f64));
        }
        let network = reading.network.unwrap_or_default();
        let counters = [
            (&self.network_receive_bytes_total, network.received_bytes),
            (&self.network_transmit_bytes_total, network.transmitted_bytes),
        ];
        for (counter, value) in counters {
            counter.inc_by(value.saturating_sub(counter.get()));
        }
    }
}
