//! One development server as a child process, which ends when its handle is dropped.

use std::fs::File;
use std::io::{Read, Seek};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use hyper::Request;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// How often each of the server's internal queues is read, per second and shard. With the default, 20, everything that this
/// server does for all workflows together happens in steps of 50 ms, since it has only one shard.
const POLL_RATES: [&str; 3] = [
    "history.transferProcessorMaxPollRPS=1000",
    "history.timerProcessorMaxPollRPS=1000",
    "history.visibilityProcessorMaxPollRPS=1000",
];

/// A server that answers no call after this time is considered broken.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);
/// How long one call may take until it is tried again.
const CALL_TIMEOUT: Duration = Duration::from_secs(5);

/// The first call of every client.
const SYSTEM_INFO: &str = "/temporal.api.workflowservice.v1.WorkflowService/GetSystemInfo";
/// A gRPC message without fields.
const EMPTY_MESSAGE: &str = "\0\0\0\0\0";

/// The options of a server.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port of the gRPC frontend; `None`: a free port.
    pub port: Option<u16>,
    /// The port of the UI; `None`: no UI.
    pub ui_port: Option<u16>,
    /// The SQLite file for the data; `None`: a temporary one, which is deleted with the server.
    pub database: Option<PathBuf>,
}

/// A running development server. Dropping it kills it.
#[derive(Debug)]
pub struct DevServer {
    child: Child,
    address: SocketAddr,
    /// A file for its stderr: nobody reads a pipe, and a full one would block the server.
    stderr: File,
    /// The directory of its database, if nobody keeps the data.
    _temporary: Option<TempDir>,
}

impl DevServer {
    pub async fn start(executable: &std::path::Path, options: &Options) -> anyhow::Result<Self> {
        let port = match options.port {
            Some(port) => port,
            None => free_port().await?,
        };
        let stderr = tempfile::tempfile()?;
        let mut command = Command::new(executable);
        command
            .args(["server", "start-dev", "--ip", "127.0.0.1"])
            .args(["--log-level", "error"])
            .arg("--port")
            .arg(port.to_string())
            .args(
                POLL_RATES
                    .iter()
                    .flat_map(|rate| ["--dynamic-config-value", rate]),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone()?)
            .kill_on_drop(true);
        // Its own process group: Ctrl-C in a terminal is for us, and the server has to stop after the programs that use
        // it.
        command.process_group(0);
        match options.ui_port {
            Some(ui_port) => command.arg("--ui-port").arg(ui_port.to_string()),
            None => command.arg("--headless"),
        };
        // Not in memory: a query that takes too long on a busy machine makes the server open the database anew, which is
        // then empty.
        let temporary = match options.database {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let temporary_database = temporary
            .as_ref()
            .map(|directory| directory.path().join("temporal.db"));
        if let Some(database) = options.database.as_ref().or(temporary_database.as_ref()) {
            command.arg("--db-filename").arg(database);
        }
        if temporary.is_some() {
            command.args(["--sqlite-pragma", "synchronous=OFF"]);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", executable.display()))?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let mut server = Self {
            child,
            address,
            stderr,
            _temporary: temporary,
        };
        server.wait_until_healthy().await?;
        Ok(server)
    }

    /// The address of its frontend.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the server, as in a crash.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot stop the Temporal server")
    }

    async fn wait_until_healthy(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let mut said = String::new();
                self.stderr.rewind()?;
                self.stderr.read_to_string(&mut said)?;
                bail!(
                    "the Temporal server ended at once ({status}): {}",
                    said.trim_end()
                );
            }
            if is_healthy(self.address).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the Temporal server answers no call at {} after {START_TIMEOUT:?}",
                    self.address
                );
            }
            tokio::time::sleep(START_POLL).await;
        }
    }
}

/// Whether the frontend answers a call. It listens before it does.
async fn is_healthy(address: SocketAddr) -> bool {
    let called = async {
        let stream = TcpStream::connect(address).await.ok()?;
        let connection = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = connection.await.ok()?;
        tokio::spawn(connection);
        let request = Request::post(format!("http://{address}{SYSTEM_INFO}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(EMPTY_MESSAGE.to_owned())
            .ok()?;
        let response = sender.send_request(request).await.ok()?;
        // An answer has its status behind the message. An error has no message, so its status is among the headers.
        Some(response.status().is_success() && !response.headers().contains_key("grpc-status"))
    };
    let answer = tokio::time::timeout(CALL_TIMEOUT, called).await;
    answer.ok().flatten().unwrap_or(false)
}

async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no port is free")?;
    Ok(listener.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use hyper::Response;
    use hyper::server::conn::http2::Builder;
    use hyper::service::service_fn;

    use super::*;

    /// A server that answers each call with this status of gRPC, or with a message.
    async fn server(status: Option<&'static str>) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let answer = service_fn(move |_| async move {
                let mut answer = Response::builder().header("content-type", "application/grpc");
                if let Some(status) = status {
                    answer = answer.header("grpc-status", status);
                }
                Ok::<_, Infallible>(answer.body(String::new()).unwrap())
            });
            let connection = Builder::new(TokioExecutor::new());
            connection.serve_connection(TokioIo::new(stream), answer).await
        });
        address
    }

    #[tokio::test]
    async fn only_a_server_that_answers_calls_is_healthy() {
        assert!(is_healthy(server(None).await).await);
        assert!(!is_healthy(server(Some("14")).await).await);
        let gone = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = gone.local_addr().unwrap();
        drop(gone);
        assert!(!is_healthy(address).await);
    }
}
