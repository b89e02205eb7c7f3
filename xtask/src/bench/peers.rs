//! Compares the webhook, as the image and as the function have it, with the same receiver in Go and in Python, one after
//! the other, with the same stub of Temporal's frontend.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

use crate::cargo::{cargo, forget_this_package, repository, succeed};
use crate::image::PROFILE;

const SECRET: &str = "a-secret-of-the-benchmark-0123456789";
const STUB: &str = "127.0.0.1:17233";
/// How long a program may take until it listens.
const START: Duration = Duration::from_secs(30);

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often each receiver is measured.
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// How long each measurement takes, in seconds.
    #[arg(long, default_value_t = 10)]
    seconds: u32,
}

/// A receiver, its port, and how it is started.
struct Receiver {
    name: &'static str,
    port: u16,
    command: Command,
}

#[derive(Debug, Clone, serde::Deserialize)]
struct Figures {
    requests: u64,
    refused: u64,
    per_second: f64,
    per_cpu_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    peak_memory_mib: f64,
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let repository = repository()?;
    let built = repository.join("target/peers");
    build(&repository, &built).await?;
    let _stub = start(&mut Command::new(built.join("stub")), STUB).await?;
    println!(
        "{:<10} {:>5} {:>10} {:>15} {:>8} {:>8} {:>11}",
        "RECEIVER", "ROUND", "REQUESTS/S", "PER CPU SECOND", "P50 MS", "P99 MS", "MEMORY MIB"
    );
    for round in 1..=arguments.rounds {
        for mut receiver in receivers(&repository, &built)? {
            let address = format!("127.0.0.1:{}", receiver.port);
            let running = start(&mut receiver.command, &address).await?;
            let figures = load(&built, &address, &running, arguments.seconds).await?;
            println!(
                "{:<10} {round:>5} {:>10.0} {:>15.0} {:>8.2} {:>8.2} {:>11.1}",
                receiver.name,
                figures.per_second,
                figures.per_cpu_second,
                figures.p50_ms,
                figures.p99_ms,
                figures.peak_memory_mib
            );
            anyhow::ensure!(
                figures.refused == 0,
                "{} did not accept {} of {} requests",
                receiver.name,
                figures.refused,
                figures.requests
            );
        }
    }
    Ok(())
}

async fn build(repository: &Path, built: &Path) -> anyhow::Result<()> {
    let mut image = cargo();
    image.args(["build", "--locked", "--profile", PROFILE, "--bin", "webhook"]);
    succeed(image).await?;
    // `sam build` builds the package alone, and so with the features of the functions only.
    let mut function = cargo();
    function.args(["build", "--locked", "--release", "--package", "webhook"]);
    succeed(function).await?;
    let mut go = Command::new("go");
    go.current_dir(repository.join("bench/peers"))
        .arg("build")
        .arg("-o")
        .arg(format!("{}/", built.display()))
        .arg("./...");
    succeed(go).await
}

fn receivers(repository: &Path, built: &Path) -> anyhow::Result<[Receiver; 4]> {
    let requirements = std::fs::read_to_string(repository.join("bench/peers/requirements.txt"))?;
    let python = python_environment::install(&repository.join("target/tools/peers"), &requirements)?;
    let webhook = |profile, address| {
        let mut webhook = Command::new(repository.join("target").join(profile).join("webhook"));
        webhook.args(["--listen", address]);
        webhook
    };
    let mut go = Command::new(built.join("receiver"));
    go.args(["--listen", "127.0.0.1:18001"]);
    let mut fastapi = Command::new(python.join("python"));
    fastapi
        .arg(repository.join("bench/peers/receiver.py"))
        .env("PORT", "18002");
    Ok([
        ("image", 18000, webhook(PROFILE, "127.0.0.1:18000")),
        ("function", 18003, webhook("release", "127.0.0.1:18003")),
        ("go", 18001, go),
        ("python", 18002, fastapi),
    ]
    .map(|(name, port, command)| Receiver { name, port, command }))
}

/// Starts a program, and waits until it listens. It is killed when it is dropped.
async fn start(command: &mut Command, address: &str) -> anyhow::Result<Child> {
    forget_this_package(command);
    let child = command
        .env("WEBHOOK_SECRET", SECRET)
        .env("TEMPORAL_ADDRESS", STUB)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{command:?} could not be started"))?;
    let listens = async {
        while TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(START, listens)
        .await
        .with_context(|| format!("{command:?} does not listen at {address}"))?;
    Ok(child)
}

async fn load(built: &Path, address: &str, receiver: &Child, seconds: u32) -> anyhow::Result<Figures> {
    let pid = receiver.id().context("the receiver has ended")?;
    let load: PathBuf = built.join("load");
    let output = Command::new(load)
        .args(["--url", &format!("http://{address}/webhook")])
        .args(["--pid", &pid.to_string()])
        .args(["--for", &format!("{seconds}s")])
        .env("WEBHOOK_SECRET", SECRET)
        .output()
        .await?;
    anyhow::ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}
