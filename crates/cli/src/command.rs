//! What commands share: a runtime, and clients with the settings of the environment.

use std::future::Future;

use chain::{AccountName, StackId};
use spacelift::Spacelift;

use crate::clients::Clients;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::variables::variables;

/// The variable that names the account whose events are accepted.
pub(crate) const ACCOUNT: &str = "SPILLWAY_ACCOUNT";

/// What to do if the environment names another account than that of the API key.
pub(crate) const OTHER_ACCOUNT: &str = "Correct SPILLWAY_ACCOUNT, or use an API key of that account.";

pub(crate) type Done = anyhow::Result<Exit>;

pub(crate) fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// A client of the account in the environment. Nothing is sent to it yet.
pub(crate) async fn spacelift() -> anyhow::Result<Spacelift> {
    let variables = variables().await?;
    Ok(Spacelift::from_lookup(|name| variables.get(name).cloned())?)
}

/// Does something with the account in the environment.
pub(crate) fn with_spacelift(work: impl AsyncFnOnce(Spacelift) -> Done) -> Done {
    block_on(async {
        let spacelift = spacelift().await?;
        if named_account().is_some() {
            check_account(&spacelift.account_name().await?)?;
        }
        work(spacelift).await
    })
}

/// Fails if the environment names another account than that of the API key: a chain of a mistyped account would run the
/// same stacks a second time.
pub(crate) fn check_account(account: &AccountName) -> anyhow::Result<()> {
    match other_account(account) {
        Some(problem) => Err(Failure::setting(problem)
            .meaning("Nothing was done.")
            .hint(OTHER_ACCOUNT)
            .into()),
        None => Ok(()),
    }
}

/// What is wrong if the environment names another account than that of the API key.
pub(crate) fn other_account(account: &AccountName) -> Option<String> {
    let named = named_account().filter(|named| named != account.as_str())?;
    Some(format!(
        "{ACCOUNT} is `{named}`, but the API key belongs to the account `{account}`"
    ))
}

/// The account that the environment names.
pub(crate) fn named_account() -> Option<String> {
    std::env::var(ACCOUNT).ok().filter(|named| !named.is_empty())
}

/// Does something that needs Spacelift and Temporal.
pub(crate) fn with_clients(work: impl AsyncFnOnce(Clients) -> Done) -> Done {
    block_on(async { work(Clients::connect().await?).await })
}

/// Does something that triggers no stack, also while Spacelift does not answer.
pub(crate) fn with_clients_even_in_outage(work: impl AsyncFnOnce(Clients) -> Done) -> Done {
    block_on(async { work(Clients::connect_even_in_outage().await?).await })
}

/// The error for a stack that does not exist. It names a stack with a similar id.
pub(crate) async fn no_stack(spacelift: &Spacelift, stack: &StackId) -> anyhow::Error {
    let stacks = match spacelift.stacks().await {
        Ok(stacks) => stacks,
        Err(error) => return error.into(),
    };
    let known = stacks.iter().map(|known| known.id.as_str());
    Failure::not_found("stack", stack)
        .did_you_mean(stack.as_str(), known, "`spillway stack list` lists all stacks.")
        .into()
}
