//! `cargo xtask compose-check`: the installation on one machine as `infra/compose.yaml` describes it, without Docker:
//! PostgreSQL from Debian, and Temporal's server built with Go at the version that the file names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use tokio::process::Command;

use crate::cargo::{cargo, repository, succeed};
use crate::test::build_programs;

const COMPOSE: &str = "infra/compose.yaml";
/// The image of Temporal's server in the compose file, before its version and digest.
const SERVER_IMAGE: &str = "image: temporalio/server:";
/// Packages of Temporal's server, and the names that the programs have in its images.
const PROGRAMS: [(&str, &str, &str); 2] = [
    ("cmd/server", "server", "temporal-server"),
    ("cmd/tools/sql", "sql", "temporal-sql-tool"),
];
/// Where Debian keeps the programs of each version of PostgreSQL.
const POSTGRESQL: &str = "/usr/lib/postgresql";

pub(crate) async fn run() -> anyhow::Result<ExitCode> {
    let repository = repository()?;
    let compose = std::fs::read_to_string(repository.join(COMPOSE))?;
    let version = compose
        .lines()
        .find_map(|line| line.trim().strip_prefix(SERVER_IMAGE)?.split('@').next())
        .with_context(|| format!("{COMPOSE} has no `{SERVER_IMAGE}<version>`"))?;
    let server = install_server(
        &repository
            .join("target/tools")
            .join(format!("temporal-server-{version}")),
        version,
    )
    .await?;
    let schema = module(version).await?.join("schema");
    let postgresql = install_postgresql().await?;
    let command_line = temporal_server::executable(|progress| eprintln!("{progress}")).await?;
    build_programs(&[]).await?;
    let mut test = cargo();
    test.args(["test", "--locked", "--workspace", "deployment::compose"])
        .args(["--", "--ignored", "--nocapture"])
        .env("SPILLWAY_TEST_TEMPORAL_SERVER", server)
        .env("SPILLWAY_TEST_TEMPORAL_SCHEMA", schema)
        .env("SPILLWAY_TEST_TEMPORAL_EXECUTABLE", command_line)
        .env("SPILLWAY_TEST_POSTGRESQL", postgresql);
    succeed(test).await?;
    Ok(ExitCode::SUCCESS)
}

/// The directory with the programs, built if they are missing.
async fn install_server(directory: &Path, version: &str) -> anyhow::Result<PathBuf> {
    if PROGRAMS.iter().all(|(_, _, name)| directory.join(name).is_file()) {
        return Ok(directory.to_owned());
    }
    eprintln!("Building Temporal's server {version} with Go into target/tools (about five minutes, once)");
    std::fs::create_dir_all(directory)?;
    for (package, built, name) in PROGRAMS {
        let mut install = Command::new("go");
        install
            .arg("install")
            .arg(format!("go.temporal.io/server/{package}@v{version}"))
            .env("GOBIN", directory);
        succeed(install).await?;
        std::fs::rename(directory.join(built), directory.join(name))?;
    }
    Ok(directory.to_owned())
}

/// The source of the server, which has the schemas of its databases.
async fn module(version: &str) -> anyhow::Result<PathBuf> {
    let found = Command::new("go")
        .args(["mod", "download", "-json"])
        .arg(format!("go.temporal.io/server@v{version}"))
        // Not in a module of its own.
        .current_dir(std::env::temp_dir())
        .output()
        .await
        .context("`go` could not be started")?;
    ensure!(
        found.status.success(),
        "the source of Temporal's server is missing"
    );
    let module: serde_json::Value = serde_json::from_slice(&found.stdout)?;
    let directory = module["Dir"].as_str().context("go names no directory")?;
    Ok(directory.into())
}

/// The directory with PostgreSQL's programs.
async fn install_postgresql() -> anyhow::Result<PathBuf> {
    if let Some(found) = postgresql()? {
        return Ok(found);
    }
    eprintln!("Installing PostgreSQL");
    let mut install = Command::new("apt-get");
    install
        .args([
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            "postgresql",
        ])
        .env("DEBIAN_FRONTEND", "noninteractive");
    succeed(install).await?;
    match postgresql()? {
        Some(found) => Ok(found),
        None => bail!("there is no PostgreSQL in {POSTGRESQL}"),
    }
}

fn postgresql() -> anyhow::Result<Option<PathBuf>> {
    let Ok(versions) = std::fs::read_dir(POSTGRESQL) else {
        return Ok(None);
    };
    let mut found = Vec::new();
    for version in versions {
        let programs = version?.path().join("bin");
        if programs.join("initdb").is_file() {
            found.push(programs);
        }
    }
    Ok(found.into_iter().max())
}
