//! Finds stacks.

use async_graphql::{Context, ID, Object};

use super::caller::{authorized, caller, mock};
use super::search::{Page, SearchInput, Searchable, search};
use super::stack::StackNode;
use crate::account::state::Account;
use crate::model::refusal::Refusal;
use crate::model::stack::StackSettings;

#[derive(Default)]
pub(crate) struct StackQuery;

#[Object]
impl StackQuery {
    async fn stack(&self, ctx: &Context<'_>, id: ID) -> Result<Option<StackNode>, Refusal> {
        let mock = authorized(ctx)?;
        Ok(mock.read(|account| {
            account
                .visible_stack(&id)
                .map(|stack| StackNode::of(account, stack))
        }))
    }

    async fn stacks(&self, ctx: &Context<'_>) -> Result<Vec<StackNode>, Refusal> {
        Ok(authorized(ctx)?.read(all))
    }

    /// Null without a login.
    async fn search_stacks(&self, ctx: &Context<'_>, input: SearchInput) -> Option<Page<StackNode>> {
        caller(ctx).session.as_ref()?;
        Some(search(mock(ctx).read(all), &input))
    }

    /// The stack that a run belongs to.
    async fn run_stack(&self, ctx: &Context<'_>, run_id: ID) -> Result<Option<StackNode>, Refusal> {
        authorized(ctx)?.read(|account| {
            let run = account.runs.get(&run_id).ok_or(Refusal::NotFound)?;
            let stack = account
                .visible_stack(run.stack.as_str())
                .ok_or(Refusal::NotFound)?;
            Ok(Some(StackNode::of(account, stack)))
        })
    }
}

fn all(account: &Account) -> Vec<StackNode> {
    account
        .visible_stacks()
        .map(|stack| StackNode::of(account, stack))
        .collect()
}

impl Searchable for StackNode {
    const OUTPUT: &'static str = "SearchStacksOutput";

    fn values(&self, field: &str) -> Vec<String> {
        let one = |value: &str| vec![value.to_owned()];
        match field {
            "administrative" => one(&self.settings.administrative.to_string()),
            "branch" => one(&self.settings.branch),
            "commit" => self
                .tracked_commit
                .iter()
                .map(|commit| commit.hash.clone())
                .collect(),
            "label" => self.settings.labels.clone(),
            "locked" => one(&self.locked_by.is_some().to_string()),
            "name" => one(&self.settings.name),
            "projectRoot" => self.settings.project_root.iter().cloned().collect(),
            "repository" => one(&self.settings.repository),
            "space" => one(&self.space),
            "starred" => one(&self.starred.to_string()),
            "state" => one(&self.state_name),
            "createdAt" => one(&format!("{:020}", self.created_at)),
            "vendor" => self
                .vendor_config
                .iter()
                .map(|vendor| vendor.name().to_owned())
                .collect(),
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        let StackSettings {
            name,
            description,
            labels,
            repository,
            ..
        } = &self.settings;
        [
            self.id.as_str(),
            name,
            description.as_deref().unwrap_or_default(),
            &labels.join(" "),
            repository,
        ]
        .join(" ")
    }
}
