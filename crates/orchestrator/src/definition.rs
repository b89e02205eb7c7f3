//! Spillway's workflows, signals and queries by name, for callers that link no worker.
//!
//! The worker's own definitions must agree with these; the whole-system tests call it through them.

use temporalio_common::{HasWorkflowDefinition, QueryDefinition, SignalDefinition, WorkflowDefinition};

use crate::contract::{
    ChainInput, ChainOutcome, ChainReport, Claim, Control, ExecutionInput, ExecutionOutcome, FollowInput,
    FollowOutcome, HeardEvent, RunOver, StackBegan, StackEnded, SweepInput, SweepOutcome,
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
    /// Follows one Spacelift run, or one request for a run, to its end and hands it on.
    SpaceliftWebhookWorkflow(FollowInput) -> FollowOutcome
);
workflow!(
    /// Walks one chain.
    StackDependencyChainWorkflow(ChainInput) -> ChainOutcome
);
workflow!(
    /// Runs one stack of a chain.
    StackExecutionWorkflow(ExecutionInput) -> ExecutionOutcome
);

workflow!(
    /// One sweep for runs of which no webhook told.
    ReconcileWorkflow(SweepInput) -> SweepOutcome
);

signal!(
    /// Something was heard of the run.
    RecordEvent = "record_event" for SpaceliftWebhookWorkflow, HeardEvent
);
signal!(
    /// The run belongs to an execution.
    ClaimRun = "claim_run" for SpaceliftWebhookWorkflow, Claim
);
signal!(
    /// The execution's run finished well.
    HandleCompletedRun = "handle_completed_run" for StackExecutionWorkflow, RunOver
);
signal!(
    /// The execution's run ended in any other way.
    HandleFailedRun = "handle_failed_run" for StackExecutionWorkflow, RunOver
);
signal!(
    /// Pause, resume or cancel a chain.
    ControlChain = "control" for StackDependencyChainWorkflow, Control
);

signal!(
    /// One of the chain's stacks has a run, or its run waits for something else than before.
    StackHasRun = "stack_has_run" for StackDependencyChainWorkflow, StackBegan
);
signal!(
    /// An execution ended that was asked to tell its chain so.
    StackHasEnded = "stack_has_ended" for StackDependencyChainWorkflow, StackEnded
);
signal!(
    /// The chain went on in a new history, and wants to be told of the execution's end.
    ReportEnd = "report_end" for StackExecutionWorkflow, ()
);

/// Where a chain stands.
#[derive(Debug, Clone, Copy)]
pub struct ChainState;

impl QueryDefinition for ChainState {
    type Workflow = StackDependencyChainWorkflow;
    type Input = ();
    type Output = ChainReport;

    fn name(&self) -> &'static str {
        "state"
    }
}
