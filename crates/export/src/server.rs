//! Listens, on a thread and a runtime of its own.
//!
//! ```text
//!   Server::bind ──► Bound ──start──► Running ──shutdown or drop──► gone within two seconds
//!   owns the port    knows its port   serves on its own thread
//! ```

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tracing::{error, info};

use crate::routes::Routes;

mod accept;
mod connection;
mod error;
mod write_deadline;

use self::accept::Acceptor;

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
    /// head; 5 s. So it is also how long a silent or an idle connection stays.
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
        Ok(Bound { listener, addr, limits: Limits::default() })
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

    /// Starts to answer.
    ///
    /// # Panics
    ///
    /// If [`Routes::extra`] has a path that is taken.
    pub fn start(self, routes: Routes) -> Result<Running, ServeError> {
        let tasks = routes.tasks.clone();
        let answers = routes.into_router()?;
        let runtime = runtime().map_err(ServeError::Start)?;
        let (stop, stopped) = watch::channel(false);
        let acceptor = Acceptor::new(answers, tasks, self.limits, stopped);
        let listener = {
            // Tokio ties a socket to the runtime it is made in.
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(self.listener).map_err(ServeError::Start)?
        };
        let thread = std::thread::Builder::new()
            .name("scrape-endpoint".to_owned())
            .spawn(move || {
                runtime.block_on(acceptor.run(listener));
                // Not waited for longer: a gather that is stuck has a thread of this runtime.
                runtime.shutdown_timeout(RUNTIME_END);
            })
            .map_err(ServeError::Start)?;
        info!("listening on http://{}", self.addr);
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
            error!("the server at http://{} had panicked", self.addr);
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
