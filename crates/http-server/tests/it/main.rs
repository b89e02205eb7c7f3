//! Real connections, with short limits.

#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::routing::{get, post};
use http_server::{Limits, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_millis(300);
const NEVER: Duration = Duration::from_secs(3600);
/// How long anything can take on a busy machine.
const WAIT_MAX: Duration = Duration::from_secs(60);

const PATIENT: Limits = Limits {
    first_request: NEVER,
    next_request: NEVER,
    body: NEVER,
    connections: 100,
};

struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
    /// How many slow handlers have come to their end.
    done: Arc<AtomicUsize>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let router = Router::new()
            .route(
                "/",
                get(async |ConnectInfo(peer): ConnectInfo<SocketAddr>| peer.to_string()),
            )
            .route(
                "/slow",
                get(async move || {
                    tokio::time::sleep(2 * SOON).await;
                    count.fetch_add(1, Ordering::Relaxed);
                    "done"
                }),
            )
            .route("/text", post(async |text: String| text));
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, router, limits, async {
            let _ = stopped.await;
        }));
        Self {
            address,
            stop,
            serving,
            done,
        }
    }

    fn done(&self) -> usize {
        self.done.load(Ordering::Relaxed)
    }

    async fn client(&self) -> Client {
        Client(TcpStream::connect(self.address).await.unwrap())
    }
}

struct Client(TcpStream);

impl Client {
    async fn send(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, path: &str) {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n"))
            .await;
    }

    /// Reads until this text came.
    async fn receives(&mut self, expected: &str) {
        let mut received = Vec::new();
        let read = timeout(WAIT_MAX, async {
            while !String::from_utf8_lossy(&received).contains(expected) {
                if self.0.read_buf(&mut received).await.unwrap() == 0 {
                    return false;
                }
            }
            true
        });
        let came = read.await;
        let received = String::from_utf8_lossy(&received);
        assert_eq!(came, Ok(true), "{received}");
    }

    /// Waits until the server closes the connection.
    async fn ends(&mut self) {
        let mut rest = Vec::new();
        let ended = timeout(WAIT_MAX, self.0.read_to_end(&mut rest)).await;
        // A connection that is closed before everything was read is reset.
        assert!(ended.is_ok(), "it is still open");
    }

    async fn stays_open(&mut self) {
        let mut rest = Vec::new();
        let ended = timeout(SOON, self.0.read_to_end(&mut rest)).await;
        assert!(ended.is_err(), "{}", String::from_utf8_lossy(&rest));
    }
}

#[tokio::test]
async fn handlers_know_the_address_of_the_client() {
    let server = Server::start(Limits::default()).await;
    let mut client = server.client().await;
    let address = client.0.local_addr().unwrap().to_string();
    for _ in 0..2 {
        client.ask("/").await;
        client.receives(&address).await;
    }
}

#[tokio::test]
async fn a_connection_without_a_complete_request_is_closed() {
    let limits = Limits {
        first_request: SOON,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    // `PRI` begins HTTP/2.
    for part in ["", "G", "GET / HTTP/1.1\r\nhost: x\r\n", "PRI"] {
        let mut client = server.client().await;
        let began_at = Instant::now();
        client.send(part).await;
        client.ends().await;
        assert!(began_at.elapsed() >= SOON / 2, "{part:?} was given no time");
    }
    // The answer may take longer than the request.
    let mut client = server.client().await;
    client.ask("/slow").await;
    client.receives("done").await;
    client.stays_open().await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let limits = Limits {
        next_request: SOON,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    let mut client = server.client().await;
    client.ask("/slow").await;
    client.receives("done").await;
    client.ends().await;
}

#[tokio::test]
async fn running_requests_are_answered_before_the_server_ends() {
    let server = Server::start(PATIENT).await;
    let (mut idle, mut busy) = (server.client().await, server.client().await);
    idle.ask("/").await;
    idle.receives("127.0.0.1").await;
    let mut silent = server.client().await;
    busy.ask("/slow").await;
    tokio::time::sleep(SOON).await;
    server.stop.send(()).unwrap();
    idle.ends().await;
    silent.ends().await;
    assert!(!server.serving.is_finished());
    busy.receives("done").await;
    timeout(WAIT_MAX, server.serving).await.unwrap().unwrap();
    TcpStream::connect(server.address).await.unwrap_err();
}

#[tokio::test]
async fn idle_connections_make_room_for_new_ones() {
    let limits = Limits {
        connections: 2,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    let mut idle = Vec::new();
    for _ in 0..2 {
        let mut client = server.client().await;
        client.ask("/").await;
        client.receives("127.0.0.1").await;
        idle.push(client);
    }
    let mut new = server.client().await;
    new.ask("/").await;
    new.receives("127.0.0.1").await;
}

#[tokio::test]
async fn a_connection_above_the_limit_waits_for_its_turn() {
    let limits = Limits {
        first_request: 3 * SOON,
        connections: 2,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    let mut silent = [server.client().await, server.client().await];
    let mut new = server.client().await;
    new.ask("/").await;
    new.stays_open().await;
    for client in &mut silent {
        client.ends().await;
    }
    new.receives("127.0.0.1").await;
}

/// A client that asked for something slow and hung up.
async fn hang_up(server: &Server) {
    let mut client = server.client().await;
    client.ask("/slow").await;
    tokio::time::sleep(SOON).await;
    assert_eq!(server.done(), 0, "the handler is at work");
}

#[tokio::test]
async fn a_handler_comes_to_its_end_though_the_client_hangs_up() {
    let server = Server::start(PATIENT).await;
    hang_up(&server).await;
    let ended = timeout(WAIT_MAX, async {
        while server.done() == 0 {
            tokio::time::sleep(SOON / 10).await;
        }
    });
    ended.await.unwrap();
}

#[tokio::test]
async fn the_server_waits_for_the_handler_of_a_client_that_hung_up() {
    let server = Server::start(PATIENT).await;
    hang_up(&server).await;
    server.stop.send(()).unwrap();
    timeout(WAIT_MAX, server.serving).await.unwrap().unwrap();
    assert_eq!(server.done.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_connection_of_a_client_that_hung_up_counts_until_its_handler_ends() {
    let limits = Limits {
        connections: 1,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    hang_up(&server).await;
    let mut new = server.client().await;
    new.ask("/").await;
    new.receives("127.0.0.1").await;
    assert_eq!(server.done(), 1);
}

#[tokio::test]
async fn a_body_that_never_ends_holds_no_connection() {
    let limits = Limits {
        body: SOON,
        connections: 1,
        ..PATIENT
    };
    let server = Server::start(limits).await;
    let mut slow = server.client().await;
    slow.send("POST /text HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nhalf")
        .await;
    let mut new = server.client().await;
    new.ask("/").await;
    new.receives("127.0.0.1").await;
    slow.receives("400 Bad Request").await;
    slow.ends().await;
}

#[tokio::test]
async fn a_body_may_come_in_parts() {
    let server = Server::start(PATIENT).await;
    let mut client = server.client().await;
    client
        .send("POST /text HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nfirst")
        .await;
    tokio::time::sleep(SOON).await;
    client.send("+last").await;
    client.receives("first+last").await;
}
