//! The Temporal schedule of the sweep, which finds finished runs whose webhook was missed.

use std::time::Duration;

use temporalio_client::schedules::{
    CreateScheduleOptions, ScheduleAction, ScheduleError, ScheduleOverlapPolicy, ScheduleSpec,
};
use temporalio_client::tonic::Code;

use crate::contract::{SweepInput, VERSION};
use crate::definition::ReconcileWorkflow;
use crate::{TemporalError, WorkflowClient};

impl WorkflowClient {
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
