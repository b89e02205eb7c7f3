//! `cargo xtask release`: `dist/`, for a deployment without Rust: the functions as zip files, the templates that refer
//! to them, the command, bills of materials, licences and checksums.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, ensure};
use clap::Args;

use crate::cargo::{cargo, repository, succeed};
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
    let dist = Dist::create(architecture)?;
    dist.add_functions()?;
    let mut materials = dist.write_bills_of_functions()?;
    let command = format!("spillway-{architecture}");
    fs::copy(build_command().await?, dist.directory.join(&command))?;
    materials.extend(dist.write_bill("spillway", &command, None)?);
    let has_image = arguments.image || arguments.image_archive.is_some();
    if has_image {
        let name = format!("worker-{architecture}.oci.tar");
        let archive = dist.directory.join(&name);
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

/// The directory of a release.
pub(crate) struct Dist {
    directory: PathBuf,
    architecture: &'static str,
}

impl Dist {
    /// An empty one.
    pub(crate) fn create(architecture: &'static str) -> anyhow::Result<Self> {
        let directory = repository()?.join(DIST);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(directory.join("infra/parameters"))?;
        Ok(Self {
            directory,
            architecture,
        })
    }

    fn zip(&self, package: &str) -> String {
        format!("{package}-{}.zip", self.architecture)
    }

    /// Adds the functions that `sam build` has built, as zip files, and the templates that refer to them.
    pub(crate) fn add_functions(&self) -> anyhow::Result<()> {
        let (repository, architecture) = (repository()?, self.architecture);
        let mut template = fs::read_to_string(repository.join("template.yaml"))?;
        replace(
            &mut template,
            ARCHITECTURE_DEFAULT,
            &format!("    Default: {architecture}\n    AllowedValues: [{architecture}]\n"),
        )?;
        for (function, package, code) in FUNCTIONS {
            let zip = self.zip(package);
            let built = repository.join(format!(".aws-sam/build/{function}/bootstrap"));
            zip_file(&built, &self.directory.join(&zip))?;
            replace(
                &mut template,
                &format!("CodeUri: {code}\n"),
                &format!("CodeUri: {zip}\n"),
            )?;
        }
        fs::write(
            self.directory.join(format!("template-{architecture}.yaml")),
            template,
        )?;
        for nested in fs::read_dir(repository.join("infra"))? {
            let nested = nested?;
            let name = nested.file_name();
            let is_template = Path::new(&name).extension().is_some_and(|kind| kind == "yaml");
            if is_template && name != "compose.yaml" {
                fs::copy(nested.path(), self.directory.join("infra").join(name))?;
            }
        }
        let example = "infra/parameters/example.yaml";
        fs::copy(repository.join(example), self.directory.join(example))?;
        Ok(())
    }

    /// Writes the bills of materials of the zip files.
    pub(crate) fn write_bills_of_functions(&self) -> anyhow::Result<Materials> {
        let mut materials = Materials::default();
        for (_, package, _) in FUNCTIONS {
            materials.extend(self.write_bill(package, &self.zip(package), None)?);
        }
        Ok(materials)
    }

    /// Writes the licences of everything that the programs link.
    pub(crate) fn write_licences(&self, materials: &Materials) -> anyhow::Result<()> {
        let licences = materials.licences(&repository()?)?;
        fs::write(self.directory.join("LICENSES.txt"), licences)?;
        Ok(())
    }

    /// Writes the bill of materials of a file beside it. An image also has packages of Debian.
    fn write_bill(&self, package: &str, file: &str, image: Option<&Path>) -> anyhow::Result<Materials> {
        let materials = Materials::of(package)?;
        let bill = serde_json::to_string_pretty(&bill(package, &materials, image)?)?;
        fs::write(self.directory.join(format!("{file}.cdx.json")), bill + "\n")?;
        Ok(materials)
    }

    /// Writes the checksums of every file, for `sha256sum --check`. Returns the number of files.
    pub(crate) fn write_checksums(&self) -> anyhow::Result<usize> {
        let mut files = Vec::new();
        let mut directories = vec![self.directory.clone()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory)? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push(path.strip_prefix(&self.directory)?.to_owned());
                }
            }
        }
        files.sort();
        let sums = Command::new("sha256sum")
            .arg("--")
            .args(&files)
            .current_dir(&self.directory)
            .output()
            .context("sha256sum could not be started")?;
        ensure!(sums.status.success(), "the checksums could not be computed");
        fs::write(self.directory.join("SHA256SUMS"), sums.stdout)?;
        Ok(files.len())
    }
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
