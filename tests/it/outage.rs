//! A Temporal server for one test, which can be stopped and restarted with its data.

use std::net::SocketAddr;
use std::path::PathBuf;

use tempfile::TempDir;
use temporal_client::TemporalSettings;
use temporal_server::{DevServer, Options};
use temporalio_client::Client;

use crate::world::temporal_executable;

pub(crate) struct Temporal {
    executable: PathBuf,
    data: TempDir,
    address: SocketAddr,
    server: Option<DevServer>,
}

impl Temporal {
    pub(crate) async fn start() -> Self {
        let executable = temporal_executable();
        let data = tempfile::tempdir().unwrap();
        let options = Options {
            database: Some(data.path().join("temporal.db")),
            ..Options::default()
        };
        let server = DevServer::start(&executable, &options).await.unwrap();
        Self {
            executable,
            data,
            address: server.address(),
            server: Some(server),
        }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// As in a crash.
    pub(crate) async fn kill(&mut self) {
        self.server.take().expect("it runs").kill().await.unwrap();
    }

    /// At the same address, with the same data.
    pub(crate) async fn start_again(&mut self) {
        let options = Options {
            port: Some(self.address.port()),
            database: Some(self.data.path().join("temporal.db")),
            ..Options::default()
        };
        self.server = Some(DevServer::start(&self.executable, &options).await.unwrap());
    }

    pub(crate) async fn client(&self) -> Client {
        let settings = TemporalSettings::new(&self.address(), "default").unwrap();
        settings.connect().await.unwrap()
    }
}
