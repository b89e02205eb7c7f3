//! One development server as a child process, which never outlives its owner's handle.

use std::fs::File;
use std::io::{Read, Seek};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::Instant;

/// A server that does not listen after this long will not.
const START_TIMEOUT: Duration = Duration::from_secs(60);
const START_POLL: Duration = Duration::from_millis(50);

/// How the server is to be started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port of the gRPC frontend; a free one where none is named.
    pub port: Option<u16>,
    /// The port of the UI; no UI where none is named.
    pub ui_port: Option<u16>,
    /// The SQLite file that keeps the data; memory where none is named.
    pub database: Option<PathBuf>,
}

/// A running development server. Dropping it kills it.
#[derive(Debug)]
pub struct DevServer {
    child: Child,
    address: SocketAddr,
    /// What it says on stderr: a file, since nobody reads a pipe and a full one would stop the server.
    complaints: File,
}

impl DevServer {
    pub async fn start(executable: &std::path::Path, options: &Options) -> anyhow::Result<Self> {
        let port = match options.port {
            Some(port) => port,
            None => free_port().await?,
        };
        let complaints = tempfile::tempfile()?;
        let mut command = Command::new(executable);
        command
            .args([
                "server",
                "start-dev",
                "--ip",
                "127.0.0.1",
                "--log-level",
                "error",
                "--port",
            ])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints.try_clone()?)
            .kill_on_drop(true);
        // Its own group: Ctrl-C in a terminal is for us, and the server goes after those that use it.
        command.process_group(0);
        match options.ui_port {
            Some(ui_port) => command.arg("--ui-port").arg(ui_port.to_string()),
            None => command.arg("--headless"),
        };
        if let Some(database) = &options.database {
            command.arg("--db-filename").arg(database);
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", executable.display()))?;
        let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        let mut server = Self {
            child,
            address,
            complaints,
        };
        server.wait_until_listening().await?;
        Ok(server)
    }

    /// Where its frontend listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills the server, as a crash would.
    pub async fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill().await.context("cannot stop the Temporal server")
    }

    async fn wait_until_listening(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let mut said = String::new();
                self.complaints.rewind()?;
                self.complaints.read_to_string(&mut said)?;
                bail!(
                    "the Temporal server ended at once ({status}): {}",
                    said.trim_end()
                );
            }
            if TcpStream::connect(self.address).await.is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "the Temporal server does not listen on {} after {START_TIMEOUT:?}",
                    self.address
                );
            }
            tokio::time::sleep(START_POLL).await;
        }
    }
}

async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
