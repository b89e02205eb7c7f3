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
use tokio::sync::{Notify, OwnedSemaphorePermit, watch};
use tower::Service;
use tracing::debug;

use crate::Limits;
use crate::body::TimedBody;

pub(crate) struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) router: Router,
    pub(crate) limits: Limits,
    pub(crate) crowded: Arc<Notify>,
    pub(crate) stopping: watch::Receiver<()>,
    pub(crate) slot: OwnedSemaphorePermit,
}

impl Connection {
    /// Answers requests until the connection is closed, by either side.
    pub(crate) async fn serve(mut self, stream: TcpStream) {
        let peer = self.peer;
        let has_asked = AtomicBool::new(false);
        let router = self.router;
        let body_limit = self.limits.body;
        let slot = Arc::new(self.slot);
        let is_open = self.stopping.clone();
        let answer = service_fn(|request: Request<Incoming>| {
            has_asked.store(true, Ordering::Relaxed);
            let mut request = request.map(|body| TimedBody::new(body, body_limit));
            request.extensions_mut().insert(ConnectInfo(peer));
            let mut router = router.clone();
            // The connection counts, and the server waits for it, until the handler has ended.
            let held = (Arc::clone(&slot), is_open.clone());
            // hyper drops the answer if the client hangs up. A handler may have acted by then and still has to say so in
            // the logs, so it is a task of its own. If it panics, the connection ends.
            tokio::spawn(async move {
                // A router is always ready.
                let Ok(answer) = router.call(request).await;
                drop(held);
                answer
            })
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
