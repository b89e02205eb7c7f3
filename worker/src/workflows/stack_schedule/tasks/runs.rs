//! Ends runs and looks them up. Neither delays anything: the next history does what is left.

use temporal_client::contract::{RunLookRequest, RunRef, RunStop, ScheduleInput};

use super::super::super::unlimited_retries;
use super::super::Context;
use super::{Done, Tasks, no_outcome};
use crate::activities::Activities;

impl Tasks {
    /// Looks up a run. The activity signals the schedule itself.
    pub(in super::super) fn look(&mut self, ctx: &Context, input: &ScheduleInput, run: RunRef) {
        let summary = format!("{} of {}", run.run, run.stack);
        let request = RunLookRequest {
            account: input.account.clone(),
            stack: run.stack.clone(),
            run: run.run.clone(),
            reported: None,
            metadata: Vec::new(),
            reported_at_ms: None,
            give_up: false,
            reported_from_outside: false,
        };
        let options = unlimited_retries(&input.timing, summary);
        self.looks.push(run.clone());
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            match ctx
                .execute_activity(Activities::look_at_run, request, options)
                .await
            {
                Ok(_) => Done::Looked { run },
                Err(error) => no_outcome(&error),
            }
        }));
    }

    pub(in super::super) fn looked(&mut self, run: &RunRef) {
        self.looks.retain(|other| other != run);
    }

    pub(in super::super) fn open_looks(&self) -> Vec<RunRef> {
        self.looks.clone()
    }

    /// Ends a run as its state allows. Its end is reported like that of any run.
    pub(in super::super) fn stop(&mut self, ctx: &Context, input: &ScheduleInput, stop: RunStop) {
        let options = unlimited_retries(&input.timing, format!("end {} of {}", stop.run, stop.stack));
        self.stops.push(stop.clone());
        let ctx = ctx.clone();
        self.running.push(Box::pin(async move {
            match ctx
                .execute_activity(Activities::stop_run, stop.clone(), options)
                .await
            {
                Ok(()) => Done::Stopped { stop: Box::new(stop) },
                Err(error) => no_outcome(&error),
            }
        }));
    }

    pub(in super::super) fn stopped(&mut self, stop: &RunStop) {
        self.stops.retain(|other| other != stop);
    }

    pub(in super::super) fn open_stops(&self) -> Vec<RunStop> {
        self.stops.clone()
    }
}
