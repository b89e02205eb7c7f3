//! One moto server as a child process, which ends when its handle is dropped.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use super::installation;
use super::proxy::http;

/// Python reads a lot before it listens, and the tests start many at once.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const START_POLL: Duration = Duration::from_millis(50);
/// How often to retry if another program takes the port first.
const ATTEMPTS: u32 = 5;

pub(crate) struct Server {
    child: Child,
    url: String,
    /// A file for its stderr: nobody reads a pipe, and a full one would block the server.
    stderr: File,
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let python = tokio::task::spawn_blocking(installation::python).await.unwrap();
        let mut said = String::new();
        for _ in 0..ATTEMPTS {
            let mut server = Self::spawn(&python, free_port().await);
            match server.wait_until_ready().await {
                Ok(()) => return server,
                Err(output) => said = output,
            }
        }
        panic!("moto ended at once, {ATTEMPTS} times: {said}");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn spawn(python: &std::path::Path, port: u16) -> Self {
        let stderr = tempfile::tempfile().unwrap();
        let child = Command::new(python)
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            stderr,
        }
    }

    /// The error is the server's stderr, if it ended.
    async fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_TIMEOUT;
        let client = http();
        loop {
            // Checked before a request, which another program on this port might answer.
            if self.child.try_wait().unwrap().is_some() {
                let mut said = String::new();
                self.stderr.rewind().unwrap();
                self.stderr.read_to_string(&mut said).unwrap();
                return Err(said);
            }
            let asked = client
                .get(format!("{}/moto-api/data.json", self.url))
                .send()
                .await;
            if asked.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            assert!(Instant::now() < deadline, "moto answers within {START_TIMEOUT:?}");
            tokio::time::sleep(START_POLL).await;
        }
    }
}

/// Bound and released at once: moto cannot report a port that it chooses itself.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
