//! Python packages for tests and tasks.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The directory of a virtual environment's programs, such as `python`. Creates the environment if it is missing, and
/// recreates it if its packages differ from the requirements.
pub fn install(directory: &Path, requirements: &str) -> Result<PathBuf> {
    let programs = directory.join("bin");
    let stamp = directory.join("requirements.installed");
    fs::create_dir_all(directory)?;
    // Several programs may do this at once. The lock ends with its file.
    let lock = File::create(directory.with_extension("lock"))?;
    lock.lock()?;
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
        return Ok(programs);
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(directory))
    .context("python3 could not make a virtual environment")?;
    let listed = directory.join("requirements.txt");
    fs::write(&listed, requirements)?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        // The requirements are complete and have hashes: nothing else is installed.
        "--no-deps",
        "--requirement",
    ];
    run(Command::new(programs.join("python")).args(pip).arg(&listed))
        .context("Python packages could not be installed")?;
    fs::write(&stamp, requirements)?;
    Ok(programs)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let printed = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{printed}",
        output.status
    );
    Ok(())
}
