//! One connection, from its first byte to its last.

use std::pin::pin;
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tracing::debug;

use super::write_deadline::WriteDeadline;
use super::{Limits, told_to_stop};
use crate::web::Web;

const MOST_HEADERS: usize = 64;
const LARGEST_HEAD: usize = 16 * 1024;

#[derive(Clone)]
pub(super) struct Connection {
    router: Router,
    web: Option<Web>,
    http: http1::Builder,
    limits: Limits,
    stopped: watch::Receiver<bool>,
}

impl Connection {
    pub(super) fn new(router: Router, web: Option<Web>, limits: Limits, stopped: watch::Receiver<bool>) -> Self {
        let mut http = http1::Builder::new();
        // Without the timer the timeout is a number that nothing looks at. It runs from the first
        // moment, so a client that never says a word is held to it as well.
        http.timer(TokioTimer::new())
            .header_read_timeout(limits.header_timeout)
            .max_headers(MOST_HEADERS)
            .max_buf_size(LARGEST_HEAD)
            .keep_alive(true);
        Self { router, web, http, limits, stopped }
    }

    pub(super) async fn serve(mut self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            debug!("a connection was gone at once: {error}");
            return;
        }
        let stream = WriteDeadline::new(stream, self.limits.write_timeout);
        match self.web.as_ref().and_then(Web::tls) {
            Some(tls) => {
                if let Some(stream) = self.encrypt(stream, tls).await {
                    self.speak(stream).await;
                }
            }
            None => self.speak(stream).await,
        }
    }

    /// Shakes hands, in time and unless the server stops.
    async fn encrypt<S>(&mut self, stream: S, tls: Arc<ServerConfig>) -> Option<TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let handshake = timeout(self.limits.header_timeout, TlsAcceptor::from(tls).accept(stream));
        let ended = tokio::select! {
            ended = handshake => ended,
            () = told_to_stop(&mut self.stopped) => return None,
        };
        let failed = match ended {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        debug!("a connection did not become TLS: {failed}");
        if let Some(web) = &self.web {
            web.note_failed_handshake();
        }
        None
    }

    async fn speak<S>(mut self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let service = TowerToHyperService::new(self.router);
        let mut http = pin!(self.http.serve_connection(TokioIo::new(stream), service));
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
