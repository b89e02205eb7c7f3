//! `cargo xtask crates`: packs the crates that others can use, and compiles each from its package, as publishing does.

use std::process::ExitCode;

use crate::cargo::{cargo, succeed};

/// The client, the mock, and what both depend on.
const PACKAGES: [&str; 3] = ["spillway-chain", "spacelift", "mock-spacelift"];

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let mut publish = cargo();
    publish.args(["publish", "--dry-run", "--locked", "--allow-dirty"]);
    publish.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    succeed(publish).await?;
    Ok(ExitCode::SUCCESS)
}
