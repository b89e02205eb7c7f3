//! `cargo xtask image`: builds the images without Docker, and runs what is in them. For Debian, as root.
//!
//! No registry is needed: the base image is made by debootstrap under the name that the Dockerfile gives, and the
//! programs are built by Cargo here instead of in the stage `builder`. The stages that the images consist of, their
//! user, entry points and health check are the Dockerfile's own.

mod check;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use tokio::process::Command;

use crate::cargo::{cargo, repository, succeed};

const DOCKERFILE: &str = "worker/Dockerfile";
/// The stage with the programs, which has them in `src/target/<profile>`.
const BUILDER: &str = "builder";
const PROGRAMS: [&str; 2] = ["spillway-worker", "webhook"];
/// How Cargo.toml builds them.
pub(crate) const PROFILE: &str = "image";
/// The image that takes the place of the base image.
const BASE: &str = "base-of-debootstrap";
/// The directory that the stage makes for the audit log.
const AUDIT_IN_BUILDER: &str = "var-lib/spillway/audit";
/// The stages that become images.
const TARGETS: [&str; 2] = ["worker", "webhook"];
/// What the base image has besides Debian's minimum: the libraries of Rust's programs, and the public authorities.
const PACKAGES: &str = "--include=ca-certificates,libgcc-s1";
/// The release of Debian that a number in the name of a base image stands for.
const RELEASES: [(&str, &str); 1] = [("debian13", "trixie")];
const MIRROR: &str = "http://deb.debian.org/debian";
const TOOLS: [&str; 2] = ["buildah", "debootstrap"];

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Take programs of the dev profile, which are built faster and are much larger.
    #[arg(long)]
    dev: bool,
}

/// buildah with a store of its own, so that it leaves the machine's images alone.
pub(crate) struct Buildah {
    store: PathBuf,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let buildah = build(arguments.dev).await?;
    check::run(&buildah).await?;
    Ok(ExitCode::SUCCESS)
}

/// Builds the image of a target, and writes it into a file.
pub(crate) async fn archive(target: &str, file: &Path) -> anyhow::Result<()> {
    let buildah = build(false).await?;
    check::run(&buildah).await?;
    let file = file.to_str().context("a path that is no text")?;
    let archive = format!("oci-archive:{file}:spillway-{target}");
    buildah
        .output(&["push", "--quiet", "--format", "oci", target, &archive])
        .await?;
    Ok(())
}

/// Builds the images.
async fn build(is_dev: bool) -> anyhow::Result<Buildah> {
    let repository = repository()?;
    let directory = repository.join("target/tools/image");
    fs::create_dir_all(&directory)?;
    install_tools().await?;
    let programs = build_programs(&repository, is_dev).await?;
    let store = directory.join("store");
    if store.exists() {
        fs::remove_dir_all(&store)?;
    }
    let buildah = Buildah { store };
    let base = base_image(&repository)?;
    let root = bootstrap(&directory, release_of(&base)?).await?;
    buildah.import(&root, BASE).await?;
    buildah.import(&builder(&directory, &programs)?, BUILDER).await?;
    for target in TARGETS {
        buildah.build(&repository, target, &base).await?;
    }
    eprintln!(
        "The base image {base} was replaced by one of debootstrap, and the stage {BUILDER} by programs of this machine"
    );
    Ok(buildah)
}

async fn install_tools() -> anyhow::Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &&str| std::env::split_paths(&path).any(|place| place.join(tool).is_file());
    if TOOLS.iter().all(is_there) {
        return Ok(());
    }
    eprintln!("Installing {}", TOOLS.join(" and "));
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(TOOLS)
        .env("DEBIAN_FRONTEND", "noninteractive");
    succeed(install).await
}

/// The directory with the programs.
async fn build_programs(repository: &Path, is_dev: bool) -> anyhow::Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked", "--workspace"]);
    build.args(PROGRAMS.iter().flat_map(|program| ["--bin", program]));
    if !is_dev {
        build.args(["--profile", PROFILE]);
    }
    succeed(build).await?;
    Ok(repository
        .join("target")
        .join(if is_dev { "debug" } else { PROFILE }))
}

/// The name of the image that the last stages are built on.
fn base_image(repository: &Path) -> anyhow::Result<String> {
    let dockerfile = fs::read_to_string(repository.join(DOCKERFILE))?;
    let base = dockerfile
        .lines()
        .find_map(|line| line.strip_prefix("FROM ")?.strip_suffix(" AS base"))
        .with_context(|| format!("{DOCKERFILE} has no stage `base`"))?;
    Ok(base.to_owned())
}

fn release_of(base: &str) -> anyhow::Result<&'static str> {
    let release = RELEASES.iter().find(|(number, _)| base.contains(number));
    let (_, name) = release.with_context(|| format!("which release of Debian is in {base}?"))?;
    Ok(name)
}

/// The root file system of a release of Debian.
async fn bootstrap(directory: &Path, release: &str) -> anyhow::Result<PathBuf> {
    let root = directory.join(release);
    if root.exists() {
        return Ok(root);
    }
    let unfinished = directory.join(format!("{release}-unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)?;
    }
    eprintln!("Making a base image of Debian {release} (about a minute, once)");
    let mut debootstrap = Command::new("debootstrap");
    debootstrap
        .args(["--variant=minbase", PACKAGES, release])
        .arg(&unfinished)
        .arg(MIRROR)
        .stdout(std::process::Stdio::null());
    succeed(debootstrap).await?;
    fs::rename(&unfinished, &root)?;
    Ok(root)
}

/// What the stage `builder` has that later stages copy.
fn builder(directory: &Path, programs: &Path) -> anyhow::Result<PathBuf> {
    let root = directory.join(BUILDER);
    if root.exists() {
        fs::remove_dir_all(&root)?;
    }
    let place = root.join("src/target").join(PROFILE);
    fs::create_dir_all(&place)?;
    fs::create_dir_all(root.join(AUDIT_IN_BUILDER))?;
    for program in PROGRAMS {
        fs::copy(programs.join(program), place.join(program))?;
    }
    Ok(root)
}

impl Buildah {
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("buildah");
        command
            .args(["--storage-driver", "vfs", "--root"])
            .arg(self.store.join("images"))
            .arg("--runroot")
            .arg(self.store.join("run"))
            .args(arguments);
        command
    }

    /// What a command prints, without white space around it.
    pub(crate) async fn output(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(arguments).output().await?;
        ensure!(
            output.status.success(),
            "buildah {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Makes an image of a directory.
    async fn import(&self, root: &Path, name: &str) -> anyhow::Result<()> {
        let container = self.output(&["from", "scratch"]).await?;
        let root = root.to_str().context("a path that is no text")?;
        self.output(&["copy", "--quiet", &container, root, "/"]).await?;
        self.output(&["commit", "--quiet", "--rm", &container, name])
            .await?;
        Ok(())
    }

    async fn build(&self, repository: &Path, target: &str, base: &str) -> anyhow::Result<()> {
        eprintln!("Building the image of the {target}");
        let replaced = |name: &str, by: &str| format!("{name}=container-image://localhost/{by}");
        // The health check is a part of Docker's format only.
        let mut build = self.command(&[
            "bud",
            "--isolation",
            "chroot",
            "--format",
            "docker",
            "--pull-never",
        ]);
        build
            .args(["--quiet", "--target", target, "--tag", target])
            .args(["--build-context", &replaced(BUILDER, BUILDER)])
            .args(["--build-context", &replaced(base, BASE), "--file"])
            .arg(repository.join(DOCKERFILE))
            .arg(repository.join("worker"));
        succeed(build).await
    }
}
