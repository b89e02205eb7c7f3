//! What commands share: a runtime, and clients with the settings of the environment.

use std::future::Future;

use chain::{AccountName, ChainId, StackId};
use spacelift::Spacelift;
use temporal_client::{Ordered, WorkflowClient};

use crate::actor::Actor;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::temporal;
use crate::variables::variables;

/// The variable that names the account whose events are accepted.
const ACCOUNT: &str = "SPILLWAY_ACCOUNT";

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

/// The clients of Spacelift and Temporal, which are needed to steer an account.
pub(crate) struct Clients {
    pub(crate) spacelift: Spacelift,
    pub(crate) workflows: WorkflowClient,
    /// The account of the API key, according to Spacelift. No other source is trusted.
    pub(crate) account: AccountName,
}

impl Clients {
    pub(crate) async fn connect() -> anyhow::Result<Self> {
        let spacelift = spacelift().await?;
        let account = spacelift.account_name().await?;
        check_account(&account)?;
        Ok(Self {
            spacelift,
            workflows: temporal::connect().await?,
            account,
        })
    }

    /// A chain of the account. Other accounts may be in the same namespace, and their chains are not changed.
    pub(crate) fn own_chain(&self, id: &str) -> anyhow::Result<ChainId> {
        let chain = ChainId::of_workflow(id);
        match chain.account() {
            Some(account) if account != self.account => Err(Failure::rejected(format!(
                "`{chain}` is a chain of the account `{account}`, but the API key belongs to the account `{}`",
                self.account
            ))
            .meaning("Nothing was changed.")
            .hint("Use an API key of that account.")
            .into()),
            _ => Ok(chain),
        }
    }

    /// Who acts, as Spacelift names the owner of the API key.
    pub(crate) async fn actor(&self) -> anyhow::Result<Actor> {
        Ok(Actor::of(&self.spacelift).await?)
    }

    /// Who orders something, and the reason that they give.
    pub(crate) async fn ordered(&self, reason: Option<String>) -> anyhow::Result<Ordered> {
        Ok(Ordered {
            by: self.actor().await?.to_string(),
            reason,
        })
    }

    /// Fails unless the API key sees such a stack.
    pub(crate) async fn check_stack(&self, stack: &StackId) -> anyhow::Result<()> {
        match self.spacelift.stack(stack).await? {
            Some(_) => Ok(()),
            None => Err(no_stack(&self.spacelift, stack).await),
        }
    }
}

/// Fails if the environment names another account than that of the API key: a chain of a mistyped account would run the
/// same stacks a second time.
fn check_account(account: &AccountName) -> anyhow::Result<()> {
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
fn named_account() -> Option<String> {
    std::env::var(ACCOUNT).ok().filter(|named| !named.is_empty())
}

/// Does something that needs Spacelift and Temporal.
pub(crate) fn with_clients(work: impl AsyncFnOnce(Clients) -> Done) -> Done {
    block_on(async { work(Clients::connect().await?).await })
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
