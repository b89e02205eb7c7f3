//! What the compose file says, and where it is here.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chain::AccountName;
use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, NewWebhook, Pace, Server};
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use super::super::template::load;
use super::processes::{strings, succeed};
use crate::world::any_port;

const SECRET: &str = "a secret of the installation";
/// The user under whom PostgreSQL runs: it refuses root.
const POSTGRES_USER: &str = "postgres";
/// How often commands that end are started again. Temporal needs a moment until it serves.
const TRIES: u32 = 30;
/// Temporal's server has a port for members beside each port of a service.
const SERVER_PORTS: [&str; 9] = [
    "FRONTEND_HTTP_PORT",
    "FRONTEND_MEMBERSHIP_PORT",
    "HISTORY_GRPC_PORT",
    "HISTORY_MEMBERSHIP_PORT",
    "MATCHING_GRPC_PORT",
    "MATCHING_MEMBERSHIP_PORT",
    "WORKER_GRPC_PORT",
    "WORKER_MEMBERSHIP_PORT",
    "PPROF_PORT",
];

type Environment = BTreeMap<String, String>;

/// The installation, with everything in one directory.
pub(super) struct Installation {
    pub(super) compose: Value,
    /// What the file `compose.env` has.
    pub(super) secrets: Environment,
    pub(super) directory: TempDir,
    pub(super) tools: PathBuf,
    pub(super) schema: PathBuf,
    pub(super) postgresql: PathBuf,
    pub(super) database_port: u16,
    pub(super) temporal_port: u16,
    pub(super) server_ports: Environment,
    pub(super) webhook_port: u16,
    pub(super) health_port: u16,
    pub(super) account: AccountName,
    pub(super) spacelift: MockSpacelift,
    _server: Server,
}

fn variable(name: &str) -> PathBuf {
    std::env::var_os(name)
        .unwrap_or_else(|| panic!("{name} is not set: run this test by `cargo xtask compose-check`"))
        .into()
}

/// Temporal's server keeps the ports of its members in numbers of 16 bits with a sign, so ports have to be small.
async fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const NUMBER: u128 = 12_000;
    loop {
        let offset = u16::try_from(uuid::Uuid::new_v4().as_u128() % NUMBER).unwrap();
        if tokio::net::TcpListener::bind(("127.0.0.1", FIRST + offset))
            .await
            .is_ok()
        {
            return FIRST + offset;
        }
    }
}

impl Installation {
    pub(super) async fn prepare() -> Self {
        let name = format!("acme-{}", uuid::Uuid::new_v4());
        let spacelift = MockSpacelift::new(&name);
        spacelift.pace(Pace::Every(Duration::from_millis(40)));
        let server = spacelift.serve(any_port()).await.unwrap();
        let secrets = [
            ("POSTGRES_PASSWORD", "a-password-of-the-database"),
            ("WEBHOOK_SECRET", SECRET),
            ("SPILLWAY_ACCOUNT", name.as_str()),
            ("SPACELIFT_BASE_URL", &server.url()),
            ("SPACELIFT_KEY_ID", KEY_ID),
            ("SPACELIFT_KEY_SECRET", KEY_SECRET),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let directory = tempfile::tempdir().unwrap();
        // PostgreSQL runs as another user.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut server_ports = Environment::new();
        for name in SERVER_PORTS {
            server_ports.insert(name.to_owned(), free_port().await.to_string());
        }
        let installation = Self {
            compose: load("infra/compose.yaml"),
            secrets: secrets.into(),
            tools: variable("SPILLWAY_TEST_TEMPORAL_SERVER"),
            schema: variable("SPILLWAY_TEST_TEMPORAL_SCHEMA"),
            postgresql: variable("SPILLWAY_TEST_POSTGRESQL"),
            database_port: free_port().await,
            temporal_port: free_port().await,
            server_ports,
            webhook_port: free_port().await,
            health_port: free_port().await,
            account: name.parse().unwrap(),
            spacelift,
            _server: server,
            directory,
        };
        let url = format!("http://127.0.0.1:{}/webhook", installation.webhook_port);
        installation
            .spacelift
            .webhook(&NewWebhook::on_every_stack(url, SECRET).retrying());
        installation
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The environment that the compose file gives a service, with the secrets in it, and here instead of there.
    pub(super) fn environment(&self, service: &str) -> Environment {
        let given = self.compose["services"][service]["environment"]
            .as_object()
            .unwrap();
        let mut environment = Environment::new();
        for (name, value) in given {
            let value = match value {
                Value::Null => match self.secrets.get(name) {
                    Some(secret) => secret.clone(),
                    None => continue,
                },
                Value::String(text) => self.filled(text),
                other => other.to_string(),
            };
            environment.insert(name.clone(), value);
        }
        let database = self.database_port.to_string();
        for (name, here) in [
            ("TEMPORAL_ADDRESS", self.temporal()),
            ("SPILLWAY_AUDIT", self.path("audit").display().to_string()),
            ("POSTGRES_SEEDS", "127.0.0.1".to_owned()),
            ("SQL_HOST", "127.0.0.1".to_owned()),
            ("DB_PORT", database.clone()),
            ("SQL_PORT", database),
            (
                "DYNAMIC_CONFIG_FILE_PATH",
                self.path("dynamic.yaml").display().to_string(),
            ),
        ] {
            if let Some(value) = environment.get_mut(name) {
                *value = here;
            }
        }
        environment
    }

    /// `${NAME}` and `${NAME:?what it is}`.
    pub(super) fn filled(&self, text: &str) -> String {
        let Some(name) = text.strip_prefix("${").and_then(|text| text.strip_suffix('}')) else {
            return text.to_owned();
        };
        let name = name.split(':').next().unwrap();
        self.secrets[name].clone()
    }

    pub(super) fn temporal(&self) -> String {
        // With the scheme that the compose file has.
        let address = self.compose["services"]["worker"]["environment"]["TEMPORAL_ADDRESS"].as_str();
        let scheme = address.unwrap().split_once("://").unwrap().0;
        format!("{scheme}://127.0.0.1:{}", self.temporal_port)
    }

    /// Runs the commands of a service that ends.
    pub(super) async fn run(&self, name: &str) {
        let service = &self.compose["services"][name];
        let shell: Vec<&str> = strings(&service["entrypoint"]);
        let [script] = strings(&service["command"])[..] else {
            panic!("one script: {service}");
        };
        let script = script
            .replace("$$", "$")
            .replace("/etc/temporal/schema", self.schema.to_str().unwrap());
        let executable = variable("SPILLWAY_TEST_TEMPORAL_EXECUTABLE");
        let places = [
            self.tools.as_path(),
            executable.parent().unwrap(),
            Path::new("/usr/bin"),
            Path::new("/bin"),
        ];
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).arg(script).env_clear();
        command.env("PATH", std::env::join_paths(places).unwrap());
        command.env("HOME", self.directory.path());
        let mut environment = self.environment(name);
        if let Some(address) = environment.get_mut("TEMPORAL_ADDRESS") {
            *address = format!("127.0.0.1:{}", self.temporal_port);
        }
        command.envs(environment);
        // Compose starts it again if it fails.
        let mut output = command.output().await.unwrap();
        for _ in 0..TRIES {
            if output.status.success() {
                return;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
            output = command.output().await.unwrap();
        }
        panic!("{name}: {output:?}");
    }

    /// A program of PostgreSQL, as its own user.
    pub(super) fn postgresql(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args([
                "--reuid",
                POSTGRES_USER,
                "--regid",
                POSTGRES_USER,
                "--clear-groups",
                "--",
            ])
            .arg(self.postgresql.join(name))
            .args(arguments)
            .env("PGPASSWORD", &self.secrets["POSTGRES_PASSWORD"])
            .current_dir("/");
        command
    }

    /// A client of the database.
    pub(super) fn client(&self, name: &str, arguments: &[&str]) -> Command {
        let user = self.environment("postgresql")["POSTGRES_USER"].clone();
        let port = self.database_port.to_string();
        let connection = ["--host", "127.0.0.1", "--port", &port, "--username", &user];
        self.postgresql(name, &[&connection[..], arguments].concat())
    }

    /// An empty database with the user and the password of the compose file.
    pub(super) async fn create_database(&self) {
        let environment = self.environment("postgresql");
        let (data, password) = (self.path("postgresql"), self.path("password"));
        let _ = std::fs::remove_dir_all(&data);
        std::fs::create_dir(&data).unwrap();
        std::fs::write(&password, &environment["POSTGRES_PASSWORD"]).unwrap();
        succeed(Command::new("chown").arg(POSTGRES_USER).args([&data, &password])).await;
        succeed(self.postgresql(
            "initdb",
            &[
                "--pgdata",
                data.to_str().unwrap(),
                "--username",
                &environment["POSTGRES_USER"],
                "--pwfile",
                password.to_str().unwrap(),
                "--auth-host",
                "scram-sha-256",
                "--auth-local",
                "reject",
            ],
        ))
        .await;
    }
}
