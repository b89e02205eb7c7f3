//! Retrying a chain: what failed in it, or one of its stacks and everything downstream of it. A page says what will run
//! before anything does. The retry is a new chain.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use chain::retry::{self, RetryScope};
use chain::{Chain, ChainId, Scope, StackId};
use serde::Deserialize;
use temporal_client::Recorded;
use temporal_client::contract::{ChainReport, RetryRequest};

use super::control::{ActionForm, AskPage, Field};
use super::stack_action::plan_lists;
use super::{Dashboard, PageError, Section, Shared, answer};
use crate::visitor::Operator;
use crate::words::{chain_path, segment};

/// What of the chain runs again: what failed, unless the address names a stack to begin with.
#[derive(Debug, Deserialize)]
pub(crate) struct Choice {
    from: Option<StackId>,
}

impl Choice {
    fn scope(&self) -> RetryScope {
        match &self.from {
            Some(stack) => RetryScope::From { stack: stack.clone() },
            None => RetryScope::Failed,
        }
    }
}

/// The address of the page for a retry of what failed, or from a stack on.
pub(super) fn path(chain: &ChainId, from: Option<&StackId>) -> String {
    let path = format!("{}/retry", chain_path(chain));
    match from {
        Some(stack) => format!("{path}?from={}", segment(stack.as_str())),
        None => path,
    }
}

/// The chain that is retried, and what of it runs again.
struct Retried {
    report: Arc<ChainReport>,
    scope: RetryScope,
    stacks: Vec<StackId>,
    /// The id of the retry.
    next: ChainId,
}

async fn retried(dashboard: &Dashboard, id: &ChainId, scope: RetryScope) -> Result<Retried, PageError> {
    let seen = dashboard.reports.find(id).await?;
    let report = seen
        .map(|seen| seen.report)
        .filter(|report| report.root.account == dashboard.config.account)
        .ok_or_else(|| PageError::NotFound(format!("There is no chain `{id}`.")))?;
    let Some(record) = &report.record else {
        return Err(PageError::Refused(format!(
            "`{id}` was refused: nothing in it ran."
        )));
    };
    let stacks = retry::stacks(record, &scope)
        .map_err(|error| PageError::Refused(format!("`{id}` cannot be retried: {error}.")))?;
    let retries = dashboard.config.workflows.retries(id).await?;
    if let Some(open) = retries.open() {
        return Err(PageError::Refused(format!(
            "`{open}` already retries this chain, and is still open."
        )));
    }
    Ok(Retried {
        stacks,
        next: retries.next,
        scope,
        report,
    })
}

/// The chain that the retry would be if it started now.
async fn plan(dashboard: &Dashboard, retried: &Retried) -> Result<Chain, PageError> {
    let listing = dashboard.account.listing().await?;
    let (report, stacks) = (&retried.report, Some(retried.stacks.as_slice()));
    let root = retry::root(&report.root, report.record.as_ref(), &report.id, stacks, None);
    let scope = stacks.map_or(Scope::All, Scope::Only);
    chain::plan_only(&listing.graph, &root, scope, dashboard.account.settings())
        .map_err(|refusal| PageError::Refused(format!("The retry would be refused: {refusal}.")))
}

pub(crate) async fn ask(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path(chain): Path<String>,
    Query(choice): Query<Choice>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let chain = ChainId::of_workflow(&chain);
    let retried = retried(&dashboard, &chain, choice.scope()).await?;
    let plan = plan(&dashboard, &retried).await?;
    if plan.stacks.is_empty() {
        let text = "Nothing would run: none of these stacks depends on the root any more.";
        return Err(PageError::Refused(text.to_owned()));
    }
    let page = AskPage {
        frame: dashboard.frame(&person, Section::Chains, false).await,
        title: match &choice.from {
            Some(stack) => format!("Run {stack} and what depends on it again?"),
            None => "Retry what failed?".to_owned(),
        },
        effect: match &choice.from {
            Some(_) => "This stack and everything downstream of it in this chain",
            None => "What failed, and what was skipped because of it,",
        }
        .to_owned()
            + " runs again in a new chain, with the current dependencies and commits.",
        lists: plan_lists(&dashboard, &plan).await,
        fields: vec![Field::Reason],
        path: path(&chain, choice.from.as_ref()),
        button: if choice.from.is_some() { "Run" } else { "Retry" },
        is_dangerous: false,
        back: chain_path(&chain),
        token: person.token.as_str().to_owned(),
    };
    answer(&headers, &page)
}

pub(crate) async fn act(
    State(dashboard): Shared,
    Operator(person): Operator,
    Path(chain): Path<String>,
    Query(choice): Query<Choice>,
    Form(form): Form<ActionForm>,
) -> Result<Response, PageError> {
    person.check(&form)?;
    let chain = ChainId::of_workflow(&chain);
    let retried = retried(&dashboard, &chain, choice.scope()).await?;
    let request = RetryRequest {
        account: dashboard.config.account.clone(),
        chain: retried.next,
        of: chain.clone(),
        scope: retried.scope,
        by: Some(person.name.clone()),
        reason: form.reason(),
    };
    let workflows = &dashboard.config.workflows;
    let recorded = workflows
        .request_retry(&request, &retried.report.root.stack)
        .await?;
    if let Recorded::Duplicate { .. } = recorded {
        return Err(PageError::Refused(
            "Somebody else has just requested this retry.".to_owned(),
        ));
    }
    person.log_action(&format!("requested {}", request.chain));
    Ok(Redirect::to(&format!("{}?done=retry", chain_path(&chain))).into_response())
}
