//! `cargo xtask package`: builds what `sam build` builds, for this machine, packs it into `dist/` as a release does, with
//! bills of materials and licences, and runs what is in there in the emulated Lambda. Needs no AWS account and no Docker.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use crate::cargo::{cargo, repository};
use crate::dist::Dist;
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
    check_lock_file(&repository()?).await?;
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

/// SAM does not pass `--locked` to Cargo, which would then resolve the dependencies anew without a word.
async fn check_lock_file(workspace: &Path) -> anyhow::Result<()> {
    let status = cargo()
        .args(["fetch", "--locked"])
        .current_dir(workspace)
        .status()
        .await
        .context("cargo could not be started")?;
    ensure!(
        status.success(),
        "Cargo.lock does not match the manifests, or a dependency cannot be downloaded: see what Cargo says above. With such a \
         lock file, `sam build` would build other versions: run `cargo update --workspace`"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_stale_lock_file_is_refused_before_the_build() {
        let workspace = tempfile::tempdir().unwrap();
        let manifest = workspace.path().join("Cargo.toml");
        let package = "[package]\nname = 'example'\nversion = '1.0.0'\nedition = '2024'\n[workspace]\n";
        fs::write(&manifest, package).unwrap();
        fs::create_dir(workspace.path().join("src")).unwrap();
        fs::write(workspace.path().join("src/lib.rs"), "").unwrap();
        let mut lock = cargo();
        lock.args(["generate-lockfile", "--offline"])
            .current_dir(workspace.path());
        assert!(lock.status().await.unwrap().success());
        check_lock_file(workspace.path()).await.unwrap();

        fs::write(&manifest, package.replace("1.0.0", "2.0.0")).unwrap();
        let error = check_lock_file(workspace.path()).await.unwrap_err();
        assert!(
            error.to_string().starts_with("Cargo.lock does not match"),
            "{error}"
        );
    }
}
