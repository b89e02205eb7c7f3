//! `cargo xtask package`: what `sam build` builds, for this machine, under the emulated Lambda. Needs no AWS account
//! and no docker.

use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use crate::test;
use crate::tools::Tools;

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86_64",
        "aarch64" => "arm64",
        other => bail!("Lambda has no machines of the architecture {other}"),
    };
    let status = Tools::install()?
        .command("sam")?
        .args(["build", "--parameter-overrides"])
        .arg(format!("Architecture={architecture}"))
        .status()
        .await
        .context("sam could not be started")?;
    ensure!(status.success(), "sam build failed");
    let tests_of_what_is_built = [
        "-p",
        "tests",
        "deployment::built",
        "--",
        "--ignored",
        "--nocapture",
    ];
    test::run(test::Arguments {
        rest: tests_of_what_is_built.map(str::to_owned).into(),
    })
    .await
}
