//! `cargo xtask fuzz`: random inputs for what comes from outside. It needs a C++ compiler, and no nightly toolchain.

use std::path::Path;
use std::process::ExitCode;

use crate::cargo::{cargo, forget_this_package, installed, repository, succeed};

/// The version that is installed if it is missing.
const VERSION: &str = "0.13.2";

/// Each target, and the inputs to begin with.
const TARGETS: [(&str, &[&str]); 3] = [
    ("body", &["tests/fixtures/payloads"]),
    ("label", &[]),
    ("signature", &[]),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The targets. Without any, all of them.
    #[arg(value_parser = TARGETS.map(|(name, _)| name))]
    targets: Vec<String>,
    /// How many inputs each target gets.
    #[arg(long, default_value_t = 10_000_000)]
    runs: u64,
    /// Only check that the targets compile. This needs no C++ compiler.
    #[arg(long)]
    check: bool,
}

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let repository = repository()?;
    // Also before the runs: cargo-fuzz has no `--locked`.
    check(&repository).await?;
    if arguments.check {
        return Ok(ExitCode::SUCCESS);
    }
    let program = installed("cargo-fuzz", VERSION).await?;
    for (target, seeds) in TARGETS {
        if !arguments.targets.is_empty() && !arguments.targets.iter().any(|wanted| wanted == target) {
            continue;
        }
        let corpus = repository.join("target/fuzz-corpus").join(target);
        std::fs::create_dir_all(&corpus)?;
        let mut fuzz = tokio::process::Command::new(&program);
        forget_this_package(&mut fuzz);
        fuzz.args([
            "fuzz",
            "run",
            "--fuzz-dir",
            "fuzz",
            "--target-dir",
            "target/fuzz",
            target,
        ])
        .arg(&corpus)
        .args(seeds)
        .arg("--")
        .arg(format!("-runs={}", arguments.runs))
        .current_dir(&repository)
        // The instrumentation is an unstable feature of the stable compiler.
        .env("RUSTC_BOOTSTRAP", "1");
        succeed(fuzz).await?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(repository: &Path) -> anyhow::Result<()> {
    let mut check = cargo();
    check
        .args([
            "check",
            "--locked",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--target-dir",
            "target",
        ])
        .current_dir(repository)
        // A check links nothing, so the library need not be built.
        .env("CUSTOM_LIBFUZZER_PATH", repository.join("target/libfuzzer.a"));
    succeed(check).await
}
