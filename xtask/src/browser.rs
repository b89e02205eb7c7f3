//! The tools for the dashboard's tests: Chromium with its WebDriver, axe-core, and an identity provider. If they are
//! missing, the tests are skipped, with a message.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::cargo::repository;

/// Pinned, so that a new rule does not fail tests. It is downloaded, and is not part of the repository.
const AXE: &str = "axe-core@4.14.1";
/// A program for Node.js, with a lock file that has a hash for each package.
const IDENTITY_PROVIDER: &str = "tests/identity-provider";

/// The variables with the paths of the tools.
pub(crate) async fn variables() -> anyhow::Result<Vec<(&'static str, PathBuf)>> {
    let repository = repository()?;
    let mut variables = Vec::new();
    match driver().await {
        Ok(driver) => variables.push(("SPILLWAY_TEST_CHROMEDRIVER", driver)),
        Err(error) => eprintln!("Skipped: the dashboard in a browser. There is no Chromium: {error:#}"),
    }
    match axe(&repository.join("target/tools").join(AXE.replace('@', "-"))).await {
        Ok(axe) => variables.push(("SPILLWAY_TEST_AXE", axe)),
        Err(error) => eprintln!("Skipped: the accessibility of the dashboard. There is no {AXE}: {error:#}"),
    }
    match identity_provider(&repository).await {
        Ok(program) => variables.push(("SPILLWAY_TEST_IDENTITY_PROVIDER", program)),
        Err(error) => {
            eprintln!("Skipped: the sign-in of the dashboard. There is no identity provider: {error:#}");
        }
    }
    Ok(variables)
}

/// Its program, beside the packages that it needs.
async fn identity_provider(repository: &Path) -> anyhow::Result<PathBuf> {
    let source = repository.join(IDENTITY_PROVIDER);
    let directory = repository.join("target/tools/identity-provider");
    let lock = |directory: &Path| std::fs::read(directory.join("package-lock.json")).ok();
    let is_installed = directory.join("node_modules").is_dir() && lock(&directory) == lock(&source);
    if !is_installed {
        let fresh = directory.with_extension("fresh");
        std::fs::create_dir_all(&fresh)?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(source.join(name), fresh.join(name))?;
        }
        let mut install = Command::new("npm");
        install
            .args(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&fresh);
        quietly(install).await.context("npm cannot fetch it")?;
        if directory.exists() {
            std::fs::remove_dir_all(&directory)?;
        }
        std::fs::rename(&fresh, &directory)?;
    }
    let program = directory.join("provider.js");
    std::fs::copy(source.join("provider.js"), &program)?;
    Ok(program)
}

/// The one in the PATH, or Debian's.
async fn driver() -> anyhow::Result<PathBuf> {
    if let Some(driver) = in_path("chromedriver") {
        return Ok(driver);
    }
    eprintln!("Installing Chromium for the tests of the dashboard");
    let packages = ["chromium", "chromium-driver"];
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    quietly(install).await.context("apt-get cannot install it")?;
    in_path("chromedriver").context("the package has no chromedriver")
}

async fn axe(directory: &Path) -> anyhow::Result<PathBuf> {
    let script = directory.join("package/axe.min.js");
    if script.is_file() {
        return Ok(script);
    }
    std::fs::create_dir_all(directory)?;
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", AXE]).current_dir(directory);
    quietly(pack).await.context("npm cannot fetch it")?;
    let mut unpack = Command::new("tar");
    unpack
        .args(["-xzf", &format!("{}.tgz", AXE.replace('@', "-"))])
        .current_dir(directory);
    quietly(unpack).await.context("it cannot be unpacked")?;
    Ok(script)
}

/// Runs a program, and shows its output only if it fails.
async fn quietly(mut command: Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().await?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}
