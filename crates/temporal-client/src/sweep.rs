//! The Temporal schedule of the sweep, which finds finished runs whose webhook was missed.

use std::time::Duration;

use futures::StreamExt;
use temporalio_client::WorkflowListOptions;
use temporalio_client::schedules::{
    CreateScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec,
};
use temporalio_client::tonic::Code;

use crate::contract::{SweepInput, VERSION};
use crate::definition::ReconcileWorkflow;
use crate::{TemporalError, WorkflowClient, clock};

/// So many times the pause between sweeps may pass without one that succeeds.
const LATE_AFTER: i64 = 3;

/// The last sweep that succeeded.
#[derive(Debug, Clone, Copy)]
pub struct LastSweep {
    /// In milliseconds since 1970.
    pub began_ms: i64,
    every_ms: i64,
}

impl LastSweep {
    /// Whether the next one should have succeeded long ago.
    pub fn is_late(&self, now_ms: i64) -> bool {
        now_ms - self.began_ms > self.every_ms.saturating_mul(LATE_AFTER)
    }
}

impl WorkflowClient {
    /// `None` if Temporal knows none: it deletes old ones, and a new installation has none.
    pub async fn last_sweep(&self) -> Result<Option<LastSweep>, TemporalError> {
        let query = format!(
            "WorkflowType = '{}' AND ExecutionStatus = 'Completed' AND TaskQueue = '{}'",
            ReconcileWorkflow::NAME,
            self.settings().task_queue
        );
        let options = WorkflowListOptions::builder().limit(1).build();
        let mut found = self.client().list_workflows(query, options);
        let Some(last) = found.next().await else {
            return Ok(None);
        };
        let last = last.map_err(|error| TemporalError::new("find the last sweep", error))?;
        Ok(last.start_time().map(|began| LastSweep {
            began_ms: clock::since_1970_ms(began),
            every_ms: clock::milliseconds(self.settings().sweep_every),
        }))
    }

    /// Creates or updates the schedule, so that a sweep begins this often. One schedule serves all workers of a task
    /// queue.
    ///
    /// `since_ms` is part of its input: runs that finished before Spillway was deployed start nothing.
    pub async fn schedule_sweeps(&self, every: Duration, since_ms: i64) -> Result<(), TemporalError> {
        let schedule = format!("reconcile:{}", self.settings().task_queue);
        let input = SweepInput {
            version: VERSION,
            since_ms,
            timing: self.settings().timing.clone(),
        };
        let action = ScheduleAction::start_workflow(
            ReconcileWorkflow,
            input,
            &self.settings().task_queue,
            schedule.clone(),
        );
        let options = CreateScheduleOptions::builder()
            .action(action)
            .spec(ScheduleSpec::from_interval(every))
            .overlap_policy(ScheduleOverlapPolicy::Skip)
            .note("Finds finished runs whose webhook was missed")
            .build();
        let set = match self.client().create_schedule(&schedule, options).await {
            Err(ScheduleError::Rpc(status)) if status.code() == Code::AlreadyExists => {
                let handle = self.client().get_schedule_handle(&schedule);
                let change = move |update: &mut temporalio_client::schedules::ScheduleUpdate| {
                    update.set_spec(ScheduleSpec::from_interval(every));
                };
                handle.update(change, Default::default()).await
            }
            created => created.map(|_| ()),
        };
        set.map_err(|error| TemporalError::new(format!("set the schedule `{schedule}` of the sweep"), error))
    }
}
