//! Seeds: whole accounts as TOML. Every error names the entry and the field.

use std::str::FromStr;

use chain::AccountName;
use serde::Deserialize;

use crate::account::state::Account;
use crate::controls::seed_entries::{
    SeedBlueprint, SeedContext, SeedPolicy, SeedSpace, SeedStack, SeedWebhook,
};
use crate::mock::MockSpacelift;
use crate::model::refusal::Refusal;

/// The default company of an account.
const BUILT_IN: &str = include_str!("../../seeds/acme.toml");

/// Why a text is not a valid seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeedError {
    /// Not TOML, or a field is unknown, missing or of the wrong type; the text shows the place.
    #[error("seed is not readable: {0}")]
    Syntax(#[from] toml::de::Error),
    #[error("seed: `account`: {0}")]
    Account(#[from] chain::id::IdError),
    /// Readable, but impossible.
    #[error("seed: [[{table}]] `{entry}`: {refusal}")]
    Entry {
        table: &'static str,
        entry: String,
        refusal: Refusal,
    },
}

/// The initial contents of an account.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    account: String,
    #[serde(default)]
    space: Vec<SeedSpace>,
    #[serde(default)]
    context: Vec<SeedContext>,
    #[serde(default)]
    blueprint: Vec<SeedBlueprint>,
    #[serde(default)]
    stack: Vec<SeedStack>,
    #[serde(default)]
    webhook: Vec<SeedWebhook>,
    #[serde(default)]
    policy: Vec<SeedPolicy>,
}

impl FromStr for Seed {
    type Err = SeedError;

    fn from_str(text: &str) -> Result<Self, SeedError> {
        Ok(toml::from_str(text)?)
    }
}

impl Seed {
    /// A small company: stacks in several spaces, a diamond, a manual confirmation, another repository.
    fn built_in() -> Self {
        BUILT_IN.parse().expect("the built-in seed is tested")
    }

    /// Creates an account from the seed.
    fn into_account(self) -> Result<Account, SeedError> {
        let name: AccountName = self.account.parse()?;
        let mut account = Account::new(name);
        for space in self.space {
            let at = entry("space", &space.id);
            account
                .spaces
                .create_with_id(&space.id.clone(), space.into())
                .map_err(at)?;
        }
        for context in self.context {
            let at = entry("context", &context.name);
            account
                .contexts
                .create(context.into(), &account.spaces)
                .map_err(at)?;
        }
        for blueprint in self.blueprint {
            let at = entry("blueprint", &blueprint.name);
            account
                .blueprints
                .create(blueprint.into(), &account.spaces)
                .map_err(at)?;
        }
        add_stacks(&mut account, self.stack)?;
        for webhook in self.webhook {
            let at = entry("webhook", &webhook.name);
            account
                .named_webhooks
                .create(webhook.into(), &account.spaces)
                .map_err(at)?;
        }
        for policy in self.policy {
            let at = entry("policy", &policy.name);
            let attached_to = policy.attached_to.clone();
            let id = account
                .policies
                .create(policy.into(), &account.spaces)
                .map_err(&at)?
                .id;
            for stack in attached_to {
                let stack = account.stacks.existing(&stack).map_err(&at)?;
                account.policies.attach(&id, stack).map_err(&at)?;
            }
        }
        Ok(account)
    }
}

/// Adds the entry to a refusal.
fn entry(table: &'static str, entry: &str) -> impl Fn(Refusal) -> SeedError + use<> {
    let entry = entry.to_owned();
    move |refusal| SeedError::Entry {
        table,
        entry: entry.clone(),
        refusal,
    }
}

/// First all stacks, then their relations, so that their order in the file does not matter.
fn add_stacks(account: &mut Account, stacks: Vec<SeedStack>) -> Result<(), SeedError> {
    let mut ties = Vec::new();
    for stack in stacks {
        let at = entry("stack", &stack.name);
        let (contexts, upstream) = (stack.contexts.clone(), stack.native_depends_on.clone());
        let locked_by = stack.locked_by.clone();
        let id = account.add_stack(stack.into()).map_err(&at)?;
        if let Some(by) = locked_by {
            account.lock_stack(id.as_str(), &by, None).map_err(&at)?;
        }
        ties.push((id, contexts, upstream, at));
    }
    for (id, contexts, upstream, at) in ties {
        for context in contexts {
            account.attach_context(&context, id.as_str(), 0).map_err(&at)?;
        }
        for stack in upstream {
            account
                .create_dependency(id.as_str(), &stack, false)
                .map_err(&at)?;
        }
    }
    Ok(())
}

impl MockSpacelift {
    /// The account that a seed describes.
    pub fn seeded(seed: Seed) -> Result<Self, SeedError> {
        Ok(Self::of(seed.into_account()?))
    }

    /// The built-in company.
    pub fn acme() -> Self {
        Self::of(
            Seed::built_in()
                .into_account()
                .expect("the built-in seed is tested"),
        )
    }
}
