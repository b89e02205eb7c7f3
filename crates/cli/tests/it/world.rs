//! An account in memory with a server, and the binary to run against it.

use std::path::PathBuf;
use std::process::Stdio;

use mock_spacelift::{KEY_ID, KEY_SECRET, MockSpacelift, Server};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

pub(crate) struct World {
    pub(crate) account: MockSpacelift,
    server: Server,
    /// Where the command runs: no settings of the machine reach it.
    directory: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

impl World {
    /// The built-in company.
    pub(crate) async fn acme() -> Self {
        Self::of(MockSpacelift::acme()).await
    }

    pub(crate) async fn of(account: MockSpacelift) -> Self {
        let server = account.serve("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let variables = vec![
            variable("SPACELIFT_BASE_URL", &server.url()),
            variable("SPACELIFT_KEY_ID", KEY_ID),
            variable("SPACELIFT_KEY_SECRET", KEY_SECRET),
        ];
        Self {
            account,
            server,
            directory: TempDir::new().unwrap(),
            variables,
        }
    }

    /// The same world with one more variable, or another value of one.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(variable, _)| variable != name);
        self
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// A place where the command runs.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spillway"));
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.directory.path())
            .kill_on_drop(true);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// What the command prints on a terminal of this kind.
    pub(crate) async fn prints_on_terminal(&self, kind: &str, arguments: &[&str]) -> String {
        const TERMINAL: &str = "import pty, sys; pty.spawn(sys.argv[1:])";
        let mut command = Command::new("python3");
        command
            .args(["-c", TERMINAL, env!("CARGO_BIN_EXE_spillway")])
            .args(arguments)
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        for (name, _) in std::env::vars().filter(|(name, _)| name != "PATH") {
            command.env_remove(name);
        }
        command.env("TERM", kind);
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let output = command.output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) async fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_stdin(arguments, "").await
    }

    pub(crate) async fn run_with_stdin(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut pipe = child.stdin.take().unwrap();
        // A command that reads no stdin may be gone already.
        let _ = pipe.write_all(stdin.as_bytes()).await;
        drop(pipe);
        let output = child.wait_with_output().await.unwrap();
        Ran {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            status: output.status.code().expect("no signal ended it"),
        }
    }
}

impl Ran {
    /// What it said, if it ended well and complained of nothing.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.status, self.stderr.as_str()), (0, ""), "{}", self.stdout);
        self.stdout
    }

    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What it complained of, if it ended with this status and said nothing else.
    #[track_caller]
    pub(crate) fn failed(self, status: i32) -> String {
        assert_eq!(
            (self.status, self.stdout.as_str()),
            (status, ""),
            "{}",
            self.stderr
        );
        self.stderr
    }
}
