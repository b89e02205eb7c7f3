//! A client that is not part of this project: every method of the package `spacelift` on `PyPI`.
//!
//! Needs `python3` with `venv`, and the package index or a cache of it. It fails if they are missing: a test must not
//! be skipped silently.

use std::path::Path;
use std::process::Command;

use mock_spacelift::{MockSpacelift, environments};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_method_of_the_python_package_works() {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python");
    let requirements = std::fs::read_to_string(scripts.join("requirements.txt")).unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python-client");
    let programs = python_environment::install(&directory, &requirements).unwrap();

    let mock = MockSpacelift::acme();
    let server = mock.serve(([127, 0, 0, 1], 0).into()).await.unwrap();
    let [_, _, client] = environments(&server.url());
    let mut command = Command::new(programs.join("python"));
    command
        .arg(scripts.join("spacelift_client.py"))
        .envs(client.variables)
        .env("NO_PROXY", "127.0.0.1");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && printed.contains("18 methods of the package work"),
        "{}: {printed}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        mock.requests()
            .iter()
            .any(|request| request.is("blueprintCreateStack"))
    );
}
