//! Spillway's workflows, signals and queries by name, for callers that do not link the worker.
//!
//! The worker's own definitions must match these; the whole-system tests call the worker through them.

use temporalio_common::{HasWorkflowDefinition, QueryDefinition, SignalDefinition, WorkflowDefinition};

use chain::AttemptOutcome;
use chain::freeze::Freeze;
use chain::schedule::ScheduleReport;
use chain::{Change, Notice, StackId, schedule::StackReport};

use crate::contract::{
    AuditInput, ChainInput, ChainOrder, ChainReport, Deliveries, ExecutionInput, FollowInput, FollowOutcome,
    FreezeInput, Halt, NotifyInput, ReceivedEvent, RunNotifyInput, RunRef, ScheduleInput, ScheduleMessage,
    SweepInput, SweepOutcome,
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
    /// Follows one Spacelift run to its end, or handles one request, and signals the schedule.
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
    /// One sweep for runs whose webhook was missed.
    ReconcileWorkflow(SweepInput) -> SweepOutcome
);
workflow!(
    /// While it is open, nothing is triggered in the account. Its input says who halted it, and why.
    HaltWorkflow(Halt) -> ()
);

workflow!(
    /// While it is open, nothing that the freeze covers is started.
    FreezeWorkflow(FreezeInput) -> ()
);
workflow!(
    /// Writes a record to the audit log for a workflow that does not wait for the log.
    AuditWorkflow(AuditInput) -> ()
);
workflow!(
    /// Sends messages about one chain.
    NotifyWorkflow(NotifyInput) -> ()
);
workflow!(
    /// Sends the messages about one run that labels of its stack ask for.
    RunNotifyWorkflow(RunNotifyInput) -> ()
);

signal!(
    /// A run changed its state.
    RecordEvent = "record_event" for SpaceliftWebhookWorkflow, ReceivedEvent
);
signal!(
    /// Somebody reports that the run finished, so the run is looked up.
    HandleCompletedRun = "handle_completed_run" for SpaceliftWebhookWorkflow, RunRef
);
signal!(
    /// Somebody reports that the run ended in another way, so the run is looked up.
    HandleFailedRun = "handle_failed_run" for SpaceliftWebhookWorkflow, RunRef
);
signal!(
    /// The run has to be looked up now.
    LookAtRun = "look" for SpaceliftWebhookWorkflow, ()
);
signal!(
    /// An event for the schedule.
    TellSchedule = "tell" for StackScheduleWorkflow, ScheduleMessage
);
signal!(
    /// Changes of stacks of the chain.
    RecordChanges = "record" for StackDependencyChainWorkflow, Vec<Change>
);
signal!(
    /// A person pauses, resumes, approves or cancels the chain.
    OrderChain = "order" for StackDependencyChainWorkflow, ChainOrder
);
signal!(
    /// A message to send.
    SendNotice = "notice" for NotifyWorkflow, Notice
);
signal!(
    /// Halts the account, also if the halt was just lifted.
    HoldHalt = "hold" for HaltWorkflow, Halt
);
signal!(
    /// Allows triggers again.
    LiftHalt = "lift" for HaltWorkflow, String
);

signal!(
    /// Lifts the freeze.
    Thaw = "thaw" for FreezeWorkflow, String
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
    /// The state of a chain.
    ChainState = "state" for StackDependencyChainWorkflow, () => ChainReport
);
query!(
    /// Who halted the account, and why, unless the halt is over.
    HaltState = "state" for HaltWorkflow, () => Option<Halt>
);
query!(
    /// What was delivered to each sink about a chain.
    NotifyDeliveries = "deliveries" for NotifyWorkflow, () => Deliveries
);
query!(
    /// What was delivered to each sink about a run.
    RunNotifyDeliveries = "deliveries" for RunNotifyWorkflow, () => Deliveries
);
query!(
    /// The freeze, unless it is over.
    FreezeState = "state" for FreezeWorkflow, () => Option<Freeze>
);
query!(
    /// Everything that is open in an account.
    ScheduleState = "state" for StackScheduleWorkflow, () => ScheduleReport
);
query!(
    /// The state of one stack, and why it waits.
    StackWhy = "why" for StackScheduleWorkflow, StackId => StackReport
);
