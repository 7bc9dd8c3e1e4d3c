//! Listens, on a thread and a runtime of its own.
//!
//! ```text
//!   Server::bind ──► Bound ──start──► Running ──shutdown or drop──► gone within two seconds
//!   owns the port    knows its port   serves on its own thread
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tracing::{error, info};

use crate::cardinality::watch_cardinality;
use crate::routes::Routes;
use crate::web::WebConfig;

mod accept;
mod connection;
mod error;
mod write_deadline;

use self::accept::Acceptor;
use self::connection::Connection;

pub use self::error::ServeError;

/// What is left of two seconds for a runtime to end its threads.
const RUNTIME_END: Duration = Duration::from_millis(300);

/// The scrape endpoint, before it has a port. See the [crate] for an example.
#[derive(Debug)]
pub struct Server;

/// A server that has its port and answers nobody yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
    limits: Limits,
    web: Option<WebConfig>,
}

/// A server that answers. Dropping it shuts it down.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// How much a client may ask for. The defaults suit a scrape endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From the opening of a connection, or the end of an answer, to the end of the next request
    /// head; 5 s. So it is also how long a silent or an idle connection stays. A TLS handshake has
    /// as long again.
    pub header_timeout: Duration,
    /// From the moment a client does not take more of an answer, to its having taken all that was
    /// ready for it; 30 s.
    pub write_timeout: Duration,
    /// Connections at a time; 512. Further ones wait to be accepted.
    pub connections: usize,
    /// How long a shutdown waits for answers under way; 1.5 s.
    pub grace: Duration,
}

impl Server {
    /// Takes a port; port 0 is any free one.
    pub fn bind(host: &str, port: u16) -> Result<Bound, ServeError> {
        let addrs = resolve(host, port)?;
        let listener = TcpListener::bind(addrs.as_slice());
        let listener = listener.map_err(|source| ServeError::bind(host, port, source))?;
        let addr = listener.local_addr().map_err(ServeError::Start)?;
        listener.set_nonblocking(true).map_err(ServeError::Start)?;
        Ok(Bound { listener, addr, limits: Limits::default(), web: None })
    }
}

fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, ServeError> {
    let unknown = |source| ServeError::Host { host: host.to_owned(), source };
    let addrs: Vec<_> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    if addrs.is_empty() {
        return Err(unknown(io::Error::from(io::ErrorKind::NotFound)));
    }
    Ok(addrs)
}

impl Bound {
    /// The address with the port it got.
    pub const fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The same with other limits.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The same behind TLS, credentials, headers or a rate, as a `web.config.yml` says. The file and those it names are
    /// read now, and again whenever they have changed; what cannot be used then changes nothing.
    ///
    /// ```no_run
    /// use std::path::Path;
    ///
    /// use streamgauge_export::{Health, Routes, Server};
    /// use streamgauge_metrics::Registry;
    ///
    /// let bound = Server::bind("0.0.0.0", 9090)?.with_web_config(Path::new("web.yml"))?;
    /// let running = bound.start(Routes::new(Registry::new(), Health::default()))?;
    /// # Ok::<(), streamgauge_export::ServeError>(())
    /// ```
    pub fn with_web_config(self, path: &Path) -> Result<Self, ServeError> {
        let web = WebConfig::read(path).map_err(ServeError::WebConfig)?;
        Ok(Self { web: Some(web), ..self })
    }

    /// `https` behind TLS, otherwise `http`.
    pub fn scheme(&self) -> &'static str {
        if self.web.as_ref().is_some_and(WebConfig::has_tls) { "https" } else { "http" }
    }

    /// Starts to answer.
    ///
    /// # Panics
    ///
    /// If [`Routes::extra`] has a path that is taken.
    pub fn start(self, routes: Routes) -> Result<Running, ServeError> {
        let scheme = self.scheme();
        let (tasks, registry) = (routes.tasks.clone(), routes.registry.clone());
        let web = self.web.map(|web| web.start(&routes.registry)).transpose().map_err(ServeError::Metrics)?;
        let mut answers = routes.into_router()?;
        if let Some(web) = &web {
            answers = web.guard(answers);
        }
        let runtime = runtime().map_err(ServeError::Start)?;
        let (stop, stopped) = watch::channel(false);
        let connection = Connection::new(answers, web.clone(), self.limits, stopped.clone());
        let acceptor = Acceptor::new(connection, tasks.clone(), self.limits, stopped);
        let listener = {
            // Tokio ties a socket to the runtime it is made in.
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener).map_err(ServeError::Start)?
        };
        let thread = std::thread::Builder::new()
            .name("scrape-endpoint".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tasks.spawn(watch_cardinality(registry));
                    if let Some(web) = web {
                        tasks.spawn(web.watch());
                    }
                    acceptor.run(listener).await;
                });
                // Not waited for longer: a gather that is stuck has a thread of this runtime.
                runtime.shutdown_timeout(RUNTIME_END);
            })
            .map_err(ServeError::Start)?;
        info!("listening on {scheme}://{}", self.addr);
        Ok(Running { addr: self.addr, stop, thread: Some(thread) })
    }
}

/// Returns once the server is told to stop, or once nobody is left who could tell it.
async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl Running {
    /// The address it answers on.
    pub const fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// Takes no more connections, lets answers under way end, and returns when the port is free,
    /// within two seconds at the default [`Limits::grace`]. It blocks for that time.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let ended = self.thread.take().map(JoinHandle::join);
        if matches!(ended, Some(Err(_))) {
            error!("the server at {} had panicked", self.addr);
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(5),
            write_timeout: Duration::from_secs(30),
            connections: 512,
            grace: Duration::from_millis(1500),
        }
    }
}
