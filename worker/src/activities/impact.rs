//! What would run after the merge of a pull request, for a comment on it.

use chain::binding::Target;
use chain::notice::{RunMessage, RunNotice};
use chain::{
    AccountName, DependencyGraph, Downstream, Root, RunChanges, RunFacts, RunState, RunType, Scope,
    StackFacts, StackId, render,
};
use temporalio_sdk::activities::ActivityError;

use super::Activities;
use crate::failure::{activity_error, temporal_error};

impl Activities {
    /// Starts the comment on the pull requests of a proposed run, if any sink comments on pull requests.
    pub(super) async fn order_impact(
        &self,
        account: &AccountName,
        stack: &StackId,
        run: &RunFacts,
    ) -> Result<(), ActivityError> {
        let sinks: Vec<String> = self.notifier.pull_request_sinks().map(str::to_owned).collect();
        let is_wanted = self.workflows.settings().pull_requests && !sinks.is_empty();
        let is_finished_proposal = run.run_type == RunType::Proposed && run.state == RunState::Finished;
        if !is_wanted || !is_finished_proposal {
            return Ok(());
        }
        let stacks = self.spacelift.stacks().await.map_err(activity_error)?;
        let facts: Vec<StackFacts> = stacks.into_iter().map(StackFacts::from).collect();
        let Some(own) = facts.iter().find(|facts| facts.id == *stack).cloned() else {
            return Ok(());
        };
        let impact = self.impact(account, &own, facts, run).await?;
        let notice = RunNotice {
            impact: Some(impact),
            ..RunNotice::new(account.clone(), own, run)
        };
        let messages = sinks.into_iter().map(|sink| RunMessage {
            notice: notice.clone(),
            target: Target::PullRequest { sink },
            delivery: Default::default(),
        });
        self.workflows
            .notify_run(messages.collect())
            .await
            .map_err(temporal_error)
    }

    async fn impact(
        &self,
        account: &AccountName,
        own: &StackFacts,
        all: Vec<StackFacts>,
        run: &RunFacts,
    ) -> Result<String, ActivityError> {
        let settings = &self.workflows.settings().chain;
        let graph = DependencyGraph::build(all, &settings.label_prefixes);
        let only_changed = graph.policy(&own.id).and_then(|policy| policy.downstream);
        let changes: Option<RunChanges> = if only_changed == Some(Downstream::Changed) {
            let known = graph.stacks().iter().map(|facts| facts.id.clone()).collect();
            let changed = self.spacelift.changed_stacks(&own.id, &run.id, &known).await;
            Some(changed.map_err(activity_error)?)
        } else {
            None
        };
        // As after the merge: on the branch that the stack tracks.
        let root = Root {
            commit: run.commit.as_ref().map(|commit| commit.sha.clone()),
            is_due: false,
            ..Root::requested(account.clone(), own.id.clone(), own.branch.clone())
        };
        let scope = changes.as_ref().map_or(Scope::All, Scope::Changed);
        Ok(match chain::plan_only(&graph, &root, scope, settings) {
            Ok(chain) => render::impact_markdown(&chain),
            Err(refusal) => format!("**No chain would start:** {refusal}"),
        })
    }
}
