//! The tools for the deployment: SAM, cargo-lambda and linters. They come from the Python package index.

use std::path::PathBuf;

use tokio::process::Command;

use crate::cargo::{forget_this_package, repository};

/// All tools and their dependencies, pinned.
const REQUIREMENTS: &str = "infra/requirements.txt";

/// The installed tools, for a clone of this repository.
pub(crate) struct Tools {
    pub(crate) repository: PathBuf,
    programs: PathBuf,
}

impl Tools {
    pub(crate) fn install() -> anyhow::Result<Self> {
        let repository = repository()?;
        let requirements = std::fs::read_to_string(repository.join(REQUIREMENTS))?;
        eprintln!("The tools of {REQUIREMENTS} are in target/tools/infra");
        let programs = python_environment::install(&repository.join("target/tools/infra"), &requirements)?;
        Ok(Self { repository, programs })
    }

    /// A command that runs a tool in the repository, with the others in its PATH.
    pub(crate) fn command(&self, name: &str) -> anyhow::Result<Command> {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(self.programs.clone()).chain(std::env::split_paths(&inherited));
        let mut command = Command::new(self.programs.join(name));
        forget_this_package(&mut command);
        command
            .current_dir(&self.repository)
            .env("PATH", std::env::join_paths(places)?)
            // SAM must not report usage.
            .env("SAM_CLI_TELEMETRY", "0");
        Ok(command)
    }
}
