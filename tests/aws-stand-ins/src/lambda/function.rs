//! A function's program as a child process, which ends when its handle is dropped.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::watch;

use super::runtime::Runtime;

/// A function that takes longer counts as stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// What Lambda leaves a function with an extension in its own process.
const TIME_TO_END: Duration = Duration::from_millis(500);

/// A function that waits for events.
pub struct Function {
    runtime: Runtime,
    child: Child,
    written: watch::Receiver<Vec<String>>,
}

impl Function {
    /// Starts a program with these variables and Lambda's own, and no others.
    pub async fn start<'a>(
        program: impl AsRef<Path>,
        variables: impl IntoIterator<Item = (&'a str, String)>,
    ) -> Self {
        let runtime = Runtime::start().await;
        let mut child = Command::new(program.as_ref())
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", runtime.address().to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "under-test")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .envs(variables)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let written = collect(child.stdout.take().unwrap());
        let function = Self {
            runtime,
            child,
            written,
        };
        let mut polls = function.runtime.polls();
        within("a first poll", polls.wait_for(|polls| *polls > 0))
            .await
            .unwrap();
        function
    }

    /// The answer to an event, or the failure that the function reports.
    pub async fn invoke(&self, event: Value) -> Result<Value, Value> {
        within("an answer", self.runtime.invoke(event)).await
    }

    /// Ends the function as Lambda does: with SIGTERM if it has an extension, and SIGKILL half a second later.
    pub async fn end(mut self) {
        if self.runtime.has_extension() {
            let id = self.child.id().unwrap().to_string();
            let sent = Command::new("kill").args(["-TERM", &id]).status().await.unwrap();
            assert!(sent.success(), "SIGTERM was sent");
            let _ = tokio::time::timeout(TIME_TO_END, self.child.wait()).await;
        }
        self.child.kill().await.unwrap();
    }

    /// The lines on standard output, once they meet a condition.
    pub async fn wait_for_lines(&self, what: &str, are_such: impl Fn(&[String]) -> bool) -> Vec<String> {
        let mut written = self.written.clone();
        let lines = within(what, written.wait_for(|lines| are_such(lines))).await;
        lines.unwrap().clone()
    }
}

/// Reads continuously, since a full pipe would block the program.
fn collect(stdout: ChildStdout) -> watch::Receiver<Vec<String>> {
    let (write, written) = watch::channel(Vec::new());
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            write.send_modify(|lines| lines.push(line));
        }
    });
    written
}

async fn within<T>(what: &str, happens: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, happens)
        .await
        .unwrap_or_else(|_| panic!("{what} within {PATIENCE:?}"))
}
