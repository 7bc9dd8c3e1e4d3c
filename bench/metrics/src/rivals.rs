//! The crates we are measured beside, one file each. A row that a crate has no means for is left out there, with the reason.

pub mod fast_telemetry;
pub mod fastmetrics;
pub mod foundations;
pub mod measured;
pub mod metrics_rs;
pub mod opentelemetry;
pub mod prometheus;
pub mod prometheus_client;
