//! Blueprints, and the stacks created from them.

use std::collections::BTreeMap;

use async_graphql::{ComplexObject, Context, Enum, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, caller, mock, session};
use super::search::{Page, SearchInput, Searchable, search};
use super::space::SpaceNode;
use crate::account::state::Account;
use crate::model::blueprint::{Blueprint, BlueprintState, NewBlueprint};
use crate::model::clock::Timestamp;
use crate::model::refusal::Refusal;
use crate::model::template::TemplateInput;
use crate::runs::from_blueprint;

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "Blueprint", complex)]
pub(crate) struct BlueprintNode {
    id: ID,
    ulid: Option<ID>,
    name: String,
    description: Option<String>,
    instructions: Option<String>,
    state: BlueprintState,
    labels: Vec<String>,
    raw_template: Option<String>,
    template: Option<BlueprintTemplate>,
    inputs: Option<Vec<InputNode>>,
    version: Option<String>,
    deleted: bool,
    created_at: i64,
    updated_at: i64,
    published_at: Option<i64>,
    #[graphql(skip)]
    space_id: String,
}

#[derive(Debug, Clone, SimpleObject)]
struct BlueprintTemplate {
    template: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum BlueprintInputType {
    ShortText,
    LongText,
    Secret,
    Number,
    Float,
    Boolean,
    Select,
}

#[derive(Debug, Clone, SimpleObject)]
#[graphql(name = "BlueprintInput")]
struct InputNode {
    id: ID,
    name: String,
    description: Option<String>,
    default: Option<String>,
    options: Option<Vec<String>>,
    r#type: Option<BlueprintInputType>,
}

impl From<&TemplateInput> for InputNode {
    fn from(input: &TemplateInput) -> Self {
        let input_type = match input.input_type.as_str() {
            "long_text" => BlueprintInputType::LongText,
            "secret" => BlueprintInputType::Secret,
            "number" => BlueprintInputType::Number,
            "float" => BlueprintInputType::Float,
            "boolean" => BlueprintInputType::Boolean,
            "select" => BlueprintInputType::Select,
            _ => BlueprintInputType::ShortText,
        };
        Self {
            id: ID::from(&input.id),
            name: input.name.clone(),
            description: input.description.clone(),
            default: input.default.clone(),
            options: Some(input.options.clone()),
            r#type: Some(input_type),
        }
    }
}

impl From<&Blueprint> for BlueprintNode {
    fn from(blueprint: &Blueprint) -> Self {
        Self {
            id: ID::from(&blueprint.id),
            ulid: None,
            name: blueprint.name.clone(),
            description: blueprint.description.clone(),
            instructions: None,
            state: blueprint.state,
            labels: blueprint.labels.clone(),
            raw_template: Some(blueprint.template.clone()),
            template: Some(BlueprintTemplate {
                template: blueprint.template.clone(),
            }),
            inputs: Some(blueprint.inputs.iter().map(InputNode::from).collect()),
            version: None,
            deleted: false,
            created_at: blueprint.created_at.seconds(),
            updated_at: blueprint.updated_at.seconds(),
            published_at: blueprint.published_at.map(Timestamp::seconds),
            space_id: blueprint.space.to_string(),
        }
    }
}

#[ComplexObject]
impl BlueprintNode {
    /// An object here; stacks and contexts have an id instead.
    async fn space(&self, ctx: &Context<'_>) -> Result<SpaceNode, Refusal> {
        mock(ctx)
            .read(|account| account.spaces.get(&self.space_id).map(SpaceNode::from))
            .ok_or(Refusal::NotFound)
    }
}

#[derive(Debug, InputObject)]
struct BlueprintCreateInput {
    name: String,
    space: ID,
    state: BlueprintState,
    description: Option<String>,
    labels: Option<Vec<String>>,
    template: Option<String>,
}

impl From<BlueprintCreateInput> for NewBlueprint {
    fn from(input: BlueprintCreateInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            state: input.state,
            space: input.space.to_string(),
            labels: input.labels.unwrap_or_default(),
            template: input.template.unwrap_or_else(|| "{}".to_owned()),
        }
    }
}

#[derive(Debug, InputObject)]
struct BlueprintStackCreateInput {
    template_inputs: Option<Vec<BlueprintStackCreateInputPair>>,
}

/// Values are texts, whatever the type of the input.
#[derive(Debug, InputObject)]
struct BlueprintStackCreateInputPair {
    id: ID,
    value: String,
}

/// A template with several stacks: the first of them, and its run.
#[derive(Debug, SimpleObject)]
struct BlueprintStackCreateOutput {
    #[graphql(name = "stackID")]
    stack_id: Option<ID>,
    #[graphql(name = "runID")]
    run_id: Option<ID>,
}

#[derive(Default)]
pub(crate) struct BlueprintQuery;

#[Object]
impl BlueprintQuery {
    async fn blueprint(&self, ctx: &Context<'_>, id: ID) -> Result<Option<BlueprintNode>, Refusal> {
        Ok(authorized(ctx)?.read(|account| account.blueprints.get(&id).map(BlueprintNode::from)))
    }

    /// Null without a login.
    async fn search_blueprints(&self, ctx: &Context<'_>, input: SearchInput) -> Option<Page<BlueprintNode>> {
        caller(ctx).session.as_ref()?;
        Some(search(mock(ctx).read(all), &input))
    }
}

fn all(account: &Account) -> Vec<BlueprintNode> {
    account.blueprints.all().map(BlueprintNode::from).collect()
}

#[derive(Default)]
pub(crate) struct BlueprintMutation;

#[Object]
impl BlueprintMutation {
    async fn blueprint_create(
        &self,
        ctx: &Context<'_>,
        input: BlueprintCreateInput,
    ) -> Result<BlueprintNode, Refusal> {
        let created =
            authorized(ctx)?.write(|account| account.blueprints.create(input.into(), &account.spaces))?;
        Ok(BlueprintNode::from(&created))
    }

    async fn blueprint_update(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BlueprintCreateInput,
    ) -> Result<BlueprintNode, Refusal> {
        let updated = authorized(ctx)?
            .write(|account| account.blueprints.update(&id, input.into(), &account.spaces))?;
        Ok(BlueprintNode::from(&updated))
    }

    /// Null if the blueprint does not exist.
    async fn blueprint_delete(&self, ctx: &Context<'_>, id: ID) -> Result<Option<BlueprintNode>, Refusal> {
        let deleted = authorized(ctx)?.write(|account| account.blueprints.remove(&id));
        Ok(deleted.as_ref().map(BlueprintNode::from))
    }

    async fn blueprint_create_stack(
        &self,
        ctx: &Context<'_>,
        id: ID,
        input: BlueprintStackCreateInput,
    ) -> Result<BlueprintStackCreateOutput, Refusal> {
        let login = &session(ctx)?.login;
        let pairs = input.template_inputs.unwrap_or_default();
        let values: BTreeMap<String, String> = pairs
            .into_iter()
            .map(|pair| (pair.id.to_string(), pair.value))
            .collect();
        let made =
            authorized(ctx)?.write(|account| from_blueprint::create_stacks(account, &id, &values, login))?;
        Ok(BlueprintStackCreateOutput {
            stack_id: made.stacks.first().map(|id| ID::from(id.as_str())),
            run_id: made.runs.first().map(|id| ID::from(id.as_str())),
        })
    }
}

impl Searchable for BlueprintNode {
    const OUTPUT: &'static str = "SearchBlueprintsOutput";

    fn values(&self, field: &str) -> Vec<String> {
        match field {
            "name" => vec![self.name.clone()],
            "label" => self.labels.clone(),
            "space" => vec![self.space_id.clone()],
            "state" => vec![enum_name(self.state)],
            "createdAt" => vec![format!("{:020}", self.created_at)],
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {}", *self.id, self.name, self.labels.join(" "))
    }
}

fn enum_name(state: BlueprintState) -> String {
    match state {
        BlueprintState::Draft => "DRAFT".to_owned(),
        BlueprintState::Published => "PUBLISHED".to_owned(),
    }
}
