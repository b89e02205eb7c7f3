//! `cargo xtask package`: builds what `sam build` builds, for this machine, packs it into `dist/` as a release does, with
//! bills of materials and licences, and runs what is in there in the emulated Lambda. Needs no AWS account and no Docker.

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use crate::release::Dist;
use crate::test;
use crate::tools::Tools;

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let architecture = architecture()?;
    build(architecture).await?;
    let dist = Dist::create(architecture)?;
    dist.add_functions()?;
    dist.write_licences(&dist.write_bills_of_functions()?)?;
    dist.write_checksums()?;
    // In the whole workspace, as all tests are built: alone they would be built again, with other features.
    let tests_of_dist = ["deployment::packaged", "--", "--ignored", "--nocapture"];
    test::run(test::Arguments {
        rest: tests_of_dist.map(str::to_owned).into(),
    })
    .await
}

/// Lambda's name for the architecture of this machine.
pub(crate) fn architecture() -> anyhow::Result<&'static str> {
    match std::env::consts::ARCH {
        "x86_64" => Ok("x86_64"),
        "aarch64" => Ok("arm64"),
        other => bail!("Lambda has no machines of the architecture {other}"),
    }
}

/// Builds the functions as `sam build` does.
pub(crate) async fn build(architecture: &str) -> anyhow::Result<()> {
    let status = Tools::install()?
        .command("sam")?
        .args(["build", "--parameter-overrides"])
        .arg(format!("Architecture={architecture}"))
        .status()
        .await
        .context("sam could not be started")?;
    ensure!(status.success(), "sam build failed");
    Ok(())
}
