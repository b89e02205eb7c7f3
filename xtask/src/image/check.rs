//! Runs the programs of the images, without a container runtime.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use serde_json::Value;
use temporal_server::{DevServer, Options};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use super::Buildah;

/// How long a program may take until it is healthy, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);
/// Under which a program may write, and what buildah itself writes.
const WRITABLE: [&str; 6] = [
    "var/lib/spillway/audit",
    "etc/hosts",
    "etc/resolv.conf",
    "run",
    "proc",
    "dev",
];

/// What an image says about itself.
struct Config {
    user: String,
    entry_point: Vec<String>,
    health_check: Vec<String>,
    variables: Vec<String>,
}

pub(super) async fn run(buildah: &Buildah) -> anyhow::Result<()> {
    let executable = temporal_server::executable(|progress| eprintln!("{progress}")).await?;
    let temporal = DevServer::start(&executable, &Options::default()).await?;
    let address = format!("http://{}", temporal.address());
    let health = format!("127.0.0.1:{}", free_port().await?);
    let worker = [
        ("TEMPORAL_ADDRESS", address.as_str()),
        ("SPILLWAY_HEALTH_ADDRESS", &health),
        ("SPACELIFT_BASE_URL", "https://acme.app.spacelift.io"),
        ("SPACELIFT_KEY_ID", "01H0000000000000000000000"),
        ("SPACELIFT_KEY_SECRET", "not a secret"),
        ("SPILLWAY_AUDIT", "/var/lib/spillway/audit"),
    ];
    check(buildah, "worker", &worker).await?;
    let webhook = [
        ("TEMPORAL_ADDRESS", address.as_str()),
        ("WEBHOOK_SECRET", "a secret of nobody at all"),
        ("SPILLWAY_AUDIT", "/var/lib/spillway/audit"),
    ];
    check(buildah, "webhook", &webhook).await?;
    temporal.kill().await
}

async fn check(buildah: &Buildah, image: &str, variables: &[(&str, &str)]) -> anyhow::Result<()> {
    let config = config(buildah, image).await?;
    let user = config.user.split(':').next().unwrap_or_default();
    ensure!(
        user.parse::<u32>().is_ok_and(|user| user > 0),
        "{image}: the user `{}` is not a number other than 0",
        config.user
    );
    let container = buildah.output(&["from", "--pull-never", image]).await?;
    let root = PathBuf::from(buildah.output(&["mount", &container]).await?);
    let bytes = bytes_of_programs(&root)?;
    let before = std::time::SystemTime::now();
    let run = |command: &[String]| {
        let mut run = buildah.command(&["run", "--isolation", "chroot"]);
        for variable in &config.variables {
            run.args(["--env", variable]);
        }
        for (name, value) in variables {
            run.args(["--env", &format!("{name}={value}")]);
        }
        run.args([container.as_str(), "--"])
            .args(command)
            .kill_on_drop(true);
        run
    };
    let mut program = run(&config.entry_point)
        .stdout(Stdio::null())
        .spawn()
        .context("buildah could not be started")?;
    let mut is_healthy = false;
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !is_healthy {
        ensure!(
            program.try_wait()?.is_none(),
            "{image}: the program ended at once"
        );
        ensure!(
            tokio::time::Instant::now() < deadline,
            "{image}: it is not healthy after {PATIENCE:?}"
        );
        tokio::time::sleep(POLL).await;
        is_healthy = run(&config.health_check)
            .stderr(Stdio::null())
            .status()
            .await?
            .success();
    }
    let took = stop(&mut program, &config.entry_point[0]).await?;
    ensure!(
        !run(&config.health_check)
            .stderr(Stdio::null())
            .status()
            .await?
            .success(),
        "{image}: the health check says that a program is well that has ended"
    );
    let written = written_since(&root, before)?;
    ensure!(
        written.is_empty(),
        "{image}: it wrote {written:?}, which a read-only root does not allow"
    );
    buildah.output(&["rm", &container]).await?;
    eprintln!(
        "{image}: {:.1} MB of programs on its base; user {}; healthy by `{}`; ended {took:?} after SIGTERM; wrote nothing outside of its volume",
        megabytes(bytes),
        config.user,
        config.health_check.join(" "),
    );
    Ok(())
}

/// What the image adds to its base.
fn bytes_of_programs(root: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for program in std::fs::read_dir(root.join("usr/local/bin"))? {
        bytes += program?.metadata()?.len();
    }
    Ok(bytes)
}

#[expect(clippy::cast_precision_loss, reason = "a number for people")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1_000_000.0
}

async fn config(buildah: &Buildah, image: &str) -> anyhow::Result<Config> {
    let inspected = buildah.output(&["inspect", "--type", "image", image]).await?;
    let inspected: Value = serde_json::from_str(&inspected)?;
    let config = &inspected["Docker"]["config"];
    let texts = |list: &Value| -> Vec<String> {
        let items = list.as_array().into_iter().flatten();
        items
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let mut health_check = texts(&config["Healthcheck"]["Test"]);
    ensure!(
        !health_check.is_empty() && health_check.remove(0) == "CMD",
        "{image} has no health check that needs no shell"
    );
    let entry_point = texts(&config["Entrypoint"]);
    ensure!(!entry_point.is_empty(), "{image} has no entry point");
    Ok(Config {
        user: config["User"].as_str().unwrap_or_default().to_owned(),
        entry_point,
        health_check,
        variables: texts(&config["Env"]),
    })
}

/// Sends SIGTERM to the program in the container, and waits for its end with success.
async fn stop(buildah: &mut Child, program: &str) -> anyhow::Result<Duration> {
    let outer = buildah.id().context("buildah has ended")?;
    let inner = descendants(outer)
        .into_iter()
        .find(|id| is_program(*id, program))
        .with_context(|| format!("`{program}` does not run"))?;
    let began = std::time::Instant::now();
    let sent = Command::new("kill")
        .args(["-TERM", &inner.to_string()])
        .status()
        .await?;
    ensure!(sent.success(), "SIGTERM could not be sent");
    match tokio::time::timeout(PATIENCE, buildah.wait()).await {
        Ok(status) => ensure!(
            status?.success(),
            "`{program}` did not end with success after SIGTERM"
        ),
        Err(_) => bail!("`{program}` did not end within {PATIENCE:?} after SIGTERM"),
    }
    Ok(began.elapsed())
}

fn descendants(process: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut open = vec![process];
    while let Some(parent) = open.pop() {
        // Each thread has its own children.
        let threads = std::fs::read_dir(format!("/proc/{parent}/task"));
        for thread in threads.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            open.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        found.push(parent);
    }
    found
}

fn is_program(process: u32, program: &str) -> bool {
    let arguments = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
    arguments.split(|byte| *byte == 0).next() == Some(program.as_bytes())
}

/// The files that were written after a moment, where nothing should write.
fn written_since(root: &Path, moment: std::time::SystemTime) -> anyhow::Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let entry = entry?;
            let path = entry.path();
            let relative = path.strip_prefix(root)?;
            if WRITABLE.iter().any(|place| relative == Path::new(place)) {
                continue;
            }
            let found = entry.metadata()?;
            if found.is_dir() {
                directories.push(path);
            } else if found.is_file() && found.modified()? > moment {
                written.push(relative.to_owned());
            }
        }
    }
    Ok(written)
}

async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("no port is free")?;
    Ok(listener.local_addr()?.port())
}
