//! Serves a router over HTTP/1.1, with limits on what strangers may hold open.
//!
//! `axum::serve` gives hyper no timer, so a connection that sends nothing stays open for ever, and whoever opens enough of
//! them uses up the file descriptors of the process. Limits in the router come too late: it sees complete headers only.
//! HTTP/2 is not offered: clients without TLS use it only if they are told to, and hyper's detection of it has no
//! timeout.

mod body;
mod connection;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;
use tracing::{error, warn};

use connection::Connection;

/// How long nothing is accepted after an error, which is mostly that the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);
/// How often idle connections are closed while there are too many.
const CROWDED_PAUSE: Duration = Duration::from_secs(1);
/// How often the log says that there are too many.
const WARNING_PAUSE: Duration = Duration::from_secs(60);

/// What the connections of a server may do.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long the headers of the first request may take.
    pub first_request: Duration,
    /// How long the headers of each later request may take, counted from the answer before.
    pub next_request: Duration,
    /// How long the body of a request may take, counted from when its handler begins to read it.
    pub body: Duration,
    /// How many connections are open at once.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            first_request: Duration::from_secs(10),
            // Longer than reverse proxies and load balancers keep an idle connection (mostly 60 s). Otherwise they would send
            // requests to connections that are just being closed.
            next_request: Duration::from_secs(75),
            // Longer than the routers' own limits for a request, since their answers say more.
            body: Duration::from_secs(60),
            // Half of the 1024 files that a process may mostly open.
            connections: 512,
        }
    }
}

/// Serves until `stop` completes and every request that had begun by then is answered. Handlers find the address of
/// the client in [`axum::extract::ConnectInfo`]. A handler runs to its end even if the client hangs up.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let (stopping, _) = watch::channel(());
    let server = Server {
        router,
        limits,
        slots: Arc::new(Semaphore::new(limits.connections)),
        crowded: Arc::default(),
        stopping,
    };
    tokio::select! {
        () = stop => {}
        never = server.accept(&listener) => match never {},
    }
    drop(listener);
    // An error means that no connection is open.
    let _ = server.stopping.send(());
    server.stopping.closed().await;
}

struct Server {
    router: Router,
    limits: Limits,
    /// One permit for each connection that may still be opened.
    slots: Arc<Semaphore>,
    /// Tells idle connections to make room.
    crowded: Arc<Notify>,
    /// Tells connections to end. Each has a receiver for as long as it is open.
    stopping: watch::Sender<()>,
}

impl Server {
    async fn accept(&self, listener: &TcpListener) -> Infallible {
        let mut warned_at = None;
        loop {
            let slot = self.slot(&mut warned_at).await;
            let (stream, peer) = accepted(|| listener.accept()).await;
            self.open(stream, peer, slot);
        }
    }

    fn open(&self, stream: TcpStream, peer: SocketAddr, slot: OwnedSemaphorePermit) {
        let connection = Connection {
            peer,
            router: self.router.clone(),
            limits: self.limits,
            crowded: Arc::clone(&self.crowded),
            stopping: self.stopping.subscribe(),
            slot,
        };
        tokio::spawn(connection.serve(stream));
    }

    /// Waits until another connection may be opened. Those that come meanwhile wait in the kernel's queue: they need no
    /// descriptor, and none is turned away.
    async fn slot(&self, warned_at: &mut Option<Instant>) -> OwnedSemaphorePermit {
        if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
            return slot;
        }
        if warned_at.is_none_or(|at| at.elapsed() >= WARNING_PAUSE) {
            *warned_at = Some(Instant::now());
            let connections = self.limits.connections;
            warn!(
                connections,
                "{connections} connections are open; new ones wait, and idle ones are closed"
            );
        }
        loop {
            self.crowded.notify_waiters();
            let slot = Arc::clone(&self.slots).acquire_owned();
            if let Ok(Ok(slot)) = tokio::time::timeout(CROWDED_PAUSE, slot).await {
                return slot;
            }
        }
    }
}

/// The next connection. No error ends the server: it concerns one connection, or is over once others have ended.
async fn accepted<T, Accepting>(mut accept: impl FnMut() -> Accepting) -> T
where
    Accepting: Future<Output = io::Result<T>>,
{
    loop {
        match accept().await {
            Ok(connection) => return connection,
            Err(error) if is_of_the_client(&error) => {}
            Err(error) => {
                error!(%error, "No connection can be accepted; trying again in a second");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether the client went away before its connection was accepted.
fn is_of_the_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn no_error_of_accept_ends_the_server() {
        /// `EMFILE`: too many open files.
        const TOO_MANY_FILES: i32 = 24;
        let mut answers = [
            Err(io::ErrorKind::ConnectionAborted.into()),
            Err(io::Error::from_raw_os_error(TOO_MANY_FILES)),
            Err(io::Error::from_raw_os_error(TOO_MANY_FILES)),
            Ok("a connection"),
        ]
        .into_iter();
        let began_at = Instant::now();
        let connection = accepted(|| std::future::ready(answers.next().unwrap())).await;
        assert_eq!(connection, "a connection");
        assert_eq!(
            began_at.elapsed().as_secs(),
            2,
            "a pause after each of two errors"
        );
    }
}
