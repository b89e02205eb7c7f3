//! What every command has: a runtime, an account to speak to, and a way to end.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;
use spacelift::Spacelift;

pub(crate) type Done = anyhow::Result<ExitCode>;

pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// The account that the environment names. Nothing is sent yet.
pub(crate) fn spacelift() -> anyhow::Result<Spacelift> {
    Spacelift::from_env().context("Spacelift's settings")
}

/// Does something with the account that the environment names.
pub(crate) fn with_spacelift(work: impl AsyncFnOnce(Spacelift) -> Done) -> Done {
    let spacelift = spacelift()?;
    block_on(work(spacelift))
}
