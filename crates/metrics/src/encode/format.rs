//! Which formats there are, and what they are called.

use super::Escaping;
use crate::LabelValue;

/// A format and its version, by the names Prometheus has for them in `scrape_protocols`.
///
/// ```
/// use streamgauge_metrics::encode::{Format, Protocol};
///
/// let format: Format = Protocol::OpenMetrics100.into();
/// assert_eq!(streamgauge_metrics::LabelValue::text(&format.protocol()), "OpenMetricsText1.0.0");
/// assert!(format.content_type().starts_with("application/openmetrics-text; version=1.0.0;"));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, LabelValue)]
pub enum Protocol {
    /// `PrometheusText0.0.4`: what every reader understands.
    #[default]
    #[label("PrometheusText0.0.4")]
    Text004,
    /// `OpenMetricsText0.0.1`: the same page as 1.0.0, for older readers.
    #[label("OpenMetricsText0.0.1")]
    OpenMetrics001,
    /// `PrometheusText1.0.0`: with names in quotation marks.
    #[label("PrometheusText1.0.0")]
    Text100,
    /// `OpenMetricsText1.0.0`
    #[label("OpenMetricsText1.0.0")]
    OpenMetrics100,
    /// `PrometheusProto`: messages of `io.prometheus.client.MetricFamily`, each behind its length.
    #[label("PrometheusProto")]
    Protobuf,
}

/// What a scrape is written in: a protocol, and what becomes of names that are not plain.
///
/// ```
/// use streamgauge_metrics::encode::{Escaping, Format, Protocol};
///
/// let format = Format::new(Protocol::Text100, Escaping::AllowUtf8);
/// assert_eq!(format.content_type(), "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8");
/// // Before version 1.0.0 there is only one way.
/// assert_eq!(Format::new(Protocol::Text004, Escaping::AllowUtf8), Format::default());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Format {
    protocol: Protocol,
    escaping: Escaping,
}

impl Protocol {
    /// All of them, the oldest first: who does not say what it wants gets the first that will do.
    pub const ALL: [Self; 5] =
        [Self::Text004, Self::OpenMetrics001, Self::Text100, Self::OpenMetrics100, Self::Protobuf];

    /// Whether a reader can choose what becomes of names.
    pub(super) const fn has_escaping(self) -> bool {
        matches!(self, Self::Text100 | Self::OpenMetrics100 | Self::Protobuf)
    }
}

impl Format {
    /// A protocol with a scheme for names, if it has them.
    ///
    /// ```
    /// use streamgauge_metrics::encode::{Escaping, Format, Protocol};
    ///
    /// assert_eq!(Format::new(Protocol::Protobuf, Escaping::Dots).escaping(), Escaping::Dots);
    /// ```
    pub const fn new(protocol: Protocol, escaping: Escaping) -> Self {
        let escaping = if protocol.has_escaping() { escaping } else { Escaping::Underscores };
        Self { protocol, escaping }
    }

    /// The protocol.
    ///
    /// ```
    /// use streamgauge_metrics::encode::{Format, Protocol};
    ///
    /// assert_eq!(Format::default().protocol(), Protocol::Text004);
    /// ```
    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    /// What becomes of names that are not plain.
    ///
    /// ```
    /// use streamgauge_metrics::encode::{Escaping, Format};
    ///
    /// assert_eq!(Format::default().escaping(), Escaping::Underscores);
    /// ```
    pub const fn escaping(self) -> Escaping {
        self.escaping
    }

    /// The `Content-Type` it has to be served with; Prometheus 3 refuses a scrape without it.
    ///
    /// ```
    /// use streamgauge_metrics::encode::Format;
    ///
    /// assert_eq!(Format::default().content_type(), "text/plain; version=0.0.4; charset=utf-8");
    /// ```
    pub const fn content_type(self) -> &'static str {
        macro_rules! with_escaping {
            ($type:literal) => {
                match self.escaping {
                    Escaping::AllowUtf8 => concat!($type, "; escaping=allow-utf-8"),
                    Escaping::Underscores => concat!($type, "; escaping=underscores"),
                    Escaping::Dots => concat!($type, "; escaping=dots"),
                    Escaping::Values => concat!($type, "; escaping=values"),
                }
            };
        }
        match self.protocol {
            Protocol::Text004 => "text/plain; version=0.0.4; charset=utf-8",
            Protocol::OpenMetrics001 => "application/openmetrics-text; version=0.0.1; charset=utf-8",
            Protocol::Text100 => with_escaping!("text/plain; version=1.0.0; charset=utf-8"),
            Protocol::OpenMetrics100 => with_escaping!("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            Protocol::Protobuf => with_escaping!(
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
            ),
        }
    }
}

impl From<Protocol> for Format {
    /// With [`Escaping::Underscores`], which every reader understands.
    fn from(protocol: Protocol) -> Self {
        Self::new(protocol, Escaping::Underscores)
    }
}
