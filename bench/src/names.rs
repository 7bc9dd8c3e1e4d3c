//! What the texts of a record are called, where nothing depends on it.

/// The names, in the order in which records have them.
pub const NAMES: [&str; 20] = [
    "model",
    "provider",
    "tenant",
    "operation",
    "region",
    "service",
    "version",
    "team",
    "project",
    "user",
    "session",
    "host",
    "zone",
    "cluster",
    "status",
    "method",
    "route",
    "client",
    "agent",
    "trace",
];
