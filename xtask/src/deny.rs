//! `cargo xtask deny`: licences, banned crates and sources of all dependencies, and known vulnerabilities where the
//! database of them can be had.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use tokio::process::Command;

use crate::cargo::cargo;

/// The version that is installed where no `cargo-deny` of it is here yet.
const VERSION: &str = "0.20.2";

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let program = install().await?;
    let checked = Command::new(&program)
        .args(["check", "bans", "licenses", "sources"])
        .status()
        .await?;
    if !checked.success() {
        return Ok(ExitCode::FAILURE);
    }
    // The database is a repository that not every network reaches; a machine without it must say so and go on.
    let fetched = Command::new(&program).args(["fetch", "db"]).output().await?;
    if !fetched.status.success() {
        eprintln!("advisories: not checked, since their database cannot be fetched from here");
        return Ok(ExitCode::SUCCESS);
    }
    let checked = Command::new(&program)
        .args(["check", "advisories"])
        .status()
        .await?;
    Ok(if checked.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn install() -> anyhow::Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/tools")
        .join(format!("cargo-deny-{VERSION}"));
    let program = root.join("bin/cargo-deny");
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("Installing cargo-deny {VERSION} into target/tools");
    let status = cargo()
        // Its release profile takes minutes to build a program that runs for seconds.
        .args([
            "install",
            "--locked",
            "--quiet",
            "--debug",
            "--version",
            VERSION,
            "--root",
        ])
        .arg(&root)
        .arg("cargo-deny")
        .status()
        .await
        .context("cargo could not be started")?;
    ensure!(status.success(), "cargo-deny {VERSION} could not be installed");
    Ok(program)
}
