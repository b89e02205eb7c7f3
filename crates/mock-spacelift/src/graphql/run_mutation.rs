//! Triggers runs, and decides about them.

use std::collections::BTreeMap;

use async_graphql::{Context, Enum, ID, InputObject, Object, SimpleObject};

use super::caller::{authorized, caller, session};
use super::enums::RunType;
use super::run::RunNode;
use crate::model::clock::Timestamp;
use crate::model::hooks::HooksInput;
use crate::model::refusal::Refusal;
use crate::model::run::{Run, RunComment, RunRequest};
use crate::runs::creation::trigger_run;
use crate::runs::decision::{self, Decision};
use crate::runs::retry::retry_run;

#[derive(Debug, Clone, InputObject)]
struct EnvVarInput {
    key: String,
    value: String,
}

/// Settings for one run only.
#[derive(Debug, Clone, InputObject)]
struct RuntimeConfigInput {
    yaml: Option<String>,
    environment: Option<Vec<EnvVarInput>>,
    project_root: Option<String>,
    runner_image: Option<String>,
    #[graphql(flatten)]
    hooks: HooksInput,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
enum ForceApplyMode {
    Single,
    Cascade,
}

#[derive(Default)]
pub(crate) struct RunMutation;

#[Object]
impl RunMutation {
    async fn run_trigger(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        commit_sha: Option<String>,
        run_type: Option<RunType>,
        runtime_config: Option<RuntimeConfigInput>,
        #[graphql(name = "forceApply")] _force_apply: Option<ForceApplyMode>,
    ) -> Result<RunNode, Refusal> {
        let login = &session(ctx)?.login;
        let run_type = run_type.unwrap_or(RunType::Tracked);
        if !matches!(run_type, RunType::Tracked | RunType::Proposed) {
            return Err(Refusal::RunType {
                run_type: chain::RunType::from(run_type).to_string(),
            });
        }
        let environment: BTreeMap<String, String> = runtime_config
            .and_then(|config| config.environment)
            .unwrap_or_default()
            .into_iter()
            .map(|variable| (variable.key, variable.value))
            .collect();
        let request = RunRequest {
            commit: commit_sha.filter(|sha| !sha.is_empty()),
            metadata: caller(ctx).metadata.clone(),
            environment,
            ..RunRequest::of(run_type.into(), Some(login))
        };
        create(ctx, &stack, &request)
    }

    async fn run_confirm(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: Option<ID>,
        note: Option<String>,
    ) -> Result<RunNode, Refusal> {
        decide(ctx, &stack, run.as_ref(), Decision::Confirm, note.as_deref())
    }

    async fn run_discard(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: Option<ID>,
        note: Option<String>,
    ) -> Result<RunNode, Refusal> {
        decide(ctx, &stack, run.as_ref(), Decision::Discard, note.as_deref())
    }

    async fn run_cancel(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: ID,
        note: Option<String>,
    ) -> Result<RunNode, Refusal> {
        decide(ctx, &stack, Some(&run), Decision::Cancel, note.as_deref())
    }

    async fn run_stop(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: ID,
        note: Option<String>,
    ) -> Result<RunNode, Refusal> {
        decide(ctx, &stack, Some(&run), Decision::Stop, note.as_deref())
    }

    async fn run_discard_all(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        note: Option<String>,
    ) -> Result<DiscardedRuns, Refusal> {
        let login = &session(ctx)?.login;
        authorized(ctx)?.write(|account| {
            account.check_access(&stack)?;
            let all = account.runs.of_stack(&account.stacks.existing(&stack)?.id);
            let open = all.filter(|run| !run.is_over());
            let open: Vec<String> = open.map(|run| run.id.to_string()).collect();
            let mut result = DiscardedRuns {
                discarded_runs: Vec::new(),
                failed_discarding: Vec::new(),
            };
            for run in open {
                match decision::decide(
                    account,
                    &stack,
                    Some(&run),
                    Decision::Discard,
                    login,
                    note.as_deref(),
                    None,
                ) {
                    Ok(id) => result
                        .discarded_runs
                        .extend(account.runs.get(id.as_str()).map(|run| RunNode::of(account, run))),
                    Err(_) => result.failed_discarding.push(ID::from(run)),
                }
            }
            Ok(result)
        })
    }

    /// A new run of the same kind and commit. Only for a failed run.
    async fn run_retry(&self, ctx: &Context<'_>, stack: ID, run: ID) -> Result<RunNode, Refusal> {
        let login = &session(ctx)?.login;
        authorized(ctx)?.write(|account| {
            account.check_access(&stack)?;
            let id = retry_run(account, &stack, &run, login)?;
            let run = account.runs.get(id.as_str()).ok_or(Refusal::NotFound)?;
            Ok(RunNode::of(account, run))
        })
    }

    /// Plans again, for these resources only.
    async fn run_targeted_replan(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: ID,
        #[graphql(name = "targets")] _targets: Vec<String>,
    ) -> Result<RunNode, Refusal> {
        decide(ctx, &stack, Some(&run), Decision::Replan, None)
    }

    async fn run_comment(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: ID,
        body: String,
    ) -> Result<RunComment, Refusal> {
        let username = session(ctx)?.login.clone();
        let comment = RunComment {
            body,
            created_at: Timestamp::now().seconds(),
            username,
        };
        with_run(ctx, &stack, &run, |run| run.comments.push(comment.clone()))?;
        Ok(comment)
    }

    async fn run_prioritize_set(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        run: ID,
        prioritize: bool,
    ) -> Result<RunNode, Refusal> {
        with_run(ctx, &stack, &run, |run| run.prioritized = prioritize)
    }

    async fn task_create(
        &self,
        ctx: &Context<'_>,
        stack: ID,
        command: String,
        #[graphql(name = "skipInitialization")] _skip_initialization: Option<bool>,
    ) -> Result<RunNode, Refusal> {
        let login = &session(ctx)?.login;
        let request = RunRequest {
            command: Some(command),
            metadata: caller(ctx).metadata.clone(),
            ..RunRequest::of(chain::RunType::Task, Some(login))
        };
        create(ctx, &stack, &request)
    }
}

#[derive(SimpleObject)]
struct DiscardedRuns {
    discarded_runs: Vec<RunNode>,
    failed_discarding: Vec<ID>,
}

/// Changes a run without changing its state.
fn with_run(
    ctx: &Context<'_>,
    stack: &ID,
    run: &ID,
    change: impl FnOnce(&mut Run),
) -> Result<RunNode, Refusal> {
    authorized(ctx)?.write(|account| {
        account.check_access(stack)?;
        let found = account.runs.index_of(stack, run);
        let index = found.ok_or(Refusal::NotFound)?;
        change(&mut account.runs[index]);
        Ok(RunNode::of(account, &account.runs[index]))
    })
}

fn create(ctx: &Context<'_>, stack: &ID, request: &RunRequest) -> Result<RunNode, Refusal> {
    authorized(ctx)?.write(|account| {
        account.check_access(stack)?;
        let id = trigger_run(account, stack, request)?;
        let run = account.runs.get(id.as_str()).ok_or(Refusal::NotFound)?;
        Ok(RunNode::of(account, run))
    })
}

fn decide(
    ctx: &Context<'_>,
    stack: &ID,
    run: Option<&ID>,
    decision: Decision,
    note: Option<&str>,
) -> Result<RunNode, Refusal> {
    let login = &session(ctx)?.login;
    let metadata = caller(ctx).metadata.clone();
    authorized(ctx)?.write(|account| {
        account.check_access(stack)?;
        let run = run.map(|id| id.as_str());
        let id = decision::decide(account, stack, run, decision, login, note, metadata)?;
        let run = account.runs.get(id.as_str()).ok_or(Refusal::NotFound)?;
        Ok(RunNode::of(account, run))
    })
}
