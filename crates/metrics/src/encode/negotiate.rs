//! Which format a client gets.

use std::cmp::Reverse;

use super::accept::{self, Accepted};
use super::{Escaping, Format, Protocol};

const TEXT: &str = "text/plain";
const OPEN_METRICS: &str = "application/openmetrics-text";
const PROTOBUF: &str = "application/vnd.google.protobuf";
const MESSAGE: &str = "io.prometheus.client.MetricFamily";

/// How exactly a client has named a protocol; the more exact name counts, whatever the weight of
/// the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// With its version.
    Version,
    /// By its type.
    Type,
    /// `text/*`
    MainType,
    /// `*/*`
    Anything,
}

impl Format {
    /// Reads an `Accept` header as Prometheus documents it: what has the highest weight, of those
    /// with the same what is named before what is meant by a `*`, of those what comes first. A type
    /// without a version is the oldest one, a missing or unknown `escaping` is `underscores`. Who
    /// accepts nothing of what there is, or nothing at all, gets the text format, version 0.0.4.
    ///
    /// Of the header at most [`accept::MOST_BYTES`] are looked at. Nothing of it is in what comes
    /// out: a format is one of a few.
    ///
    /// ```
    /// use streamgauge_metrics::encode::{Escaping, Format, Protocol};
    ///
    /// let accept = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;q=0.3,*/*;q=0.1";
    /// assert_eq!(Format::negotiate(accept), Format::new(Protocol::OpenMetrics100, Escaping::AllowUtf8));
    /// assert_eq!(Format::negotiate("image/png"), Format::default());
    /// ```
    pub fn negotiate(accept: &str) -> Self {
        let accepted: Vec<_> = accept::read(accept).collect();
        let offers = Protocol::ALL.into_iter().filter_map(|protocol| Offer::of(protocol, &accepted));
        let best = offers.filter(|offer| offer.weight > 0).min_by_key(Offer::rank);
        best.map_or_else(Self::default, |offer| Self::new(offer.protocol, offer.escaping))
    }
}

/// A protocol, as a client wants it.
struct Offer {
    protocol: Protocol,
    weight: u16,
    fit: Fit,
    /// Where in the header.
    place: usize,
    escaping: Escaping,
}

impl Offer {
    fn of(protocol: Protocol, accepted: &[Accepted<'_>]) -> Option<Self> {
        let fitting = accepted.iter().enumerate().filter_map(|(place, one)| {
            let escaping = escaping(one.parameter("escaping"));
            Some(Self { protocol, weight: one.weight, fit: fit(one, protocol)?, place, escaping })
        });
        fitting.min_by_key(|offer| (offer.fit, Reverse(offer.weight), offer.place))
    }

    /// The lowest one is the best. That the oldest of several is the first is up to the order in
    /// which they come.
    fn rank(&self) -> (Reverse<u16>, Fit, usize) {
        // With a version or without, a type is named; that is no reason to prefer it.
        (Reverse(self.weight), self.fit.max(Fit::Type), self.place)
    }
}

fn fit(accepted: &Accepted<'_>, protocol: Protocol) -> Option<Fit> {
    let (media_type, version) = match protocol {
        Protocol::Text004 => (TEXT, "0.0.4"),
        Protocol::Text100 => (TEXT, "1.0.0"),
        Protocol::OpenMetrics001 => (OPEN_METRICS, "0.0.1"),
        Protocol::OpenMetrics100 => (OPEN_METRICS, "1.0.0"),
        Protocol::Protobuf => (PROTOBUF, ""),
    };
    if accepted.name == "*/*" {
        return Some(Fit::Anything);
    }
    if accepted.name.strip_suffix("/*").is_some_and(|main| is_main_type(main, media_type)) {
        return Some(Fit::MainType);
    }
    if !accepted.name.eq_ignore_ascii_case(media_type) {
        return None;
    }
    if protocol == Protocol::Protobuf {
        // Other messages and encodings go by the same type.
        let named = [accepted.parameter("proto"), accepted.parameter("encoding")];
        return (named == [Some(MESSAGE), Some("delimited")]).then_some(Fit::Version);
    }
    match accepted.parameter("version") {
        None => Some(Fit::Type),
        Some(wanted) => (wanted == version).then_some(Fit::Version),
    }
}

fn is_main_type(main: &str, media_type: &str) -> bool {
    media_type.split_once('/').is_some_and(|(own, _)| own.eq_ignore_ascii_case(main))
}

fn escaping(parameter: Option<&str>) -> Escaping {
    // The document of the negotiation spells one of them without its second dash.
    let parameter = parameter.map(|name| if name == "allow-utf8" { Escaping::AllowUtf8.as_str() } else { name });
    let known = Escaping::ALL.into_iter().find(|escaping| Some(escaping.as_str()) == parameter);
    known.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Escaping, Format, Protocol};

    fn assert_gets(accept: &str, protocol: Protocol, escaping: Escaping) {
        assert_eq!(Format::negotiate(accept), Format::new(protocol, escaping), "{accept}");
    }

    const PROTO: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    #[test]
    fn trap_24_what_prometheus_sends_gets_what_it_puts_first() {
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
             application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
             text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_gets(prometheus_3, Protocol::OpenMetrics100, Escaping::AllowUtf8);
        let native = format!("{PROTO};q=0.7,{prometheus_3}");
        assert_gets(&native, Protocol::Protobuf, Escaping::Underscores);
        let prometheus_2 = "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_gets(prometheus_2, Protocol::OpenMetrics001, Escaping::Underscores);
        // 2.49 counted its weights in whole numbers.
        let whole = format!("{PROTO};q=5,application/openmetrics-text;version=1.0.0;q=4,*/*;q=2");
        assert_gets(&whole, Protocol::Protobuf, Escaping::Underscores);
    }

    #[test]
    fn trap_24_the_highest_weight_wins_then_what_is_named_then_what_comes_first() {
        for (accept, protocol) in [
            (
                "text/plain;version=0.0.4;q=0.1,application/openmetrics-text;version=1.0.0;q=0.2",
                Protocol::OpenMetrics100,
            ),
            ("text/plain;version=1.0.0,application/openmetrics-text;version=1.0.0", Protocol::Text100),
            ("application/openmetrics-text;version=1.0.0,text/plain;version=1.0.0", Protocol::OpenMetrics100),
            ("*/*,text/plain;version=1.0.0", Protocol::Text100),
            ("text/*;q=0.5,application/*;q=0.4", Protocol::Text004),
            ("text/*;q=0.4,application/*;q=0.5", Protocol::OpenMetrics001),
            ("text/plain;q=0.8,application/openmetrics-text;q=0.9", Protocol::OpenMetrics001),
            ("text/plain;version=0.0.4;q=0,text/plain", Protocol::Text100),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Protocol::Text004),
            ("TEXT/Plain;Version=1.0.0", Protocol::Text100),
            ("text/plain;version=\"1.0.0\"", Protocol::Text100),
        ] {
            assert_gets(accept, protocol, Escaping::Underscores);
        }
    }

    #[test]
    fn trap_24_who_asks_for_nothing_there_is_gets_the_oldest_text() {
        for accept in [
            "",
            " ",
            ",",
            "*",
            "*/*",
            "text/*",
            "text/plain",
            "text/plain;version=2.0.0",
            "application/openmetrics-text;version=2.0.0",
            "application/vnd.google.protobuf",
            "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
            "application/vnd.google.protobuf;proto=other.Message;encoding=delimited",
            "application/json",
            "text/plain;q=0",
            "*/*;q=0",
            "application/openmetrics-text;version=1.0.0;q=bad",
        ] {
            assert_gets(accept, Protocol::Text004, Escaping::Underscores);
        }
    }

    #[test]
    fn trap_24_an_escaping_is_one_of_four_or_underscores() {
        for (parameter, escaping) in [
            (";escaping=allow-utf-8", Escaping::AllowUtf8),
            (";escaping=allow-utf8", Escaping::AllowUtf8),
            (";escaping=underscores", Escaping::Underscores),
            (";escaping=dots", Escaping::Dots),
            (";escaping=\"values\"", Escaping::Values),
            ("", Escaping::Underscores),
            (";escaping=", Escaping::Underscores),
            (";escaping=evil\u{7f}", Escaping::Underscores),
        ] {
            assert_gets(&format!("text/plain;version=1.0.0{parameter};q=0.4"), Protocol::Text100, escaping);
            assert_gets(&format!("{PROTO}{parameter}"), Protocol::Protobuf, escaping);
            assert_gets(&format!("text/plain;version=0.0.4{parameter}"), Protocol::Text004, Escaping::Underscores);
        }
    }

    #[test]
    fn trap_23_every_content_type_is_read_back_as_its_own_format() {
        for protocol in Protocol::ALL {
            for escaping in Escaping::ALL {
                let format = Format::new(protocol, escaping);
                assert_gets(format.content_type(), protocol, escaping);
            }
        }
    }
}
