//! `spillway chain retry`: runs stacks of a chain again, in a new chain.

use chain::retry::{self, RetryError, RetryScope};
use chain::{Chain, ChainId, Scope, StackId, render};
use clap::{ArgGroup, Args};
use schemars::JsonSchema;
use serde::Serialize;
use spacelift::{COMMITS_MAX, Spacelift};
use temporal_client::contract::{ChainReport, RetryRequest};
use temporal_client::{Recorded, Retries};

use super::show::no_chain;
use super::wait::wait;
use crate::clients::Clients;
use crate::command::{Done, with_clients};
use crate::completion;
use crate::confirmation::ask;
use crate::dependencies;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::json::Shape;
use crate::output::{self, Output};
use crate::progress::during;

const EXAMPLES: &str = "Examples:
  spillway chain retry chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7
  spillway chain retry chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --from database
  spillway chain retry chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --reason \"credentials renewed\"
  spillway chain retry chain:acme:01JSPXRQR2F3Y06HD85YYXRSZ7 --all --yes --wait

A retry is a new chain that names the chain it retries. It uses the current dependencies and commits: a stack never \
runs a commit that is older than that of its newest run.";

/// Retry the failed stacks of a chain, and the stacks that were skipped because of them.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("scope"))]
pub(crate) struct RetryArguments {
    /// The id of the chain, as `spillway chain list` shows it.
    #[arg(value_name = "CHAIN", add = completion::chains())]
    id: String,
    /// Run this stack of the chain and its dependents.
    #[arg(long, value_name = "STACK", group = "scope", add = completion::stacks())]
    from: Option<StackId>,
    /// Run every stack of the chain.
    #[arg(long, group = "scope")]
    all: bool,
    /// Do not ask for a confirmation. Required without a terminal.
    #[arg(long, short)]
    yes: bool,
    /// The reason, for the audit log and for everybody who looks at the chain.
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Wait for the retry to end. The exit code is 1 if it does not succeed.
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    output: Output,
}

impl RetryArguments {
    fn scope(&self) -> RetryScope {
        match &self.from {
            Some(stack) => RetryScope::From { stack: stack.clone() },
            None if self.all => RetryScope::All,
            None => RetryScope::Failed,
        }
    }
}

/// A retry that was started.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChainRetry")]
#[expect(clippy::struct_field_names, reason = "these are the names in the document")]
pub(crate) struct Retry<'a> {
    chain: &'a ChainId,
    retry_of: &'a ChainId,
    by: &'a str,
}

impl Shape for Retry<'_> {
    const KIND: &'static str = "chain_retry";
}

impl RetryArguments {
    pub(crate) fn run(self) -> Done {
        with_clients(async |clients| self.retry(&clients).await)
    }

    async fn retry(&self, clients: &Clients) -> Done {
        let workflows = &clients.workflows;
        let id = clients.own_chain(&self.id)?;
        let Some(before) = workflows.chain(&id).await? else {
            return Err(no_chain(workflows, &id).await);
        };
        let scope = self.scope();
        let stacks = before
            .record
            .as_ref()
            .map(|record| retry::stacks(record, &scope))
            .transpose()
            .map_err(|error| rejected(&before, &error))?;
        let retries = workflows.retries(&id).await?;
        if let Some(open) = retries.open() {
            return Err(
                Failure::rejected(format!("the chain is being retried already, by `{open}`"))
                    .hint(format!("`spillway chain watch {open}` follows the retry."))
                    .into(),
            );
        }
        let plan = plan(clients, &before, stacks.as_deref()).await?;
        if plan.stacks.is_empty() {
            return Err(Failure::rejected("nothing would run")
                .meaning("None of these stacks depends on the root any more.")
                .into());
        }
        show(&plan, &retries);
        if !self.yes {
            show_other_commits(&clients.spacelift, &plan).await;
            if !ask(&format!("Run {}?", these_stacks(&plan)))? {
                output::note("Nothing was started.");
                return Ok(Exit::BadOutcome);
            }
        }
        let by = clients.actor().await?.to_string();
        let request = RetryRequest {
            account: clients.account.clone(),
            chain: retries.next,
            of: id.clone(),
            scope,
            by: Some(by.clone()),
            reason: self.reason.clone(),
        };
        let recorded = workflows.request_retry(&request, &before.root.stack).await?;
        let chain = &request.chain;
        if let Recorded::Duplicate { .. } = recorded {
            return Err(Failure::rejected(format!(
                "the retry `{chain}` was requested by somebody else just now"
            ))
            .hint(format!("`spillway chain show {chain}` shows it."))
            .into());
        }
        if self.wait {
            if self.output.is_text() {
                output::note(&format!("Retry started: {chain}"));
            }
            return wait(workflows, chain, self.output).await;
        }
        let retry = Retry {
            chain,
            retry_of: &id,
            by: &by,
        };
        self.output
            .show(&retry, || format!("Retry started.\nChain: {chain}"))?;
        Ok(Exit::Success)
    }
}

fn rejected(before: &ChainReport, error: &RetryError) -> Failure {
    let failure = Failure::rejected(error.to_string());
    let id = &before.id;
    let record = before.record.as_ref();
    match error {
        RetryError::Open if record.is_some_and(|record| record.cancelled().is_some()) => failure
            .meaning("It was cancelled, and some of its runs are still under way.")
            .hint(format!(
                "Retry it once they have ended: `spillway chain watch {id}` waits for that. `spillway chain cancel {id} \
                 --stop-runs` ends those that nobody has confirmed."
            )),
        RetryError::Open => failure.hint(format!(
            "Retry the failed run in Spacelift, and the chain continues; or cancel the chain with `spillway chain \
             cancel {id}` and retry it then."
        )),
        RetryError::NothingFailed => failure.hint("--all or --from <STACK> runs stacks again anyway."),
        RetryError::NotInChain { .. } => failure.hint(format!("`spillway chain show {id}` lists its stacks.")),
    }
}

/// The chain that the retry would be if it started now.
async fn plan(clients: &Clients, before: &ChainReport, stacks: Option<&[StackId]>) -> anyhow::Result<Chain> {
    let settings = &clients.workflows.settings().chain;
    let graph = dependencies::graph(&clients.spacelift, settings).await?;
    let root = retry::root(&before.root, before.record.as_ref(), &before.id, stacks, None);
    let scope = stacks.map_or(Scope::All, Scope::Only);
    chain::plan_only(&graph, &root, scope, settings)
        .map_err(|refusal| Failure::rejected(format!("the retry would be refused: {refusal}")).into())
}

/// What will run, for the person who is asked.
fn show(plan: &Chain, retries: &Retries) {
    output::note(render::text(plan).trim_end());
    if let Some((last, _)) = retries.known.last() {
        output::note(&format!(
            "\nThe chain was retried before, most recently as `{last}`."
        ));
    }
}

/// Which stacks would run another commit than the plan says. If that cannot be read, the person decides without it.
async fn show_other_commits(spacelift: &Spacelift, plan: &Chain) {
    let other = match during("Reading the commits", spacelift.other_commits(plan)).await {
        Ok(other) => other,
        Err(error) => {
            return output::warning(&format!("the commits could not be checked: {error}"));
        }
    };
    if !other.is_empty() {
        output::note("\nAs of now, these stacks would run another commit:");
    }
    for (stack, chosen) in other {
        output::note(&format!("  {stack} @ {chosen}"));
    }
    if plan.runs().count() > COMMITS_MAX {
        output::note(&format!(
            "Only the commits of the first {COMMITS_MAX} stacks were checked."
        ));
    }
}

fn these_stacks(plan: &Chain) -> String {
    match plan.stacks.len() {
        1 => "this stack".to_owned(),
        many => format!("these {many} stacks"),
    }
}
