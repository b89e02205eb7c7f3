//! A client that this project did not write: every method of the package `spacelift` on `PyPI`.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it. It fails where they are missing: a proof
//! that is skipped in silence is none.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use mock_spacelift::{MockSpacelift, environments};

/// Where the script and its requirements are.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python");

/// Runs a command and gives what it printed.
#[track_caller]
fn run(command: &mut Command, missing: &str) -> Output {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{missing}: {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{missing}: {command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    output
}

/// A virtual environment with the pinned packages, made once for each set of requirements.
fn environment() -> PathBuf {
    let requirements = Path::new(PYTHON).join("requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-client");
    let stamp = directory.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return directory;
    }
    let no_venv = "this test needs python3 with its venv module";
    run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&directory),
        no_venv,
    );
    let pip = directory.join("bin/python");
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--requirement",
    ];
    let no_packages = "this test needs the packages of tests/python/requirements.txt from the package index";
    run(Command::new(pip).args(install).arg(&requirements), no_packages);
    std::fs::write(&stamp, wanted).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_package_works_with_its_every_method() {
    let python = environment().join("bin/python");
    let mock = MockSpacelift::acme();
    let server = mock.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let [_, _, client] = environments(&server.url());
    let script = Path::new(PYTHON).join("spacelift_client.py");
    let mut command = Command::new(python);
    command
        .arg(script)
        .envs(client.variables)
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || run(&mut command, "the Python client failed"))
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(printed.contains("18 methods of the package work"), "{printed}");
    assert!(
        mock.requests()
            .iter()
            .any(|request| request.is("blueprintCreateStack"))
    );
}
