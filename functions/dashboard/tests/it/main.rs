//! The program itself: what it says of wrong settings. tests/it/login runs it as it is deployed.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::Command;

/// What the program says before it ends with a failure.
fn refusal(variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dashboard-function"))
        .env_clear()
        .envs(variables.iter().copied())
        .args(["--listen", "127.0.0.1:0"])
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let said = refusal(&[
        ("SPILLWAY_ACCOUNT", "not an account"),
        ("SPILLWAY_PARALLEL_RUNS", "many"),
        ("TEMPORAL_ADDRESS", "ftp://temporal:7233"),
        ("SPILLWAY_DASHBOARD_URL", "http://spillway.example.com"),
        ("SPILLWAY_DASHBOARD_KEY", "short"),
    ]);
    for name in [
        "the dashboard cannot start",
        "SPILLWAY_ACCOUNT",
        "PARALLEL_RUNS",
        "ftp://temporal:7233",
        "SPACELIFT_",
        "SPILLWAY_DASHBOARD_URL",
        "SPILLWAY_DASHBOARD_ISSUER",
        "SPILLWAY_DASHBOARD_CLIENT_ID",
        "SPILLWAY_DASHBOARD_OPERATORS",
        "SPILLWAY_DASHBOARD_KEY",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    assert!(!said.contains("short"), "no key is shown: {said}");
}
