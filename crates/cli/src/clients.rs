//! The clients of Spacelift and Temporal, for commands that steer an account.

use std::collections::BTreeSet;

use chain::{AccountName, ChainId, StackId};
use spacelift::{ErrorClass, Spacelift};
use temporal_client::{Ordered, WorkflowClient};

use crate::actor::Actor;
use crate::command::{ACCOUNT, check_account, named_account, no_stack, spacelift};
use crate::failure::Failure;
use crate::{output, temporal};

/// The clients of Spacelift and Temporal, which are needed to steer an account.
pub(crate) struct Clients {
    pub(crate) spacelift: Spacelift,
    pub(crate) workflows: WorkflowClient,
    /// The account of the API key, according to Spacelift; or the one that Temporal knows, in an outage of Spacelift.
    pub(crate) account: AccountName,
    /// Spacelift did not answer, and the work does not need it.
    outage: bool,
}

impl Clients {
    pub(crate) async fn connect() -> anyhow::Result<Self> {
        let spacelift = spacelift().await?;
        let account = spacelift.account_name().await?;
        Self::of_account(spacelift, account).await
    }

    /// For what triggers no stack: people must be able to stop everything while Spacelift does not answer.
    pub(crate) async fn connect_even_in_outage() -> anyhow::Result<Self> {
        let spacelift = spacelift().await?;
        let error = match spacelift.account_name().await {
            Ok(account) => return Self::of_account(spacelift, account).await,
            Err(error) => error,
        };
        match error.class() {
            ErrorClass::Transient | ErrorClass::Ambiguous => {}
            ErrorClass::Refused | ErrorClass::Unauthorized => return Err(error.into()),
        }
        let workflows = temporal::connect().await?;
        let known = workflows.known_accounts().await?;
        let account = account_in_outage(&known, named_account().as_deref()).map_err(|failure| {
            failure.meaning(format!(
                "Spacelift did not say to whom the API key belongs: {error}"
            ))
        })?;
        output::note(&format!(
            "Spacelift does not answer. The account is `{account}`, according to Temporal."
        ));
        Ok(Self {
            spacelift,
            workflows,
            account,
            outage: true,
        })
    }

    async fn of_account(spacelift: Spacelift, account: AccountName) -> anyhow::Result<Self> {
        check_account(&account)?;
        Ok(Self {
            spacelift,
            workflows: temporal::connect().await?,
            account,
            outage: false,
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
        if self.outage {
            return Ok(Actor::unverified(&self.spacelift));
        }
        Ok(Actor::of(&self.spacelift).await?)
    }

    /// Who orders something, and the reason that they give.
    pub(crate) async fn ordered(&self, reason: Option<String>) -> anyhow::Result<Ordered> {
        Ok(Ordered {
            by: self.actor().await?.to_string(),
            reason,
        })
    }

    /// Fails unless the API key sees such a stack. In an outage, nobody knows.
    pub(crate) async fn check_stack(&self, stack: &StackId) -> anyhow::Result<()> {
        if self.outage {
            return Ok(());
        }
        match self.spacelift.stack(stack).await? {
            Some(_) => Ok(()),
            None => Err(no_stack(&self.spacelift, stack).await),
        }
    }
}

/// The account to steer while Spacelift cannot name it. An order for an account that Temporal does not know would reach
/// nobody.
fn account_in_outage(known: &BTreeSet<AccountName>, named: Option<&str>) -> Result<AccountName, Failure> {
    let names: Vec<&str> = known.iter().map(AccountName::as_str).collect();
    let set_to_one = format!("Set {ACCOUNT} to one of these: {}", names.join(", "));
    let found = match (named, known.first()) {
        (_, None) => {
            return Err(Failure::unreachable("Temporal knows no account either")
                .hint("Check the address and the namespace of Temporal: `spillway doctor`"));
        }
        (Some(named), _) => known.iter().find(|known| known.as_str() == named),
        (None, only) => only.filter(|_| known.len() == 1),
    };
    found.cloned().ok_or_else(|| match named {
        Some(named) => Failure::setting(format!(
            "{ACCOUNT} is `{named}`, but Temporal does not know this account"
        ))
        .hint(set_to_one),
        None => Failure::unreachable("Temporal knows several accounts").hint(set_to_one),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_an_outage_the_account_has_to_be_known_and_clear() {
        let known = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect();
        for (names, named, expected) in [
            (&["acme"][..], None, Ok("acme")),
            (&["acme"], Some("acme"), Ok("acme")),
            (&["acme", "umbrella"], Some("umbrella"), Ok("umbrella")),
            (&["acme"], Some("acmee"), Err("does not know this account")),
            (&["acme", "umbrella"], None, Err("several accounts")),
            (&[], None, Err("no account")),
            (&[], Some("acme"), Err("no account")),
        ] {
            let found = account_in_outage(&known(names), named);
            match (found, expected) {
                (Ok(account), Ok(expected)) => assert_eq!(account.as_str(), expected),
                (Err(failure), Err(text)) => assert!(failure.to_string().contains(text), "{failure}"),
                (found, expected) => panic!("{found:?} instead of {expected:?}"),
            }
        }
    }
}
