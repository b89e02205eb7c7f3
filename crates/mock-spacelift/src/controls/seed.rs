//! Seeds: whole accounts as TOML. Every error names the entry and the field.

use std::str::FromStr;

use chain::AccountName;
use serde::Deserialize;

use crate::account::state::Account;
use crate::mock::MockSpacelift;
use crate::model::blueprint::{BlueprintState, NewBlueprint};
use crate::model::context::{ConfigElement, NewContext};
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::new_stack::NewStack;
use crate::model::policy::{NewPolicy, PolicyType};
use crate::model::refusal::Refusal;
use crate::model::space::{NewSpace, ROOT};
use crate::model::stack::VcsProvider;
use crate::model::vendor::Vendor;

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

/// Seeds set the ids of their spaces, so that everything else can refer to them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedSpace {
    id: String,
    name: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default = "root")]
    parent: String,
    #[serde(default = "yes")]
    inherit_entities: bool,
    #[serde(default)]
    labels: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedContext {
    name: String,
    description: Option<String>,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    variable: Vec<SeedElement>,
    #[serde(default)]
    file: Vec<SeedElement>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedElement {
    id: String,
    value: String,
    #[serde(default)]
    write_only: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedBlueprint {
    name: String,
    description: Option<String>,
    #[serde(default = "published")]
    state: BlueprintState,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    template: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "they are a stack's switches")]
struct SeedStack {
    name: String,
    slug: Option<String>,
    description: Option<String>,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    /// Becomes labels `dependsOn:…`.
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    native_depends_on: Vec<String>,
    repository: String,
    #[serde(default = "main_branch")]
    branch: String,
    project_root: Option<String>,
    commit: Option<String>,
    provider: Option<VcsProvider>,
    #[serde(default)]
    vendor: Vendor,
    #[serde(default = "yes")]
    autodeploy: bool,
    #[serde(default = "yes")]
    finds_changes: bool,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    administrative: bool,
    locked_by: Option<String>,
    #[serde(default)]
    fails_next: usize,
    #[serde(default)]
    contexts: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedWebhook {
    name: String,
    url: String,
    #[serde(default)]
    secret: String,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    retry_on_failure: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeedPolicy {
    name: String,
    r#type: PolicyType,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    /// Stacks that it is attached to, in addition to those attached by its own labels.
    #[serde(default)]
    attached_to: Vec<String>,
    body: String,
}

fn root() -> String {
    ROOT.to_owned()
}

fn main_branch() -> String {
    "main".to_owned()
}

fn yes() -> bool {
    true
}

fn published() -> BlueprintState {
    BlueprintState::Published
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
    pub(crate) fn into_account(self) -> Result<Account, SeedError> {
        let name: AccountName = self.account.parse()?;
        let mut account = Account::new(name);
        for space in self.space {
            let at = entry("space", &space.id);
            account
                .spaces
                .create(&space.id.clone(), space.into())
                .map_err(at)?;
        }
        for context in self.context {
            let at = entry("context", &context.name);
            account.create_context(context.into()).map_err(at)?;
        }
        for blueprint in self.blueprint {
            let at = entry("blueprint", &blueprint.name);
            account.create_blueprint(blueprint.into()).map_err(at)?;
        }
        add_stacks(&mut account, self.stack)?;
        for webhook in self.webhook {
            let at = entry("webhook", &webhook.name);
            account.create_named_webhook(webhook.into()).map_err(at)?;
        }
        for policy in self.policy {
            let at = entry("policy", &policy.name);
            let attached_to = policy.attached_to.clone();
            let id = account.create_policy(policy.into()).map_err(&at)?.id;
            for stack in attached_to {
                account.attach_policy(&id, &stack).map_err(&at)?;
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

impl From<SeedSpace> for NewSpace {
    fn from(space: SeedSpace) -> Self {
        Self {
            name: space.name.unwrap_or(space.id),
            description: space.description,
            parent: space.parent,
            inherit_entities: space.inherit_entities,
            labels: space.labels,
        }
    }
}

impl From<SeedContext> for NewContext {
    fn from(context: SeedContext) -> Self {
        let hidden = |element: ConfigElement, write_only| ConfigElement {
            write_only,
            ..element
        };
        let variables = context.variable.iter();
        let variables =
            variables.map(|one| hidden(ConfigElement::variable(&one.id, &one.value), one.write_only));
        let files = context.file.iter();
        let files = files.map(|one| hidden(ConfigElement::file(&one.id, &one.value), one.write_only));
        Self {
            description: context.description,
            space: context.space,
            labels: context.labels,
            config: variables.chain(files).collect(),
            ..Self::named(&context.name)
        }
    }
}

impl From<SeedBlueprint> for NewBlueprint {
    fn from(blueprint: SeedBlueprint) -> Self {
        Self {
            description: blueprint.description,
            state: blueprint.state,
            space: blueprint.space,
            labels: blueprint.labels,
            ..Self::published(&blueprint.name, &blueprint.template)
        }
    }
}

impl From<SeedWebhook> for NewNamedWebhook {
    fn from(webhook: SeedWebhook) -> Self {
        Self {
            space: webhook.space,
            labels: webhook.labels,
            retry_on_failure: webhook.retry_on_failure,
            ..Self::named(&webhook.name, &webhook.url, &webhook.secret)
        }
    }
}

impl From<SeedPolicy> for NewPolicy {
    fn from(policy: SeedPolicy) -> Self {
        Self {
            policy_type: policy.r#type,
            space: policy.space,
            labels: policy.labels,
            ..Self::notification(&policy.name, &policy.body)
        }
    }
}

impl From<SeedStack> for NewStack {
    fn from(stack: SeedStack) -> Self {
        let mut new = Self::named(&stack.name)
            .space(&stack.space)
            .repository(&stack.repository)
            .branch(&stack.branch)
            .vendor(stack.vendor)
            .autodeploy(stack.autodeploy)
            .fails_next(stack.fails_next);
        new.settings.description = stack.description;
        new.settings.labels = stack.labels;
        new.settings.project_root = stack.project_root;
        new.settings.administrative = stack.administrative;
        new.settings.provider = stack.provider.unwrap_or(new.settings.provider);
        new.slug = stack.slug;
        new.commit = stack.commit;
        new.disabled = stack.disabled;
        new.finds_changes = stack.finds_changes;
        stack
            .depends_on
            .iter()
            .fold(new, |new, upstream| new.depends_on(upstream))
    }
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
