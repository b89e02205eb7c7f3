//! Spillway's workflows, signals and queries by name, for callers that link no worker.
//!
//! The worker's own definitions must agree with these; the whole-system tests call it through them.

use temporalio_common::{HasWorkflowDefinition, QueryDefinition, SignalDefinition, WorkflowDefinition};

use chain::AttemptOutcome;
use chain::schedule::ScheduleReport;
use chain::{Change, StackId, schedule::StackReport};

use crate::contract::{
    ChainInput, ChainReport, ExecutionInput, FollowInput, FollowOutcome, ReceivedEvent, RunRef,
    ScheduleInput, ScheduleMessage, SweepInput, SweepOutcome,
};

macro_rules! workflow {
    ($(#[$doc:meta])* $name:ident($input:ty) -> $output:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl $name {
            pub const NAME: &str = stringify!($name);
        }

        impl WorkflowDefinition for $name {
            type Input = $input;
            type Output = $output;

            fn name(&self) -> &str {
                Self::NAME
            }
        }

        impl HasWorkflowDefinition for $name {
            type Run = Self;
        }
    };
}

macro_rules! signal {
    ($(#[$doc:meta])* $name:ident = $text:literal for $workflow:ty, $input:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl SignalDefinition for $name {
            type Workflow = $workflow;
            type Input = $input;

            fn name(&self) -> &str {
                $text
            }
        }
    };
}

workflow!(
    /// Follows one Spacelift run to its end, or takes one request for a run, and tells the schedule.
    SpaceliftWebhookWorkflow(FollowInput) -> FollowOutcome
);
workflow!(
    /// Decides what runs in an account, when, and on which commit.
    StackScheduleWorkflow(ScheduleInput) -> ()
);
workflow!(
    /// Makes one attempt to run one stack.
    StackExecutionWorkflow(ExecutionInput) -> AttemptOutcome
);
workflow!(
    /// The record of one chain.
    StackDependencyChainWorkflow(ChainInput) -> ChainReport
);
workflow!(
    /// One sweep for runs of which no webhook told.
    ReconcileWorkflow(SweepInput) -> SweepOutcome
);
workflow!(
    /// While it is open, nothing is triggered in the account. It carries the name of who halted it.
    HaltWorkflow(String) -> ()
);

signal!(
    /// A run changed its state.
    RecordEvent = "record_event" for SpaceliftWebhookWorkflow, ReceivedEvent
);
signal!(
    /// Somebody says that the run finished: it is looked at.
    HandleCompletedRun = "handle_completed_run" for SpaceliftWebhookWorkflow, RunRef
);
signal!(
    /// Somebody says that the run ended in another way: it is looked at.
    HandleFailedRun = "handle_failed_run" for SpaceliftWebhookWorkflow, RunRef
);
signal!(
    /// The run is to be looked at now.
    LookAtRun = "look" for SpaceliftWebhookWorkflow, ()
);
signal!(
    /// Something that the schedule has to know.
    TellSchedule = "tell" for StackScheduleWorkflow, ScheduleMessage
);
signal!(
    /// What became of stacks of the chain.
    RecordChanges = "record" for StackDependencyChainWorkflow, Vec<Change>
);
signal!(
    /// Triggers are allowed again.
    LiftHalt = "lift" for HaltWorkflow, String
);

macro_rules! query {
    ($(#[$doc:meta])* $name:ident = $text:literal for $workflow:ty, $input:ty => $output:ty) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl QueryDefinition for $name {
            type Workflow = $workflow;
            type Input = $input;
            type Output = $output;

            fn name(&self) -> &'static str {
                $text
            }
        }
    };
}

query!(
    /// Where a chain stands.
    ChainState = "state" for StackDependencyChainWorkflow, () => ChainReport
);
query!(
    /// Everything that is open in an account.
    ScheduleState = "state" for StackScheduleWorkflow, () => ScheduleReport
);
query!(
    /// What is known of one stack, and why it waits.
    StackWhy = "why" for StackScheduleWorkflow, StackId => StackReport
);
