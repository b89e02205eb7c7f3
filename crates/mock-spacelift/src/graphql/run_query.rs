//! Finds runs of all stacks.

use async_graphql::{Context, Object, SimpleObject};

use super::caller::{caller, mock};
use super::run::RunNode;
use super::search::{Page, SearchInput, Searchable, search};
use super::stack::StackNode;
use crate::account::state::Account;

#[derive(Debug, SimpleObject)]
pub(super) struct SearchRunsNode {
    run: RunNode,
    stack: StackNode,
}

#[derive(Default)]
pub(crate) struct RunQuery;

#[Object]
impl RunQuery {
    /// Newest first, unless another order is requested. Null without a login.
    async fn search_runs(&self, ctx: &Context<'_>, input: SearchInput) -> Option<Page<SearchRunsNode>> {
        caller(ctx).session.as_ref()?;
        Some(search(mock(ctx).read(all), &input))
    }
}

fn all(account: &Account) -> Vec<SearchRunsNode> {
    let with_stack = account
        .runs
        .iter()
        .rev()
        .filter_map(|run| Some((run, account.visible_stack(run.stack.as_str())?)));
    with_stack
        .map(|(run, stack)| SearchRunsNode {
            run: RunNode::of(account, run),
            stack: StackNode::of(account, stack),
        })
        .collect()
}

impl Searchable for SearchRunsNode {
    const OUTPUT: &'static str = "SearchRunsOutput";

    fn values(&self, field: &str) -> Vec<String> {
        match field {
            "state" => vec![self.run.state_name.clone()],
            "type" => vec![self.run.type_name.clone()],
            "branch" => vec![self.run.branch.clone()],
            "commit" => vec![self.run.commit.hash.clone()],
            "stack" => vec![self.stack.id.to_string()],
            "label" => self.stack.settings.labels.clone(),
            "space" => vec![self.stack.space.to_string()],
            "triggeredBy" => self.run.triggered_by.iter().cloned().collect(),
            // ULIDs sort by time, but a run can be made older.
            "createdAt" => vec![format!("{:020}", self.run.created_at), self.run.id.to_string()],
            _ => Vec::new(),
        }
    }

    fn text(&self) -> String {
        format!("{} {} {}", *self.run.id, self.run.title, *self.stack.id)
    }
}
