//! One connection.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tower::Service;
use tracing::debug;

use crate::Limits;

pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) crowded: Arc<Notify>,
    pub(crate) stopping: watch::Receiver<()>,
}

impl Connection {
    /// Answers requests until the connection is closed, by either side.
    pub(crate) async fn serve(mut self, stream: TcpStream) {
        let peer = self.peer;
        let has_asked = AtomicBool::new(false);
        let router = self.router;
        let answer = service_fn(|mut request: Request<Incoming>| {
            has_asked.store(true, Ordering::Relaxed);
            request.extensions_mut().insert(ConnectInfo(peer));
            // A router is always ready.
            router.clone().call(request)
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.next_request)
            .serve_connection(TokioIo::new(stream), answer);
        let mut connection = pin!(connection);
        let mut first_request = pin!(tokio::time::sleep(self.limits.first_request));
        let mut is_first = true;
        let mut is_stopping = false;
        loop {
            tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        debug!(%peer, %error, "A connection ended");
                    }
                    return;
                }
                () = first_request.as_mut(), if is_first => {
                    if !has_asked.load(Ordering::Relaxed) {
                        debug!(%peer, "A connection without a request is closed");
                        return;
                    }
                    is_first = false;
                }
                // One that has just been opened may be about to send its request.
                () = self.crowded.notified() => {
                    if has_asked.load(Ordering::Relaxed) {
                        connection.as_mut().graceful_shutdown();
                    }
                }
                // An error means that nobody waits for the server any more.
                _ = self.stopping.changed(), if !is_stopping => {
                    connection.as_mut().graceful_shutdown();
                    is_stopping = true;
                }
            }
        }
    }
}
