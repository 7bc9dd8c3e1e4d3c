//! From an `Accept` header to a format.

use super::{Escaping, Format};

/// More ranges than any reader sends; those behind are not looked at.
const MOST_RANGES: usize = 64;

/// The range with the highest `q` that is a format of ours, of several the first one.
pub(super) fn format(accept: &str) -> Option<Format> {
    let mut best: Option<(u16, Format)> = None;
    for range in accept.split(',').take(MOST_RANGES) {
        let Some((quality, format)) = offered(range) else { continue };
        if quality > 0 && best.is_none_or(|(highest, _)| quality > highest) {
            best = Some((quality, format));
        }
    }
    best.map(|(_, format)| format)
}

/// What a range asks for, and how much, in thousandths; none if it is no format of ours or cannot be understood.
fn offered(range: &str) -> Option<(u16, Format)> {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next()?;
    let mut parameters = Parameters::default();
    for part in parts.filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=')?;
        parameters.take(name.trim(), unquoted(value.trim()))?;
    }
    let format = parameters.format(kind)?;
    Some((parameters.quality, format))
}

/// What stands behind a type.
struct Parameters<'a> {
    quality: u16,
    version: Option<&'a str>,
    escaping: Option<Escaping>,
    proto: Option<&'a str>,
    encoding: Option<&'a str>,
}

impl Default for Parameters<'_> {
    fn default() -> Self {
        Parameters { quality: 1000, version: None, escaping: None, proto: None, encoding: None }
    }
}

impl<'a> Parameters<'a> {
    /// None if the value cannot be what it is for. What is not known is left to others.
    fn take(&mut self, name: &str, value: &'a str) -> Option<()> {
        match &*name.to_ascii_lowercase() {
            "q" => self.quality = quality(value)?,
            "version" => self.version = Some(value),
            "escaping" => self.escaping = Some(Escaping::of(value)?),
            "proto" => self.proto = Some(value),
            "encoding" => self.encoding = Some(value),
            _ => {}
        }
        Some(())
    }

    fn format(&self, kind: &str) -> Option<Format> {
        let escaping = self.escaping.unwrap_or_default();
        match (&*kind.to_ascii_lowercase(), self.version) {
            ("*/*" | "text/*", _) | ("text/plain", None | Some("0.0.4")) => Some(Format::Text),
            ("text/plain", Some("1.0.0")) => Some(Format::Text1(escaping)),
            ("application/*", _) | ("application/openmetrics-text", None | Some("1.0.0")) => {
                Some(Format::OpenMetrics(escaping))
            }
            ("application/vnd.google.protobuf", _) => self.is_delimited().then_some(Format::Protobuf(escaping)),
            _ => None,
        }
    }

    fn is_delimited(&self) -> bool {
        self.proto == Some("io.prometheus.client.MetricFamily") && self.encoding == Some("delimited")
    }
}

/// A weight in thousandths: 0 or 1, with up to three digits behind the point (RFC 9110, section 12.4.2).
fn quality(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOBUF: &str = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

    fn of(accept: &str) -> Format {
        Format::negotiate(accept)
    }

    #[test]
    fn trap_24_what_prometheus_itself_sends_gets_what_it_wants_most() {
        let text = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
                    application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
                    text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(of(text), Format::OpenMetrics(Escaping::AllowUtf8));
        assert_eq!(of(&format!("{PROTOBUF};q=0.7,{text}")), Format::Protobuf(Escaping::Underscores));
        assert_eq!(
            of("text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,*/*;q=0.3"),
            Format::Text1(Escaping::AllowUtf8)
        );
    }

    #[test]
    fn trap_24_the_highest_weight_wins_and_of_equal_ones_the_first() {
        assert_eq!(
            of("text/plain;q=0.2, application/openmetrics-text;q=0.3"),
            Format::OpenMetrics(Escaping::Underscores)
        );
        assert_eq!(of("text/plain, application/openmetrics-text"), Format::Text);
        assert_eq!(of("application/openmetrics-text, text/plain"), Format::OpenMetrics(Escaping::Underscores));
        assert_eq!(of("application/openmetrics-text;q=0, text/plain;q=0.001"), Format::Text);
        assert_eq!(of("application/openmetrics-text;q=0"), Format::Text, "something has to be served");
    }

    #[test]
    fn trap_24_wildcards_and_what_is_not_known_get_what_everybody_reads() {
        for accept in ["", "*/*", "text/*", "text/html,application/xhtml+xml,*/*;q=0.8", "image/png", ";;,,=", "text"] {
            assert_eq!(of(accept), Format::Text, "{accept}");
        }
        assert_eq!(of("text/plain;version=9.9.9, application/openmetrics-text;version=2.0.0"), Format::Text);
        assert_eq!(of("application/vnd.google.protobuf;proto=other;encoding=delimited"), Format::Text);
    }

    #[test]
    fn a_range_that_cannot_be_understood_is_passed_over() {
        for wrong in ["q=2", "q=0.1234", "q=x", "escaping=sideways", "q"] {
            assert_eq!(of(&format!("application/openmetrics-text;{wrong}, text/plain;q=0.1")), Format::Text, "{wrong}");
        }
        assert_eq!(
            of("APPLICATION/OpenMetrics-Text; Version=\"1.0.0\" ; Q=1.000"),
            Format::OpenMetrics(Escaping::Underscores)
        );
    }

    #[test]
    fn any_header_at_all_is_answered() {
        let pieces = [
            "text/plain",
            "application/openmetrics-text",
            PROTOBUF,
            ";",
            ",",
            "q=",
            "0.5",
            "version=1.0.0",
            "\"",
            "é",
            "*",
            "/",
            "=",
            " ",
        ];
        let mut random = 1_u64;
        for _ in 0..20_000 {
            let mut header = String::new();
            for _ in 0..12 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                header += pieces[usize::try_from(random >> 33).unwrap() % pieces.len()];
            }
            let format = of(&header);
            assert!(format.content_type().is_ascii(), "nothing of {header:?} comes back");
        }
        assert_eq!(of(&format!("{}application/openmetrics-text", "a/b,".repeat(MOST_RANGES))), Format::Text);
    }
}
