//! `cargo xtask release`: `dist/`, for a deployment without Rust: the functions as zip files, the templates that refer
//! to them, the command, bills of materials, licences and checksums.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::cargo::{cargo, repository, succeed};
use crate::dist::{DIST, Dist};
use crate::{image, package};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Take what `sam build` has built already.
    #[arg(long)]
    no_build: bool,
    /// Add the worker's image as an OCI archive, built as `cargo xtask image` does. For Debian, as root.
    #[arg(long)]
    image: bool,
    /// Add this OCI archive of the worker's image.
    #[arg(long, value_name = "FILE", conflicts_with = "image")]
    image_archive: Option<PathBuf>,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let architecture = package::architecture()?;
    if !arguments.no_build {
        package::build(architecture).await?;
    }
    let dist = Dist::create(architecture)?;
    dist.add_functions()?;
    let mut materials = dist.write_bills_of_functions()?;
    let command = format!("spillway-{architecture}");
    fs::copy(build_command().await?, dist.path(&command))?;
    materials.extend(dist.write_bill("spillway", &command, None)?);
    let has_image = arguments.image || arguments.image_archive.is_some();
    if has_image {
        let name = format!("worker-{architecture}.oci.tar");
        let archive = dist.path(&name);
        match &arguments.image_archive {
            Some(given) => drop(fs::copy(given, &archive)?),
            None => image::archive("worker", &archive).await?,
        }
        materials.extend(dist.write_bill("worker", &name, Some(&archive))?);
    }
    dist.write_licences(&materials)?;
    let written = dist.write_checksums()?;
    eprintln!("{written} files are in {DIST}/, for {architecture}");
    if !has_image {
        eprintln!(
            "The worker's image is not included: --image adds it, or build it as infra/README.md explains"
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the command, and returns where it is.
async fn build_command() -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    let target = repository()?.join("target");
    build
        .args([
            "build",
            "--locked",
            "--release",
            "--bin",
            "spillway",
            "--target-dir",
        ])
        .arg(&target);
    succeed(build).await?;
    Ok(target.join("release/spillway"))
}
