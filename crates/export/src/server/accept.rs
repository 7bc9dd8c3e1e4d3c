//! Takes connections, as many as the limit allows, and none after the stop.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::connection::Connection;
use super::{Limits, told_to_stop};
use crate::tasks::Tasks;

/// What to wait after accepting failed for want of resources, at first and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Acceptor {
    connection: Connection,
    tasks: Tasks,
    limits: Limits,
    /// One permit for each connection there may be.
    slots: Arc<Semaphore>,
    stopped: watch::Receiver<bool>,
}

impl Acceptor {
    pub(super) fn new(connection: Connection, tasks: Tasks, limits: Limits, stopped: watch::Receiver<bool>) -> Self {
        // A limit of none would be a server that cannot answer.
        let connections = limits.connections.clamp(1, u32::MAX as usize >> 3);
        Self { connection, tasks, limits, slots: Arc::new(Semaphore::new(connections)), stopped }
    }

    /// Serves until the stop, then waits for the connections there are, for the grace at most.
    pub(super) async fn run(mut self, listener: TcpListener) {
        let slots = self.slots.available_permits();
        loop {
            let mut stopped = self.stopped.clone();
            tokio::select! {
                () = told_to_stop(&mut stopped) => break,
                accepted = self.accept(&listener) => {
                    let Some((stream, slot)) = accepted else { break };
                    self.spawn(stream, slot);
                }
            }
        }
        drop(listener);
        let all = u32::try_from(slots).unwrap_or(u32::MAX);
        if timeout(self.limits.grace, self.slots.acquire_many(all)).await.is_err() {
            debug!("connections that did not end in time were cut off");
        }
    }

    fn spawn(&mut self, stream: TcpStream, slot: OwnedSemaphorePermit) {
        let connection = self.connection.clone();
        self.tasks.spawn(async move {
            connection.serve(stream).await;
            drop(slot);
        });
    }

    /// The next connection. Takes the slot first: what waits beyond the limit waits unaccepted,
    /// at the cost of the kernel's queue and not of our file descriptors.
    async fn accept(&self, listener: &TcpListener) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let slot = Arc::clone(&self.slots).acquire_owned().await.ok()?;
        let mut pause = FIRST_PAUSE;
        loop {
            match listener.accept().await {
                Ok((stream, _)) => return Some((stream, slot)),
                Err(error) if concerns_one_client(&error) => {
                    debug!("a connection was gone before it was accepted: {error}");
                }
                Err(error) => {
                    // Out of file descriptors, most likely. The listener stays readable, so
                    // without a pause this would spin until one is given back.
                    warn!("cannot accept connections, next try in {pause:?}: {error}");
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }
}

fn concerns_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}
