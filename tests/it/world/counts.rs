//! Temporal's list of workflows, counted.

use std::time::Duration;

use temporalio_client::WorkflowCountOptions;

use super::{WAIT_MAX, World};

/// The filter of Temporal's list that finds sweeps that are done.
const SWEEPS: &str = "WorkflowType = 'ReconcileWorkflow' AND ExecutionStatus = 'Completed'";

impl World {
    /// The number of this account's workflows of a type.
    pub(crate) async fn workflows(&self, kind: &str) -> usize {
        self.count(&format!("WorkflowType = '{kind}'")).await
    }

    /// Waits until nothing is open: no run, and no workflow that could still start something.
    pub(crate) async fn wait_for_quiet(&self) {
        self.spacelift
            .wait_until("all runs to end", |spacelift| {
                spacelift.runs().iter().all(|run| run.state.is_terminal())
            })
            .await;
        // An idle schedule stays open for a while.
        let running = "ExecutionStatus = 'Running' AND WorkflowType != 'StackScheduleWorkflow'";
        self.wait_for_count("no workflow to run", running, |count| count == 0)
            .await;
    }

    /// The number of sweeps that are done.
    pub(crate) async fn sweeps(&self) -> usize {
        self.count(SWEEPS).await
    }

    /// Waits until this many sweeps are done, from the first.
    pub(crate) async fn wait_for_sweeps(&self, number: usize) {
        self.wait_for_count("a sweep", SWEEPS, |count| count >= number)
            .await;
    }

    /// Waits until this account has so many workflows of a type.
    pub(crate) async fn wait_for_workflows(&self, kind: &str, number: usize) {
        let query = format!("WorkflowType = '{kind}'");
        self.wait_for_count(kind, &query, |count| count >= number).await;
    }

    /// Waits until this many runs are followed.
    pub(crate) async fn wait_for_followers(&self, number: usize) {
        let open = "WorkflowType = 'SpaceliftWebhookWorkflow' AND ExecutionStatus = 'Running'";
        self.wait_for_count("the followers of runs", open, |count| count == number)
            .await;
    }

    async fn wait_for_count(&self, what: &str, query: &str, condition: impl Fn(usize) -> bool) {
        let held = tokio::time::timeout(WAIT_MAX, async {
            while !condition(self.count(query).await) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
        let Ok(()) = held.await else {
            panic!("{what} did not happen:\n{}", self.state().await)
        };
    }

    /// The filter that finds all workflows of this world in Temporal's list.
    pub(crate) fn all_workflows(&self) -> String {
        format!("TaskQueue = '{}'", self.workflows.settings().task_queue)
    }

    async fn count(&self, condition: &str) -> usize {
        let query = format!("{condition} AND {}", self.all_workflows());
        self.workflows
            .client()
            .count_workflows(query, WorkflowCountOptions::default())
            .await
            .unwrap()
            .count()
    }
}
