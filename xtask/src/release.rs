//! `cargo xtask release`: `dist/`, for a deployment without Rust: the functions as zip files, the templates that refer
//! to them, the command, bills of materials, licences and checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Args;

use crate::cargo::{cargo, succeed};
use crate::sbom::{Materials, bill};
use crate::{image, package};

const DIST: &str = "dist";
/// For each function: its name in the template, its package, and the `CodeUri` in the template.
const FUNCTIONS: [(&str, &str, &str); 4] = [
    ("Webhook", "webhook", "functions/webhook"),
    ("Redeliver", "redeliver", "functions/redeliver"),
    ("Dashboard", "dashboard-function", "functions/dashboard"),
    ("Upkeep", "upkeep", "functions/upkeep"),
];
/// The parameter's default in the template, which the release replaces by the architecture of its zip files.
const ARCHITECTURE_DEFAULT: &str = "    Default: arm64\n    AllowedValues: [arm64, x86_64]\n";

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
    let repository = repository();
    let dist = repository.join(DIST);
    if dist.exists() {
        fs::remove_dir_all(&dist)?;
    }
    fs::create_dir_all(dist.join("infra/parameters"))?;
    let mut template = fs::read_to_string(repository.join("template.yaml"))?;
    replace(
        &mut template,
        ARCHITECTURE_DEFAULT,
        &format!("    Default: {architecture}\n    AllowedValues: [{architecture}]\n"),
    )?;
    let mut materials = Materials::default();
    for (function, package, code) in FUNCTIONS {
        let zip = format!("{package}-{architecture}.zip");
        let built = repository.join(format!(".aws-sam/build/{function}/bootstrap"));
        zip_file(&built, &dist.join(&zip))?;
        replace(
            &mut template,
            &format!("CodeUri: {code}\n"),
            &format!("CodeUri: {zip}\n"),
        )?;
        materials.extend(write_bill(package, &dist, &zip)?);
    }
    let command = format!("spillway-{architecture}");
    fs::copy(build_command().await?, dist.join(&command))?;
    materials.extend(write_bill("spillway", &dist, &command)?);
    let has_image = arguments.image || arguments.image_archive.is_some();
    if has_image {
        let archive = format!("worker-{architecture}.oci.tar");
        match &arguments.image_archive {
            Some(given) => drop(fs::copy(given, dist.join(&archive))?),
            None => image::archive("worker", &dist.join(&archive)).await?,
        }
        materials.extend(write_bill("worker", &dist, &archive)?);
    }
    fs::write(dist.join(format!("template-{architecture}.yaml")), template)?;
    for nested in fs::read_dir(repository.join("infra"))? {
        let nested = nested?;
        let name = nested.file_name();
        let is_template = Path::new(&name).extension().is_some_and(|kind| kind == "yaml");
        if is_template && name != "compose.yaml" {
            fs::copy(nested.path(), dist.join("infra").join(name))?;
        }
    }
    fs::copy(
        repository.join("infra/parameters/example.yaml"),
        dist.join("infra/parameters/example.yaml"),
    )?;
    fs::write(dist.join("LICENSES.txt"), materials.licences(&repository)?)?;
    let written = checksums(&dist)?;
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
    let target = repository().join("target");
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

/// Writes the bill of materials of a file beside it.
fn write_bill(package: &str, dist: &Path, file: &str) -> anyhow::Result<Materials> {
    let materials = Materials::of(package)?;
    let bill = serde_json::to_string_pretty(&bill(package, &materials))?;
    fs::write(dist.join(format!("{file}.cdx.json")), bill + "\n")?;
    Ok(materials)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Replaces exactly one occurrence, so that a changed template does not go unnoticed.
fn replace(text: &mut String, from: &str, to: &str) -> anyhow::Result<()> {
    ensure!(
        text.matches(from).count() == 1,
        "template.yaml does not say `{}` once",
        from.trim()
    );
    *text = text.replacen(from, to, 1);
    Ok(())
}

/// Uses SAM's own packaging library, which keeps the executable permission.
fn zip_file(file: &Path, zip: &Path) -> anyhow::Result<()> {
    ensure!(
        file.is_file(),
        "{} is missing: `sam build` makes it",
        file.display()
    );
    let status = Command::new("python3")
        .args(["-m", "zipfile", "-c"])
        .arg(zip)
        .arg(file)
        .status()
        .context("python3 could not be started")?;
    ensure!(status.success(), "{} could not be packed", file.display());
    Ok(())
}

/// Checksums of every file, for `sha256sum --check`. Returns the number of files.
fn checksums(dist: &Path) -> anyhow::Result<usize> {
    let mut files = Vec::new();
    let mut directories = vec![dist.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else {
                files.push(path.strip_prefix(dist)?.to_owned());
            }
        }
    }
    files.sort();
    let sums = Command::new("sha256sum")
        .arg("--")
        .args(&files)
        .current_dir(dist)
        .output()
        .context("sha256sum could not be started")?;
    ensure!(sums.status.success(), "the checksums could not be computed");
    fs::write(dist.join("SHA256SUMS"), sums.stdout)?;
    Ok(files.len())
}
