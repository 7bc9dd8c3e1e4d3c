//! Why a server cannot start.

use std::{fmt, io};

use streamgauge_metrics::RegisterError;
use streamgauge_yaml::Faults;

/// Why a server cannot start. Each text says what to do about it.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServeError {
    /// The host has no address.
    Host {
        /// As given.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The address cannot be listened on.
    Bind {
        /// Host and port.
        addr: String,
        /// What the system said.
        source: io::Error,
    },
    /// The path for the metrics cannot be served.
    MetricsPath {
        /// As given.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The web configuration, or a file it names, is not one.
    WebConfig(Faults),
    /// The registry has other metrics by the names of those of the endpoint.
    Metrics(RegisterError),
    /// The system gave no thread, or nothing to poll sockets with.
    Start(io::Error),
}

impl ServeError {
    pub(super) fn bind(host: &str, port: u16, source: io::Error) -> Self {
        let addr = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Self::Bind { addr, source }
    }
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, source } => write!(
                f,
                "the host `{host}` has no address ({source}); check its spelling or use a number \
                 such as 127.0.0.1"
            ),
            Self::Bind { addr, source } => {
                write!(f, "cannot listen on {addr}: {}", bind_advice(source))
            }
            Self::MetricsPath { path, why } => {
                write!(f, "the metrics cannot be served at `{path}`: {why}")
            }
            Self::WebConfig(faults) => faults.fmt(f),
            Self::Metrics(source) => write!(f, "the metrics of the endpoint cannot be registered: {source}"),
            Self::Start(source) => write!(f, "the system could not start the server: {source}"),
        }
    }
}

fn bind_advice(source: &io::Error) -> String {
    let advice = match source.kind() {
        io::ErrorKind::AddrInUse => {
            "another process has that port; stop it or choose another port (0 takes a free one)"
        }
        io::ErrorKind::PermissionDenied => "this user may not have that port; choose one above 1023",
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; use one of its own, or 0.0.0.0 for all",
        _ => return source.to_string(),
    };
    format!("{advice} ({source})")
}

impl std::error::Error for ServeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Host { source, .. } | Self::Bind { source, .. } | Self::Start(source) => Some(source),
            Self::Metrics(source) => Some(source),
            Self::WebConfig(faults) => Some(faults),
            Self::MetricsPath { .. } => None,
        }
    }
}
