//! How this program calls Cargo.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use tokio::process::Command;

pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    forget_this_package(&mut command);
    command
}

/// Runs a program, and fails if it fails.
pub(crate) async fn succeed(mut command: Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .await
        .with_context(|| format!("{command:?} could not be started"))?;
    anyhow::ensure!(status.success(), "{command:?}: {status}");
    Ok(())
}

/// The directory of the workspace.
pub(crate) fn repository() -> anyhow::Result<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Ok(repository.canonicalize()?)
}

/// A program from crates.io in `target/tools`, built if it is missing.
pub(crate) async fn installed(program: &str, version: &str) -> anyhow::Result<PathBuf> {
    let root = repository()?
        .join("target/tools")
        .join(format!("{program}-{version}"));
    let path = root.join("bin").join(program);
    if path.is_file() {
        return Ok(path);
    }
    eprintln!("Installing {program} {version} into target/tools");
    let mut install = cargo();
    install
        // Its release profile takes minutes to build a program that runs for seconds.
        .args(["install", "--locked", "--quiet", "--debug", "--version", version])
        .arg("--root")
        .arg(&root)
        .arg(program);
    let status = install.status().await.context("cargo could not be started")?;
    ensure!(status.success(), "{program} {version} could not be installed");
    Ok(path)
}

/// Removes the variables with which `cargo run` describes this package. A change of them rebuilds `ring` and everything
/// that links it, such as the Temporal SDK, at each change between `cargo xtask` and `cargo`.
pub(crate) fn forget_this_package(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
}
