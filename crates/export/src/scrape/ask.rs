//! What a request asks for. It may come from anyone: all that is taken from it is compared or
//! counted, and bounded first.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, ACCEPT_ENCODING, AsHeaderName};
use streamgauge_metrics::Desc;
use streamgauge_metrics::encode::Format;

use super::ScrapeError;
use super::compression::Compression;

const TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";
/// What the way back takes at most, as other exporters assume it.
const LONGEST_WAY_BACK: Duration = Duration::from_millis(500);
const MOST_QUERY_BYTES: usize = 8 * 1024;
const MOST_NAMES: usize = 256;
const LONGEST_NAME: usize = 256;

/// A scrape, as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(super) names: Names,
    pub(super) writing: Writing,
    /// How long there is time, if the client says so.
    pub(super) within: Option<Duration>,
}

/// The metrics that are asked for by `name[]`; all of them if none is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names(BTreeSet<String>);

/// How a page is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Writing {
    pub(crate) format: Format,
    pub(crate) compression: Compression,
}

impl Writing {
    /// What is negotiated by the headers of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        Self {
            format: Format::negotiate(&all(headers, ACCEPT)),
            compression: Compression::negotiate(&all(headers, ACCEPT_ENCODING)),
        }
    }
}

impl Ask {
    pub(crate) fn new(writing: Writing, headers: &HeaderMap, query: &str) -> Result<Self, ScrapeError> {
        let within = headers.get(TIMEOUT).and_then(|value| time_left(value.to_str().ok()?));
        Ok(Self { names: Names::of(query)?, writing, within })
    }
}

impl Names {
    fn of(query: &str) -> Result<Self, ScrapeError> {
        if query.len() > MOST_QUERY_BYTES {
            return Err(ScrapeError::BadQuery);
        }
        let pairs = form_urlencoded::parse(query.as_bytes());
        let names: BTreeSet<_> = pairs.filter(|(key, _)| key == "name[]").map(|(_, name)| name.into_owned()).collect();
        let fits = names.len() <= MOST_NAMES && names.iter().all(|name| name.len() <= LONGEST_NAME);
        fits.then_some(Self(names)).ok_or(ScrapeError::BadQuery)
    }

    pub(super) fn want(&self, desc: &Desc) -> bool {
        self.0.is_empty() || self.0.iter().any(|name| desc.is_called(name))
    }
}

/// A header that may be there several times, which is the same as one list.
fn all(headers: &HeaderMap, name: impl AsHeaderName) -> Cow<'_, str> {
    let mut values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let first = values.next().unwrap_or_default();
    values.fold(first.into(), |all, more| all + "," + more)
}

/// The time there is until the client gives up, less that for the way back.
fn time_left(seconds: &str) -> Option<Duration> {
    let timeout = Duration::try_from_secs_f64(seconds.trim().parse().ok()?).ok()?;
    let left = timeout.saturating_sub((timeout / 10).min(LONGEST_WAY_BACK));
    (!left.is_zero()).then_some(left)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::http::{HeaderMap, HeaderValue};
    use streamgauge_metrics::encode::{Format, Protocol};
    use streamgauge_metrics::{Counter, Desc, Histogram};

    use super::{Names, ScrapeError, Writing, time_left};

    #[test]
    fn a_client_that_says_how_long_it_waits_gets_its_answer_before() {
        let left = |text: &str| time_left(text).map(|left| left.as_millis());
        assert_eq!(left("10"), Some(9_500));
        assert_eq!(left("10.000000"), Some(9_500));
        assert_eq!(left("1"), Some(900));
        assert_eq!(left("0.25"), Some(225));
        for none in ["", "0", "-1", "NaN", "inf", "1e300", "soon", "1e-300"] {
            assert_eq!(time_left(none), None, "{none}");
        }
        assert_eq!(time_left("1e9"), Some(Duration::from_millis(999_999_999_500)));
    }

    #[test]
    fn names_are_those_of_families_and_of_their_samples() {
        let names = Names::of("name[]=jobs_total&name%5B%5D=wait_ms_count&x=1&name=other").unwrap();
        assert!(names.want(&Desc::of::<Counter>("jobs_total", "Jobs.")));
        assert!(names.want(&Desc::of::<Histogram>("wait_ms", "Waiting.")));
        for other in ["other_total", "jobs_done_total", "wait_ms_total"] {
            assert!(!names.want(&Desc::of::<Counter>(other, "Others.")), "{other}");
        }
        assert!(Names::of("").unwrap().want(&Desc::of::<Counter>("jobs_total", "Jobs.")));
    }

    #[test]
    fn trap_41_names_that_are_too_many_or_too_long_are_refused() {
        let names = |count| (0..count).map(|i: u16| format!("name[]={i}")).collect::<Vec<_>>().join("&");
        assert!(Names::of(&names(256)).is_ok());
        assert!(Names::of(&format!("name[]={}", "é".repeat(128))).is_ok());
        for refused in [names(257), format!("name[]={}", "x".repeat(257)), "x".repeat(9_000)] {
            assert_eq!(Names::of(&refused), Err(ScrapeError::BadQuery));
        }
    }

    #[test]
    fn a_header_that_is_there_twice_is_one_list() {
        let mut headers = HeaderMap::new();
        for value in ["text/plain;q=0.1", "application/openmetrics-text;version=1.0.0;q=0.2"] {
            headers.append("accept", HeaderValue::from_static(value));
        }
        assert_eq!(Writing::of(&headers).format, Format::from(Protocol::OpenMetrics100));
        headers.append("accept", HeaderValue::from_bytes(b"\xff").unwrap());
        assert_eq!(Writing::of(&headers).format, Format::from(Protocol::OpenMetrics100));
    }
}
