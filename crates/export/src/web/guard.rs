//! Who comes in: judged before a request is looked at any further.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use streamgauge_metrics::LabelValue;

use super::{Rules, Web};

const BASIC: HeaderValue = HeaderValue::from_static("Basic realm=\"metrics\", charset=\"UTF-8\"");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer realm=\"metrics\"");

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, LabelValue)]
pub(super) enum Refusal {
    /// More requests come than the rate allows.
    Rate,
    /// It has no credentials, or wrong ones.
    Credentials,
    /// Too many passwords wait to be judged.
    Busy,
}

/// What a client says it is.
enum Credentials {
    Basic { name: String, password: Vec<u8> },
    Bearer(Vec<u8>),
}

impl Refusal {
    pub(super) const ALL: [Self; 3] = [Self::Rate, Self::Credentials, Self::Busy];

    fn response(self, rules: &Rules) -> Response {
        let (status, text) = match self {
            Self::Rate => (StatusCode::TOO_MANY_REQUESTS, "too many requests\n"),
            Self::Credentials => (StatusCode::UNAUTHORIZED, "this needs credentials\n"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "others are being judged\n"),
        };
        let mut response = (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response();
        let headers = response.headers_mut();
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self != Self::Credentials {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            return response;
        }
        if !rules.users.is_empty() {
            headers.append(WWW_AUTHENTICATE, BASIC);
        }
        if rules.token.is_some() {
            headers.append(WWW_AUTHENTICATE, BEARER);
        }
        response
    }
}

/// Answers the request, or refuses to.
pub(super) async fn guard(State(web): State<Web>, request: Request, next: Next) -> Response {
    let rules = web.rules();
    let mut response = match admit(&web, &rules, request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(refusal) => {
            web.metrics().note_refusal(refusal);
            refusal.response(&rules)
        }
    };
    rules.headers.put_on(response.headers_mut());
    response
}

async fn admit(web: &Web, rules: &Rules, headers: &HeaderMap) -> Result<(), Refusal> {
    if rules.bucket.as_ref().is_some_and(|bucket| !bucket.take(Instant::now())) {
        return Err(Refusal::Rate);
    }
    if rules.users.is_empty() && rules.token.is_none() {
        return Ok(());
    }
    let judge = web.judge();
    match (credentials(headers), &rules.token) {
        (Some(Credentials::Basic { name, password }), _) => rules.users.admit(&name, password, judge).await,
        (Some(Credentials::Bearer(given)), Some(token)) if token.is(&given, judge.key()) => Ok(()),
        _ => Err(Refusal::Credentials),
    }
}

/// What one header says. Of two, nobody could tell which one counts.
fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(header), None) = (all.next(), all.next()) else { return None };
    let header = header.as_bytes();
    let space = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, value) = (&header[..space], header[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return Some(Credentials::Bearer(value.to_vec()));
    }
    if !scheme.eq_ignore_ascii_case(b"basic") {
        return None;
    }
    let mut pair = STANDARD.decode(value).ok()?;
    let colon = pair.iter().position(|byte| *byte == b':')?;
    let password = pair.split_off(colon + 1);
    pair.truncate(colon);
    Some(Credentials::Basic { name: String::from_utf8(pair).ok()?, password })
}
