//! A virtual environment with the pinned packages, made once for each set of requirements.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = include_str!("../requirements.txt");

/// The interpreter of the environment, which is made if it is not there.
pub(crate) fn python() -> PathBuf {
    let place = target_directory().join("tmp");
    fs::create_dir_all(&place).unwrap();
    let directory = place.join("moto");
    let python = directory.join("bin/python");
    let stamp = directory.join("requirements.installed");

    // Tests of several programs may come at once. The lock ends with its file.
    let lock = File::create(place.join("moto.lock")).unwrap();
    lock.lock().unwrap();
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return python;
    }
    run(Command::new("python3")
        .args(["-m", "venv", "--clear"])
        .arg(&directory));
    let requirements = directory.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).unwrap();
    run(Command::new(&python)
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--requirement",
        ])
        .arg(&requirements));
    fs::write(&stamp, REQUIREMENTS).unwrap();
    python
}

/// Where Cargo puts what it builds: the directory above this test that Cargo has tagged.
fn target_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap();
    let tagged = program
        .ancestors()
        .find(|above| above.join("CACHEDIR.TAG").is_file());
    tagged.map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"),
        Path::to_owned,
    )
}

fn run(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("moto needs {command:?}: {error}"));
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "moto needs {command:?}: {}\n{printed}",
        output.status
    );
}
