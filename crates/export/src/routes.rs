//! What is answered on which path.

use std::fmt;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::map_response;
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use serde_json::json;
use streamgauge_metrics::{RegisterError, Registry};

use crate::collect::Collectors;
use crate::health::Health;
use crate::scrape::{Scrape, ScrapeError, Writing};
use crate::server::ServeError;
use crate::tasks::Tasks;

mod landing;

const HEALTH: &str = "/health";
const READY: &str = "/ready";
const CARDINALITY: &str = "/api/cardinality";
const LANDING: &str = "/";
const ICON: &str = "/favicon.ico";

const PLAIN: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What the server answers with. Start from [`Routes::new`] and change what should differ.
pub struct Routes {
    /// The metrics.
    pub registry: Registry,
    /// What is fetched for each scrape. Keep a clone of it to add collectors later.
    pub collectors: Collectors,
    /// The readiness behind `/ready`.
    pub health: Health,
    /// Where the metrics are; `/metrics` unless changed.
    pub metrics_path: String,
    /// Whose name the page at `/` bears. Without one there is no page, and `extra` may have its own.
    pub landing: Option<Identity>,
    /// How long a scrape may take before it is answered with 503; less if the client waits for less.
    pub scrape_deadline: Duration,
    /// Counts the tasks of the server.
    pub tasks: Tasks,
    /// Routes of the caller. [`Bound::start`](crate::Bound::start) panics if one is on a path that
    /// is taken, which is a mistake in the code and not in a configuration.
    pub extra: Router,
}

/// The name and version of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Such as `streamgauge`.
    pub name: String,
    /// Such as `1.2.3`.
    pub version: String,
}

#[derive(Clone)]
struct Answers {
    health: Health,
    metrics_path: String,
    identity: Option<Identity>,
}

impl Routes {
    /// `/metrics`, `/health`, `/ready` and `/api/cardinality`, a deadline of 10 s, no collectors yet, and tasks counted for nobody.
    pub fn new(registry: Registry, health: Health) -> Self {
        Self {
            registry,
            collectors: Collectors::default(),
            health,
            metrics_path: "/metrics".to_owned(),
            landing: None,
            scrape_deadline: Duration::from_secs(10),
            tasks: Tasks::default(),
            extra: Router::new(),
        }
    }

    pub(crate) fn into_router(self) -> Result<Router, ServeError> {
        let has_page = self.landing.is_some();
        check_metrics_path(&self.metrics_path)?;
        let registry = self.registry.clone();
        let scrape = Scrape::new(self.registry, self.collectors, self.scrape_deadline).map_err(ServeError::Metrics)?;
        let answers = Answers { health: self.health, metrics_path: self.metrics_path, identity: self.landing };
        let mut router = Router::new()
            .route(&answers.metrics_path, get(metrics).with_state(scrape))
            .route(CARDINALITY, get(cardinality).with_state(registry))
            .route(HEALTH, get(health))
            .route(READY, get(ready));
        if has_page {
            router = router.route(LANDING, get(page)).route(ICON, get(icon));
        }
        Ok(router.with_state(answers).merge(self.extra).fallback(not_found).layer(map_response(finish)))
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Routes")
            .field("metrics_path", &self.metrics_path)
            .field("landing", &self.landing)
            .finish_non_exhaustive()
    }
}

/// Answers scrapes in an axum application of the caller's, as [`Routes`] answers them on a server of
/// their own, each within the deadline. What is lost is the thread of their own: when the
/// application's runtime is busy or stuck, so are its scrapes, and its connections have the limits
/// that it gives them.
///
/// ```
/// use std::time::Duration;
/// use streamgauge_export::{Collectors, Router, scrape_route};
/// use streamgauge_metrics::Registry;
///
/// let scrapes = scrape_route(Registry::new(), Collectors::default(), Duration::from_secs(10))?;
/// let app: Router = Router::new().route("/metrics", scrapes);
/// # Ok::<(), streamgauge_metrics::RegisterError>(())
/// ```
pub fn scrape_route<S>(
    registry: Registry,
    collectors: Collectors,
    deadline: Duration,
) -> Result<MethodRouter<S>, RegisterError>
where
    S: Clone + Send + Sync + 'static,
{
    let scrape = Scrape::new(registry, collectors, deadline)?;
    Ok(get(metrics).with_state(scrape).layer(map_response(finish)))
}

/// Answers, in an axum application of the caller's, who fills the registry: as JSON, as it is at `/api/cardinality` of
/// [`Routes`]. For the log there is [`watch_cardinality`](crate::watch_cardinality).
///
/// ```
/// use streamgauge_export::{Router, cardinality_route};
/// use streamgauge_metrics::Registry;
///
/// let app: Router = Router::new().route("/api/cardinality", cardinality_route(Registry::new()));
/// ```
pub fn cardinality_route<S>(registry: Registry) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    get(cardinality).with_state(registry).layer(map_response(finish))
}

/// Plain segments only: in a router `{` and `*` mean something.
fn check_metrics_path(path: &str) -> Result<(), ServeError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    let why = if !path.starts_with('/') {
        "it must start with `/`"
    } else if !path.chars().all(plain) {
        "it may hold letters, digits and `/ - _ . ~`"
    } else if [HEALTH, READY, CARDINALITY, LANDING, ICON].contains(&path) {
        "that path is taken"
    } else {
        return Ok(());
    };
    Err(ServeError::MetricsPath { path: path.to_owned(), why })
}

async fn metrics(State(scrape): State<Scrape>, uri: Uri, headers: HeaderMap) -> Response {
    let writing = Writing::of(&headers);
    match scrape.page(writing, &headers, uri.query().unwrap_or_default()).await {
        Ok(page) => {
            let content = [(CONTENT_TYPE, writing.format.content_type()), (VARY, "accept, accept-encoding")];
            let encoding = writing.compression.content_encoding().map(|encoding| [(CONTENT_ENCODING, encoding)]);
            (content, encoding.map(AppendHeaders), page).into_response()
        }
        Err(ScrapeError::BadQuery) => plain(StatusCode::BAD_REQUEST, "name[] is there too often or too long\n"),
        Err(ScrapeError::TooSlow) => come_back("the metrics could not be gathered in time\n"),
        Err(ScrapeError::Busy) => come_back("other scrapes are under way\n"),
        Err(ScrapeError::Broken) => {
            let text = "gathering the metrics failed; see the log\n";
            plain(StatusCode::INTERNAL_SERVER_ERROR, text)
        }
    }
}

fn come_back(text: &'static str) -> Response {
    ([(RETRY_AFTER, "1")], plain(StatusCode::SERVICE_UNAVAILABLE, text)).into_response()
}

async fn health() -> Response {
    let body = json!({"status": "ok"}).to_string();
    (fresh(JSON), body).into_response()
}

async fn ready(State(answers): State<Answers>) -> Response {
    let readiness = answers.health.readiness();
    let (status, mut body) = if readiness.ready {
        (StatusCode::OK, json!({"ready": true}))
    } else {
        let body = json!({"ready": false, "reasons": readiness.reasons});
        (StatusCode::SERVICE_UNAVAILABLE, body)
    };
    if !readiness.notes.is_empty() {
        body["notes"] = readiness.notes.into();
    }
    (status, fresh(JSON), body.to_string()).into_response()
}

async fn cardinality(State(registry): State<Registry>) -> Response {
    // Counting the values of ten thousand series takes longer than the thread of the sockets may be busy.
    match tokio::task::spawn_blocking(move || crate::cardinality::json(&registry.report()).to_string()).await {
        Ok(body) => (fresh(JSON), body).into_response(),
        Err(_) => plain(StatusCode::INTERNAL_SERVER_ERROR, "the report failed; see the log\n"),
    }
}

async fn page(State(answers): State<Answers>) -> Response {
    let Some(identity) = &answers.identity else {
        return not_found().await;
    };
    let readiness = answers.health.readiness();
    landing::respond(identity, &answers.metrics_path, &readiness)
}

async fn icon() -> Response {
    landing::icon()
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "there is nothing here\n")
}

/// Gives every answer what it must have: no guessing of types by browsers, and a word on what to
/// do in place of the empty body a router gives to a wrong method.
async fn finish(mut response: Response) -> Response {
    if response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers().get(ALLOW).cloned();
        response = plain(StatusCode::METHOD_NOT_ALLOWED, "use GET or HEAD\n");
        let allow = allow.unwrap_or(HeaderValue::from_static("GET,HEAD"));
        response.headers_mut().insert(ALLOW, allow);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    (status, [(CONTENT_TYPE, PLAIN)], text).into_response()
}

fn fresh(content_type: &'static str) -> [(axum::http::HeaderName, &'static str); 2] {
    [(CONTENT_TYPE, content_type), (CACHE_CONTROL, "no-store")]
}
