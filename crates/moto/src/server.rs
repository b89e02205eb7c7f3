//! One moto server as a child process, which never outlives its owner's handle.

use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::installation;
use crate::proxy::http;

/// Python reads a lot before it listens, and the tests start many at once.
const START_TIMEOUT: Duration = Duration::from_secs(120);
const START_POLL: Duration = Duration::from_millis(50);
/// How often somebody else may take the port first.
const ATTEMPTS: u32 = 5;

pub(crate) struct Server {
    child: Child,
    url: String,
    /// What it says on stderr: a file, since nobody reads a pipe and a full one would stop the server.
    complaints: File,
}

impl Drop for Server {
    fn drop(&mut self) {
        // An error says that it has ended already.
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
                Err(complaints) => said = complaints,
            }
        }
        panic!("moto ended at once, {ATTEMPTS} times: {said}");
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn spawn(python: &std::path::Path, port: u16) -> Self {
        let complaints = tempfile::tempfile().unwrap();
        let child = Command::new(python)
            .args(["-m", "moto.server", "--host", "127.0.0.1", "--port"])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(complaints.try_clone().unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
            complaints,
        }
    }

    /// What it complained of, if it ended.
    async fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_TIMEOUT;
        let client = http();
        loop {
            // Before the question whether it answers, which another program on this port may do.
            if self.child.try_wait().unwrap().is_some() {
                let mut said = String::new();
                self.complaints.rewind().unwrap();
                self.complaints.read_to_string(&mut said).unwrap();
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

/// Asked for and given back at once: moto does not say which port it would choose.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
