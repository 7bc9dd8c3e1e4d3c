//! Who may speak to the server, and how: TLS, credentials, headers and a rate, from a file that is read again when it changes.
//!
//! ```text
//!   web.config.yml ──► section.rs ──► tls.rs ──────► connection: handshake
//!   certificates ─┐      keys         basic.rs ─┐
//!   token ────────┴ files.rs          bearer.rs ├──► guard.rs: each request, before any route
//!        ▲ every 100 ms, watch.rs     rate.rs   │
//!        └── Rules, as a whole ◄────  headers.rs┘
//! ```
//!
//! The format is that of the `web.config.yml` of Prometheus and its exporters, with `bearer_token_file` beside it. What is
//! not honoured is refused: a setting that protects nothing is worse than none.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::Router;
use axum::middleware::from_fn_with_state;
use ring::hmac;
use ring::rand::SystemRandom;
use rustls::ServerConfig;
use streamgauge_metrics::{RegisterError, Registry};
use streamgauge_yaml::{Fault, Faults, Place, parse};

mod basic;
mod bearer;
mod files;
mod guard;
mod headers;
mod metrics;
mod rate;
mod section;
mod tls;
mod watch;

use self::basic::{Judge, Users};
use self::bearer::Token;
use self::files::{Files, Fingerprint, LARGEST};
use self::headers::Headers;
use self::rate::{Bucket, Rate};
use self::section::Section;

pub use self::metrics::WebMetrics;

const KEYS: &[&str] = &["tls_server_config", "http_server_config", "basic_auth_users", "rate_limit", bearer::KEY];

/// Says everything that is wrong with a `web.config.yml` and the files it names, without serving anything.
///
/// ```
/// use streamgauge_export::check_web_config;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("web.yml");
/// std::fs::write(&path, "basic_auth_users:\n  prometheus: not a hash\n")?;
/// let faults = check_web_config(&path).unwrap_err().to_string();
/// assert!(faults.contains("web.yml:2:15: basic_auth_users.prometheus: is no bcrypt hash"), "{faults}");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn check_web_config(path: &Path) -> Result<(), Faults> {
    WebConfig::read(path).map(drop)
}

/// A web configuration that was read and proven.
pub(crate) struct WebConfig {
    path: PathBuf,
    judge: Judge,
    fingerprint: Fingerprint,
    rules: Rules,
}

/// What is in force, as a whole.
struct Rules {
    tls: Option<Arc<ServerConfig>>,
    headers: Headers,
    users: Users,
    token: Option<Token>,
    bucket: Option<Arc<Bucket>>,
}

/// A web configuration at work. Its clones are one.
#[derive(Clone)]
pub(crate) struct Web(Arc<Shared>);

struct Shared {
    path: PathBuf,
    judge: Judge,
    metrics: WebMetrics,
    rules: RwLock<Arc<Rules>>,
    /// What the files said when they were last read.
    seen: Mutex<Fingerprint>,
}

impl WebConfig {
    pub(crate) fn read(path: &Path) -> Result<Self, Faults> {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        let Ok(key) = key else { return Err(whole(path, "the system gives no random numbers")) };
        let judge = Judge::new(key);
        let (rules, fingerprint) = Rules::read(path, &judge, None);
        Ok(Self { path: path.to_path_buf(), judge, fingerprint, rules: rules? })
    }

    pub(crate) const fn has_tls(&self) -> bool {
        self.rules.tls.is_some()
    }

    /// Begins to count.
    pub(crate) fn start(self, registry: &Registry) -> Result<Web, RegisterError> {
        Ok(Web(Arc::new(Shared {
            path: self.path,
            judge: self.judge,
            metrics: WebMetrics::new(registry)?,
            rules: RwLock::new(Arc::new(self.rules)),
            seen: Mutex::new(self.fingerprint),
        })))
    }
}

/// Only its name: the rest is secret.
impl std::fmt::Debug for WebConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebConfig").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A fault of the file as a whole.
fn whole(path: &Path, what: &str) -> Faults {
    let mut faults = Faults::new(&path.display().to_string());
    faults.push(Fault::new(&Place::File, "", what));
    faults
}

impl Rules {
    /// Reads the file and those it names, and says what it read in any case.
    fn read(path: &Path, judge: &Judge, before: Option<&Self>) -> (Result<Self, Faults>, Fingerprint) {
        let mut files = Files::beside(path);
        let mut faults = Faults::new(&path.display().to_string());
        let rules = Self::from_files(path, &mut files, judge, before, &mut faults);
        (faults.settle(rules), files.fingerprint())
    }

    fn from_files(
        path: &Path,
        files: &mut Files,
        judge: &Judge,
        before: Option<&Self>,
        faults: &mut Faults,
    ) -> Option<Self> {
        let text = path.file_name().ok_or_else(|| "is no file".to_owned());
        let text = text.and_then(|name| files.read(Path::new(name), LARGEST));
        let text = text.and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not valid UTF-8".to_owned()));
        let text = text.map_err(|what| faults.push(Fault::new(&Place::File, "", what))).ok()?;
        let node = parse(&text, faults)?;
        let root = Section::root(&node, KEYS, faults);
        let rate = Rate::read(&root, faults);
        Some(Self {
            tls: tls::read(&root, files, faults),
            headers: Headers::read(&root, faults),
            users: Users::read(&root, before.map(|before| &before.users), faults),
            token: Token::read(&root, files, judge.key(), faults),
            bucket: rate.map(|rate| bucket(rate, before)),
        })
    }
}

/// The bucket there is, if it does: one that was refilled at each reload would be no limit.
fn bucket(rate: Rate, before: Option<&Rules>) -> Arc<Bucket> {
    let known = before.and_then(|before| before.bucket.as_ref()).filter(|bucket| bucket.rate() == rate);
    known.map_or_else(|| Arc::new(Bucket::new(rate)), Arc::clone)
}

impl Web {
    /// How connections are encrypted now, if they are.
    pub(crate) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.rules().tls.clone()
    }

    /// Counts a connection that did not become TLS.
    pub(crate) fn note_failed_handshake(&self) {
        self.0.metrics.note_failed_handshake();
    }

    /// The same routes behind the guard.
    pub(crate) fn guard(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), guard::guard))
    }

    fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.0.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn judge(&self) -> &Judge {
        &self.0.judge
    }

    fn metrics(&self) -> &WebMetrics {
        &self.0.metrics
    }
}
