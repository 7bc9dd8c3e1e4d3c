//! One connection, from its first byte to its last.

use std::pin::pin;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tracing::debug;

use super::write_deadline::WriteDeadline;
use super::{Limits, told_to_stop};

const MOST_HEADERS: usize = 64;
const LARGEST_HEAD: usize = 16 * 1024;

#[derive(Clone)]
pub(super) struct Connection {
    router: Router,
    http: http1::Builder,
    limits: Limits,
    stopped: watch::Receiver<bool>,
}

impl Connection {
    pub(super) fn new(router: Router, limits: Limits, stopped: watch::Receiver<bool>) -> Self {
        let mut http = http1::Builder::new();
        // Without the timer the timeout is a number that nothing looks at. It runs from the first
        // moment, so a client that never says a word is held to it as well.
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .keep_alive(true);
        Self { router, http, limits, stopped }
    }

    pub(super) async fn serve(mut self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!("a connection was gone at once: {error}");
            return;
        }
        let io = TokioIo::new(WriteDeadline::new(stream, self.limits.write_timeout));
        let service = TowerToHyperService::new(self.router);
        let mut http = pin!(self.http.serve_connection(io, service));
        let ended = tokio::select! {
            ended = http.as_mut() => ended,
            () = told_to_stop(&mut self.stopped) => {
                http.as_mut().graceful_shutdown();
                http.await
            }
        };
        if let Err(error) = ended {
            // What a client does wrong is no fault of the service: nothing to wake anyone for.
            debug!("a connection ended badly: {error}");
        }
    }
}
