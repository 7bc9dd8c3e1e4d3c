//! Headers that are added to every answer.

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use streamgauge_yaml::Faults;

use super::section::Section;

/// The headers there may be, and the values they may have; an empty list allows any.
const ALLOWED: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

const KEYS: &[&str] = &["http2", "headers"];
const PATH: &str = "http_server_config";
const HEADERS_PATH: &str = "http_server_config.headers";

/// What every answer bears beside its own headers, or instead of them.
#[derive(Default)]
pub(super) struct Headers(Vec<(HeaderName, HeaderValue)>);

impl Headers {
    pub(super) fn read(root: &Section, faults: &mut Faults) -> Self {
        let http = root.section(PATH, KEYS, faults);
        if http.flag("http2", faults) == Some(true) {
            faults.push(http.fault("http2", "is not offered: HTTP/1.1 is all there is; expected false, or nothing"));
        }
        let headers = http.mapping("headers", HEADERS_PATH, faults);
        Self(headers.keys().filter_map(|name| header(&headers, name, faults)).collect())
    }

    pub(super) fn put_on(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.insert(name, value.clone());
        }
    }
}

fn header(headers: &Section, name: &str, faults: &mut Faults) -> Option<(HeaderName, HeaderValue)> {
    let Some((_, values)) = ALLOWED.iter().find(|(allowed, _)| *allowed == name) else {
        let names = ALLOWED.map(|(name, _)| name);
        let what = format!("this header cannot be set; expected one of {}", names.join(", "));
        let fault = headers.fault(name, what);
        faults.push(fault.suggest(name, names));
        return None;
    };
    let text = headers.text(name, faults)?;
    if !values.is_empty() {
        let words: Vec<_> = values.iter().map(|word| (*word, ())).collect();
        text.choose(&words, faults)?;
    }
    let Ok(value) = HeaderValue::from_str(text.text) else {
        faults.push(text.fault("has characters that no header may have; expected one line of printable ASCII"));
        return None;
    };
    Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
}
