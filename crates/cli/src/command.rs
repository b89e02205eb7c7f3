//! What every command has: a runtime, an account to speak to, and a way to end.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;
use environment::Variables;
use orchestrator::Settings;
use spacelift::Spacelift;

pub(crate) type Done = anyhow::Result<ExitCode>;

pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// The variables of this process and of the secrets that they name.
pub(crate) async fn variables() -> anyhow::Result<Variables> {
    Ok(environment::with_secrets().await?)
}

/// The parameters of chains. Nothing is read but the process's own variables and the settings file.
pub(crate) fn settings() -> anyhow::Result<Settings> {
    Settings::from_lookup(|name| std::env::var(name).ok()).context("Spillway's settings")
}

/// The account that the environment names. Nothing is sent to it yet.
pub(crate) async fn spacelift() -> anyhow::Result<Spacelift> {
    let variables = variables().await?;
    Spacelift::from_lookup(|name| variables.get(name).cloned()).context("Spacelift's settings")
}

/// Does something with the account that the environment names.
pub(crate) fn with_spacelift(work: impl AsyncFnOnce(Spacelift) -> Done) -> Done {
    block_on(async { work(spacelift().await?).await })
}
