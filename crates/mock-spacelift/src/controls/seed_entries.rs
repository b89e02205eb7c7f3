//! The entries of a seed as TOML, and the new objects that they describe.

use serde::Deserialize;

use crate::model::blueprint::{BlueprintState, NewBlueprint};
use crate::model::context::{ConfigElement, NewContext};
use crate::model::named_webhook::NewNamedWebhook;
use crate::model::new_stack::NewStack;
use crate::model::policy::{NewPolicy, PolicyType};
use crate::model::space::{NewSpace, ROOT};
use crate::model::stack::VcsProvider;
use crate::model::vendor::Vendor;

/// Seeds set the ids of their spaces, so that everything else can refer to them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedSpace {
    pub id: String,
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
pub(super) struct SeedContext {
    pub name: String,
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
pub(super) struct SeedElement {
    id: String,
    value: String,
    #[serde(default)]
    write_only: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedBlueprint {
    pub name: String,
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
pub(super) struct SeedStack {
    pub name: String,
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
    pub native_depends_on: Vec<String>,
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
    pub locked_by: Option<String>,
    #[serde(default)]
    fails_next: usize,
    #[serde(default)]
    pub contexts: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedWebhook {
    pub name: String,
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
pub(super) struct SeedPolicy {
    pub name: String,
    r#type: PolicyType,
    #[serde(default = "root")]
    space: String,
    #[serde(default)]
    labels: Vec<String>,
    /// Stacks that it is attached to, in addition to those attached by its own labels.
    #[serde(default)]
    pub attached_to: Vec<String>,
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
